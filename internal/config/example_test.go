package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"testing"

	"github.com/go-kit/log"
	"go.yaml.in/yaml/v3"
)

// The example that is shipped, beside the files and with the variables that it names.
func example(t *testing.T) (path string, text []byte) {
	t.Helper()
	text, err := os.ReadFile("../../deploy/greenapi_exporter.yml")
	if err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	write := func(name string, text []byte) string {
		path := filepath.Join(directory, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, name := range regexp.MustCompile(`token_file: (\S+)`).FindAllSubmatch(text, -1) {
		write(string(name[1]), []byte(secret))
	}
	for _, name := range regexp.MustCompile(`token_env: (\S+)`).FindAllSubmatch(text, -1) {
		t.Setenv(string(name[1]), secret)
	}
	return write("greenapi_exporter.yml", text), text
}

func TestTheExampleIsGood(t *testing.T) {
	path, _ := example(t)
	loaded, err := Source{
		Path: path, Defaults: good(),
		Collectors: []string{"outgoing", "state", "queue", "webhooks", "settings", "account", "incoming"},
	}.Load(log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	if len(loaded.Instances()) != 3 || loaded.Partner() == nil {
		t.Errorf("%d instances, partner %v", len(loaded.Instances()), loaded.Partner())
	}
}

// Each key is there, in each place that can have it; of the sources of a token there can be but one.
func TestTheExampleHasEveryKey(t *testing.T) {
	_, text := example(t)
	var file yaml.Node
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	has := make(map[string][]string)
	var walk func(part string, of *yaml.Node)
	walk = func(part string, of *yaml.Node) {
		for n := 0; n+1 < len(of.Content); n += 2 {
			key, value := of.Content[n].Value, of.Content[n+1]
			has[part] = append(has[part], key)
			switch {
			case part == "fileNode" && key == "instances":
				for _, instance := range value.Content {
					walk("instanceNode", instance)
				}
			case part == "fileNode" && key == "partner":
				walk("partnerNode", value)
			}
		}
	}
	walk("fileNode", file.Content[0])
	var tokens []string
	for field := range reflect.TypeFor[tokenNode]().Fields() {
		tokens = append(tokens, field.Tag.Get("yaml"))
	}
	for _, part := range []string{"fileNode", "instanceNode", "partnerNode"} {
		if len(knownKeys(part)) == 0 {
			t.Fatalf("%s has no keys", part)
		}
		for _, key := range knownKeys(part) {
			if part == "partnerNode" && slices.Contains(tokens, key) {
				continue
			}
			if !slices.Contains(has[part], key) {
				t.Errorf("the example has no %s in %s", key, part)
			}
		}
	}
	if !slices.ContainsFunc(has["partnerNode"], func(key string) bool { return slices.Contains(tokens, key) }) {
		t.Error("the example's partner has no token")
	}
}
