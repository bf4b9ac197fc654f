package helm

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

const (
	chart = "../../deploy/helm"
	bin   = "../../.tools/bin/"
)

// openShift is an API version that exists only on OpenShift.
const openShift = "--api-versions=security.openshift.io/v1"

// run runs a program in bin and returns its standard output.
func run(t *testing.T, name string, args ...string) ([]byte, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), bin+name, args...).Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		err = fmt.Errorf("%w: %s", err, exit.Stderr)
	}
	return out, err
}

func mustRun(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	out, err := run(t, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

// template returns the arguments that render the chart with a set of values in the directory ci.
func template(set string, args ...string) []string {
	return append([]string{"template", "greenapi-exporter", chart, "--namespace=monitoring",
		"--values=" + filepath.Join(chart, "ci", set+"-values.yaml")}, args...)
}

func render(t *testing.T, set string, args ...string) []runtime.Object {
	t.Helper()
	objects, err := decode(mustRun(t, "helm", template(set, args...)...))
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// find returns the first object of type T.
func find[T runtime.Object](t *testing.T, objects []runtime.Object) T {
	t.Helper()
	for _, object := range objects {
		if found, ok := object.(T); ok {
			return found
		}
	}
	t.Fatalf("there is no %T", *new(T))
	panic("unreachable")
}

// TestChartIsValid renders the chart with each set of values. It checks the objects, and checks the
// files in them with the programs that read them.
func TestChartIsValid(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(chart, "ci", "*-values.yaml"))
	if err != nil || len(files) < 6 {
		t.Fatalf("the sets of values are %q, %v; want at least 6", files, err)
	}
	for _, file := range files {
		set := strings.TrimSuffix(filepath.Base(file), "-values.yaml")
		t.Run(set, func(t *testing.T) {
			mustRun(t, "helm", "lint", "--strict", "--values="+file, chart)
			args := []string{}
			if set == "openshift" {
				args = append(args, openShift)
			}
			objects := render(t, set, args...)
			if err := check(objects); err != nil {
				t.Error(err)
			}
			checkFiles(t, objects)
		})
	}
}

// checkFiles writes the files in the objects to a directory, and checks them with the programs that
// read them.
func checkFiles(t *testing.T, objects []runtime.Object) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, object := range objects {
		switch o := object.(type) {
		case *monitoringv1.PrometheusRule:
			text, err := yaml.Marshal(o.Spec)
			if err != nil {
				t.Fatal(err)
			}
			mustRun(t, "promtool",
				"check", "rules", "--lint=all", "--lint-fatal", write("rules.yml", string(text)))
		case *corev1.ConfigMap:
			if text, ok := o.Data["scrape.yml"]; ok {
				mustRun(t, "promtool",
					"check", "config", "--lint=all", "--lint-fatal", write("scrape.yml", text))
			}
			if text, ok := o.Data["greenapi.yml"]; ok {
				for _, match := range tokenFile.FindAllStringSubmatch(text, -1) {
					write(match[1], "not-a-real-token")
				}
				t.Setenv("TOKEN", "not-a-real-token")
				mustRun(t, "greenapi_exporter",
					"--config.check", "--config.file="+write("greenapi.yml", text))
			}
		}
	}
}

var tokenFile = regexp.MustCompile(`token_file: (\S+)`)

// TestPodsHaveNoFixedUserOnOpenShift checks what the restricted-v2 security context constraints
// require in addition to the Pod Security Standard.
func TestPodsHaveNoFixedUserOnOpenShift(t *testing.T) {
	for _, set := range []string{"openshift", "reshard"} {
		for _, pod := range templatesOf(render(t, set, openShift)) {
			c := pod.Spec.SecurityContext
			if c.RunAsUser != nil || c.RunAsGroup != nil || c.FSGroup != nil {
				t.Errorf("%s: the security context is %v", set, c)
			}
		}
	}
}

func TestInvalidValuesAreRejected(t *testing.T) {
	for name, set := range map[string]string{
		"unknown key":            "replica=2",
		"unknown nested key":     "config.instances[0].tokenfile=x",
		"number as id":           "config.instances[0].id_instance=1101000001",
		"token in the ConfigMap": "config.instances[0].token=x",
		"no instance":            "config=null",
		"no image":               "image.repository=",
		"missing token":          "tokens.create.1101000001\\.token=null",
		"two Secrets":            "tokens.existingSecret=x",
		"fraction of a day":      "config.min_interval=1.5d",
		"shards without pods":    "prometheus.scrape=ScrapeConfig,shards=2",
		"several full exporters": "replicas=2",
		"unknown threshold":      "prometheus.rules.thresholds.x=1",
		"address with a slash":   "prometheus.rules.docs=https://docs.example.com/",
		"address without scheme": "prometheus.rules.docs=docs.example.com",
		"wrong interval":         "prometheus.interval=0.5m",
		"no volumes":             "persistence.enabled=false,reshard.volumes=1",
		"too few volumes":        "replicas=3,prometheus.scrape=none,reshard.volumes=2",
	} {
		if out, err := run(t, "helm", template("one", "--set="+set)...); err == nil {
			t.Errorf("%s: helm accepts the values:\n%s", name, out)
		}
	}
}

func TestMisplacedTokenIsNotRepeated(t *testing.T) {
	const secret = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345"
	for _, set := range []string{"instances[0].token_file=", "partner.token_file="} {
		_, err := run(t, "helm", template("one", "--set=config."+set+secret)...)
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: got %v", set, err)
		}
	}
}

func TestOnlyTheConfigurationRestartsExporters(t *testing.T) {
	checksum := func(args ...string) string {
		pod := find[*appsv1.StatefulSet](t, render(t, "one", args...)).Spec.Template
		return pod.Annotations["checksum/config"]
	}
	before := checksum()
	if after := checksum(`--set=tokens.create.1101000001\.token=x`); after != before {
		t.Error("a new token restarts the exporters")
	}
	if after := checksum("--set=config.minutes=60"); after == before {
		t.Error("a change of the configuration does not restart the exporters")
	}
}

// rulesOf returns the rules of the chart with a set of values, as YAML.
func rulesOf(t *testing.T, args ...string) string {
	t.Helper()
	rules := find[*monitoringv1.PrometheusRule](t, render(t, "one", args...))
	text, err := yaml.Marshal(rules)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestThresholdsAndLinksAreSet(t *testing.T) {
	text := rulesOf(t)
	for _, want := range []string{
		"expr: vector(0.2)\n", "expr: vector(9)\n", "url: https://docs.example.com\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the PrometheusRule does not contain %q", want)
		}
	}
	if text := rulesOf(t, "--set=prometheus.rules.docs="); !strings.Contains(text, "url: \"\"\n") {
		t.Error("without an address, the links are not paths")
	}
}
