package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-kit/log"
	"go.yaml.in/yaml/v3"
)

const exampleFile = "../../deploy/greenapi_exporter.yml"

func TestExampleLoads(t *testing.T) {
	text, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	files := map[string]string{"greenapi_exporter.yml": string(text)}
	for _, match := range regexp.MustCompile(`token_file: (\S+)`).FindAllSubmatch(text, -1) {
		files[string(match[1])] = secret
	}
	for name, content := range files {
		path := filepath.Join(directory, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, match := range regexp.MustCompile(`token_env: (\S+)`).FindAllSubmatch(text, -1) {
		t.Setenv(string(match[1]), secret)
	}
	config, err := Source{
		Path: filepath.Join(directory, "greenapi_exporter.yml"), Defaults: validFlags().Settings,
		Collectors: strings.Fields("outgoing state queue webhooks settings account incoming"),
	}.Load(log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	if len(config.Instances()) != 3 || config.Partner() == nil {
		t.Errorf("got %d instances and partner %v, want 3 and a partner",
			len(config.Instances()), config.Partner())
	}
}

// TestExampleHasEveryKey also checks that the partner has one token source, because only one is
// valid.
func TestExampleHasEveryKey(t *testing.T) {
	text, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Top       map[string]any   `yaml:",inline"`
		Instances []map[string]any `yaml:"instances"`
		Partner   map[string]any   `yaml:"partner"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	check := func(name string, spec any, sections ...map[string]any) {
		_, keys := fieldsOf(spec)
		for _, key := range keys {
			found := false
			for _, section := range sections {
				found = found || section[key] != nil
			}
			if !found {
				t.Errorf("the example has no key %s in %s", key, name)
			}
		}
	}
	file.Top["instances"], file.Top["partner"] = file.Instances, file.Partner
	check("the top level", new(fileSpec), file.Top)
	check("any instance", new(instanceSpec), file.Instances...)

	sources := 0
	_, keys := fieldsOf(new(tokenSpec))
	for _, key := range keys {
		if file.Partner[key] != nil {
			sources++
		}
		file.Partner[key] = secret
	}
	if sources != 1 {
		t.Errorf("the example's partner has %d token sources, want 1", sources)
	}
	check("partner", new(partnerSpec), file.Partner)
}
