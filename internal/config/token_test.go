package config

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/go-kit/log"
)

// loadToken loads a configuration whose only token is the text, from one of four sources. It
// returns the log lines and the error.
func loadToken(t *testing.T, source, text string) (string, error) {
	t.Helper()
	var logged bytes.Buffer
	logger := log.NewLogfmtLogger(&logged)
	spec := "token: " + strconv.Quote(text)
	switch source {
	case "flags":
		f := validFlags()
		f.Token = text
		_, err := f.Validate(logger)
		return logged.String(), err
	case "token_env":
		t.Setenv("TEXT", text)
		spec = "token_env: TEXT"
	case "token_file":
		path := filepath.Join(t.TempDir(), "text")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		spec = "token_file: " + path
	}
	file := "instances: [{id_instance: 1, " + spec + "}]"
	if source == "partner" {
		file = "partner: {" + spec + "}"
	}
	_, err := newSource(t, file).Load(logger)
	return logged.String(), err
}

var tokenSources = []string{"flags", "token", "token_env", "token_file", "partner"}

func TestTextsThatCannotBeTokensAreRejected(t *testing.T) {
	for text, want := range map[string]string{
		`"` + secret + `"`:         "quotes",
		"'" + secret + "'":         "quotes",
		"${TOKEN}":                 "is a placeholder",
		"${TOKEN:-" + secret + "}": "is a placeholder",
		"https://api.green-api.com/waInstance1/x/" + secret: "is a URL",
		"TOKEN=" + secret:        "begins with a name",
		"export TOKEN=" + secret: "begins with a name",
		secret + "\n" + secret:   "white space",
	} {
		for _, source := range tokenSources {
			logged, err := loadToken(t, source, text)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s %s: got %v, want %q", source, text, err, want)
				continue
			}
			if both := logged + err.Error(); strings.Contains(both, secret[:8]) ||
				strings.Contains(err.Error(), "\n") {
				t.Errorf("%s %s: got %q, want one line without the token", source, text, both)
			}
		}
	}
}

func TestShortTokensAreAcceptedWithAWarning(t *testing.T) {
	for text, short := range map[string]bool{
		"abc7xyz": true, "abc7xyz8": false, "\ufeffabc7xyz8\r\n": false, secret: false,
	} {
		for _, source := range tokenSources {
			logged, err := loadToken(t, source, text)
			if err != nil {
				t.Errorf("%s %q: %v", source, text, err)
			}
			if short != strings.Contains(logged, "fewer than 8 characters") ||
				strings.Contains(logged, "abc7") || strings.Count(logged, "\n") > 1 {
				t.Errorf("%s %q: logged %q", source, text, logged)
			}
		}
	}
}
