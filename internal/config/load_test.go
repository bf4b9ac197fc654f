package config

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
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
	defaults := validFlags()
	defaults.IDInstance, defaults.Token = "", ""
	defaults.Collectors = []string{"outgoing", "state", "queue"}
	return Source{Path: filepath.Join(dir, "greenapi.yml"), Defaults: defaults, Collectors: collectors}
}

const completeFile = `
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
    token_env: TEST_TOKEN
    minutes: 60
    min_interval: 0s
    timeout: 5s
    collectors: [settings]
  - {id_instance: "0012", token: ` + secret + `}
partner:
  token_env: TEST_TOKEN
  refresh: 5m
  include: "^11"
`

func TestFileDescribesInstances(t *testing.T) {
	c, err := newSource(t, completeFile).Load(log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	type expected struct {
		id, url              string
		minutes              int
		minInterval, timeout time.Duration
		collectors           string
	}
	for n, want := range []expected{
		{
			"1101000001", "https://1101.api.greenapi.com", 120,
			time.Minute, 20 * time.Second, "outgoing state",
		},
		{"1101000002", DefaultURL, 60, 0, 5 * time.Second, "settings"},
		{"0012", DefaultURL, 120, time.Minute, 20 * time.Second, "outgoing state"},
	} {
		i := c.Instances()[n]
		var enabled []string
		for _, name := range collectors {
			if i.Collects(name) {
				enabled = append(enabled, name)
			}
		}
		got := expected{
			i.ID(), i.URL().String(), i.Minutes(), i.MinInterval(), i.Timeout(), strings.Join(enabled, " "),
		}
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
		t.Error("want the collector settings enabled for one instance, and queue for none")
	}
}

func TestFlagsAreDefaultsOfFile(t *testing.T) {
	s := newSource(t, "instances: [{id_instance: 1, token_file: one}]")
	s.Defaults.URL, s.Defaults.Minutes = "https://a.example", 77
	c, err := s.Load(log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	i := c.Instances()[0]
	if i.URL().Host != "a.example" || i.Minutes() != 77 || i.MinInterval() != time.Second ||
		!i.Collects("queue") || c.Partner() != nil {
		t.Errorf("got %+v", i)
	}
}

func TestFileCanHaveNoInstances(t *testing.T) {
	c, err := newSource(t, "instances: []").Load(log.NewNopLogger())
	if err != nil || len(c.Instances()) != 0 {
		t.Errorf("an empty list: got %v, %v", c, err)
	}
	const partner = `partner: {token_file: one, url: "https://b.example/v3"}`
	c, err = newSource(t, partner).Load(log.NewNopLogger())
	if err != nil || c.Partner().URL().Path != "/v3" || c.Partner().Refresh() != 10*time.Minute {
		t.Errorf("only a partner: got %v, %v", c, err)
	}
}

// TestInvalidFilesAreRejected with an error of one line, which has the number of the line in
// question and does not contain the token.
func TestInvalidFilesAreRejected(t *testing.T) {
	const one = "instances:\n  - id_instance: \"1101000001\"\n    token_file: one\n"
	for name, c := range map[string]struct {
		text string
		line string // after the path
		want string // in the error
	}{
		"empty file":                    {"", ":1:", "empty"},
		"only a comment":                {"# nothing\n", ":1:", "empty"},
		"no instances":                  {"minutes: 60\n", ":1:", "partner"},
		"null instances":                {"instances:\n", ":1:", "partner"},
		"unclosed bracket":              {"instances: [\n", ":1:", "invalid YAML"},
		"tab":                           {"instances:\n\t- x\n", ":2:", "invalid YAML"},
		"list at the top":               {"- id_instance: 1\n", ":1:", "example"},
		"two documents":                 {one + "---\n" + one, ":4:", "second document"},
		"unknown key":                   {"minuets: 60\n" + one, ":1:", "unknown key \"minuets\"; the known keys are url, minutes"},
		"unknown key of an instance":    {one + "    tokn: x\n", ":4:", "unknown key \"tokn\"; the known keys are id_instance"},
		"unknown key of the partner":    {one + "partner:\n  token_file: one\n  refrsh: 1m\n", ":6:", "unknown key \"refrsh\"; the known keys are token_file"},
		"token as key":                  {one + "    " + secret + ": x\n", ":4:", "unknown key; the"},
		"token as instance":             {"instances:\n  - " + secret + "\n", ":2:", "keys and values"},
		"repeated key of an instance":   {one + "    token_file: one\n", ":4:", "\"token_file\" is given twice, first in line 3"},
		"repeated key":                  {"minutes: 1\nminutes: 2\n" + one, ":2:", "\"minutes\" is given twice"},
		"repeated id":                   {one + strings.TrimPrefix(one, "instances:\n"), ":4:", "1101000001 is given twice, first in line 2"},
		"empty instance":                {one + "  - {}\n", ":4:", "no id_instance"},
		"null instance":                 {one + "  -\n", ":4:", "no id_instance"},
		"no id":                         {one + "  - token_file: one\n", ":4:", "no id_instance"},
		"token as id":                   {strings.Replace(one, "1101000001", secret, 1), ":2:", "digits"},
		"id is a float":                 {strings.Replace(one, "\"1101000001\"", "1.1e9", 1), ":2:", "digits"},
		"id is a list":                  {strings.Replace(one, "\"1101000001\"", "[1]", 1), ":2:", "one value"},
		"no token":                      {"instances:\n  - minutes: 5\n    id_instance: 1\n", ":2:", "instance 1 has no token"},
		"null token":                    {"instances:\n  - id_instance: 1\n    token:\n", ":2:", "no token"},
		"two tokens":                    {one + "    token: " + secret + "\n", ":4:", "given twice"},
		"missing token file":            {strings.Replace(one, "file: one", "file: none", 1), ":3:", "no such file"},
		"empty token file":              {strings.Replace(one, "file: one", "file: empty", 1), ":3:", "empty"},
		"token as token file":           {strings.Replace(one, "file: one", "file: "+secret, 1), ":3:", "token_file"},
		"empty variable":                {strings.Replace(one, "token_file: one", "token_env: EMPTY_TEST_TOKEN", 1), ":3:", "not set"},
		"token as variable":             {strings.Replace(one, "token_file: one", "token_env: "+secret, 1), ":3:", "not set"},
		"two tokens in one value":       {strings.Replace(one, "token_file: one", "token: "+secret+" "+secret, 1), ":3:", "copy it again"},
		"invalid URL":                   {one + "    url: api.green-api.com/" + secret + "\n", ":4:", "https://"},
		"http URL":                      {one + "    url: http://a.example/" + secret + "\n", ":4:", "--greenapi.insecure-http"},
		"invalid URL for all":           {"url: ftp://a\n" + one, ":1:", "https://"},
		"interval without unit":         {"min_interval: 60\n" + one, ":1:", "min_interval must be a duration"},
		"token as interval":             {"min_interval: " + secret + "\n" + one, ":1:", "min_interval must be a duration"},
		"negative interval":             {one + "    min_interval: -1s\n", ":4:", "negative"},
		"zero timeout":                  {one + "    timeout: 0s\n", ":4:", "more than 0"},
		"zero minutes":                  {"minutes: 0\n" + one, ":1:", "minutes is 0"},
		"fraction of a minute":          {one + "    minutes: 0.5\n", ":4:", "whole number"},
		"window too long for retention": {one + "    minutes: 30000\n", ":4:", "--storage.retention is 360h; with minutes=30000"},
		"collectors is no list":         {"collectors: outgoing\n" + one, ":1:", "list"},
		"unknown collector":             {one + "    collectors:\n      - outgoing\n      - outgoin\n", ":6:", "outgoing, state, queue, settings"},
		"repeated collector":            {one + "    collectors: [state, state]\n", ":4:", "twice"},
		"no collectors":                 {one + "    collectors: []\n", ":4:", "empty"},
		"labels in a list":              {one + "    labels: [a]\n", ":4:", "map"},
		"label with a dash":             {one + "    labels: {a-b: x}\n", ":4:", "letters, digits and _"},
		"label is a map":                {one + "    labels: {a: {b: c}}\n", ":4:", "one value"},
		"repeated label":                {one + "    labels:\n      a: x\n      a: y\n", ":6:", "twice"},
		"empty partner":                 {one + "partner: {}\n", ":4:", "partner has no token"},
		"partner without token":         {"partner:\n  refresh: 1m\n", ":1:", "partner has no token"},
		"refresh too short":             {"partner:\n  token_file: one\n  refresh: 10ms\n", ":3:", "refresh is 10ms"},
		"instance with only labels":     {one + "  - labels: {a: b}\n", ":4:", "no id_instance"},
		"token as collector":            {"collectors: [" + secret + "]\n" + one, ":1:", "unknown collector"},
		"token as label":                {one + "    labels: {" + secret + ": {b: c}}\n", ":4:", "one value"},
		"empty URL":                     {"partner:\n  token_file: one\n  url: \"\"\n", ":3:", "https://"},
		"empty refresh":                 {"partner:\n  token_file: one\n  refresh: \"\"\n", ":3:", "duration"},
		"refresh too long":              {"partner:\n  token_file: one\n  refresh: 25h\n", ":3:", "to 24h"},
		"unknown key and a merged list": {"x: &x\n  instances: [{}]\n<<: *x\n", ":1:", "unknown key \"x\""},
		"invalid include":               {"partner:\n  token_file: one\n  include: \"(" + secret + "\"\n", ":3:", "missing closing )"},
		"undefined alias":               {"minutes: *" + secret[:20] + "\n" + one, ":", "invalid YAML"},
		"partner is a value":            {"partner: " + secret + "\n", ":1:", "keys and values"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSource(t, c.text)
			_, err := s.Load(log.NewNopLogger())
			if err == nil {
				t.Fatal("the file is valid")
			}
			text := err.Error()
			place := s.Path + c.line + " "
			if !strings.HasPrefix(text, place) || !strings.Contains(text, c.want) ||
				strings.Contains(text, "\n") {
				t.Errorf("got %q, want one line that begins with %q and contains %q", text, place, c.want)
			}
			if strings.Contains(text, secret[:20]) {
				t.Errorf("%q contains the token", text)
			}
		})
	}
}

func TestAliasesAndMergeKeys(t *testing.T) {
	c, err := newSource(t, `
minutes: &n 60
collectors: &all [outgoing, &s state]
instances:
  - &first {id_instance: "1", token_file: one, labels: &l {team: *s, country: de}}
  - {id_instance: "2", token_env: TEST_TOKEN, collectors: [*s], minutes: *n}
  - {<<: *first, id_instance: "3", collectors: *all}
  - {<<: [{minutes: 5}, *first], id_instance: "4", labels: {<<: *l, country: at}}
`).Load(log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	i := c.Instances()
	if i[0].Labels()["team"] != "state" || !i[1].Collects("state") || i[1].Collects("outgoing") ||
		i[2].ID() != "3" || i[2].Labels()["team"] != "state" {
		t.Errorf("got %+v", i)
	}
	labels := i[3].Labels()
	if i[3].Minutes() != 5 || labels["team"] != "state" || labels["country"] != "at" {
		t.Errorf("got %+v", i[3])
	}
}

func TestAliasCyclesAreRejected(t *testing.T) {
	for _, text := range []string{
		"instances: &x [*x]", "instances: [&x {<<: *x}]", "partner: &x {token: *x}",
		"instances: [{labels: &x {a: *x}}]", "instances: [{collectors: &x [*x]}]",
	} {
		if _, err := newSource(t, text).Load(log.NewNopLogger()); err == nil {
			t.Errorf("%s is valid", text)
		}
	}
}

func TestTokenOfFlagsMustBeUsed(t *testing.T) {
	const one = "instances: [{id_instance: 1, token_file: one}"
	for text, valid := range map[string]bool{
		one + "]": false,
		one + ", {id_instance: 2, token_env: FLAGS_TOKEN}]": true,
		"partner: {token_env: FLAGS_TOKEN}":                 true,
	} {
		s := newSource(t, text)
		t.Setenv("FLAGS_TOKEN", secret)
		s.TokenEnv = "FLAGS_TOKEN"
		_, err := s.Load(log.NewNopLogger())
		if (err == nil) != valid || err != nil && !strings.Contains(err.Error(), "FLAGS_TOKEN is set") {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

func TestMissingFileIsReportedWithItsPath(t *testing.T) {
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

func TestSettingIsGivenByFlagOrForAllInstancesOfFile(t *testing.T) {
	const one = "instances: [{id_instance: 1, token_file: one, minutes: 5}]\n"
	s := newSource(t, one+"minutes: 60\n")
	s.SetByFlag = map[string]string{"minutes": "GREENAPI_MINUTES"}
	_, err := s.Load(log.NewNopLogger())
	want := ":2: minutes is given here and by GREENAPI_MINUTES"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
	s = newSource(t, one)
	s.SetByFlag = map[string]string{"minutes": "GREENAPI_MINUTES"}
	if c, err := s.Load(log.NewNopLogger()); err != nil || c.Instances()[0].Minutes() != 5 {
		t.Errorf("set for one instance: got %v, %v", c, err)
	}
}

func TestPartnerInstancesAreFiltered(t *testing.T) {
	text := strings.Replace(completeFile, "0012", "1101000009", 1)
	c, err := newSource(t, text).Load(log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	token, err := greenapi.NewToken("token-in-the-list")
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
		inFile := slices.Contains([]string{"1101000001", "1101000002", "1101000009"}, i.ID())
		if i.Token().Token().Equal(token) == inFile {
			t.Errorf("%s has the token of the wrong source", i.ID())
		}
		want := time.Time{}
		if i.ID() == "11999" || i.ID() == "1101000002" || i.ID() == "1101000009" {
			want = ends
		}
		if !i.Expires().Equal(want) {
			t.Errorf("%s expires at %v, want %v", i.ID(), i.Expires(), want)
		}
	}
	want := strings.Fields("1101000001 1101000002 1101000009 11999 1101000003")
	if !slices.Equal(ids, want) {
		t.Errorf("got %s, want %s", ids, want)
	}
	if !c.Instances()[1].Expires().IsZero() {
		t.Error("Instances modified the configuration")
	}
}
