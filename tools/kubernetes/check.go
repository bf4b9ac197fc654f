package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	psa "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// image is what the Dockerfile says of who runs and what is open.
type image struct {
	user, group int64
	port        int32
}

var (
	userLine = regexp.MustCompile(`(?m)^USER (\d+):(\d+)$`)
	portLine = regexp.MustCompile(`(?m)^EXPOSE (\d+)$`)
	pinned   = regexp.MustCompile(`:v?[0-9]+\.[0-9]+(\.[0-9]+)?$`)
)

func readImage(dockerfile string) (image, error) {
	text, err := os.ReadFile(dockerfile)
	if err != nil {
		return image{}, err
	}
	user, port := userLine.FindSubmatch(text), portLine.FindSubmatch(text)
	if user == nil || port == nil {
		return image{}, fmt.Errorf("%s has no line USER ID:ID or no line EXPOSE PORT", dockerfile)
	}
	number := func(digits []byte) int64 {
		n, _ := strconv.ParseInt(string(digits), 10, 32)
		return n
	}
	return image{number(user[1]), number(user[2]), int32(number(port[1]))}, nil
}

// check compares what the manifests say of each other, and of the image; what they need besides is in the manual.
func (m *manifests) check(image image, manual string) (errs []error) {
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	set := m.sets[0]
	pod, own := set.Spec.Template.Spec, labels.Set(set.Spec.Template.Labels)
	if !selects(set.Spec.Selector, own) {
		wrong("the StatefulSet does not select its own pods")
	}
	if !slices.ContainsFunc(m.services, func(s *corev1.Service) bool {
		return s.Name == set.Spec.ServiceName && s.Spec.ClusterIP == corev1.ClusterIPNone
	}) {
		wrong("there is no headless Service %q to name the pods", set.Spec.ServiceName)
	}
	for _, s := range m.services {
		if s.Namespace != set.Namespace || len(s.Spec.Selector) == 0 || !labels.SelectorFromSet(s.Spec.Selector).Matches(own) {
			wrong("Service %s does not select the pods", s.Name)
		}
		for _, port := range s.Spec.Ports {
			if !opens(pod, port.TargetPort) {
				wrong("Service %s leads to a port that no container has: %s", s.Name, port.TargetPort.String())
			}
		}
	}
	if len(m.policies) == 0 || len(m.budgets) == 0 {
		wrong("a NetworkPolicy or a PodDisruptionBudget is missing")
	}
	for _, p := range m.policies {
		if p.Namespace != set.Namespace || !selects(&p.Spec.PodSelector, own) {
			wrong("NetworkPolicy %s does not select the pods", p.Name)
		}
		for _, rule := range p.Spec.Ingress {
			for _, port := range rule.Ports {
				if port.Port == nil || !opens(pod, *port.Port) {
					wrong("NetworkPolicy %s opens a port that no container has", p.Name)
				}
			}
		}
	}
	for _, b := range m.budgets {
		if b.Namespace != set.Namespace || !selects(b.Spec.Selector, own) {
			wrong("PodDisruptionBudget %s does not select the pods", b.Name)
		}
	}
	for _, c := range pod.TopologySpreadConstraints {
		if !selects(c.LabelSelector, own) {
			wrong("a topologySpreadConstraint does not select the pods")
		}
	}
	s := pod.SecurityContext
	if s == nil || s.RunAsUser == nil || *s.RunAsUser != image.user || s.RunAsGroup == nil || *s.RunAsGroup != image.group ||
		s.FSGroup == nil || *s.FSGroup != image.group {
		wrong("the pod does not run as the image's user and group, %d:%d", image.user, image.group)
	}
	if !opens(pod, intstr.FromInt32(image.port)) {
		wrong("no container has the image's port %d", image.port)
	}
	errs = append(errs, checkVolumes(set, m.configs)...)
	for _, v := range pod.Volumes {
		for _, secret := range secrets(v) {
			if !strings.Contains(manual, "create secret generic "+secret+" -n "+set.Namespace+" ") {
				wrong("the manual does not say how to create the Secret %s", secret)
			}
		}
	}
	return append(errs, checkPod(&set.Spec.Template.ObjectMeta, pod)...)
}

// checkVolumes checks that what is mounted is there, that what is there is mounted, and that ledgers go onto a volume.
func checkVolumes(set *appsv1.StatefulSet, configs []*corev1.ConfigMap) (errs []error) {
	pod := set.Spec.Template.Spec
	volumes := make(map[string]bool) // whether it is mounted
	for _, v := range pod.Volumes {
		volumes[v.Name] = false
		if v.Projected == nil {
			continue
		}
		for _, source := range v.Projected.Sources {
			if source.ConfigMap != nil && !slices.ContainsFunc(configs, func(c *corev1.ConfigMap) bool { return c.Name == source.ConfigMap.Name }) {
				errs = append(errs, fmt.Errorf("volume %s: there is no ConfigMap %s", v.Name, source.ConfigMap.Name))
			}
		}
	}
	for _, claim := range set.Spec.VolumeClaimTemplates {
		volumes[claim.Name] = false
		if !slices.ContainsFunc(pod.Containers[0].VolumeMounts, func(m corev1.VolumeMount) bool {
			return m.Name == claim.Name && slices.Contains(pod.Containers[0].Args, "--storage.path="+m.MountPath)
		}) {
			errs = append(errs, fmt.Errorf("the ledgers are not on the volume %s", claim.Name))
		}
	}
	for _, mount := range pod.Containers[0].VolumeMounts {
		if _, ok := volumes[mount.Name]; !ok {
			errs = append(errs, fmt.Errorf("there is no volume %s to mount", mount.Name))
		}
		volumes[mount.Name] = true
	}
	for name, mounted := range volumes {
		if !mounted {
			errs = append(errs, fmt.Errorf("volume %s is not mounted", name))
		}
	}
	return errs
}

// checkPods checks pods that are no part of the StatefulSet, and that the claims that they name are its own.
func (m *manifests) checkPods(set *appsv1.StatefulSet) (errs []error) {
	for _, p := range m.pods {
		errs = append(errs, checkPod(&p.ObjectMeta, p.Spec)...)
		for n, v := range p.Spec.Volumes {
			if want := fmt.Sprintf("%s-%s-%d", set.Spec.VolumeClaimTemplates[0].Name, set.Name, n); v.PersistentVolumeClaim == nil || v.PersistentVolumeClaim.ClaimName != want {
				errs = append(errs, fmt.Errorf("volume %d of pod %s is not the claim %s", n, p.Name, want))
			}
		}
	}
	return errs
}

// probed are what the exporter has for probes.
var probed = []string{"/-/healthy", "/-/ready"}

// checkPod checks a pod by the restricted Pod Security Standard, its images, its probes, and what Kubernetes would give it
// unasked.
func checkPod(meta *metav1.ObjectMeta, pod corev1.PodSpec) (errs []error) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return []error{err}
	}
	latest := psa.LevelVersion{Level: psa.LevelRestricted, Version: psa.LatestVersion()}
	for _, result := range evaluator.EvaluatePod(latest, meta, &pod) {
		if !result.Allowed {
			errs = append(errs, fmt.Errorf("pod %s is not restricted: %s: %s", meta.Name, result.ForbiddenReason, result.ForbiddenDetail))
		}
	}
	if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
		errs = append(errs, errors.New("a pod gets a token of Kubernetes"))
	}
	for _, c := range pod.Containers {
		if !pinned.MatchString(c.Image) {
			errs = append(errs, fmt.Errorf("image %q is not pinned to a version", c.Image))
		}
		if c.SecurityContext == nil || c.SecurityContext.ReadOnlyRootFilesystem == nil || !*c.SecurityContext.ReadOnlyRootFilesystem {
			errs = append(errs, fmt.Errorf("container %s can write its root", c.Name))
		}
		for _, probe := range []*corev1.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
			if probe != nil && (probe.HTTPGet == nil || !opens(pod, probe.HTTPGet.Port) || !slices.Contains(probed, probe.HTTPGet.Path)) {
				errs = append(errs, fmt.Errorf("a probe of container %s goes to a port or a path that it has not", c.Name))
			}
		}
	}
	return errs
}

func selects(selector *metav1.LabelSelector, pod labels.Set) bool {
	s, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && !s.Empty() && s.Matches(pod)
}

// opens reports whether a container has the port, by name or number.
func opens(pod corev1.PodSpec, port intstr.IntOrString) bool {
	for _, c := range pod.Containers {
		for _, p := range c.Ports {
			if port.Type == intstr.String && p.Name == port.StrVal || port.Type == intstr.Int && p.ContainerPort == port.IntVal {
				return true
			}
		}
	}
	return false
}

// mounts reports whether a volume has a ConfigMap in it.
func mounts(pod corev1.PodSpec, volume, config string) bool {
	return slices.ContainsFunc(pod.Volumes, func(v corev1.Volume) bool {
		return v.Name == volume && v.Projected != nil && slices.ContainsFunc(v.Projected.Sources, func(s corev1.VolumeProjection) bool {
			return s.ConfigMap != nil && s.ConfigMap.Name == config
		})
	})
}

// secrets are the names of those in a volume.
func secrets(v corev1.Volume) (names []string) {
	if v.Projected != nil {
		for _, source := range v.Projected.Sources {
			if source.Secret != nil {
				names = append(names, source.Secret.Name)
			}
		}
	}
	return names
}
