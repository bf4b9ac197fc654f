package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"

	"greenapi_exporter/internal/greenapi"
)

var known = []string{"outgoing", "state", "queue", "settings"}

// source is the file with that text, in a directory with two token files.
func source(t *testing.T, text string) Source {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"greenapi.yml": text, "one": secret + "\n", "empty": " \n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("TOKEN_OF_A_TEST", secret)
	t.Setenv("EMPTY_TOKEN_OF_A_TEST", "")
	defaults := validFlags()
	defaults.IDInstance, defaults.Token, defaults.Collectors = "", "", []string{"outgoing", "state", "queue"}
	return Source{Path: filepath.Join(dir, "greenapi.yml"), Defaults: defaults, Collectors: known}
}

const whole = `
minutes: 120
min_interval: 1m
timeout: 20s
collectors: [outgoing, state]
instances:
  - id_instance: "1101000001"
    token_file: one
    url: https://1101.api.greenapi.com/
    labels: {team: sales, 2nd: "yes"}
  - id_instance: 1101000002
    token_env: TOKEN_OF_A_TEST
    minutes: 60
    min_interval: 0s
    timeout: 5s
    collectors: [settings]
  - {id_instance: "0012", token: ` + secret + `}
partner:
  token_env: TOKEN_OF_A_TEST
  refresh: 5m
  include: "^11"
`

func TestAFile(t *testing.T) {
	c, err := source(t, whole).Load(log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	type expected struct {
		id, url              string
		minutes              int
		minInterval, timeout time.Duration
		on                   string
	}
	for n, want := range []expected{
		{"1101000001", "https://1101.api.greenapi.com", 120, time.Minute, 20 * time.Second, "outgoing state"},
		{"1101000002", DefaultURL, 60, 0, 5 * time.Second, "settings"},
		{"0012", DefaultURL, 120, time.Minute, 20 * time.Second, "outgoing state"},
	} {
		i := c.Instances()[n]
		var on []string
		for _, name := range known {
			if i.Collects(name) {
				on = append(on, name)
			}
		}
		got := expected{i.ID(), i.URL().String(), i.Minutes(), i.MinInterval(), i.Timeout(), strings.Join(on, " ")}
		token, _ := greenapi.NewToken(secret)
		if got != want || !i.Token().Token().Equal(token) || i.Retention() != 360*time.Hour {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	if labels := c.Instances()[0].Labels(); len(labels) != 2 || labels["team"] != "sales" || labels["2nd"] != "yes" {
		t.Errorf("labels %v", labels)
	}
	if p := c.Partner(); p.Refresh() != 5*time.Minute || p.URL().String() != DefaultURL || p.Timeout() != 20*time.Second {
		t.Errorf("partner %+v", p)
	}
	if !c.Collects("settings") || c.Collects("queue") {
		t.Error("settings are collected for one, the queue for none")
	}
}

// TestWhatAFileLeavesOpen is as the flags say.
func TestWhatAFileLeavesOpen(t *testing.T) {
	s := source(t, "instances: [{id_instance: 1, token_file: one}]")
	s.Defaults.URL, s.Defaults.Minutes = "https://a.example", 77
	c, err := s.Load(log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	i := c.Instances()[0]
	if i.URL().Host != "a.example" || i.Minutes() != 77 || i.MinInterval() != time.Second || !i.Collects("queue") || c.Partner() != nil {
		t.Errorf("got %+v", i)
	}
	if c, err := source(t, "instances: []").Load(log.NewNopLogger()); err != nil || len(c.Instances()) != 0 {
		t.Errorf("an empty list: %v, %v", c, err)
	}
	if c, err := source(t, "partner: {token_file: one, url: \"https://b.example/v3\"}").Load(log.NewNopLogger()); err != nil || c.Partner().URL().Path != "/v3" || c.Partner().Refresh() != 10*time.Minute {
		t.Errorf("the Partner API alone: %v, %v", c, err)
	}
}

// TestBadFiles: each is told in one line with the place and what to do, and never with a token.
func TestBadFiles(t *testing.T) {
	const one = "instances:\n  - id_instance: \"1101000001\"\n    token_file: one\n"
	for name, c := range map[string]struct {
		text string
		line string // behind the path
		says string
	}{
		"an empty file":               {"", ":1:", "empty"},
		"a comment":                   {"# nothing\n", ":1:", "empty"},
		"no instance":                 {"minutes: 60\n", ":1:", "partner"},
		"instances that are null":     {"instances:\n", ":1:", "partner"},
		"invalid YAML":                {"instances: [\n", ":1:", "invalid YAML"},
		"a tab":                       {"instances:\n\t- x\n", ":2:", "invalid YAML"},
		"a list":                      {"- id_instance: 1\n", ":1:", "example"},
		"two documents":               {one + "---\n" + one, ":4:", "second document"},
		"an unknown key":              {"minuets: 60\n" + one, ":1:", "unknown key \"minuets\"; the known keys are url, minutes"},
		"one of an instance":          {one + "    tokn: x\n", ":4:", "unknown key \"tokn\"; the known keys are id_instance"},
		"one of the partner's":        {one + "partner:\n  token_file: one\n  refrsh: 1m\n", ":6:", "unknown key \"refrsh\"; the known keys are token_file"},
		"a token for a key":           {one + "    " + secret + ": x\n", ":4:", "unknown key; the"},
		"a token for an instance":     {"instances:\n  - " + secret + "\n", ":2:", "keys and values"},
		"a key given twice":           {one + "    token_file: one\n", ":4:", "\"token_file\" is given twice, first in line 3"},
		"minutes given twice":         {"minutes: 1\nminutes: 2\n" + one, ":2:", "\"minutes\" is given twice"},
		"an id given twice":           {one + strings.TrimPrefix(one, "instances:\n"), ":4:", "1101000001 is given twice, first in line 2"},
		"an empty instance":           {one + "  - {}\n", ":4:", "no id_instance"},
		"a null instance":             {one + "  -\n", ":4:", "no id_instance"},
		"no id":                       {one + "  - token_file: one\n", ":4:", "no id_instance"},
		"an id of letters":            {strings.Replace(one, "1101000001", secret, 1), ":2:", "digits"},
		"an id that is a float":       {strings.Replace(one, "\"1101000001\"", "1.1e9", 1), ":2:", "digits"},
		"an id that is a list":        {strings.Replace(one, "\"1101000001\"", "[1]", 1), ":2:", "one value"},
		"no token":                    {"instances:\n  - minutes: 5\n    id_instance: 1\n", ":2:", "instance 1 has no token"},
		"a null token":                {"instances:\n  - id_instance: 1\n    token:\n", ":2:", "no token"},
		"two tokens":                  {one + "    token: " + secret + "\n", ":4:", "given twice"},
		"an unreadable token file":    {strings.Replace(one, "file: one", "file: none", 1), ":3:", "no such file"},
		"an empty token file":         {strings.Replace(one, "file: one", "file: empty", 1), ":3:", "empty"},
		"a token as its file":         {strings.Replace(one, "file: one", "file: "+secret, 1), ":3:", "token_file"},
		"an unset variable":           {strings.Replace(one, "token_file: one", "token_env: EMPTY_TOKEN_OF_A_TEST", 1), ":3:", "not set"},
		"a token as its variable":     {strings.Replace(one, "token_file: one", "token_env: "+secret, 1), ":3:", "not set"},
		"a token of two words":        {strings.Replace(one, "token_file: one", "token: "+secret+" "+secret, 1), ":3:", "copy it again"},
		"a bad URL":                   {one + "    url: api.green-api.com/" + secret + "\n", ":4:", "https://"},
		"http":                        {one + "    url: http://a.example/" + secret + "\n", ":4:", "--greenapi.insecure-http"},
		"a bad URL for all":           {"url: ftp://a\n" + one, ":1:", "https://"},
		"an interval without unit":    {"min_interval: 60\n" + one, ":1:", "min_interval must be a duration"},
		"a token as an interval":      {"min_interval: " + secret + "\n" + one, ":1:", "min_interval must be a duration"},
		"a negative interval":         {one + "    min_interval: -1s\n", ":4:", "negative"},
		"no timeout":                  {one + "    timeout: 0s\n", ":4:", "more than 0"},
		"no minutes":                  {"minutes: 0\n" + one, ":1:", "minutes is 0"},
		"half a minute":               {one + "    minutes: 0.5\n", ":4:", "whole number"},
		"more than is remembered":     {one + "    minutes: 30000\n", ":4:", "--storage.retention is 360h; with minutes=30000"},
		"collectors in one word":      {"collectors: outgoing\n" + one, ":1:", "list"},
		"an unknown collector":        {one + "    collectors:\n      - outgoing\n      - outgoin\n", ":6:", "outgoing, state, queue, settings"},
		"a collector given twice":     {one + "    collectors: [state, state]\n", ":4:", "twice"},
		"no collector":                {one + "    collectors: []\n", ":4:", "empty"},
		"labels in a list":            {one + "    labels: [a]\n", ":4:", "map"},
		"a label with a dash":         {one + "    labels: {a-b: x}\n", ":4:", "letters, digits and _"},
		"a label that is a map":       {one + "    labels: {a: {b: c}}\n", ":4:", "one value"},
		"a label given twice":         {one + "    labels:\n      a: x\n      a: y\n", ":6:", "twice"},
		"an empty partner":            {one + "partner: {}\n", ":4:", "partner has no token"},
		"a partner without token":     {"partner:\n  refresh: 1m\n", ":1:", "partner has no token"},
		"a quick refresh":             {"partner:\n  token_file: one\n  refresh: 10ms\n", ":3:", "refresh is 10ms"},
		"an instance of labels":       {one + "  - labels: {a: b}\n", ":4:", "no id_instance"},
		"a collector that is a token": {"collectors: [" + secret + "]\n" + one, ":1:", "unknown collector"},
		"a label that is a token":     {one + "    labels: {" + secret + ": {b: c}}\n", ":4:", "one value"},
		"an empty URL":                {"partner:\n  token_file: one\n  url: \"\"\n", ":3:", "https://"},
		"an empty refresh":            {"partner:\n  token_file: one\n  refresh: \"\"\n", ":3:", "duration"},
		"an endless refresh":          {"partner:\n  token_file: one\n  refresh: 25h\n", ":3:", "to 24h"},
		"a list that is merged in":    {"x: &x\n  instances: [{}]\n<<: *x\n", ":1:", "unknown key \"x\""},
		"a pattern that is none":      {"partner:\n  token_file: one\n  include: \"(" + secret + "\"\n", ":3:", "missing closing )"},
		"an alias that is nowhere":    {"minutes: *" + secret[:20] + "\n" + one, ":", "invalid YAML"},
		"a partner that is a value":   {"partner: " + secret + "\n", ":1:", "keys and values"},
	} {
		t.Run(name, func(t *testing.T) {
			s := source(t, c.text)
			_, err := s.Load(log.NewNopLogger())
			if err == nil {
				t.Fatal("it is valid")
			}
			text := err.Error()
			if !strings.HasPrefix(text, s.Path+c.line+" ") || !strings.Contains(text, c.says) || strings.Contains(text, "\n") {
				t.Errorf("got %q, want one line with %q in line %q", text, c.says, c.line)
			}
			if strings.Contains(text, secret[:20]) {
				t.Errorf("the token is in %q", text)
			}
		})
	}
}

// TestAliases stand for what they name, wherever a value can be.
func TestAliases(t *testing.T) {
	c, err := source(t, `
minutes: &n 60
collectors: &all [outgoing, &s state]
instances:
  - &first {id_instance: "1", token_file: one, labels: {team: *s}}
  - {id_instance: "2", token_env: TOKEN_OF_A_TEST, collectors: [*s], minutes: *n}
  - {<<: *first, id_instance: "3", collectors: *all}
`).Load(log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	i := c.Instances()
	if i[0].Labels()["team"] != "state" || !i[1].Collects("state") || i[1].Collects("outgoing") || i[2].ID() != "3" || i[2].Labels()["team"] != "state" {
		t.Errorf("got %+v", i)
	}
}

// TestATokenForNobody: the variable of an instance of flags is not there for nothing.
func TestATokenForNobody(t *testing.T) {
	t.Setenv("TOKEN_OF_FLAGS", secret)
	for text, fine := range map[string]bool{
		"instances: [{id_instance: 1, token_file: one}]":                                              false,
		"instances: [{id_instance: 1, token_file: one}, {id_instance: 2, token_env: TOKEN_OF_FLAGS}]": true,
		"partner: {token_env: TOKEN_OF_FLAGS}":                                                        true,
	} {
		s := source(t, text)
		s.TokenEnv = "TOKEN_OF_FLAGS"
		if _, err := s.Load(log.NewNopLogger()); (err == nil) != fine || err != nil && !strings.Contains(err.Error(), "TOKEN_OF_FLAGS is set") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestAFileThatIsNotThere(t *testing.T) {
	s := source(t, whole)
	if err := os.Remove(s.Path); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(log.NewNopLogger()); err == nil || err.Error() != "--config.file (GREENAPI_CONFIG_FILE) "+s.Path+" must name a readable file: no such file or directory" {
		t.Errorf("got %v", err)
	}
}

// TestAFlagAndAFileForTheSame is an error, but not where an instance says otherwise than the flag does for all.
func TestAFlagAndAFileForTheSame(t *testing.T) {
	s := source(t, "instances: [{id_instance: 1, token_file: one, minutes: 5}]\nminutes: 60\n")
	s.SetByFlag = map[string]string{"minutes": "GREENAPI_MINUTES"}
	if _, err := s.Load(log.NewNopLogger()); err == nil || !strings.Contains(err.Error(), ":2: minutes is given here and by GREENAPI_MINUTES") {
		t.Errorf("got %v", err)
	}
	s = source(t, "instances: [{id_instance: 1, token_file: one, minutes: 5}]\n")
	s.SetByFlag = map[string]string{"minutes": "GREENAPI_MINUTES"}
	if c, err := s.Load(log.NewNopLogger()); err != nil || c.Instances()[0].Minutes() != 5 {
		t.Errorf("got %v, %v", c, err)
	}
}

// TestPartnersInstances: which of a list are watched.
func TestPartnersInstances(t *testing.T) {
	c, err := source(t, strings.Replace(whole, "0012", "1101000009", 1)).Load(log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	token, err := greenapi.NewToken("of-the-list")
	if err != nil {
		t.Fatal(err)
	}
	ends := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	listed := []greenapi.PartnerInstance{
		{ID: "11999", Token: token, Expires: ends},
		{ID: "1101000002", Token: token, Expires: ends},
		{ID: "2101000001", Token: token},
		{ID: "1101000004", Token: token, Deleted: true},
		{ID: "1101000005", Token: token, Expired: true},
		{ID: "1101000006"},
		{ID: "1101000003", Token: token},
		{ID: "1101000009", Token: token, Deleted: true, Expires: ends},
	}
	var ids []string
	for _, i := range c.Partner().Instances(listed, c.Instances()) {
		ids = append(ids, i.ID())
		if fromFile := slices.Contains([]string{"1101000001", "1101000002", "1101000009"}, i.ID()); i.Token().Token().Equal(token) == fromFile {
			t.Errorf("%s has the token of the other source", i.ID())
		}
		want := time.Time{}
		if i.ID() == "11999" || i.ID() == "1101000002" || i.ID() == "1101000009" {
			want = ends
		}
		if !i.Expires().Equal(want) {
			t.Errorf("%s expires at %v, want %v", i.ID(), i.Expires(), want)
		}
	}
	if got, want := strings.Join(ids, " "), "1101000001 1101000002 1101000009 11999 1101000003"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if !c.Instances()[1].Expires().IsZero() {
		t.Error("the configuration was changed")
	}
}
