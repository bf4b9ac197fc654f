// Package stories tests the alerts with whole days of accounts. A story describes messages and
// their statuses in Go. The tests convert it into the series that the exporter would export, and
// write them to a file for promtool.
package stories

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write the files for promtool")

func stories() []story {
	return []story{refused(), waiting(), quiet(), outages(), restarts(), weeks()}
}

// TestFilesAreCurrent compares the files for promtool with the stories. -update writes them.
func TestFilesAreCurrent(t *testing.T) {
	for _, st := range stories() {
		name := st.file + ".test.yml"
		want := st.text(t)
		if *update {
			if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if got, err := os.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s is not current (%v); run: go test ./deploy/prometheus/stories -update",
				name, err)
		}
	}
}

// TestEveryStoryHasAssertions reads the files like promtool. A test without assertions would always
// pass.
func TestEveryStoryHasAssertions(t *testing.T) {
	paths, err := filepath.Glob("*.test.yml")
	if err != nil || len(paths) != len(stories()) {
		t.Fatalf("%d files of %d: %v (%v)", len(paths), len(stories()), paths, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Tests []struct {
				Name   string
				Alerts []any `yaml:"alert_rule_test"`
				Exprs  []any `yaml:"promql_expr_test"`
				Input  []any `yaml:"input_series"`
			}
		}
		if err := yaml.Unmarshal(text, &file); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if len(file.Tests) == 0 {
			t.Errorf("%s has no tests", path)
		}
		for _, test := range file.Tests {
			if len(test.Alerts)+len(test.Exprs) == 0 || len(test.Input) == 0 {
				t.Errorf("%s: %s has no assertions or no series", path, test.Name)
			}
		}
	}
}
