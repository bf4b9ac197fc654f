package greenapi

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-kit/log"
	"go.yaml.in/yaml/v3"
)

// tokenFields contains tokens in exported and unexported fields. fmt does not call the methods of
// the latter.
type tokenFields struct {
	Exported Token
	hidden   Token
	pointer  *Token
	list     []Token
	source   TokenSource
}

func TestTokensPrintAsSecret(t *testing.T) {
	token := testToken(t, secret)
	fields := tokenFields{token, token, &token, []Token{token}, token}
	values := []any{
		token, &token, fields, &fields, []Token{token}, map[string]Token{"a": token},
		map[Result]tokenFields{OK: fields},
	}
	var written bytes.Buffer
	for _, verb := range strings.Split("vsqxXdtbcoOUeEfFgGpTw", "") {
		for _, flag := range []string{"", "+", "#", " ", "-20", "020", ".3"} {
			for _, value := range values {
				fmt.Fprintf(&written, "%"+flag+verb+"\n", value)
			}
		}
	}
	fmt.Fprintln(&written, token, fields, fmt.Errorf("token %v: %w", token, os.ErrNotExist))

	encode := func(encoded []byte, err error) { fmt.Fprintln(&written, string(encoded), err) }
	encode(json.Marshal(fields))
	encode(json.Marshal(map[string]any{"token": token}))
	encode(xml.Marshal(token))
	encode(yaml.Marshal(map[string]any{"token": token, "fields": struct{ T Token }{token}}))

	_ = log.NewLogfmtLogger(&written).Log("token", token, "fields", fmt.Sprint(fields))
	_ = log.NewJSONLogger(&written).Log("token", token, "fields", fields)
	slog.New(slog.NewTextHandler(&written, nil)).Info("a", "token", token, "fields", fields)
	slog.New(slog.NewJSONHandler(&written, nil)).Info("a", "token", token, "fields", fields)

	text := written.String()
	for _, form := range []string{
		secret[:8], fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret),
		fmt.Sprint([]byte(secret)),
	} {
		if at := strings.Index(text, form); at >= 0 {
			t.Errorf("the token leaks: …%s…", text[max(0, at-100):at+len(form)])
		}
	}
	for _, want := range []string{
		`token=<secret>`, `"token":"\u003csecret\u003e"`, "token: <secret>",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("missing %s", want)
		}
	}
}

func TestInvalidTokensAreRejected(t *testing.T) {
	for want, texts := range map[string][]string{
		"is empty": {"", " ", "\ufeff", "\ufeff\r\n"},
		"copy it": {
			"a b", "abc\n\ndef", "\x01abc", "schl\u00fcssel", "a\tb", "a\x7fb", "“abc”",
		},
		"not UTF-8": {"\xff\xfea\x00b\x00c\x00\r\x00\n\x00", "a\x00b\x00", "\x00a\x00b"},
		"quotes":    {`"abcdef"`, `'abcdef'`, "`abcdef`", `"abcdef`, `abcdef'`, `"a b"`},
		"is a URL": {
			"https://api.green-api.com/waInstance1/getSettings/abcdef", "file:///abcdef",
			"api.green-api.com/waInstance1/getSettings/abcdef", "/WAINSTANCE1/x/abcdef",
		},
		"is a path": {"/run/secrets/abc", "./abc", "../abc", "~/abc", `C:\abc`},
		"is a placeholder such as ${TOKEN}": {
			"${TOKEN}", "$(cat token)x", "apiTokenInstance", `{"token":"abcdef"}`,
			"<token>", "%TOKEN%", "$TOKEN", "{{apiTokenInstance}}", "d75b****",
		},
		"begins with a name, as in NAME=token": {
			"TOKEN=abcdef", "export TOKEN=abcdef", "apiTokenInstance: abcdef", `A="b"`,
			"T = abcdef", "GREENAPI_ID_INSTANCE=1\nGREENAPI_API_TOKEN_INSTANCE=abcdef",
		},
	} {
		for _, text := range texts {
			_, err := NewToken(text)
			if err == nil || !strings.Contains(err.Error(), want) ||
				strings.Contains(err.Error(), "abc") {
				t.Errorf("%q: got %v, want %q, and no part of the text", text, err, want)
			}
		}
	}
}

func TestUnusualTokensAreAccepted(t *testing.T) {
	for _, text := range []string{
		secret, "gac.1234567891234567891234567891213456789", "a", "a/b?c%d..", "YWJj=", "YWJjZA==",
		"a:b", "a-b_c~d", "a'b", "50%", "a$b",
	} {
		for _, given := range []string{text, " " + text + "\r\n", "\ufeff" + text + "\n"} {
			if token, err := NewToken(given); err != nil || token.reveal() != text {
				t.Errorf("%q: got %v, %v", given, token.reveal(), err)
			}
		}
	}
}

func TestShortTokensAreWarnedAbout(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	_ = os.WriteFile(path, []byte("12345678"), 0o600)
	var logged bytes.Buffer
	file, err := OpenTokenFile(path, log.NewLogfmtLogger(&logged))
	if err != nil {
		t.Fatal(err)
	}
	file.Token().WarnIfShort(file.logger)
	if logged.Len() > 0 {
		t.Errorf("8 characters: logged %s", &logged)
	}
	_ = os.WriteFile(path, []byte("1234567"), 0o600)
	file.Token()
	file.Token()
	text := logged.String()
	if strings.Count(text, "fewer than 8 characters") != 1 || strings.Contains(text, "1234567") {
		t.Errorf("7 characters: logged %s", text)
	}
}

func TestTokenEqual(t *testing.T) {
	a, again, b := testToken(t, "aaaa"), testToken(t, "aaaa"), testToken(t, "bbbb")
	if !a.Equal(again) || a.Equal(b) || a.Equal(Token{}) || !(Token{}).Equal(Token{}) {
		t.Error("Equal is wrong")
	}
}

func TestTokenFileIsReloaded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	var logged bytes.Buffer
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("\ufeff  first-token\r\n")
	file, err := OpenTokenFile(path, log.NewLogfmtLogger(&logged))
	if err != nil {
		t.Fatal(err)
	}
	expect := func(when, want string, lines int) {
		t.Helper()
		for range 2 {
			if got := file.Token().reveal(); got != want {
				t.Errorf("%s: got %q, want %q", when, got, want)
			}
		}
		if got := strings.Count(logged.String(), "\n"); got != lines {
			t.Errorf("%s: %d lines logged, want %d:\n%s", when, got, lines, &logged)
		}
	}
	expect("unchanged", "first-token", 0)
	stamp := time.Now().Add(-time.Hour)
	_ = os.Chtimes(path, stamp, stamp)
	write("third-token")
	_ = os.Chtimes(path, stamp, stamp)
	expect("changed with the same size and time", "third-token", 1)
	write("")
	expect("emptied", "third-token", 2)
	_ = os.Remove(path)
	expect("removed", "third-token", 2)
	write("a b")
	expect("invalid", "third-token", 2)
	write(strings.Repeat("x", maxTokenFile+1))
	expect("too large", "third-token", 2)
	write("third-token\n")
	expect("valid again", "third-token", 3)
	_ = os.Remove(path)
	if err := exec.Command("mkfifo", path).Run(); err == nil {
		expect("replaced by a pipe", "third-token", 4)
		_ = os.Remove(path)
		write("third-token")
		expect("a regular file again", "third-token", 5)
		_ = os.Remove(path)
	}
	logged.Reset()
	other := filepath.Join(filepath.Dir(path), "other")
	_ = os.WriteFile(other, []byte("fourth-token"), 0o600)
	if err := os.Symlink(other, path); err == nil {
		expect("replaced by a symbolic link", "fourth-token", 1)
	}
	for _, text := range []string{"first", "third-token", "fourth-token"} {
		if strings.Contains(logged.String(), text) {
			t.Errorf("the log contains the token %q:\n%s", text, &logged)
		}
	}
}

func TestTokenFileIsSafeForConcurrentUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	_ = os.WriteFile(path, []byte("first"), 0o600)
	file, err := OpenTokenFile(path, log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				file.Token()
			}
		})
	}
	wg.Wait()
}

func TestInvalidTokenFilesAreRejected(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"empty": "", "blank": " \n", "two": "one two", "large": strings.Repeat("x", maxTokenFile+1),
	} {
		path := filepath.Join(dir, name)
		_ = os.WriteFile(path, []byte(text), 0o600)
		_, err := OpenTokenFile(path, log.NewNopLogger())
		if err == nil || len(text) > 2 && strings.Contains(err.Error(), text) {
			t.Errorf("%s: got %v, want an error that does not quote the text", name, err)
		}
	}
	for _, path := range []string{dir, filepath.Join(dir, "absent")} {
		if _, err := OpenTokenFile(path, log.NewNopLogger()); err == nil {
			t.Errorf("%s: no error", path)
		}
	}
}
