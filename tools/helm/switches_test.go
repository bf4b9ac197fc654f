package helm

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// TestSwitchesAddObjects checks that each switch adds only its own objects.
func TestSwitchesAddObjects(t *testing.T) {
	types := func(args ...string) []string {
		var names []string
		for _, object := range render(t, "minimal", args...) {
			name := fmt.Sprintf("%T", object)
			names = append(names, name[strings.LastIndex(name, ".")+1:])
		}
		return names
	}
	none := types()
	for set, added := range map[string][]string{
		"persistence.enabled=true":         nil, // part of the StatefulSet
		"podDisruptionBudget.enabled=true": {"PodDisruptionBudget"},
		"networkPolicy.enabled=true":       {"NetworkPolicy"},
		"prometheus.scrape=PodMonitor":     {"PodMonitor"},
		"prometheus.scrape=ScrapeConfig":   {"ScrapeConfig", "ScrapeConfig"},
		"prometheus.scrape=ConfigMap":      {"ConfigMap"},
		"prometheus.rules.enabled=true":    {"PrometheusRule"},
		"dashboard.enabled=true":           {"ConfigMap"},
		"tokens.create.x=y":                {"Secret"},
	} {
		want := slices.Sorted(slices.Values(slices.Concat(none, added)))
		if got := slices.Sorted(slices.Values(types("--set=" + set))); !slices.Equal(got, want) {
			t.Errorf("%s: the objects are %q, want %q", set, got, want)
		}
	}
}

// TestGrafanaFindsTheDashboard checks the label of the sidecar, and that the dashboard is complete.
func TestGrafanaFindsTheDashboard(t *testing.T) {
	text, err := os.ReadFile("../../grafana-dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	parse := func(text string) (dashboard any) {
		if err := json.Unmarshal([]byte(text), &dashboard); err != nil {
			t.Error(err)
		}
		return dashboard
	}
	for _, object := range render(t, "one") {
		o, ok := object.(*corev1.ConfigMap)
		if !ok || o.Labels["grafana_dashboard"] != "1" {
			continue
		}
		if !reflect.DeepEqual(parse(o.Data["greenapi.json"]), parse(string(text))) {
			t.Error("the ConfigMap has another dashboard")
		}
		if o.Annotations["grafana_folder"] != "WhatsApp" {
			t.Errorf("the annotations are %v", o.Annotations)
		}
		return
	}
	t.Error("no ConfigMap has the label")
}

// TestPackagedChartHasItsImage checks the chart that a release publishes.
func TestPackagedChartHasItsImage(t *testing.T) {
	dir := t.TempDir()
	script := exec.CommandContext(t.Context(), "sh", "tools/release/package-chart.sh",
		"registry.example.com/exporter", dir)
	script.Dir = "../.."
	if out, err := script.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	packages, err := filepath.Glob(filepath.Join(dir, "greenapi-exporter-*.tgz"))
	if err != nil || len(packages) != 1 {
		t.Fatalf("the packages are %q, %v", packages, err)
	}
	version, err := os.ReadFile("../../VERSION")
	if err != nil {
		t.Fatal(err)
	}
	objects, err := decode(mustRun(t, "helm", "template", "x", packages[0],
		"--set=config.partner.token_env=TOKEN", "--set=dashboard.enabled=true",
		"--set=prometheus.rules.enabled=true"))
	if err != nil {
		t.Fatal(err)
	}
	want := "registry.example.com/exporter:" + strings.TrimSpace(string(version))
	pod := find[*appsv1.StatefulSet](t, objects).Spec.Template.Spec
	if got := pod.Containers[0].Image; got != want {
		t.Errorf("the image is %s, want %s", got, want)
	}
}
