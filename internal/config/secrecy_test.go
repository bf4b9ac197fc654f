package config

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-kit/log"
)

// misplacements are what surrounds a token that is written in a wrong place.
var misplacements = []string{
	"T", `"T"`, `"T`, "'T", "[T", "[T]", "{T", "{T: T}", "T: T", "T:T", "- T", "*T", "&T T", "&T",
	"!T", "!!T x", "!<T> x", "@T", "%T", "`T", "|T", ">T", "? T", "<<: T",
	"\tT", "\n\tT: x", "\nT", "\n T:",
	"T\n---\nT: x", "${T}", "TOKEN=T", "https://T", "https://a.example/T", "https://T@a.example",
	"https://a.example/waInstance1/x/T", "/run/T", "T.token", "T=", "-T", "1T", "T\x01", "T\xff",
	"!!int T", "!!float T", "!!binary T", "!!map T", "(T", "[[:T:]]", "T T", "\\T", "\"\\T\"",
}

// TestErrorsNeverContainATokenOfTheFile replaces every word of a file, one after the other, with a
// token and what can surround it.
func TestErrorsNeverContainATokenOfTheFile(t *testing.T) {
	s := newSource(t, completeFile)
	words := regexp.MustCompile(`[^\s\[\]{},]+`).FindAllStringIndex(completeFile, -1)
	rejected := 0
	tokens := []string{"gac.9f8e7d6c5b"}
	if !testing.Short() {
		tokens = append(tokens, "9f8e7d6c", "d75b3a66374942c5b3c019c698abc206")
	}
	for _, token := range tokens {
		for _, around := range misplacements {
			misplaced := strings.ReplaceAll(around, "T", token)
			for _, word := range words {
				text := completeFile[:word[0]] + misplaced + completeFile[word[1]:]
				var logged bytes.Buffer
				l := &loader{Source: s, logger: log.NewLogfmtLogger(&logged)}
				_, err := l.parse([]byte(text))
				if err == nil {
					continue
				}
				rejected++
				output := logged.String() + err.Error()
				if strings.Contains(output, token) || strings.Contains(err.Error(), "\n") {
					t.Errorf("%q for %q: %s", misplaced, completeFile[word[0]:word[1]], output)
				}
			}
		}
	}
	if rejected < 1000 {
		t.Errorf("only %d files were rejected", rejected)
	}
}

// TestErrorsNeverContainATokenOfTheEnvironment uses a token as the value of each text setting, as
// the path of the file, and in the variable and the file of a token.
func TestErrorsNeverContainATokenOfTheEnvironment(t *testing.T) {
	const token = "9f8e7d6c5b4a39281706"
	s := newSource(t, "instances: [{id_instance: 1, token_env: TEST_TOKEN}, "+
		"{id_instance: 2, token_file: two}]")
	file := filepath.Join(filepath.Dir(s.Path), "two")
	for _, around := range misplacements {
		misplaced := strings.ReplaceAll(around, "T", token)
		var logged bytes.Buffer
		logger := log.NewLogfmtLogger(&logged)
		check := func(place string, err error) {
			t.Helper()
			if err != nil && (strings.Contains(logged.String()+err.Error(), token) ||
				strings.Contains(err.Error(), "\n")) {
				t.Errorf("%s is %q: %v", place, misplaced, err)
			}
		}
		for place, set := range map[string]func(*Flags){
			"URL":         func(f *Flags) { f.URL = misplaced },
			"IDInstance":  func(f *Flags) { f.IDInstance = misplaced },
			"Token":       func(f *Flags) { f.Token = misplaced },
			"TokenFile":   func(f *Flags) { f.Token, f.TokenFile = "", misplaced },
			"both tokens": func(f *Flags) { f.TokenFile = misplaced },
		} {
			f := validFlags()
			set(&f)
			_, err := f.Validate(logger)
			check(place, err)
		}
		_, err := Source{Path: misplaced}.Load(logger)
		check("Path", err)

		_ = os.WriteFile(file, []byte(secret), 0o600)
		t.Setenv("TEST_TOKEN", strings.ReplaceAll(misplaced, "\x00", ""))
		_, err = s.Load(logger)
		check("the variable", err)
		t.Setenv("TEST_TOKEN", secret)
		_ = os.WriteFile(file, []byte(misplaced), 0o600)
		_, err = s.Load(logger)
		check("the token file", err)
	}
}
