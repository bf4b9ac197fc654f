package app

import (
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"

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

func TestDocsListAllMetrics(t *testing.T) {
	kinds := map[string]string{
		"greenapi_exporter_build_info":                                   "gauge",
		"greenapi_exporter_instances":                                    "gauge",
		"greenapi_exporter_config_last_reload_successful":                "gauge",
		"greenapi_exporter_config_last_reload_success_timestamp_seconds": "gauge",
		"greenapi_exporter_partner_last_success_timestamp_seconds":       "gauge",
		"greenapi_exporter_partner_unwatched_instances":                  "gauge",
	}
	for _, file := range []string{"live.prom", "failing.prom"} {
		golden, err := os.ReadFile("../../collector/testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(golden)) {
			if words := strings.Fields(line); len(words) == 4 && words[1] == "TYPE" {
				kinds[words[2]] = words[3]
			}
		}
	}
	rows := tableRows(t, "metrics.md", "greenapi_")
	for name, kind := range kinds {
		if row := rows[name]; len(row) == 0 || row[0] != kind {
			t.Errorf("%s is a %s: metrics.md has %q", name, kind, row)
		}
		delete(rows, name)
	}
	if len(rows) > 0 {
		t.Errorf("metrics.md lists unknown metrics: %v", rows)
	}
}

func TestDocsListAllResults(t *testing.T) {
	for _, result := range greenapi.Results() {
		if len(tableRows(t, "metrics.md", string(result))) == 0 {
			t.Errorf("metrics.md has no row for %s", result)
		}
	}
}
