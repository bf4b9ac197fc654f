package app

import (
	"io"
	"strings"
	"testing"
)

func TestUnknownFlagsAreExplained(t *testing.T) {
	const secret = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345"
	const token = tokenVariable + " or --greenapi.token-file"
	for args, want := range map[string]string{
		"--greenapi.token":                        token,
		"--greenapi.token=" + secret:              token,
		"--greenapi.token " + secret:              token,
		"--greenapi.tokn=" + secret:               token,
		"--greenapi.api-token-instance=" + secret: token,
		"--greenapi.apiTokenInstance=" + secret:   token,
		"--token=" + secret:                       token,
		"--greenapi.token-fil=x":                  "did you mean --greenapi.token-file?",
		"--collector.incomming":                   "did you mean --collector.incoming?",
		"--no-collector.incomming":                "did you mean --no-collector.incoming?",
		"--colector.state":                        "did you mean --collector.state?",
		"--greenapi.id_instance=1":                "did you mean --greenapi.id-instance?",
		"--config-file=x":                         "did you mean --config.file?",
		"--Greenapi.Minutes=5":                    "did you mean --greenapi.minutes?",
		"--minutes=5":                             "did you mean --greenapi.minutes?",
		"--web.listen-adress=:1":                  "did you mean --web.listen-address?",
		"--greenapi.nothing=x":                    "unknown long flag '--greenapi.nothing'; see",
		"--" + secret:                             "unknown flag; see",
		"--x'" + secret:                           "see --help",
		"--greenapi." + secret:                    "unknown flag; see",
		"--" + strings.Repeat("secret", 5):        "unknown flag; see",
		"-" + secret:                              "two dashes",
		"-config.file=x":                          "two dashes",
		secret:                                    "unexpected argument",
		"--demo=" + secret:                        "use --NAME or --no-NAME",
	} {
		_, _, err := parse(strings.Fields(args), io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", args, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), secret) ||
			strings.Contains(err.Error(), "secretsecret")) {
			t.Errorf("%s: the error repeats it: %v", args, err)
		}
	}
}
