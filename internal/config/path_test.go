package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-kit/log"
)

func TestPathsAreNamedUnlessTheyCouldBeTokens(t *testing.T) {
	dir := t.TempDir()
	existing := filepath.Join(dir, secret)
	if err := os.WriteFile(existing, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		existing:                              true,
		filepath.Join(dir, "greenapi.yml"):    true,
		"/etc/absent/greenapi.yml":            true,
		"absent.yml":                          true,
		"absent":                              false,
		secret:                                false,
		filepath.Join(dir, "absent", secret):  false,
		"https://api.green-api.com/" + secret: false,
		"https://a.example/TOKEN":             false,
		"api.green-api.com/waInstance1/x/" + secret + "?minutes=5": false,
		"@" + secret:                    false,
		"TOKEN=" + secret:               false,
		"/run/secrets/" + secret + "/.": false,
	} {
		if got := quotePath(path); got != " "+path && got != "" || (got != "") != want {
			t.Errorf("%s: got %q", path, got)
		}
	}
}

func TestPathsOfNoFilesAreRejected(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		dir:                                     "is a directory",
		"https://api.green-api.com/x/" + secret: "it must be a path, not a URL",
		"file:///etc/" + secret:                 "it must be a path, not a URL",
		secret:                                  "no such file",
		filepath.Join(dir, secret):              "no such file",
		secret + "\x00":                         "invalid argument",
		strings.Repeat("/"+secret, 200):         "too long",
	} {
		f := validFlags()
		f.Token, f.TokenFile = "", path
		wantError(t, path, f, want)

		_, err := Source{Path: path}.Load(log.NewNopLogger())
		if err == nil || !strings.Contains(err.Error(), want) ||
			strings.Contains(err.Error(), secret) {
			t.Errorf("configuration file %s: got %v, want %q", path, err, want)
		}

		s := newSource(t, fmt.Sprintf("instances: [{id_instance: 1, token_file: %q}]", path))
		_, err = s.Load(log.NewNopLogger())
		if err == nil || !strings.Contains(err.Error(), want) ||
			strings.Contains(err.Error(), secret) {
			t.Errorf("token file %s: got %v, want %q", path, err, want)
		}
	}
}
