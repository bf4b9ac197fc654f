package app

import (
	"bytes"
	"fmt"
	stdlog "log"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
)

// TestStandardLoggerShowsNoForeignText writes lines of libraries, each with a token, twice a minute
// for two minutes.
func TestStandardLoggerShowsNoForeignText(t *testing.T) {
	const secret = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345"
	for line, want := range map[string]string{
		"http: Accept error: accept tcp [::]:1: accept4: too many open files; %s": "level=warn " +
			"msg=\"cannot accept connections, because no file descriptors are left\"",
		"http: Accept error: %s; retrying in 1s":                  "level=warn msg=\"cannot accept",
		"http: panic serving 10.0.0.1:1: %s\ngoroutine 1:\nstack": "level=error msg=\"a request",
		"http: TLS handshake error from 10.0.0.1:1: %s":           "level=debug msg=\"a client",
		"Unsolicited response received on idle HTTP channel starting with %s; err=<nil>": "" +
			"level=warn msg=\"a server or proxy sent bytes after its response",
		"%s": "level=debug msg=\"a library wrote a line",
	} {
		synctest.Test(t, func(t *testing.T) {
			var text bytes.Buffer
			l := &libraryLog{
				logger: log.NewLogfmtLogger(&text), logged: make(map[string]time.Time),
			}
			standard := stdlog.New(l, "", 0)
			for range 4 {
				standard.Printf(line, secret)
				time.Sleep(30 * time.Second)
			}
			got := text.String()
			if strings.Contains(got, secret) || strings.Contains(got, "10.0.0.1") {
				t.Errorf("foreign text in:\n%s", got)
			}
			if strings.Count(got, "\n") != 2 || !strings.HasPrefix(got, want) {
				t.Errorf("%s: got\n%swant two lines with %s", fmt.Sprintf(line, "…"), got, want)
			}
		})
	}
}
