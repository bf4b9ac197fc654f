package app

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

const chartDir = "../../deploy/helm/"

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestChartHasTheVersionOfTheProgram(t *testing.T) {
	var chart struct {
		Version    string
		AppVersion string `yaml:"appVersion"`
	}
	readYAML(t, chartDir+"Chart.yaml", &chart)
	want := strings.TrimSpace(readText(t, "../../VERSION"))
	if chart.Version != want || chart.AppVersion != want {
		t.Errorf("Chart.yaml has %+v, VERSION is %s", chart, want)
	}
}

// TestChartMatchesTheImage compares the user, the port and the volume of the chart's pods with
// those in the Dockerfile.
func TestChartMatchesTheImage(t *testing.T) {
	var values struct {
		PodSecurityContext struct {
			RunAsUser  int `yaml:"runAsUser"`
			RunAsGroup int `yaml:"runAsGroup"`
			FSGroup    int `yaml:"fsGroup"`
		} `yaml:"podSecurityContext"`
		Reshard struct{ Image string }
	}
	readYAML(t, chartDir+"values.yaml", &values)
	dockerfile := readText(t, "../../Dockerfile")
	pod := readText(t, chartDir+"templates/statefulset.yaml")
	c := values.PodSecurityContext
	user := fmt.Sprintf("\nUSER %d:%d\n", c.RunAsUser, c.RunAsGroup)
	if !strings.Contains(dockerfile, user) || c.FSGroup != c.RunAsGroup {
		t.Errorf("the security context is %+v, but the Dockerfile has no line %q", c, user)
	}
	for line, want := range map[string]string{
		"\nEXPOSE 10466\n":                    "containerPort: 10466}",
		"\nVOLUME /var/lib/greenapi_exporter": "mountPath: /var/lib/greenapi_exporter}",
	} {
		if !strings.Contains(dockerfile, line) || !strings.Contains(pod, want) {
			t.Errorf("%q in the Dockerfile does not match %q in the chart", line, want)
		}
	}
	if !pinnedImage.MatchString(values.Reshard.Image) {
		t.Errorf("the image %s is not pinned", values.Reshard.Image)
	}
}

// TestChartShipsTheRulesAndTheDashboard checks that the chart's symbolic links lead to the files.
func TestChartShipsTheRulesAndTheDashboard(t *testing.T) {
	for file, source := range map[string]string{
		"greenapi.rules.yml":     rulesFile,
		"grafana-dashboard.json": "../../grafana-dashboard.json",
	} {
		got, err := os.ReadFile(chartDir + "files/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, []byte(readText(t, source))) {
			t.Errorf("files/%s differs from %s", file, source)
		}
	}
}
