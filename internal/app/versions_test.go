package app

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestComposeRunsTheTestedVersions compares the images, and the downloads of the guide, with the
// versions that the tests of the whole stack use.
func TestComposeRunsTheTestedVersions(t *testing.T) {
	guide, err := os.ReadFile("../../docs/getting-started.md")
	if err != nil {
		t.Fatal(err)
	}
	services := composeServices(t, "compose.yaml")
	for _, c := range []struct{ service, image, file, pattern string }{
		// Version 3.16.0 of Prometheus is version 0.316.0 of its module.
		{"prometheus", "prom/prometheus:v3.", "tools/go.mod",
			`github\.com/prometheus/prometheus v0\.3([0-9.]+)\n`},
		{"alertmanager", "prom/alertmanager:v", "tools/alertmanager/go.mod",
			`github\.com/prometheus/alertmanager v([0-9.]+) `},
		{"grafana", "grafana/grafana:", "tools/dashboard/package.json",
			`"@grafana/schema": "([0-9.]+)"`},
	} {
		text, err := os.ReadFile("../../" + c.file)
		if err != nil {
			t.Fatal(err)
		}
		match := regexp.MustCompile(c.pattern).FindSubmatch(text)
		if match == nil {
			t.Fatalf("%s has no version of %s", c.file, c.service)
		}
		image := c.image + string(match[1])
		if got := services[c.service].Image; got != image {
			t.Errorf("compose.yaml has the image %s; with %s it must be %s", got, c.file, image)
		}
		_, version, _ := strings.Cut(image, ":v")
		if download := c.service + "-" + version; version != "" &&
			!strings.Contains(string(guide), download) {
			t.Errorf("the guide does not download %s", download)
		}
	}
}
