package main

import (
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"

	"greenapi_exporter/greenapi"
)

// readmeRows are the cells of every table row of the README whose first cell is `code` and begins with prefix.
func readmeRows(t *testing.T, prefix string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("README.md")
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
			cells[i] = strings.Replace(strings.Trim(strings.TrimSpace(cells[i]), "`"), "--[no-]", "--", 1)
		}
		rows[cells[1]] = cells[2:]
	}
	return rows
}

func TestReadmeHasEveryFlag(t *testing.T) {
	app := kingpin.New(name, "").Version("")
	(&options{collectors: make(map[string]*chosen)}).define(app)
	rows := readmeRows(t, "--")
	for _, flag := range app.Model().Flags {
		if flag.Hidden || flag.Name == "help" || strings.HasPrefix(flag.Name, "help-") || strings.HasPrefix(flag.Name, "completion-") {
			continue
		}
		row, ok := rows["--"+flag.Name]
		if want := strings.Join(flag.Default, " "); !ok || row[0] != flag.Envar || row[1] != want {
			t.Errorf("--%s (%s, default %q): the README has %q", flag.Name, flag.Envar, want, row)
		}
		delete(rows, "--"+flag.Name)
	}
	if len(rows) > 0 {
		t.Errorf("the README has flags that the program has not: %v", rows)
	}
}

func TestReadmeHasEveryMetric(t *testing.T) {
	golden, err := os.ReadFile("collector/testdata/live.prom")
	if err != nil {
		t.Fatal(err)
	}
	rows := readmeRows(t, "greenapi_")
	exposed := string(golden) + "# TYPE greenapi_exporter_build_info gauge\n"
	for line := range strings.Lines(exposed) {
		words := strings.Fields(line)
		if len(words) != 4 || words[1] != "TYPE" {
			continue
		}
		if row := rows[words[2]]; len(row) == 0 || row[0] != words[3] {
			t.Errorf("%s is a %s: the README has %q", words[2], words[3], row)
		}
		delete(rows, words[2])
	}
	if len(rows) > 0 {
		t.Errorf("the README has metrics that the program has not: %v", rows)
	}
}

func TestReadmeHasEveryResult(t *testing.T) {
	for _, result := range greenapi.Results() {
		if len(readmeRows(t, string(result))) == 0 {
			t.Errorf("the README has no row for %s", result)
		}
	}
}
