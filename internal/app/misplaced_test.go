package app

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/alecthomas/kingpin/v2"
)

// TestMisplacedTokensAreNotRepeated starts the program with the token in the value of each flag and
// variable.
func TestMisplacedTokensAreNotRepeated(t *testing.T) {
	const secret = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345"
	t.Chdir(t.TempDir())
	app := kingpin.New(name, "")
	new(options).define(app)
	for _, form := range []string{
		"%s", "https://api.green-api.com/waInstance1/lastOutgoingMessages/%s", "127.0.0.1:%s",
		"%s:80", "[%s]:80", "vsock://x:%s", "--%s", "/proc/%s", "./%s", "\x00%s", "@%s",
	} {
		value := fmt.Sprintf(form, secret)
		for _, flag := range app.Model().Flags {
			t.Setenv("GREENAPI_ID_INSTANCE", "1101000001")
			t.Setenv(tokenVariable, "another-token")
			switch flag.Name {
			case "greenapi.token-file":
				t.Setenv(tokenVariable, "")
			case "config.file":
				t.Setenv(tokenVariable, "")
				t.Setenv("GREENAPI_ID_INSTANCE", "")
			}
			checkMisplaced(t, secret, "--"+flag.Name+"="+value)
			checkMisplaced(t, secret, "--"+flag.Name, value)
			if flag.Envar != "" && !strings.Contains(value, "\x00") {
				before := os.Getenv(flag.Envar)
				t.Setenv(flag.Envar, value)
				checkMisplaced(t, secret)
				t.Setenv(flag.Envar, before)
			}
		}
		checkMisplaced(t, secret, value)
	}
}

// checkMisplaced starts the program, and stops it if it starts in spite of args.
func checkMisplaced(t *testing.T, secret string, args ...string) {
	t.Helper()
	if !strings.HasPrefix(strings.Join(args, ""), "--web.listen-address") {
		args = append([]string{"--web.listen-address=127.0.0.1:0"}, args...)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	var stdout, stderr bytes.Buffer
	code := Run(ctx, args, Embedded{Docs: fstest.MapFS{}}, &stdout, &stderr)
	text := stdout.String() + stderr.String()
	if code != 0 && (strings.Contains(text, secret) || strings.Count(text, "\n") != 1) {
		t.Errorf("%q: want one line without the token, got %s", args, text)
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries { // a storage directory
		if err := os.RemoveAll(filepath.Join(".", entry.Name())); err != nil {
			t.Fatal(err)
		}
	}
}
