package stories

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	sample = regexp.MustCompile(`(?m)^([a-z_]+)(?:\{(.*)\})? \S+$`)
	input  = regexp.MustCompile(`series: '([a-z_]+)\{(.*)\}'`)
	pair   = regexp.MustCompile(`(\w+)="([^"]*)"`)
)

// TestSeriesAreExported compares the series of the stories with the golden expositions. A metric of
// an instance must have the same labels there, and each value of a label must occur there.
func TestSeriesAreExported(t *testing.T) {
	labels := make(map[string]string)
	values := make(map[string]bool)
	golden, err := filepath.Glob("../../../collector/testdata/*.prom")
	if err != nil || len(golden) == 0 {
		t.Fatalf("no golden expositions: %v", err)
	}
	for _, path := range golden {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range sample.FindAllStringSubmatch(string(text), -1) {
			labels[m[1]] = keys(m[2], values)
		}
	}
	paths, err := filepath.Glob("*.test.yml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range input.FindAllStringSubmatch(string(text), -1) {
			metric := m[1]
			if !strings.Contains(m[2], "id_instance") {
				continue // of the exporter or of Prometheus
			}
			found := make(map[string]bool)
			if got, want := keys(m[2], found), labels[metric]; got != want {
				t.Fatalf("%s has the labels %q, the exporter exports %q", metric, got, want)
			}
			for value := range found {
				if !values[value] {
					t.Fatalf("%s: the exporter exports no label %s", metric, value)
				}
			}
		}
	}
}

// keys returns the sorted names of the labels, and adds the values of the labels to values. It
// omits the labels of the target, and values that are not fixed. Prometheus writes the bounds of
// buckets as floats.
func keys(labels string, values map[string]bool) string {
	var names []string
	for _, m := range pair.FindAllStringSubmatch(labels, -1) {
		name, value := m[1], strings.TrimSuffix(m[2], ".0")
		if name == "instance" || name == "job" {
			continue
		}
		names = append(names, name)
		if name != "id_instance" && name != "setting" {
			values[name+"="+value] = true
		}
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}
