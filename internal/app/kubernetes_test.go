package app

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const kubernetesDir = "../../deploy/kubernetes/"

// podSpec is the part of a pod that these tests check.
type podSpec struct {
	AutomountToken  *bool `yaml:"automountServiceAccountToken"`
	HostNetwork     bool  `yaml:"hostNetwork"`
	HostPID         bool  `yaml:"hostPID"`
	HostIPC         bool  `yaml:"hostIPC"`
	SecurityContext struct {
		RunAsNonRoot   bool                  `yaml:"runAsNonRoot"`
		RunAsUser      int                   `yaml:"runAsUser"`
		RunAsGroup     int                   `yaml:"runAsGroup"`
		FSGroup        int                   `yaml:"fsGroup"`
		SeccompProfile struct{ Type string } `yaml:"seccompProfile"`
	} `yaml:"securityContext"`
	Containers []container
	Volumes    []struct {
		Name                  string
		HostPath              any `yaml:"hostPath"`
		PersistentVolumeClaim struct {
			ClaimName string `yaml:"claimName"`
		} `yaml:"persistentVolumeClaim"`
		Projected struct {
			Sources []struct {
				ConfigMap struct{ Name string } `yaml:"configMap"`
				Secret    struct{ Name string }
			}
		}
	}
}

type container struct {
	Name, Image string
	Args        []string
	Ports       []struct {
		Name string
		Port int `yaml:"containerPort"`
	}
	SecurityContext struct {
		AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
		ReadOnlyRootFilesystem   bool  `yaml:"readOnlyRootFilesystem"`
		Privileged               bool
		Capabilities             struct{ Add, Drop []string }
	} `yaml:"securityContext"`
	StartupProbe   probe `yaml:"startupProbe"`
	LivenessProbe  probe `yaml:"livenessProbe"`
	ReadinessProbe probe `yaml:"readinessProbe"`
	VolumeMounts   []struct {
		Name string
		Path string `yaml:"mountPath"`
	} `yaml:"volumeMounts"`
}

type probe struct {
	HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
}

type labelSelector struct {
	MatchLabels map[string]string `yaml:"matchLabels"`
}

// statefulSet is the part of the StatefulSet that these tests check.
type statefulSet struct {
	Metadata struct{ Name string }
	Spec     struct {
		Replicas             int
		ServiceName          string `yaml:"serviceName"`
		Selector             labelSelector
		VolumeClaimTemplates []struct {
			Metadata struct{ Name string }
		} `yaml:"volumeClaimTemplates"`
		Template struct {
			Metadata struct{ Labels map[string]string }
			Spec     podSpec
		}
	}
}

func readStatefulSet(t *testing.T) statefulSet {
	t.Helper()
	var set statefulSet
	readYAML(t, kubernetesDir+"statefulset.yaml", &set)
	if len(set.Spec.Template.Spec.Containers) != 1 || len(set.Spec.VolumeClaimTemplates) != 1 {
		t.Fatal("the StatefulSet must have one container and one volume claim")
	}
	return set
}

type kustomization struct {
	Namespace string
	Images    []struct {
		Name string
		Tag  string `yaml:"newTag"`
	}
	ConfigMaps []struct{ Name string } `yaml:"configMapGenerator"`
}

func readKustomization(t *testing.T) kustomization {
	t.Helper()
	var k kustomization
	readYAML(t, kubernetesDir+"kustomization.yaml", &k)
	return k
}

// checkRestricted checks a pod against the restricted Pod Security Standard, as far as the
// manifests use it. https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
func checkRestricted(t *testing.T, pod podSpec) {
	t.Helper()
	s := pod.SecurityContext
	if pod.HostNetwork || pod.HostPID || pod.HostIPC || !s.RunAsNonRoot || s.RunAsUser == 0 ||
		s.SeccompProfile.Type != "RuntimeDefault" {
		t.Errorf("the pod is not restricted: %+v", pod)
	}
	if pod.AutomountToken == nil || *pod.AutomountToken {
		t.Error("the pod mounts a service account token")
	}
	for _, c := range pod.Containers {
		s := c.SecurityContext
		if s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || s.Privileged ||
			!s.ReadOnlyRootFilesystem || s.Capabilities.Add != nil ||
			!slices.Equal(s.Capabilities.Drop, []string{"ALL"}) {
			t.Errorf("the container %s is not restricted: %+v", c.Name, s)
		}
	}
	for _, v := range pod.Volumes {
		if v.HostPath != nil {
			t.Errorf("the volume %s is a hostPath", v.Name)
		}
	}
}

func TestPodsAreRestrictedAndRunAsTheImageDoes(t *testing.T) {
	var reshard struct{ Spec podSpec }
	readYAML(t, kubernetesDir+"reshard.yaml", &reshard)
	set := readStatefulSet(t)
	dockerfile, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	pod := set.Spec.Template.Spec
	for _, pod := range []podSpec{pod, reshard.Spec} {
		checkRestricted(t, pod)
		s := pod.SecurityContext
		user := fmt.Sprintf("\nUSER %d:%d\n", s.RunAsUser, s.FSGroup)
		if !strings.Contains(string(dockerfile), user) || s.RunAsGroup != s.FSGroup {
			t.Errorf("the Dockerfile has no line %q", user)
		}
	}
	c := pod.Containers[0]
	expose := fmt.Sprintf("\nEXPOSE %d\n", c.Ports[0].Port)
	if !strings.Contains(string(dockerfile), expose) {
		t.Errorf("the Dockerfile has no line %q", expose)
	}
	for _, p := range []probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
		paths := []string{"/-/healthy", "/-/ready"}
		if p.HTTPGet.Port != c.Ports[0].Name || !slices.Contains(paths, p.HTTPGet.Path) {
			t.Errorf("a probe requests %+v", p.HTTPGet)
		}
	}
	k := readKustomization(t)
	if len(k.Images) != 1 || k.Images[0].Name != c.Image ||
		!pinnedImage.MatchString(":"+k.Images[0].Tag) {
		t.Errorf("kustomization.yaml must pin the image %s: %+v", c.Image, k.Images)
	}
	if shell := reshard.Spec.Containers[0].Image; !pinnedImage.MatchString(shell) {
		t.Errorf("reshard.yaml must pin the image %s", shell)
	}
}

func TestSelectorsAndPortsMatchThePods(t *testing.T) {
	set := readStatefulSet(t)
	want := fmt.Sprint(set.Spec.Template.Metadata.Labels)
	port := set.Spec.Template.Spec.Containers[0].Ports[0]
	check := func(object string, labels map[string]string) {
		if fmt.Sprint(labels) != want {
			t.Errorf("%s selects %v, the pods have %s", object, labels, want)
		}
	}
	check("the StatefulSet", set.Spec.Selector.MatchLabels)
	var budget struct {
		Spec struct{ Selector labelSelector }
	}
	readYAML(t, kubernetesDir+"poddisruptionbudget.yaml", &budget)
	check("the PodDisruptionBudget", budget.Spec.Selector.MatchLabels)
	var policy struct {
		Spec struct {
			PodSelector labelSelector `yaml:"podSelector"`
			Ingress     []struct{ Ports []struct{ Port string } }
		}
	}
	readYAML(t, kubernetesDir+"networkpolicy.yaml", &policy)
	check("the NetworkPolicy", policy.Spec.PodSelector.MatchLabels)
	if policy.Spec.Ingress[0].Ports[0].Port != port.Name {
		t.Errorf("the NetworkPolicy opens %+v, the port is %s", policy.Spec.Ingress, port.Name)
	}
	headless := false
	for _, s := range readServices(t) {
		check("the Service "+s.Metadata.Name, s.Spec.Selector)
		if p := s.Spec.Ports[0]; p.TargetPort != port.Name || p.Port != port.Port {
			t.Errorf("the Service %s has the port %+v", s.Metadata.Name, p)
		}
		headless = headless || s.Metadata.Name == set.Spec.ServiceName && s.Spec.ClusterIP == "None"
	}
	if !headless {
		t.Errorf("there is no headless Service %s", set.Spec.ServiceName)
	}
}

type service struct {
	Metadata struct{ Name string }
	Spec     struct {
		ClusterIP string `yaml:"clusterIP"`
		Selector  map[string]string
		Ports     []struct {
			Port       int
			TargetPort string `yaml:"targetPort"`
		}
	}
}

func readServices(t *testing.T) (services []service) {
	t.Helper()
	file, err := os.Open(kubernetesDir + "services.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for d := yaml.NewDecoder(file); ; {
		var s service
		if err := d.Decode(&s); err != nil {
			return services
		}
		services = append(services, s)
	}
}

// TestPodStartsWithTheShippedConfiguration runs --config.check with the container's arguments and
// the files that the pod mounts.
func TestPodStartsWithTheShippedConfiguration(t *testing.T) {
	set, dir := readStatefulSet(t), t.TempDir()
	pod := set.Spec.Template.Spec
	text, err := os.ReadFile(kubernetesDir + "greenapi.yml")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"greenapi.yml": string(text)}
	tokenFiles := regexp.MustCompile(`(?m)^[ -]*token_file: ([^/\s]+)$`)
	for _, match := range tokenFiles.FindAllStringSubmatch(string(text), -1) {
		files[match[1]] = "not-a-real-token"
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ledgers := set.Spec.VolumeClaimTemplates[0].Metadata.Name
	mounts := make(map[string]string)
	for _, m := range pod.Containers[0].VolumeMounts {
		mounts[m.Name] = m.Path
	}
	config := pod.Volumes[0]
	if len(mounts) != 2 || len(pod.Volumes) != 1 || mounts[config.Name] == "" ||
		!slices.Contains(pod.Containers[0].Args, "--storage.path="+mounts[ledgers]) {
		t.Fatalf("mounts are %v, the claim is %s, volumes are %+v", mounts, ledgers, pod.Volumes)
	}
	paths := strings.NewReplacer(
		"="+mounts[ledgers], "="+t.TempDir(), "="+mounts[config.Name], "="+dir)
	var args []string
	for _, arg := range pod.Containers[0].Args {
		args = append(args, paths.Replace(arg))
	}
	checkCommandLine(t, args)

	k := readKustomization(t)
	sources := config.Projected.Sources
	readme, err := os.ReadFile(kubernetesDir + "README.md")
	if err != nil {
		t.Fatal(err)
	}
	if len(sources) != 2 || len(k.ConfigMaps) != 1 ||
		sources[0].ConfigMap.Name != k.ConfigMaps[0].Name {
		t.Fatalf("the volume has %+v, kustomization.yaml generates %+v", sources, k.ConfigMaps)
	}
	command := fmt.Sprintf("create secret generic %s -n %s ", sources[1].Secret.Name, k.Namespace)
	if !strings.Contains(string(readme), command) {
		t.Errorf("README.md does not have the command %q", command)
	}
}

// TestScrapeJobsFollowTheReplicas compares scrape.yml and reshard.yaml with the names and the
// number of the pods.
func TestScrapeJobsFollowTheReplicas(t *testing.T) {
	var scrape struct {
		Jobs []struct {
			Name      string                       `yaml:"job_name"`
			Discovery []struct{ URL string }       `yaml:"http_sd_configs"`
			Static    []struct{ Targets []string } `yaml:"static_configs"`
			Relabel   []struct {
				Action, Replacement string
				Modulus             int
				Target              string `yaml:"target_label"`
			} `yaml:"relabel_configs"`
		} `yaml:"scrape_configs"`
	}
	readYAML(t, kubernetesDir+"scrape.yml", &scrape)
	set, namespace := readStatefulSet(t), readKustomization(t).Namespace
	port := set.Spec.Template.Spec.Containers[0].Ports[0].Port
	address := func(pod any) string {
		return fmt.Sprintf("%s-%v.%s.%s.svc:%d",
			set.Metadata.Name, pod, set.Spec.ServiceName, namespace, port)
	}
	if len(scrape.Jobs) != 2 {
		t.Fatalf("there are %d jobs, want one for instances and one for exporters",
			len(scrape.Jobs))
	}
	instances, exporters := scrape.Jobs[0], scrape.Jobs[1]
	for _, job := range scrape.Jobs {
		if !strings.HasPrefix(job.Name, "greenapi") {
			t.Errorf("the alerts select no job %s", job.Name)
		}
	}
	discovery := readServices(t)[1].Metadata.Name
	list := fmt.Sprintf("http://%s.%s.svc:%d/sd", discovery, namespace, port)
	if got := instances.Discovery[0].URL; got != list {
		t.Errorf("the list comes from %s, want %s", got, list)
	}
	replicas, rules := set.Spec.Replicas, instances.Relabel
	if rules[0].Action != "hashmod" || rules[0].Modulus != replicas ||
		rules[1].Target != "__address__" || rules[1].Replacement != address("${1}") {
		t.Errorf("relabeling is %+v, want hashmod by %d and %s", rules, replicas, address("${1}"))
	}
	var want []string
	for n := range replicas {
		want = append(want, address(n))
	}
	if got := exporters.Static[0].Targets; !slices.Equal(got, want) {
		t.Errorf("Prometheus scrapes %v, the exporters are %v", got, want)
	}
	var reshard struct{ Spec podSpec }
	readYAML(t, kubernetesDir+"reshard.yaml", &reshard)
	for n, v := range reshard.Spec.Volumes {
		claim := set.Spec.VolumeClaimTemplates[0].Metadata.Name
		want := fmt.Sprintf("%s-%s-%d", claim, set.Metadata.Name, n)
		if got := v.PersistentVolumeClaim.ClaimName; got != want {
			t.Errorf("volume %d of reshard.yaml is %s, want %s", n, got, want)
		}
	}
}
