package app

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestComposeRunsTheTestedVersions compares the images in compose.yaml, and the downloads in
// docs/getting-started.md, with the versions that the tests use.
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
			t.Errorf("compose.yaml has the image %s, but %s requires %s", got, c.file, image)
		}
		_, version, _ := strings.Cut(image, ":v")
		if download := c.service + "-" + version; version != "" &&
			!strings.Contains(string(guide), download) {
			t.Errorf("the guide does not download %s", download)
		}
	}
}

// TestWorkflowsPinTheirActions also checks that the workflows and the image use the same release of
// Go. A workflow must not take it from go.mod, which names the oldest version that builds the
// program.
func TestWorkflowsPinTheirActions(t *testing.T) {
	files, err := filepath.Glob("../../.github/workflows/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("workflows are %q, %v", files, err)
	}
	dockerfile := readText(t, "../../Dockerfile")
	action := regexp.MustCompile(`uses: ([^./].*)`)
	pinned := regexp.MustCompile(`^[\w/-]+@[0-9a-f]{40} # v[0-9]+\.[0-9]+\.[0-9]+$`)
	goVersion := regexp.MustCompile(`go-version: "([0-9]+\.[0-9]+\.)x"\n`)
	for _, file := range files {
		text := readText(t, file)
		for _, match := range action.FindAllStringSubmatch(text, -1) {
			if !pinned.MatchString(match[1]) {
				t.Errorf("%s does not pin %s to a commit", file, match[1])
			}
		}
		match := goVersion.FindStringSubmatch(text)
		if match == nil || !strings.Contains(dockerfile, "golang:"+match[1]) {
			t.Errorf("%s does not have the Dockerfile's release of Go", file)
		}
	}
}

// TestImageHasNoBuildArguments checks the last stage of the Dockerfile, which becomes the image. It
// also checks that the base images have digests.
func TestImageHasNoBuildArguments(t *testing.T) {
	stages := strings.Split(readText(t, "../../Dockerfile"), "\nFROM ")[1:]
	base := regexp.MustCompile(`^(scratch\b|\$\{BINARIES\} |.*@sha256:[0-9a-f]{64} )`)
	for _, stage := range stages {
		if first, _, _ := strings.Cut(stage, "\n"); !base.MatchString(first + " ") {
			t.Errorf("FROM %s has no digest", first)
		}
	}
	if last := stages[len(stages)-1]; regexp.MustCompile(`(?m)^(ARG|RUN)\b`).MatchString(last) {
		t.Errorf("the last stage has build arguments:\n%s", last)
	}
}

// TestDependabotUpdatesAllModules checks the list of directories. tools/oldest is not in it,
// because it has the oldest supported version of Prometheus.
func TestDependabotUpdatesAllModules(t *testing.T) {
	var config struct {
		Updates []struct {
			Ecosystem   string `yaml:"package-ecosystem"`
			Directories []string
		}
	}
	readYAML(t, "../../.github/dependabot.yml", &config)
	want := []string{"/"}
	for _, pattern := range []string{"*/go.mod", "tools/*/go.mod"} {
		modules, err := filepath.Glob("../../" + pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range modules {
			if dir := strings.TrimPrefix(filepath.Dir(file), "../.."); dir != "/tools/oldest" {
				want = append(want, dir)
			}
		}
	}
	slices.Sort(want)
	for _, update := range config.Updates {
		if update.Ecosystem != "gomod" {
			continue
		}
		if got := slices.Sorted(slices.Values(update.Directories)); !slices.Equal(got, want) {
			t.Errorf("dependabot updates the modules in %q, want %q", got, want)
		}
	}
}
