package greenapi

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
)

func TestCallsAskForUncachedResponses(t *testing.T) {
	var got []string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = append(got, strings.Join(r.Header["Cache-Control"], "|"))
		_, _ = io.WriteString(w, "[]")
	})
	client := newTestClient(t, server.URL)
	_, _, _ = readOutgoing(t.Context(), client)
	_, _ = client.State(t.Context())
	_, _ = (&Partner{client.transport}).List(t.Context())
	if strings.Join(got, " ") != "no-cache no-cache no-cache" {
		t.Errorf("Cache-Control of three calls: %q", got)
	}
}

// TestOldResponsesAreLoggedOnce checks that there is one log line when responses begin to be older
// than a minute, and one when they are recent again.
func TestOldResponsesAreLoggedOnce(t *testing.T) {
	type response struct {
		status int
		age    string
		want   string // the level of the log line, if any
	}
	var current response
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if current.age != "" {
			w.Header().Set("Age", current.age)
		}
		w.WriteHeader(current.status)
		_, _ = io.WriteString(w, "[]")
	})
	client := newTestClient(t, server.URL)
	var out bytes.Buffer
	client.OnHeader(NewAgeLog(log.NewLogfmtLogger(&out)).Observe)
	for i, r := range []response{
		{200, "", ""}, {200, "60", ""}, {200, "61", "warn"}, {200, "7200", ""},
		{502, "", ""}, {404, "900", ""}, {200, "0", "info"}, {200, "", ""},
		{404, "900", "warn"}, {200, "soon", "info"},
	} {
		current = r
		out.Reset()
		_, _, _ = readOutgoing(t.Context(), client)
		level, _, _ := strings.Cut(strings.TrimPrefix(out.String(), "level="), " ")
		if level != current.want || strings.Count(out.String(), "\n") > 1 {
			t.Errorf("response %d, %+v: logged %q", i, current, out.String())
		}
	}
}

func TestAgeOfResponses(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"": 0, "0": 0, "7200": 2 * time.Hour, " 5 ": 5 * time.Second, "5, 7200": 5 * time.Second,
		"-5": 0, "soon": 0, "1.5": 0, "99999999999": maxAge, "99999999999999999999": maxAge,
	} {
		if got := responseAge(header); got != want {
			t.Errorf("%q: got %s, want %s", header, got, want)
		}
	}
}
