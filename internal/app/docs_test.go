package app

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/greenapi"
)

// tableRows returns the cells of the table rows of a page in docs/ whose first cell is code that
// begins with prefix. The key is the first cell.
func tableRows(t *testing.T, page, prefix string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/" + page)
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[string][]string)
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) < 4 || !strings.HasPrefix(cells[1], " `"+prefix) {
			continue
		}
		for i := range cells {
			cell := strings.Trim(strings.TrimSpace(cells[i]), "`")
			cells[i] = strings.Replace(cell, "--[no-]", "--", 1)
		}
		rows[cells[1]] = cells[2:]
	}
	return rows
}

func TestDocsListAllFlags(t *testing.T) {
	app := kingpin.New(name, "").Version("")
	new(options).define(app)
	rows := tableRows(t, "configuration.md", "--")
	for _, flag := range app.Model().Flags {
		if flag.Hidden || strings.HasPrefix(flag.Name, "help") ||
			strings.HasPrefix(flag.Name, "completion-") {
			continue
		}
		row, ok := rows["--"+flag.Name]
		if want := strings.Join(flag.Default, " "); !ok || row[0] != flag.Envar || row[1] != want {
			t.Errorf("--%s (%s, default %q): configuration.md has %q", flag.Name, flag.Envar, want, row)
		}
		delete(rows, "--"+flag.Name)
	}
	if len(rows) > 0 {
		t.Errorf("configuration.md lists unknown flags: %v", rows)
	}
}

// exposed returns the types of the metrics in the golden expositions, and the values of their
// labels except id_instance and le.
func exposed(t *testing.T) (kinds map[string]string, labels map[string]map[string][]string) {
	t.Helper()
	kinds, labels = make(map[string]string), make(map[string]map[string][]string)
	label := regexp.MustCompile(`(\w+)="([^"]*)"`)
	for _, file := range []string{"live.prom", "failing.prom"} {
		golden, err := os.ReadFile("../../collector/testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		var name string
		for line := range strings.Lines(string(golden)) {
			if words := strings.Fields(line); words[0] == "#" {
				if words[1] == "TYPE" {
					name = words[2]
					kinds[name], labels[name] = words[3], make(map[string][]string)
				}
				continue
			}
			for _, match := range label.FindAllStringSubmatch(line, -1) {
				l, value := match[1], match[2]
				if l != "id_instance" && l != "le" && !slices.Contains(labels[name][l], value) {
					labels[name][l] = append(labels[name][l], value)
				}
			}
		}
	}
	return kinds, labels
}

func TestDocsListAllMetrics(t *testing.T) {
	kinds, labels := exposed(t)
	for _, name := range []string{
		"greenapi_exporter_build_info",
		"greenapi_exporter_instances",
		"greenapi_exporter_config_last_reload_successful",
		"greenapi_exporter_config_last_reload_success_timestamp_seconds",
		"greenapi_exporter_partner_last_success_timestamp_seconds",
		"greenapi_exporter_partner_unwatched_instances",
	} {
		kinds[name] = "gauge"
	}
	rows := tableRows(t, "metrics.md", "greenapi_")
	for name, kind := range kinds {
		row := rows[name]
		if len(row) == 0 || row[0] != kind {
			t.Errorf("%s is a %s: metrics.md has %q", name, kind, row)
		} else if names, ok := labels[name]; ok {
			want := strings.Join(slices.Sorted(maps.Keys(names)), ", ")
			if row[1] != want {
				t.Errorf("%s has the labels %q: metrics.md has %q", name, want, row[1])
			}
		}
		delete(rows, name)
	}
	if len(rows) > 0 {
		t.Errorf("metrics.md lists unknown metrics: %v", rows)
	}
}

func TestDocsListAllLabelValues(t *testing.T) {
	listed := make(map[string]string) // by label
	for label, row := range tableRows(t, "metrics.md", "") {
		name, _, _ := strings.Cut(label, "`")
		listed[name] += "`" + row[0] + "`" // tableRows trims the first and the last
	}
	contains := func(label, value string) bool {
		return strings.Contains(listed[label], "`"+value+"`")
	}
	for _, state := range greenapi.States() {
		if !contains("state", string(state)) {
			t.Errorf("metrics.md does not list the state %s", state)
		}
	}
	_, metrics := exposed(t)
	for metric, labels := range metrics {
		for label, values := range labels {
			if label == "result" { // TestDocsListAllResults
				continue
			}
			for _, value := range values {
				if !contains(label, value) && !strings.HasPrefix(value, "brandNew") {
					t.Errorf("metrics.md does not list %s=%q of %s", label, value, metric)
				}
			}
		}
	}
}

func TestDocsListAllResults(t *testing.T) {
	rows := tableRows(t, "metrics.md", "")
	for _, result := range greenapi.Results() {
		if len(rows[string(result)]) != 3 {
			t.Errorf("metrics.md has no row for %s", result)
		}
	}
	// Without ok, and without the states unknown and other.
	numbers := fmt.Sprintf("one of %d named results, and an account has one of %d states",
		len(greenapi.Results())-1, len(greenapi.States())-2)
	if !strings.Contains(unwrapped(readText(t, "../../README.md")), numbers) {
		t.Errorf("README.md does not contain %q", numbers)
	}
}

// TestDocsListAllCollectors checks the tables of collectors in configuration.md and of methods in
// green-api.md.
func TestDocsListAllCollectors(t *testing.T) {
	rows, methods := tableRows(t, "configuration.md", ""), tableRows(t, "green-api.md", "")
	for _, c := range collector.All() {
		onOrOff, name := "off", c.Name+"` (off)" // tableRows trims the first backtick
		if c.Default {
			onOrOff, name = "on", c.Name
		}
		if row := rows[c.Name]; len(row) < 3 || row[0] != onOrOff || row[1] != c.Method {
			t.Errorf("%s is %s and calls %s: configuration.md has %q", c.Name, onOrOff, c.Method, row)
		}
		if row := methods[c.Method]; len(row) < 3 || row[0] != name {
			t.Errorf("%s is for %q: green-api.md has %q", c.Method, name, row)
		}
	}
}

// TestNamesInDocsExist checks the names of metrics, flags, variables and targets of make, and the
// links to the documentation that are not Markdown, in all files that users read.
func TestNamesInDocsExist(t *testing.T) {
	known := map[string]bool{
		// names of other programs, and names that are not metrics
		"--storage.tsdb.retention.time": true, "--cluster.listen-address": true,
		"--alertmanager.url": true, "greenapi_exporter": true, "greenapi_token": true,
		tokenVariable: true,
	}
	for name := range tableRows(t, "metrics.md", "greenapi_") {
		known[name] = true
	}
	known["greenapi_outgoing_status_delay_seconds_bucket"] = true
	app := kingpin.New(name, "").Version("")
	new(options).define(app)
	for _, flag := range app.Model().Flags {
		known["--"+flag.Name], known["--no-"+flag.Name], known[flag.Envar] = true, true, true
	}
	target := regexp.MustCompile(`(?m)^[a-z0-9-]+:`)
	for _, name := range target.FindAllString(readText(t, "../../Makefile"), -1) {
		known["`make "+strings.TrimSuffix(name, ":")] = true
	}
	names := regexp.MustCompile("\\bgreenapi_\\w*[a-z]\\b|--[a-z-]+\\.[a-z.-]*[a-z]|" +
		"\\bGREENAPI_[A-Z_]*[A-Z]\\b|`make [a-z0-9-]+")
	links := regexp.MustCompile(`(?m)(?:^|[^/\w])(docs/[a-z-]+\.md(?:#[\w-]+)?)`)
	c, err := newLinkChecker(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, root := range []string{"README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md",
		"SECURITY.md", "docs", "deploy", "internal", "collector"} {
		err := fs.WalkDir(c.files, root, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := fs.ReadFile(c.files, path)
			for _, match := range links.FindAllStringSubmatch(string(text), -1) {
				found++
				if err := c.check("", match[1]); err != nil {
					t.Errorf("%s: %s: %v", path, match[1], err)
				}
			}
			if !strings.HasSuffix(path, ".md") {
				return err
			}
			for _, name := range names.FindAllString(string(text), -1) {
				found++
				if !known[name] {
					t.Errorf("%s: %s does not exist", path, name)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 300 {
		t.Errorf("found only %d names and links", found)
	}
}

func TestDocsListTheDashboard(t *testing.T) {
	text, err := os.ReadFile("../../grafana-dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct{ Type, Title string }
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/dashboard.md")
	if err != nil {
		t.Fatal(err)
	}
	isTop := true // the tiles are above the first row
	for _, panel := range dashboard.Panels {
		isRow := panel.Type == "row"
		isTop = isTop && !isRow
		title, _, _ := strings.Cut(panel.Title, " (")
		row := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(title) + `(:.*)? \|`)
		if (isRow || isTop) && !row.Match(page) {
			t.Errorf("dashboard.md does not list %s", title)
		}
	}
}
