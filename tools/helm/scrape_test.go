package helm

import (
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// job is a scrape job of Prometheus.
type job struct {
	Name      string              `json:"job_name"`
	Interval  string              `json:"scrape_interval"`
	Timeout   string              `json:"scrape_timeout"`
	Discovery []map[string]string `json:"http_sd_configs"`
	Static    []struct {
		Targets []string `json:"targets"`
	} `json:"static_configs"`
	Relabel []map[string]any `json:"relabel_configs"`
}

var upper = regexp.MustCompile(`[A-Z]`)

// jobOf returns the scrape job that the Prometheus Operator creates from config. It supports only
// the fields that the chart uses.
func jobOf(t *testing.T, config *v1alpha1.ScrapeConfig) job {
	t.Helper()
	spec := config.Spec
	result := job{Name: *spec.JobName, Interval: string(*spec.ScrapeInterval),
		Timeout: string(*spec.ScrapeTimeout)}
	for _, d := range spec.HTTPSDConfigs {
		result.Discovery = append(result.Discovery, map[string]string{
			"url": string(d.URL), "refresh_interval": string(*d.RefreshInterval)})
	}
	content := map[string]any{"static_configs": spec.StaticConfigs}
	var relabel []map[string]any
	for _, rule := range spec.RelabelConfigs {
		text, err := json.Marshal(rule)
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]any
		if err := json.Unmarshal(text, &fields); err != nil {
			t.Fatal(err)
		}
		renamed := make(map[string]any)
		for name, value := range fields {
			name = upper.ReplaceAllStringFunc(name, func(s string) string {
				return "_" + strings.ToLower(s)
			})
			renamed[name] = value
		}
		relabel = append(relabel, renamed)
	}
	content["relabel_configs"] = relabel
	text, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &result); err != nil {
		t.Fatal(err)
	}
	return result
}

// TestScrapeConfigsMatchTheConfigMap compares the scrape jobs of both. The end-to-end test of
// shards runs those of the ConfigMap.
func TestScrapeConfigsMatchTheConfigMap(t *testing.T) {
	var file struct {
		Jobs []job `json:"scrape_configs"`
	}
	for _, object := range render(t, "sharded", "--set=prometheus.scrape=ConfigMap") {
		if o, ok := object.(*corev1.ConfigMap); ok && o.Data["scrape.yml"] != "" {
			if err := yaml.UnmarshalStrict([]byte(o.Data["scrape.yml"]), &file); err != nil {
				t.Fatal(err)
			}
		}
	}
	var jobs []job
	for _, object := range render(t, "sharded") {
		if o, ok := object.(*v1alpha1.ScrapeConfig); ok {
			jobs = append(jobs, jobOf(t, o))
		}
	}
	byName := func(a, b job) int { return strings.Compare(a.Name, b.Name) }
	slices.SortFunc(jobs, byName)
	slices.SortFunc(file.Jobs, byName)
	if len(jobs) != 2 || !reflect.DeepEqual(jobs, file.Jobs) {
		t.Errorf("the ScrapeConfigs have the jobs\n%+v\nthe ConfigMap has\n%+v", jobs, file.Jobs)
	}
}

// TestOnlyPodMonitorsReadAllInstancesAtOnce checks the flag that adds all instances to /metrics.
func TestOnlyPodMonitorsReadAllInstancesAtOnce(t *testing.T) {
	for scrape, want := range map[string]bool{"none": false, "PodMonitor": true,
		"ScrapeConfig": false, "ConfigMap": false} {
		objects := render(t, "one", "--set=prometheus.scrape="+scrape)
		args := find[*appsv1.StatefulSet](t, objects).Spec.Template.Spec.Containers[0].Args
		if got := slices.Contains(args, "--web.metrics-scope=all"); got != want {
			t.Errorf("%s: the arguments are %q", scrape, args)
		}
	}
}
