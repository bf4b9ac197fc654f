package e2e

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// exampleYAML matches an example in a page.
var exampleYAML = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")

// exampleCode matches an example of any kind.
var exampleCode = regexp.MustCompile("(?ms)^```.*?^```$")

// TestDocumentedYAMLIsValid checks each example in the documentation with the program that reads
// it. It cannot check the two files that only Grafana reads, and leaves the chart's values to the
// tests of the chart.
func TestDocumentedYAMLIsValid(t *testing.T) {
	useCore(t)
	var pages []string
	for _, pattern := range []string{"../*.md", "../docs/*.md", "../deploy/*/README.md"} {
		matches, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, matches...)
	}
	checked := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range exampleYAML.FindAllStringSubmatch(string(text), -1) {
			checked++
			if err := checkExample(t, match[1]); err != nil {
				t.Errorf("%s: %v in:\n%s", page, err, match[1])
			}
		}
	}
	if checked < 10 {
		t.Errorf("found only %d examples", checked)
	}
}

// checkExample checks an example, which can be part of a file.
func checkExample(t *testing.T, example string) error {
	t.Helper()
	const job = "scrape_configs:\n  - job_name: greenapi\n"
	switch { // complete the example
	case strings.HasPrefix(example, "  - job_name:"):
		example = "scrape_configs:\n" + example
	case strings.HasPrefix(example, "    "):
		example = job + example
	case strings.HasPrefix(example, "route:\n"):
		example = strings.Replace(example, "\n", "\n  receiver: none\n", 1) +
			"receivers: [{name: none}]\n"
	}
	example = strings.ReplaceAll(example, "/tmp/faster.rules.yml", "greenapi.rules.yml")

	directory := t.TempDir()
	rules, err := os.ReadFile(shippedRules)
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		"config.yml": example, "greenapi.rules.yml": string(rules),
		"secrets/1101000001": token, "secrets/1101000002": token, "secrets/partner": token,
	} {
		path := filepath.Join(directory, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	var content object
	if err := yaml.Unmarshal([]byte(example), &content); err != nil {
		return err
	}
	file := filepath.Join(directory, "config.yml")
	for key, check := range map[string][]string{
		"scrape_configs": {"promtool", "check", "config", file},
		"rule_files":     {"promtool", "check", "config", file},
		"alerting":       {"promtool", "check", "config", file},
		"instances":      {"greenapi_exporter", "--config.check", "--config.file=" + file},
		"partner":        {"greenapi_exporter", "--config.check", "--config.file=" + file},
		"route":          {"amtool", "check-config", file},
		"datasources":    nil,
		"providers":      nil,
		"image":          nil,
	} {
		if content[key] == nil {
			continue
		}
		if check == nil {
			return nil
		}
		command := exec.Command(filepath.Join(bin, check[0]), check[1:]...)
		command.Env = withoutGreenapi(os.Environ())
		if out, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	return fmt.Errorf("no program checks the keys %v", slices.Sorted(maps.Keys(content)))
}

// TestDocumentedQueriesAreValid parses the queries in the text of the runbooks and other pages.
// They can depend on rules and incidents, so they need not find data.
func TestDocumentedQueriesAreValid(t *testing.T) {
	useCore(t)
	prometheus := connect(t, startPrometheus(t, "{}"))
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(exampleCode.ReplaceAllString(string(text), ""), "`")
		for i := 1; i < len(parts); i += 2 { // between two backticks
			expr := parts[i]
			if !strings.Contains(expr, "greenapi") || !strings.ContainsAny(expr, "({[") ||
				strings.Contains(expr, "…") {
				continue // not a query, or a part of one
			}
			found++
			if _, _, _, err := prometheus.Query(t.Context(), expr, time.Now()); err != nil {
				t.Errorf("%s: %s: %v", page, expr, err)
			}
		}
	}
	if found < 20 {
		t.Errorf("found only %d queries", found)
	}
}

// TestDocumentedThresholdCanBeSet runs the command in docs/alerts.md that changes a threshold.
func TestDocumentedThresholdCanBeSet(t *testing.T) {
	useCore(t)
	rules, err := os.ReadFile(shippedRules)
	if err != nil {
		t.Fatal(err)
	}
	path := changedRules(t, "no_account_share")
	changed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	old, after := strings.Split(string(rules), "\n"), strings.Split(string(changed), "\n")
	var lines []string
	for i := range min(len(old), len(after)) {
		if old[i] != after[i] {
			lines = append(lines, after[i-1]+after[i])
		}
	}
	if len(old) != len(after) || len(lines) != 1 ||
		!strings.Contains(lines[0], "no_account_share") || !strings.Contains(lines[0], "vector(0.2)") {
		t.Errorf("the command changes %q", lines)
	}
	promtool := exec.Command(filepath.Join(bin, "promtool"), "check", "rules", path)
	if out, err := promtool.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
