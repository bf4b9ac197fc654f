package kubernetes

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	// The tool controller-gen reads the types in these packages.
	_ "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	_ "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
)

const (
	chart = "../../deploy/helm"
	helm  = "../../.tools/bin/helm"
	crds  = "../../.tools/crds/*.yaml"
)

// cluster contains the objects that the sets of values expect in the cluster. The API server
// rejects pods that violate the Pod Security Standard, and warns of pod templates that do.
const cluster = `
apiVersion: v1
kind: Namespace
metadata:
  name: monitoring
  labels:
    pod-security.kubernetes.io/enforce: restricted
    pod-security.kubernetes.io/warn: restricted
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: monitoring}
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: monitoring}
value: 1000
`

func decode(t *testing.T, documents []byte) []*unstructured.Unstructured {
	t.Helper()
	var objects []*unstructured.Unstructured
	for reader := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(documents))); ; {
		text, err := reader.Read()
		if err == io.EOF {
			return objects
		}
		object := new(unstructured.Unstructured)
		if err == nil {
			err = yaml.UnmarshalStrict(text, &object.Object)
		}
		if err != nil {
			t.Fatalf("%v in:\n%s", err, text)
		}
		if object.Object != nil {
			objects = append(objects, object)
		}
	}
}

// glob returns the names of the files that match the pattern. It fails if there are fewer than
// number.
func glob(t *testing.T, pattern string, number int) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) < number {
		t.Fatalf("got the files %q for %s, %v; want at least %d", files, pattern, err, number)
	}
	return files
}

// render returns the objects of the chart, and a pod for each pod template.
func render(t *testing.T, values string) []*unstructured.Unstructured {
	t.Helper()
	args := []string{"template", "greenapi-exporter", chart, "--namespace=monitoring",
		"--values=" + values}
	if strings.Contains(values, "openshift") {
		args = append(args, "--api-versions=security.openshift.io/v1")
	}
	command := exec.CommandContext(t.Context(), helm, args...)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	objects := decode(t, out)
	var pods []*unstructured.Unstructured
	for _, object := range objects {
		if pod := podOf(object); pod != nil {
			pods = append(pods, pod)
		}
	}
	if len(pods) == 0 {
		t.Fatal("no object creates pods")
	}
	return append(objects, pods...)
}

// podOf returns a pod that the object creates, or nil.
func podOf(object *unstructured.Unstructured) *unstructured.Unstructured {
	template, found, _ := unstructured.NestedMap(object.Object, "spec", "template")
	if !found {
		return nil
	}
	pod := &unstructured.Unstructured{Object: template}
	pod.SetAPIVersion("v1")
	pod.SetKind("Pod")
	pod.SetName(object.GetName() + "-0")
	pod.SetNamespace(object.GetNamespace())
	volumes, _, _ := unstructured.NestedSlice(template, "spec", "volumes")
	claims, _, _ := unstructured.NestedSlice(object.Object, "spec", "volumeClaimTemplates")
	for _, claim := range claims {
		name, _, _ := unstructured.NestedString(claim.(map[string]any), "metadata", "name")
		volumes = append(volumes, map[string]any{"name": name,
			"persistentVolumeClaim": map[string]any{"claimName": name + "-" + pod.GetName()}})
	}
	if err := unstructured.SetNestedSlice(template, volumes, "spec", "volumes"); err != nil {
		panic(err)
	}
	return pod
}

// TestAPIServerAcceptsTheChart sends the objects with each set of values, and pods that the objects
// create. The API server validates them, but does not store them.
func TestAPIServerAcceptsTheChart(t *testing.T) {
	s := start(t)
	s.create(t, decode(t, []byte(cluster)))
	for _, file := range glob(t, crds, 10) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s.create(t, decode(t, text))
	}
	for _, values := range glob(t, chart+"/ci/*-values.yaml", 6) {
		t.Run(filepath.Base(values), func(t *testing.T) {
			for _, object := range render(t, values) {
				err := s.apply(t.Context(), object, metav1.DryRunAll)
				if err != nil {
					t.Errorf("%s %s: %v", object.GetKind(), object.GetName(), err)
				}
				t.Log(object.GetKind(), object.GetName())
			}
		})
	}
	t.Run("refused", func(t *testing.T) { testRefused(t, s) })
}

// testRefused changes one field of an accepted object in each case. The error must name the field.
func testRefused(t *testing.T, s *server) {
	valid := map[string]*unstructured.Unstructured{}
	for _, object := range render(t, chart+"/ci/one-values.yaml") {
		valid[object.GetKind()] = object
	}
	for _, c := range []struct {
		kind, field string
		value       any
	}{
		{"StatefulSet", "spec.replica", int64(1)},                  // unknown
		{"StatefulSet", "spec.replicas", int64(-1)},                // invalid
		{"StatefulSet", "spec.template.spec.hostNetwork", true},    // a warning
		{"Pod", "spec.hostNetwork", true},                          // not restricted
		{"PodMonitor", "spec.path", "/metrics"},                    // unknown to the operator
		{"PrometheusRule", "spec.groups", []any{map[string]any{}}}, // no name
	} {
		object := valid[c.kind].DeepCopy()
		fields := strings.Split(c.field, ".")
		if err := unstructured.SetNestedField(object.Object, c.value, fields...); err != nil {
			t.Fatal(err)
		}
		err := s.apply(t.Context(), object, metav1.DryRunAll)
		if err == nil || !strings.Contains(err.Error(), fields[len(fields)-1]) {
			t.Errorf("%s with %s %v: %v", c.kind, c.field, c.value, err)
		}
		t.Log(err)
	}
}
