package app

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"greenapi_exporter/internal/simulator"
)

// TestTheDemoHasItsTroubles at the times that it announces.
func TestTheDemoHasItsTroubles(t *testing.T) {
	start := time.Now()
	now := start
	config := demoAccount(start)
	config.Now, config.NoRateLimit, config.Seed = func() time.Time { return now }, true, 1
	s := simulator.New(config)
	server := httptest.NewServer(s)
	defer server.Close()
	for minute, want := range map[int]string{1: "authorized", 4: "notAuthorized", 8: "authorized", 12: "suspended", 15: "suspended", 19: "authorized", 24: "notAuthorized", 32: "suspended", 6*24*60 + 4: "notAuthorized"} {
		now = start.Add(time.Duration(minute) * time.Minute)
		response, err := http.Get(server.URL + "/waInstance" + demoID + "/getWaSettings/" + demoToken)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || !strings.Contains(string(body), `"`+want+`"`) || strings.Contains(string(body), "suspendedUntil") != (want == "suspended") {
			t.Errorf("minute %d: %s, %v; want %s", minute, body, err, want)
		}
		if queued := s.Queued(now); (queued > 2) != (want != "authorized") {
			t.Errorf("minute %d: %d messages wait while it is %s", minute, queued, want)
		}
	}
	hanging := 0
	for _, m := range s.Messages(start.Add(time.Hour)) {
		if m.Status() == "pending" && !m.Incomplete {
			hanging++
		}
	}
	if hanging < 5 || hanging > 60 { // of about 7 a minute
		t.Errorf("%d messages hang for good after an hour", hanging)
	}
}
