package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-kit/log"
)

// TestInvalidFilesAreRejected checks that each error is one line that begins with the path and the
// line number, and that no error contains the token.
func TestInvalidFilesAreRejected(t *testing.T) {
	const (
		one     = "instances:\n  - id_instance: \"1101000001\"\n    token_file: one\n"
		partner = "partner:\n  token_file: one\n"
	)
	replace := func(old, new string) string { return strings.Replace(one, old, new, 1) }
	for _, c := range []struct {
		name, text string
		line       int // 0 if the error has no line number
		want       string
	}{
		{"empty file", "", 1, "empty"},
		{"only a comment", "# nothing\n", 1, "empty"},
		{"no instances", "minutes: 60\n", 1, "partner"},
		{"empty list of instances", "minutes: 5\ninstances: []\n", 2,
			"no instances; list instances"},
		{"empty list of instances, null partner", "instances: []\npartner:\n", 1, "no instances"},
		{"null instances", "instances:\n", 1, "partner"},

		{"unclosed bracket", "instances: [\n", 1, "invalid YAML"},
		{"tab", "instances:\n\t- x\n", 2, "with a tab"},
		{"undefined alias", "minutes: *" + secret[:20] + "\n" + one, 1, "undefined alias"},
		{"two documents", one + "---\n" + one, 4, "second YAML document"},
		{"list at the top", "- id_instance: 1\n", 1, "example"},
		{"value as partner", "partner: " + secret + "\n", 1, "partner must be a map of keys"},
		{"value as instance", "instances:\n  - " + secret + "\n", 2,
			"instances[0] must be a map of keys"},

		{"unknown key", "minuets: 60\n" + one, 1,
			`unknown key "minuets" (did you mean minutes?); the known keys are url`},
		{"unknown key of an instance", one + "    tokn: x\n", 4,
			`"tokn" (did you mean token?); the known keys are id_instance`},
		{"unknown key like no other", one + "    phone: 5\n", 4, `unknown key "phone"; the known`},
		{"name of the API as a key", one + "    apiTokenInstance: " + secret + "\n", 4,
			`unknown key "apiTokenInstance"; the known`},
		{"key of an instance at the top", one + "labels: {a: b}\n", 4,
			`unknown key "labels" here (it belongs to an instance; check its indentation)`},
		{"key of two sections at the top", "token: " + secret + "\n" + one, 1,
			"it belongs to an instance or partner"},
		{"key of the partner in an instance", one + "    refresh: 5m\n", 4,
			"it belongs to partner"},
		{"key of the top in the partner", partner + "  minutes: 5\n", 3,
			"belongs to the top level"},
		{"instances without a dash", "instances:\n  id_instance: 1\n", 2, "begins with a dash"},
		{"unknown key of the partner", partner + "  refrsh: 1m\n", 3,
			`"refrsh" (did you mean refresh?); the known keys are token_file`},
		{"unknown key, and a merged list", "x: &x\n  instances: [{}]\n<<: *x\n", 1,
			`unknown key "x"`},
		{"token as key", one + "    " + secret + ": x\n", 4, "unknown key; the"},
		{"duplicate key", "minutes: 1\nminutes: 2\n" + one, 2, `duplicate key "minutes"`},
		{"duplicate key of an instance", one + "    token_file: one\n", 4,
			`duplicate key "token_file"; the first is in line 3`},

		{"empty instance", one + "  - {}\n", 4, "no id_instance"},
		{"null instance", one + "  -\n", 4, "no id_instance"},
		{"instance with only a token", one + "  - token_file: one\n", 4, "no id_instance"},
		{"instance with only labels", one + "  - labels: {a: b}\n", 4, "no id_instance"},
		{"duplicate id as a number", one + "  - {id_instance: 1101000001, token: x}\n", 4,
			"duplicate instance 1101000001; the first is in line 2"},
		{"duplicate id", one + strings.TrimPrefix(one, "instances:\n"), 4,
			"duplicate instance 1101000001; the first is in line 2"},
		{"token as id", replace("1101000001", secret), 2, "digits"},
		{"float as id", replace(`"1101000001"`, "1.1e9"), 2, "digits"},
		{"negative id", replace(`"1101000001"`, "-1101000001"), 2, "a sign"},
		{"fractional id", replace(`"1101000001"`, "1101000001.0"), 2, "a fraction"},
		{"id with a space", replace("1101000001", "1101000001 "), 2, "without spaces"},
		{"id with a space inside", replace(`"1101000001"`, "1101 000001"), 2, "without spaces"},
		{"hexadecimal id", replace(`"1101000001"`, "0x1F"), 2, "digits"},
		{"list as id", replace(`"1101000001"`, "[1]"), 2, "one value"},

		{"no token", "instances:\n  - minutes: 5\n    id_instance: 1\n", 2,
			"instance 1 has no token"},
		{"null token", "instances:\n  - id_instance: 1\n    token:\n", 2, "no token"},
		{"two tokens", one + "    token: " + secret + "\n", 4, "has two tokens"},
		{"two tokens in one value", replace("token_file: one", "token: "+secret+" "+secret), 3,
			"copy it again"},
		{"missing token file", replace("file: one", "file: none"), 3,
			"no such file or directory; a relative path begins at the directory of this file"},
		{"empty token file", replace("file: one", "file: empty"), 3, "empty"},
		{"token as token file", replace("file: one", "file: "+secret), 3, "token_file"},
		{"name of an empty variable", replace("token_file: one", "token_env: EMPTY_TEST_TOKEN"), 3,
			`the variable "EMPTY_TEST_TOKEN" is empty`},
		{"empty variable", replace("token_file: one", "token_env: EMPTY_TEST_TOKEN"), 3, "not set"},
		{"token as variable", replace("token_file: one", "token_env: "+secret), 3, "not set"},

		{"URL of the console", one + "    url: https://console.green-api.com/\n", 4, "console"},
		{"list as URL", one + "    url: [a]\n", 4, "url must be one value"},
		{"list as token file", replace("token_file: one", "token_file: [one]"), 3, "one value"},
		{"directory as token file", replace("file: one", "file: ."), 3, "it is a directory"},
		{"URL as token file", replace("file: one", "file: https://a.example/"+secret), 3,
			"not a URL"},
		{"invalid URL", one + "    url: api.green-api.com/" + secret + "\n", 4, "https://"},
		{"invalid URL for all", "url: ftp://a\n" + one, 1, "https://"},
		{"http URL", one + "    url: http://a.example/" + secret + "\n", 4,
			"--greenapi.insecure-http"},
		{"interval without unit", "min_interval: 60\n" + one, 1, "min_interval must be a duration"},
		{"token as interval", "min_interval: " + secret + "\n" + one, 1,
			"min_interval must be a duration"},
		{"negative interval", one + "    min_interval: -1s\n", 4,
			"min_interval is -1s; it must be from 0s to 1d"},
		{"interval too long", "min_interval: 24h1s\n" + one, 1, "to 1d"},
		{"interval overflows", one + "    min_interval: 9999999999h\n", 4, "to 1d"},
		{"negative interval overflows", one + "    min_interval: -9999999999h\n", 4, "to 1d"},
		{"timeout too long", one + "    timeout: 2562047h\n", 4,
			"timeout is 106751d23h; it must be more than 0 and at most 1h"},
		{"timeout overflows", "timeout: 2562047h47m17s\n" + one, 1, "at most 1h"},
		{"too many minutes", one + "    minutes: 5254561\n", 4, "from 1 to 5254560"},
		{"minutes overflow", "minutes: 99999999999999999999\n" + one, 1, "from 1 to 5254560"},
		{"negative minutes overflow", "minutes: -99999999999999999999\n" + one, 1, "from 1 to"},
		{"zero timeout", one + "    timeout: 0s\n", 4, "more than 0"},
		{"zero minutes", "minutes: 0\n" + one, 1, "minutes is 0"},
		{"fraction of a minute", one + "    minutes: 0.5\n", 4, "whole number"},
		{"unknown lookback", "lookback: tired\n" + one, 1,
			`unknown value "tired" (did you mean tiered?) of lookback; it must be full or tiered`},
		{"unknown lookback of an instance", one + "    lookback: none\n", 4,
			`unknown value "none" of lookback`},
		{"token as lookback", one + "    lookback: " + secret + "\n", 4,
			"unknown value of lookback"},
		{"list as lookback", one + "    lookback: [full]\n", 4, "lookback must be one value"},
		{"window too long for retention", one + "    minutes: 30000\n", 4,
			"--storage.retention is 15d; with minutes=30000"},

		{"value as collectors", "collectors: outgoing\n" + one, 1, "list"},
		{"no collectors", one + "    collectors: []\n", 4, "empty"},
		{"unknown collector", one + "    collectors:\n      - outgoing\n      - outgoin\n", 6,
			`"outgoin" (did you mean outgoing?); the collectors are outgoing, state, queue,`},
		{"collector in upper case", "collectors: [STATE]\n" + one, 1, "did you mean state?"},
		{"collector like no other", "collectors: [journal]\n" + one, 1, `collector "journal"; the`},
		{"token as collector", "collectors: [" + secret + "]\n" + one, 1, "unknown collector"},
		{"duplicate collector", one + "    collectors: [state, state]\n", 4, "duplicate"},

		{"list as labels", one + "    labels: [a]\n", 4, "map"},
		{"map as label", one + "    labels: {a: {b: c}}\n", 4, "one value"},
		{"token as label", one + "    labels: {" + secret + ": {b: c}}\n", 4, "one value"},
		{"value as labels", one + "    labels: team\n", 4, "labels must be a map"},
		{"empty label name", one + "    labels: {\"\": x}\n", 4, "letters, digits and _"},
		{"label with a dash", one + "    labels: {a-b: x}\n", 4, "letters, digits and _"},
		{"duplicate label", one + "    labels:\n      a: x\n      a: y\n", 6, "duplicate"},

		{"empty partner", one + "partner: {}\n", 4, "partner has no token"},
		{"partner without token", "partner:\n  refresh: 1m\n", 1, "partner has no token"},
		{"empty URL", partner + "  url: \"\"\n", 3, "https://"},
		{"empty refresh", partner + "  refresh: \"\"\n", 3, "duration"},
		{"refresh too short", partner + "  refresh: 10ms\n", 3, "refresh is 10ms"},
		{"refresh overflows", partner + "  refresh: 1.5h9999999999h\n", 3, "to 1d"},
		{"refresh too long", partner + "  refresh: 25h\n", 3, "to 1d"},
		{"invalid include", partner + "  include: \"(" + secret + "\"\n", 3, "missing closing )"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSource(t, c.text)
			_, err := s.Load(log.NewNopLogger())
			if err == nil {
				t.Fatal("the file is valid")
			}
			text, prefix := err.Error(), fmt.Sprintf("%s:%d: ", s.Path, c.line)
			if c.line == 0 {
				prefix = s.Path + ": "
			}
			if !strings.HasPrefix(text, prefix) || !strings.Contains(text, c.want) ||
				strings.Contains(text, "\n") {
				t.Errorf("got %q, want one line with prefix %q and %q", text, prefix, c.want)
			}
			if strings.Contains(text, secret[:20]) {
				t.Errorf("%q contains the token", text)
			}
		})
	}
}
