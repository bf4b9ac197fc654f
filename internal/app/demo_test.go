package app

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/fleet"
	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
	"greenapi_exporter/internal/simulator"
)

func TestDemoHasTheAnnouncedIncidents(t *testing.T) {
	start := time.Now()
	now := start
	config := demoAccount(start)
	config.Now, config.NoRateLimit = func() time.Time { return now }, true
	s := simulator.New(config)
	server := httptest.NewServer(s)
	defer server.Close()
	for minute, want := range map[int]string{
		1: "authorized", 4: "notAuthorized", 9: "authorized", 12: "suspended", 15: "suspended",
		19: "authorized", 44: "authorized", 64: "notAuthorized", 72: "suspended",
		6*24*60 + 4: "notAuthorized",
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
	statuses := make(map[string]int)
	for _, m := range s.Messages(start.Add(time.Hour)) {
		statuses[m.Status()]++
	}
	if n := statuses["pending"]; n < 4 || n > 20 { // about 7 in a minute
		t.Errorf("%d messages stay pending in an hour", n)
	}
}

// TestDemoWarnsAtTheAnnouncedTimes applies the journal of the first hours to a ledger.
func TestDemoWarnsAtTheAnnouncedTimes(t *testing.T) {
	start := time.Now()
	s := simulator.New(demoAccount(start))
	const hours = 2
	messages := s.Messages(start.Add(hours * time.Hour))
	l := ledger.New(ledger.Options{Minutes: 360, Retention: 48 * time.Hour})
	for at := time.Duration(0); at < hours*time.Hour; at += 30 * time.Second {
		now := start.Add(at)
		batch := l.NewBatch(now)
		batch.SetServerTime(now, now, 0)
		for n, m := range messages {
			if m.Incomplete || m.Visible.After(now) || now.Sub(m.Listed) > 6*time.Hour {
				continue
			}
			status := ""
			for _, step := range m.Steps {
				if !step.At.After(now) {
					status = step.Status
				}
			}
			batch.Add(ledger.Row{
				Key: uint64(n + 1), Type: []byte(m.Type), Status: []byte(status),
				Timestamp: float64(m.Timestamp.Unix()), Timed: true,
			})
		}
		arrival := collector.ArrivalOf(batch.Commit())
		minute := at % demoCycle
		switch {
		case minute > demoWarning+time.Minute && minute < demoRecovery-2*time.Minute:
			if !arrival.High || arrival.Reasons[0].Word != "failed" {
				t.Errorf("after %s: %+v, want a warning", at, arrival)
			}
		case minute < demoWarning-time.Minute || minute > demoRecovery+time.Minute:
			if arrival.High {
				t.Errorf("after %s: %+v, want no warning", at, arrival)
			}
		}
	}
}

// TestDocumentedDemoIsTheDemo compares docs/status-page.md and the README with the incidents.
func TestDocumentedDemoIsTheDemo(t *testing.T) {
	minutes := func(from, to time.Duration) string {
		return fmt.Sprintf("\n| %d to %d | ", int(from.Minutes()), int(to.Minutes()))
	}
	warning := fmt.Sprintf("In minute %d, the page turns amber", int(demoWarning.Minutes()))
	for page, facts := range map[string][]string{
		"docs/status-page.md": {
			minutes(0, demoFailingEnd) + "all messages that are sent fail |",
			minutes(demoLogoutStart, demoLogoutEnd) + "the account is logged out |",
			minutes(demoSuspendedStart, demoSuspendedEnd) + "the account is suspended |",
			minutes(demoPendingStart, demoPendingEnd) + "all messages that are sent stay pending |",
			fmt.Sprintf("every %d seconds, so the page", int(demoInterval.Seconds())),
			warning,
			fmt.Sprintf("In minute %d, the page is green again.", int(demoRecovery.Minutes())),
			fmt.Sprintf("shop that sends %d messages an hour", demoPerHour),
			`id_instance="` + demoID + `"`,
		},
		"README.md": {
			warning, fmt.Sprintf("a simulated shop sends %d messages an hour", demoPerHour),
		},
	} {
		text := readText(t, "../../"+page)
		for _, fact := range facts {
			if !strings.Contains(text, fact) && !strings.Contains(unwrapped(text), fact) {
				t.Errorf("%s does not contain %q", page, fact)
			}
		}
	}
}

// unwrapped returns a text without line breaks.
func unwrapped(text string) string { return strings.Join(strings.Fields(text), " ") }

// simulatedTransport passes calls to the handler unless hanging is set. Then calls hang.
type simulatedTransport struct {
	http.Handler
	hanging atomic.Bool
}

func (s *simulatedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.hanging.Load() {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	recorder := httptest.NewRecorder()
	s.ServeHTTP(recorder, r)
	return recorder.Result(), nil
}

// TestDemoScrapesItself checks that the scrapes begin at once and end with stop, even while a call
// hangs.
func TestDemoScrapesItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var flags config.Flags
		flags.IDInstance, flags.Token, flags.URL = demoID, demoToken, "http://localhost"
		flags.Minutes, flags.Timeout, flags.MinInterval = 60, 30*time.Second, time.Second
		flags.Lookback = config.Full
		flags.Retention, flags.Collectors = 360*time.Hour, []string{"outgoing", "state"}
		instance, err := flags.Validate(log.NewNopLogger())
		if err != nil {
			t.Fatal(err)
		}
		storage, err := ledger.OpenStorage("", log.NewNopLogger())
		if err != nil {
			t.Fatal(err)
		}
		api := &simulatedTransport{Handler: simulator.New(demoAccount(time.Now()))}
		manager := fleet.New(collector.NewSet(), collector.Resources{
			Backend: &greenapi.Backend{Transport: api, Limiter: greenapi.NewLimiter(9)},
			Storage: storage, Logger: log.NewNopLogger(),
		})
		if err := manager.ApplyConfig([]config.Instance{instance}); err != nil {
			t.Fatal(err)
		}
		defer manager.Close()
		assertScraped := func(want time.Time) {
			t.Helper()
			synctest.Wait()
			s := manager.Statuses()[0]
			if !s.Scraped.Equal(want) || s.Outgoing == nil || s.State != "authorized" {
				t.Errorf("scraped at %s, want %s: %+v", s.Scraped, want, s)
			}
		}
		began := time.Now()
		stop := startScrapes(manager)
		assertScraped(began)
		time.Sleep(2*demoInterval + time.Second)
		assertScraped(began.Add(2 * demoInterval))
		api.hanging.Store(true)
		time.Sleep(demoInterval)
		stopping := time.Now()
		stop()
		if took := time.Since(stopping); took > 0 {
			t.Errorf("stop took %s", took)
		}
		time.Sleep(time.Minute)
		assertScraped(began.Add(3 * demoInterval))
	})
}
