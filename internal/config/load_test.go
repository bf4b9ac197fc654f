package config

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"

	"greenapi_exporter/internal/greenapi"
)

var collectors = []string{"outgoing", "state", "queue", "settings"}

// newSource returns a Source of a file with the given text, in a directory with two token files.
func newSource(t *testing.T, text string) Source {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{"greenapi.yml": text, "one": secret + "\n", "empty": " \n"}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("TEST_TOKEN", secret)
	t.Setenv("EMPTY_TEST_TOKEN", "")
	defaults := validFlags().Settings
	defaults.Collectors = []string{"outgoing", "state", "queue"}
	path := filepath.Join(dir, "greenapi.yml")
	return Source{Path: path, Defaults: defaults, Collectors: collectors}
}

// load returns the configuration of a file with the given text.
func load(t *testing.T, text string) *Config {
	t.Helper()
	c, err := newSource(t, text).Load(log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const completeFile = `
minutes: 120
min_interval: 1m
lookback: tiered
timeout: 20s
collectors: [outgoing, state]
instances:
  - id_instance: "1101000001"
    token_file: one
    url: https://1101.api.greenapi.com/
    labels: {team: sales, 2nd: "yes"}
  - id_instance: 1101000002
    token_env: TEST_TOKEN
    minutes: 60
    min_interval: 0s
    lookback: full
    timeout: 5s
    collectors: [settings]
  - {id_instance: "0012", token: ` + secret + `}
partner:
  token_env: TEST_TOKEN
  refresh: 5m
  include: "^11"
`

func TestFileConfiguresInstances(t *testing.T) {
	c := load(t, completeFile)
	type expected struct {
		id, url              string
		minutes              int
		minInterval, timeout time.Duration
		tiered               bool
		collectors           string
	}
	for n, want := range []expected{
		{"1101000001", "https://1101.api.greenapi.com", 120, time.Minute, 20 * time.Second, true,
			"outgoing state"},
		{"1101000002", DefaultURL, 60, 0, 5 * time.Second, false, "settings"},
		{"0012", DefaultURL, 120, time.Minute, 20 * time.Second, true, "outgoing state"},
	} {
		i := c.Instances()[n]
		var enabled []string
		for _, name := range collectors {
			if i.Collects(name) {
				enabled = append(enabled, name)
			}
		}
		got := expected{i.ID(), i.URL().String(), i.Minutes(), i.MinInterval(), i.Timeout(),
			i.Tiered(), strings.Join(enabled, " ")}
		token, _ := greenapi.NewToken(secret)
		if got != want || !i.Token().Token().Equal(token) || i.Retention() != 360*time.Hour {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	labels := c.Instances()[0].Labels()
	if !maps.Equal(labels, map[string]string{"team": "sales", "2nd": "yes"}) {
		t.Errorf("labels %v", labels)
	}
	p := c.Partner()
	if p.Refresh() != 5*time.Minute || p.URL().String() != DefaultURL ||
		p.Timeout() != 20*time.Second {
		t.Errorf("partner %+v", p)
	}
	if !c.Collects("settings") || c.Collects("queue") {
		t.Error("want settings enabled for an instance, and queue for none")
	}
}

func TestFileInheritsSettingsOfFlags(t *testing.T) {
	s := newSource(t, "instances: [{id_instance: 1, token_file: one}]")
	s.Defaults.URL, s.Defaults.Minutes = "https://a.example", 77
	s.Defaults.Lookback = Tiered
	c, err := s.Load(log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	i := c.Instances()[0]
	if i.URL().Host != "a.example" || i.Minutes() != 77 || i.MinInterval() != time.Second ||
		!i.Tiered() || !i.Collects("queue") || c.Partner() != nil {
		t.Errorf("got %+v", i)
	}
}

func TestFileWithPartnerNeedsNoInstances(t *testing.T) {
	for _, empty := range []string{"", "instances: []\n", "instances:\n"} {
		c := load(t, empty+`partner: {token_file: one, url: "https://b.example/v3"}`)
		if c.Partner().URL().Path != "/v3" || c.Partner().Refresh() != 10*time.Minute {
			t.Errorf("%q: got %+v", empty, c.Partner())
		}
	}
}

func TestFileMustUseTokenVariable(t *testing.T) {
	for text, valid := range map[string]bool{
		"instances: [{id_instance: 1, token_file: one}]":        false,
		"instances: [{id_instance: 1, token_env: FLAGS_TOKEN}]": true,
		"partner: {token_env: FLAGS_TOKEN}":                     true,
	} {
		s := newSource(t, text)
		t.Setenv("FLAGS_TOKEN", secret)
		s.TokenEnv = "FLAGS_TOKEN"
		_, err := s.Load(log.NewNopLogger())
		if (err == nil) != valid || !valid && !strings.Contains(err.Error(), "FLAGS_TOKEN is set") {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

func TestMissingFileIsRejectedWithItsPath(t *testing.T) {
	s := newSource(t, completeFile)
	if err := os.Remove(s.Path); err != nil {
		t.Fatal(err)
	}
	want := "--config.file (GREENAPI_CONFIG_FILE) " + s.Path +
		" must name a readable file: no such file or directory"
	if _, err := s.Load(log.NewNopLogger()); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestFileMustNotOverrideFlagForAllInstances(t *testing.T) {
	const one = "instances: [{id_instance: 1, token_file: one, minutes: 5}]\n"
	s := newSource(t, one+"minutes: 60\n")
	s.SetByFlag = map[string]string{"minutes": "GREENAPI_MINUTES"}
	_, err := s.Load(log.NewNopLogger())
	want := ":2: minutes is also set by GREENAPI_MINUTES"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
	s = newSource(t, one)
	s.SetByFlag = map[string]string{"minutes": "GREENAPI_MINUTES"}
	if c, err := s.Load(log.NewNopLogger()); err != nil || c.Instances()[0].Minutes() != 5 {
		t.Errorf("set for one instance: got %v, %v", c, err)
	}
}
