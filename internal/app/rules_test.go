package app

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const rulesFile = "../../deploy/prometheus/greenapi.rules.yml"

// rule is a rule of Prometheus.
type rule struct {
	Record, Alert, Expr string
	Labels, Annotations map[string]string
}

func readRules(t *testing.T) (rules []rule) {
	t.Helper()
	var file struct{ Groups []struct{ Rules []rule } }
	readYAML(t, rulesFile, &file)
	for _, group := range file.Groups {
		rules = append(rules, group.Rules...)
	}
	return rules
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// TestEveryAlertTellsWhatToDo, in its annotations and in the runbook.
func TestEveryAlertTellsWhatToDo(t *testing.T) {
	text, err := os.ReadFile("../../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	chapters := make(map[string]string)
	for _, chapter := range strings.Split(string(text), "\n## ")[1:] {
		title, body, _ := strings.Cut(chapter, "\n")
		chapters[title] = body
	}
	for _, r := range readRules(t) {
		if r.Alert == "" {
			continue
		}
		for _, part := range []string{"**Notices:**", "**Check:**", "**Do:**", "**Wait:**"} {
			if !strings.Contains(chapters[r.Alert], part) {
				t.Errorf("the runbook's chapter on %s lacks %s", r.Alert, part)
			}
		}
		delete(chapters, r.Alert)
		if want := "docs/runbook.md#" + strings.ToLower(r.Alert); r.Annotations["runbook_url"] != want {
			t.Errorf("%s: runbook_url is %q, want %s", r.Alert, r.Annotations["runbook_url"], want)
		}
		if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s lacks a summary or a description", r.Alert)
		}
		if !slices.Contains([]string{"critical", "warning"}, r.Labels["severity"]) {
			t.Errorf("%s has the severity %q", r.Alert, r.Labels["severity"])
		}
	}
	if len(chapters) > 0 {
		t.Errorf("the runbook has chapters on alerts that there are not: %v", slices.Sorted(maps.Keys(chapters)))
	}
}

// TestEveryAlertIsTested in a case in which it fires and in one in which it is silent.
func TestEveryAlertIsTested(t *testing.T) {
	files, err := filepath.Glob("../../deploy/prometheus/*.test.yml")
	if err != nil {
		t.Fatal(err)
	}
	firing, silent := make(map[string]bool), make(map[string]bool)
	for _, path := range files {
		var file struct {
			Tests []struct {
				Cases []struct {
					Alert string `yaml:"alertname"`
					Want  []any  `yaml:"exp_alerts"`
				} `yaml:"alert_rule_test"`
			}
		}
		readYAML(t, path, &file)
		for _, test := range file.Tests {
			for _, c := range test.Cases {
				firing[c.Alert] = firing[c.Alert] || len(c.Want) > 0
				silent[c.Alert] = silent[c.Alert] || len(c.Want) == 0
			}
		}
	}
	for _, r := range readRules(t) {
		if r.Alert != "" && (!firing[r.Alert] || !silent[r.Alert]) {
			t.Errorf("%s: tested while it fires: %t, while it is silent: %t", r.Alert, firing[r.Alert], silent[r.Alert])
		}
	}
}

// TestRulesAskForWhatThereIs: a name that is misspelt finds no series, and its alert never fires.
func TestRulesAskForWhatThereIs(t *testing.T) {
	there := map[string]bool{"up": true}
	for name := range readmeRows(t, "greenapi_") {
		there[name] = true
	}
	thresholds := make(map[string]bool)
	rules := readRules(t)
	for _, r := range rules {
		if r.Record == "greenapi:threshold" {
			thresholds[r.Labels["name"]] = true
		}
		there[r.Record] = true
	}
	names := regexp.MustCompile(`\b(?:greenapi[_:][a-z0-9_:]+|up)\b`)
	threshold := regexp.MustCompile(`greenapi:threshold\{name="([a-z_]*)"\}`)
	used := make(map[string]bool)
	for _, r := range rules {
		for _, match := range threshold.FindAllStringSubmatch(r.Expr, -1) {
			used[match[1]] = true
		}
		for _, name := range names.FindAllString(r.Expr, -1) {
			if !there[name] {
				t.Errorf("%s%s asks for %s, which there is not", r.Alert, r.Record, name)
			}
		}
	}
	if !maps.Equal(thresholds, used) {
		t.Errorf("thresholds are %v, used are %v", thresholds, used)
	}
}
