package integration

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"greenapi_exporter/internal/simulator"
)

// TestTieredDayEqualsFull compares an exporter that reads the journal in tiers with one that always
// reads the whole window. It simulates 36 hours with kills and pauses.
func TestTieredDayEqualsFull(t *testing.T) {
	if testing.Short() {
		t.Skip("each account takes several seconds")
	}
	for name, cfg := range map[string]simulator.Config{
		"by sending":     {Speedup: 2},
		"by last action": {Speedup: 8, MovingTimestamps: true, FilterByLastAction: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testTieredDay(t, cfg)
		})
	}
}

// The account sends messages for three hours and sleeps for ten. It then sends all queued messages
// within an hour. With the values of Speedup above, the journal does not change between 30.5 and 37
// hours after the start: the first messages have left it, and all statuses are final.
const (
	tieredWindow   = 24 * time.Hour // the default of --greenapi.minutes
	tieredBaseline = time.Hour
	tieredEnd      = 36*time.Hour + 30*time.Minute
)

// tieredEvents are the pauses without scrapes, in the order of their times.
var tieredEvents = []struct {
	after time.Duration // since the start of the account
	kill  bool          // whether both exporters are killed, and start again after the pause
	pause time.Duration
}{
	{2*time.Hour + 7*time.Minute, true, 0},
	{4 * time.Hour, false, 25 * time.Minute},
	{13*time.Hour + 20*time.Minute, true, 0},
	{15 * time.Hour, true, 3 * time.Hour},
}

func testTieredDay(t *testing.T, cfg simulator.Config) {
	clock := newMovableClock(t)
	start := clock.now()
	cfg.Seed, cfg.Now, cfg.Start, cfg.NoRateLimit = 19, clock.now, start, true
	cfg.MessagesPerHour, cfg.Messages, cfg.SendDelay = 230, 3000, time.Second
	cfg.States = []simulator.StateChange{
		{After: 3 * time.Hour, State: "sleepMode"}, {After: 13 * time.Hour, State: "authorized"},
	}
	s, api := serveSimulator(t, cfg)
	_, sameAPI := serveSimulator(t, cfg) // counts the calls of full separately
	tiered := newStoredExporter(t, clock, api.URL, "--greenapi.lookback=tiered")
	full := newStoredExporter(t, clock, sameAPI.URL, "--greenapi.lookback=full")

	scrape := func() {
		tiered.scrape(t)
		full.scrape(t)
	}

	clock.advance(tieredBaseline)
	skipChanges(clock, s)
	scrape()
	baseline := s.Messages(clock.now())
	events := tieredEvents
	for n := 1; clock.now().Before(start.Add(tieredEnd)); n++ {
		clock.advance(time.Minute)
		if len(events) > 0 && clock.now().After(start.Add(events[0].after)) {
			scrape()
			clock.advance(events[0].pause)
			if events[0].kill {
				tiered.restart(t)
				full.restart(t)
			}
			events = events[1:]
		}
		tiered.call(t)
		if n%15 == 0 { // less often, because the latest status implies those before it
			scrape()
		}
	}
	for range 2 { // the first call of full is after a longer gap, and requests more than the window
		scrape()
		clock.advance(time.Minute)
	}

	messages := s.Messages(clock.now())
	checkQuiet(t, s, clock.now())
	assertOutgoing(t, full.last, baseline, messages)
	assertOutgoing(t, tiered.last, baseline, messages)
	assertSameOutgoing(t, tiered.last, full.last)
	calls, sum := s.Minutes(journalMethod), 0
	for _, minutes := range calls {
		sum += minutes
	}
	mean := float64(sum) / float64(len(calls))
	t.Logf("%d messages; a mean of %.1f minutes in %d calls", len(messages), mean, len(calls))
	if limit := tieredWindow.Minutes() / 30; mean > limit {
		t.Errorf("the calls request a mean of %.1f minutes, want at most %v", mean, limit)
	}
}

// skipChanges advances the clock to a time after which no message changes for ten seconds.
func skipChanges(clock movableClock, s *simulator.Simulator) {
	for {
		now := clock.now()
		change := simulator.Between(s.Messages(now), s.Messages(now.Add(10*time.Second)))
		if len(change.Messages)+len(change.Statuses) == 0 {
			return
		}
		clock.advance(time.Second)
	}
}

// checkQuiet checks that the journal has rows and has not changed for a quarter of the window.
func checkQuiet(t *testing.T, s *simulator.Simulator, now time.Time) {
	t.Helper()
	const quarter = tieredWindow / 4
	messages := s.Messages(now)
	change := simulator.Between(s.Messages(now.Add(-quarter)), messages)
	if len(change.Messages)+len(change.Statuses) > 0 {
		t.Fatalf("the account is not quiet: %v", change)
	}
	rows := 0
	for _, m := range messages {
		switch age := now.Sub(m.Timestamp); {
		case age < tieredWindow:
			rows++
		case age < tieredWindow+quarter:
			t.Fatalf("a message left the window %v ago", age-tieredWindow)
		}
	}
	if rows < 1000 {
		t.Fatalf("the window has %d rows", rows)
	}
}

// storedExporter is an exporter with storage, across its runs.
type storedExporter struct {
	*process
	run      func() *process
	last     metrics
	counters counterRecorder
}

func newStoredExporter(
	t *testing.T, clock movableClock, url string, args ...string,
) *storedExporter {
	t.Helper()
	args = append(args, "--storage.path="+t.TempDir(), "--no-collector.state",
		"--no-collector.queue")
	run := func() *process { return clock.startInstance(t, url, args...) }
	return &storedExporter{process: run(), run: run}
}

func (e *storedExporter) restart(t *testing.T) {
	t.Helper()
	e.kill()
	e.process = e.run()
}

// call is like scrape, but does not parse the metrics, which would take time.
func (e *storedExporter) call(t *testing.T) {
	t.Helper()
	code, text := request(t, http.MethodGet, e.url+"/metrics")
	if up := "\ngreenapi_up{id_instance=\"" + testID + "\"} 1\n"; !strings.Contains(text, up) {
		t.Fatalf("the response has code %d and does not contain %q:\n%s", code, up, e.output)
	}
}

func (e *storedExporter) scrape(t *testing.T) {
	t.Helper()
	e.last = scrape(t, e.url+"/metrics")
	e.last.assert(t, 1, "greenapi_up")
	e.counters.record(t, e.last)
}

// assertSameOutgoing compares all metrics of the outgoing journal, except those that depend on when
// the exporter read it.
func assertSameOutgoing(t *testing.T, got, want metrics) {
	t.Helper()
	names := maps.Clone(got)
	maps.Copy(names, want)
	for name := range names {
		switch name {
		case "greenapi_outgoing_ledger_birth_timestamp_seconds",
			"greenapi_outgoing_status_delay_seconds":
			continue
		}
		if !strings.HasPrefix(name, "greenapi_outgoing_") {
			continue
		}
		got, want := sampleValues(got[name]), sampleValues(want[name])
		if !maps.Equal(got, want) {
			t.Errorf("%s in tiers: %v\nwant %v", name, got, want)
		}
	}
}
