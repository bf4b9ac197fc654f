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

func TestDemoHasTheAnnouncedIncidents(t *testing.T) {
	start := time.Now()
	now := start
	config := demoAccount(start)
	config.Now, config.NoRateLimit, config.Seed = func() time.Time { return now }, true, 1
	s := simulator.New(config)
	server := httptest.NewServer(s)
	defer server.Close()
	for minute, want := range map[int]string{
		1: "authorized", 4: "notAuthorized", 8: "authorized", 12: "suspended", 15: "suspended",
		19: "authorized", 24: "notAuthorized", 32: "suspended", 6*24*60 + 4: "notAuthorized",
	} {
		now = start.Add(time.Duration(minute) * time.Minute)
		url := server.URL + "/waInstance" + demoID + "/getWaSettings/" + demoToken
		response, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || !strings.Contains(string(body), `"`+want+`"`) {
			t.Errorf("minute %d: %s, %v; want %s", minute, body, err, want)
		}
		if got := strings.Contains(string(body), "suspendedUntil"); got != (want == "suspended") {
			t.Errorf("minute %d: suspendedUntil is present: %t, while %s", minute, got, want)
		}
		if queued := s.Queued(now); (queued > 2) != (want != "authorized") {
			t.Errorf("minute %d: %d messages are queued while %s", minute, queued, want)
		}
	}
	pending := 0
	for _, m := range s.Messages(start.Add(time.Hour)) {
		if m.Status() == "pending" && !m.Incomplete {
			pending++
		}
	}
	if pending < 5 || pending > 60 { // about 7 a minute
		t.Errorf("%d messages stay pending in an hour", pending)
	}
}
