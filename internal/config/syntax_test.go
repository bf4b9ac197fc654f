package config

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/go-kit/log"
)

const validInstance = "instances:\n  - id_instance: 1\n    token_file: one\n"

// encodeUTF16 returns the text in UTF-16, with little-endian byte order.
func encodeUTF16(text string) string {
	var encoded []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		encoded = append(encoded, byte(unit), byte(unit>>8))
	}
	return string(encoded)
}

func TestUnusualYAMLIsAccepted(t *testing.T) {
	for name, text := range map[string]string{
		"CRLF":                      strings.ReplaceAll(validInstance, "\n", "\r\n"),
		"byte order mark":           "\ufeff" + validInstance,
		"byte order mark and CRLF":  "\ufeff" + strings.ReplaceAll(validInstance, "\n", "\r\n"),
		"UTF-16":                    encodeUTF16("\ufeff" + validInstance),
		"no newline at the end":     strings.TrimSpace(validInstance),
		"document start":            "---\n" + validInstance,
		"separator at the end":      validInstance + "---\n",
		"separator without newline": validInstance + "---",
		"separators and a comment":  validInstance + "---\n# nothing\n---\n",
		"document end":              validInstance + "...\n",
		"null document at the end":  validInstance + "--- ~\n",
		"empty document first":      "---\n---\n" + validInstance,
		"directive":                 "%YAML 1.1\n---\n" + validInstance,
		"list without indentation":  strings.ReplaceAll(validInstance, "\n  ", "\n"),
		"tabs after colons":         strings.ReplaceAll(validInstance, ": ", ":\t"),
		"JSON": "{\n\t\"instances\": [{\"id_instance\": 1, " +
			"\"token_file\": \"one\"}]\n}\n",
	} {
		c, err := newSource(t, text).Load(log.NewNopLogger())
		if err != nil || len(c.Instances()) != 1 || c.Instances()[0].ID() != "1" {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestSyntaxErrorsNameTheLine covers mistakes for which the YAML library names another line or
// none.
func TestSyntaxErrorsNameTheLine(t *testing.T) {
	many := "instances:\n"
	for n := range 500 {
		many += fmt.Sprintf("  - id_instance: %d\n    token_file: one\n", n)
	}
	const tab, space = "with a tab; YAML allows only spaces", "no space after the colon"
	for _, c := range []struct {
		name, text string
		line       int
		want       string
	}{
		{"key indented too little", "instances:\n  - id_instance: 1\n   token_file: one\n", 3, ""},
		{"key indented too far",
			"instances:\n  - id_instance: \"1\"\n      token_file: one\n", 3, ""},
		{"key indented too far below a number",
			"instances:\n  - id_instance: 1\n      minutes: 5\n", 3, ""},
		{"key between the levels", validInstance + " minutes: 5\n", 4, ""},
		{"setting for all indented", "minutes: 5\n  timeout: 1s\n" + validInstance, 2, ""},
		{"item indented too far", validInstance + "    - id_instance: 2\n", 4, ""},
		{"item indented too little", validInstance + " - id_instance: 2\n", 4, ""},
		{"item without a dash", validInstance + "  id_instance: 2\n", 4, ""},
		{"first key indented", "# c\n---\n\n minutes: 5\n timeout: 1s\n" + validInstance, 6,
			"the line is indented less than line 4"},
		{"list and map", "minutes: 5\n- id_instance: 1\n", 2, ""},
		{"in the middle of a large file", many + "   minutes: 5\n" + many[len("instances:\n"):],
			1002, ""},
		{"at the end of a large file", many + "   minutes: 5\n", 1002, ""},
		{"CRLF", strings.ReplaceAll("minutes: 5\n  timeout: 1s\n", "\n", "\r\n"), 2, ""},

		{"tab below an item", "instances:\n  - id_instance: 1\n\ttoken_file: one\n", 3, tab},
		{"tab after spaces", "instances:\n  - id_instance: 1\n  \ttoken_file: one\n", 3, tab},
		{"tab before an item", "instances:\n\t- id_instance: 1\n\t  token_file: one\n", 2, tab},
		{"tab at the top", "minutes: 5\n\ttimeout: 1s\n", 2, tab},
		{"tab and CRLF", "partner:\r\n\ttoken_file: one\r\n", 2, tab},
		{"tab after a dash", "instances:\n  -\tid_instance: 1\n    token_file: one\n", 2, tab},

		{"no space after a colon", "minutes: 5\ntimeout:1s\n" + validInstance, 2, space},
		{"no space in the first line", "minutes:5\n" + validInstance, 1, space},
		{"no space, and a blank line", "minutes:5\n\n  \n" + validInstance, 1, space},
		{"no space in an instance",
			"instances:\n  - id_instance:1\n    token_file: one\n", 2, space},
		{"no colon", "minutes: 5\ntimeout 1s\n" + validInstance, 2, ""},
		{"two colons", validInstance + "    url: a: b\n", 4, "mapping values"},

		{"unclosed double quote", "url: \"https://a.example\n" + validInstance, 1, ""},
		{"double quote closed by another",
			validInstance + "    url: \"a\n    token: \"b\"\n", 4, ""},
		{"unclosed single quote", validInstance + "    url: 'a\n    minutes: 5\n", 4,
			"a quote is not closed"},
		{"unclosed quote in a large file", strings.Replace(many, "one", "'one", 1), 3, ""},
		{"unclosed bracket", validInstance + "    collectors: [state\n    minutes: 5\n", 4, ""},
		{"unclosed brace",
			"instances:\n  - {id_instance: 1, token_file: one\n  - {id_instance: 2}\n", 2, ""},
		{"wrong bracket", "minutes: 5\ncollectors: [state}\n", 2, "',' or ']'"},
		{"no comma in JSON", "{\n  \"minutes\": 5\n  \"timeout\": \"1s\"\n}\n", 3, "',' or '}'"},
		{"reserved character", "minutes: 5\nurl: @a\n" + validInstance, 2,
			"cannot start any token"},
		{"undefined alias", validInstance + "    token: *" + secret + "\n", 4,
			"undefined alias; quote a value that begins with *"},
		{"undefined tag", validInstance + "    token: !a!" + secret + " x\n", 4, ""},
		{"unfinished anchor", validInstance + "    token: &\n", 4, ""},

		{"control character", validInstance + "    token: \x01\n", 4, "control characters"},
		{"Latin-1", validInstance + "# schl\xfcssel\n", 4, "not UTF-8 text; save it as UTF-8"},
		{"UTF-16 without byte order mark", encodeUTF16(validInstance), 1, "not UTF-8"},
		{"invalid YAML in UTF-16", encodeUTF16("\ufeffa: b: c\n"), 0,
			"UTF-16; save the file as UTF-8"},

		{"two documents", validInstance + "---\n" + validInstance, 4, "second YAML document"},
		{"second document after an empty one", validInstance + "---\n---\nminutes: 5\n", 5,
			"second YAML document"},
		{"only separators", "---\n---\n", 1, "the file is empty; list"},
	} {
		start := time.Now()
		s := newSource(t, c.text)
		_, err := s.Load(log.NewNopLogger())
		prefix := fmt.Sprintf("%s:%d: ", s.Path, c.line)
		if c.line == 0 {
			prefix = s.Path + ": "
		}
		if err == nil || !strings.HasPrefix(err.Error(), prefix) ||
			!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: got %v, want line %d and %q", c.name, err, c.line, c.want)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s: took %s", c.name, took)
		}
	}
}
