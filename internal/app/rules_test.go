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

// watchdog is the alert that always fires.
const watchdog = "Watchdog"

const rulesFile = "../../deploy/prometheus/greenapi.rules.yml"

// rule is a recording rule or an alert of Prometheus.
type rule struct {
	Record, Alert, Expr, For string
	Labels, Annotations      map[string]string
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

// runbooks are the pages with a section for each alert.
var runbooks = []string{"runbook-messages", "runbook-exporter"}

// readRunbooks returns the sections of the runbooks and the names of their pages, by alert.
func readRunbooks(t *testing.T) (sections, pages map[string]string) {
	t.Helper()
	sections, pages = make(map[string]string), make(map[string]string)
	for _, page := range runbooks {
		text := readText(t, "../../docs/"+page+".md")
		for _, section := range strings.Split(text, "\n## ")[1:] {
			title, body, _ := strings.Cut(section, "\n")
			if pages[title] != "" {
				t.Errorf("there are two sections on %s", title)
			}
			sections[title], pages[title] = body, page
		}
	}
	return sections, pages
}

// TestEveryAlertSaysWhatToDo checks the annotations of each alert and its section in a runbook.
func TestEveryAlertSaysWhatToDo(t *testing.T) {
	sections, pages := readRunbooks(t)
	for _, r := range readRules(t) {
		if r.Alert == "" {
			continue
		}
		for _, part := range []string{"**Means:**", "**Can wait:**", "**Check first:**", "**Do:**"} {
			if !strings.Contains(sections[r.Alert], "\n- "+part) {
				t.Errorf("the runbook's section on %s has no %s", r.Alert, part)
			}
		}
		delete(sections, r.Alert)
		url, want := r.Annotations["runbook_url"], runbookURL(pages[r.Alert], r.Alert)
		if url != want {
			t.Errorf("%s: runbook_url is %q, want %s", r.Alert, url, want)
		}
		if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s has no summary or no description", r.Alert)
		}
		severities := []string{"critical", "warning"}
		if r.Alert == watchdog {
			severities = []string{"none"}
		}
		if !slices.Contains(severities, r.Labels["severity"]) {
			t.Errorf("%s has the severity %q", r.Alert, r.Labels["severity"])
		}
	}
	if len(sections) > 0 {
		unknown := slices.Sorted(maps.Keys(sections))
		t.Errorf("the runbooks have sections on unknown alerts: %v", unknown)
	}
}

// runbookURL returns the annotation that links to the section on an alert.
func runbookURL(page, alert string) string {
	return `{{ range query "topk(1, greenapi:docs{url!=''})" }}{{ .Labels.url }}/{{ end }}` +
		"docs/" + page + ".md#" + strings.ToLower(alert)
}

// TestAlertsAreListed compares the tables in docs/alerts.md with the rules and the runbooks.
func TestAlertsAreListed(t *testing.T) {
	_, pages := readRunbooks(t)
	var want []string
	for _, r := range readRules(t) {
		if r.Alert == "" {
			continue
		}
		link := "[" + r.Alert + "](" + pages[r.Alert] + ".md#" + strings.ToLower(r.Alert) + ")"
		after := "at once"
		if r.For != "" {
			after = strings.TrimSuffix(r.For, "m") + " min"
		}
		want = append(want, link+" "+r.Labels["severity"]+" "+after)
	}
	var got []string
	for line := range strings.Lines(readText(t, "../../docs/alerts.md")) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		name, ok := strings.CutPrefix(cells[0], "| [")
		if !ok {
			continue
		}
		if len(cells) != 4 || !strings.HasSuffix(cells[3], " |") || len(cells[3]) < 10 {
			t.Errorf("%q has no meaning, or not 4 cells", line)
			continue
		}
		got = append(got, "["+name+" "+cells[1]+" "+cells[2])
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("docs/alerts.md lists\n%s\nwant\n%s",
			strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestEveryAlertIsTested requires a test case in which an alert fires, and one in which it does
// not.
func TestEveryAlertIsTested(t *testing.T) {
	var files []string
	for _, pattern := range []string{"*.test.yml", "stories/*.test.yml"} {
		matches, err := filepath.Glob("../../deploy/prometheus/" + pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, matches...)
	}
	firing, quiet := make(map[string]bool), make(map[string]bool)
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
				quiet[c.Alert] = quiet[c.Alert] || len(c.Want) == 0
			}
		}
	}
	for _, r := range readRules(t) {
		fires, isQuiet := firing[r.Alert], quiet[r.Alert] || r.Alert == watchdog
		if r.Alert != "" && (!fires || !isQuiet) {
			t.Errorf("%s: tested when firing: %t, when not firing: %t", r.Alert, fires, isQuiet)
		}
	}
}

// TestNothingSelectsJobs checks that neither the rules nor the dashboard depend on the name of a
// job. With a PodMonitor, the job is monitoring/greenapi-exporter.
func TestNothingSelectsJobs(t *testing.T) {
	selector := regexp.MustCompile(`\bjob\s*(=|!=)`)
	for _, path := range []string{rulesFile, "../../grafana-dashboard.json"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range selector.FindAllIndex(text, -1) {
			t.Errorf("%s selects a job: %q", path, text[match[0]:min(match[1]+20, len(text))])
		}
	}
}

// TestRulesUseKnownMetrics finds misspelled names. They would select no series, so the alert would
// never fire.
func TestRulesUseKnownMetrics(t *testing.T) {
	known := map[string]bool{"up": true}
	for name := range tableRows(t, "metrics.md", "greenapi_") {
		known[name] = true
		if strings.HasSuffix(name, "_delay_seconds") { // a histogram
			known[name+"_bucket"], known[name+"_count"] = true, true
		}
	}
	thresholds := make(map[string]bool)
	rules := readRules(t)
	for _, r := range rules {
		if r.Record == "greenapi:threshold" {
			thresholds[r.Labels["name"]] = true
		}
		known[r.Record] = true
	}
	names := regexp.MustCompile(`\b(?:greenapi[_:][a-z0-9_:]+|up)\b`)
	threshold := regexp.MustCompile(`greenapi:threshold\{name="([a-z_]*)"\}`)
	used := make(map[string]bool)
	for _, r := range rules {
		for _, match := range threshold.FindAllStringSubmatch(r.Expr, -1) {
			used[match[1]] = true
		}
		for _, name := range names.FindAllString(r.Expr, -1) {
			if !known[name] {
				t.Errorf("%s%s uses the unknown metric %s", r.Alert, r.Record, name)
			}
		}
	}
	if !maps.Equal(thresholds, used) {
		t.Errorf("thresholds are %v, the rules use %v", thresholds, used)
	}
}
