package helm

import (
	"fmt"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// checkContainers checks that the pod has the volumes that its containers mount, and the ports that
// their probes use.
func checkContainers(pod corev1.PodTemplateSpec) error {
	volumes := make(map[string]bool)
	for _, volume := range pod.Spec.Volumes {
		volumes[volume.Name] = true
	}
	for _, c := range pod.Spec.Containers {
		for _, mount := range c.VolumeMounts {
			if !volumes[mount.Name] {
				return fmt.Errorf("container %s mounts the unknown volume %s", c.Name, mount.Name)
			}
		}
		for _, probe := range []*corev1.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
			if probe != nil && !hasPort(pod, probe.HTTPGet.Port) {
				return fmt.Errorf("container %s has no port %v", c.Name, &probe.HTTPGet.Port)
			}
		}
	}
	return nil
}

func hasPort(pod corev1.PodTemplateSpec, port intstr.IntOrString) bool {
	for _, c := range pod.Spec.Containers {
		for _, p := range c.Ports {
			if port == intstr.FromString(p.Name) || port == intstr.FromInt32(p.ContainerPort) {
				return true
			}
		}
	}
	return false
}

// checkReferences checks that an object selects the pods of exactly one template, and that they
// have the ports to which the object refers.
func checkReferences(object runtime.Object, pods []corev1.PodTemplateSpec) error {
	by, ports := referencesOf(object)
	if by == nil {
		return nil
	}
	selector, err := metav1.LabelSelectorAsSelector(by)
	if err != nil {
		return err
	}
	var selected []corev1.PodTemplateSpec
	for _, pod := range pods {
		if selector.Matches(labels.Set(pod.Labels)) {
			selected = append(selected, pod)
		}
	}
	if len(selected) != 1 {
		return fmt.Errorf("%s selects the pods of %d templates, want 1", selector, len(selected))
	}
	for _, port := range ports {
		if !hasPort(selected[0], port) {
			return fmt.Errorf("the pods have no port %v", &port)
		}
	}
	return nil
}

// referencesOf returns the selector and the ports by which an object refers to pods. The selector
// is nil if the object does not refer to pods.
func referencesOf(object runtime.Object) (*metav1.LabelSelector, []intstr.IntOrString) {
	var ports []intstr.IntOrString
	switch o := object.(type) {
	case *appsv1.StatefulSet:
		return o.Spec.Selector, nil
	case *policyv1.PodDisruptionBudget:
		return o.Spec.Selector, nil
	case *corev1.Service:
		for _, port := range o.Spec.Ports {
			ports = append(ports, port.TargetPort)
		}
		return &metav1.LabelSelector{MatchLabels: o.Spec.Selector}, ports
	case *networkingv1.NetworkPolicy:
		for _, rule := range o.Spec.Ingress {
			for _, port := range rule.Ports {
				ports = append(ports, *port.Port)
			}
		}
		return &o.Spec.PodSelector, ports
	case *monitoringv1.PodMonitor:
		for _, endpoint := range o.Spec.PodMetricsEndpoints {
			ports = append(ports, intstr.FromString(*endpoint.Port))
		}
		return &o.Spec.Selector, ports
	}
	return nil, nil
}
