package config

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"
)

// TestChartKnowsEveryKey compares the schema of the Helm chart's values with the keys of the
// configuration file. The schema has no key token, because the chart stores the configuration in a
// ConfigMap.
func TestChartKnowsEveryKey(t *testing.T) {
	text, err := os.ReadFile("../../deploy/helm/values.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	type object struct{ Properties map[string]json.RawMessage }
	parse := func(text []byte) object {
		t.Helper()
		var o object
		if err := json.Unmarshal(text, &o); err != nil {
			t.Fatal(err)
		}
		return o
	}
	var definitions struct{ Definitions map[string]json.RawMessage }
	if err := json.Unmarshal(text, &definitions); err != nil {
		t.Fatal(err)
	}
	file := parse(parse(text).Properties["config"])
	check := func(name string, spec any, schema object) {
		fields, _ := fieldsOf(spec)
		delete(fields, "token")
		want := slices.Sorted(maps.Keys(fields))
		if got := slices.Sorted(maps.Keys(schema.Properties)); !slices.Equal(got, want) {
			t.Errorf("%s: the schema has the keys %q, the file has %q", name, got, want)
		}
	}
	check("the top level", new(fileSpec), file)
	check("an instance", new(instanceSpec), parse(definitions.Definitions["instance"]))
	check("partner", new(partnerSpec), parse(file.Properties["partner"]))
}
