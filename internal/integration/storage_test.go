package integration

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"greenapi_exporter/internal/simulator"
)

// TestKillsLoseNoCounts kills the exporter at random times, and while it writes, during an
// account's activity. No counter ever decreases, and in the end each equals the truth.
func TestKillsLoseNoCounts(t *testing.T) {
	t.Parallel()
	kills := 12
	if thorough {
		kills = 30
	}
	account := newFastAccount()
	s, a := serveSimulator(t, simulator.Config{
		Seed: 7, Start: account.start, Now: account.now, NoRateLimit: true,
		MessagesPerHour: 1500, IncomingPerHour: 1000,
	})
	directory := t.TempDir()
	path := filepath.Join(directory, testID+".ledger")
	run := func() *process {
		return startInstance(t, a.URL, "--storage.path="+directory, "--greenapi.min-interval=0s",
			"--greenapi.minutes=14400", "--collector.incoming")
	}
	var counters counterRecorder
	p := run()
	counters.record(t, scrape(t, p.url+"/metrics"))
	baseline, incomingBaseline := s.Messages(account.now()), s.IncomingMessages(account.now())
	account.resume()
	for i := range kills {
		killed := make(chan struct{})
		go func() {
			defer close(killed)
			killAtRandom(t, p, path, i)
		}()
		for {
			got, err := tryScrape(t.Context(), p.url+"/metrics", "")
			if err != nil {
				break
			}
			counters.record(t, got)
		}
		<-killed
		p = run()
		counters.record(t, scrape(t, p.url+"/metrics"))
		// A kill can cut off the last record, but it leaves no unusable file.
		if unusable, _ := filepath.Glob(path + ".set-aside-*"); len(unusable) > 0 {
			t.Fatalf("kill %d left %q:\n%s", i, unusable, p.output)
		}
	}
	account.pause()
	got := freshScrape(t, p)
	counters.record(t, got)
	assertOutgoing(t, got, baseline, s.Messages(account.now()))
	assertIncoming(t, got, incomingBaseline, s.IncomingMessages(account.now()))
	sent := len(s.Messages(account.now()))
	t.Logf("%d kills, %d scrapes, %d messages", kills, counters.scrapes, sent)
}

// killAtRandom kills p after a random time, after some writes to the ledger at path, or during the
// snapshot of a shutdown. It can miss a short snapshot.
func killAtRandom(t *testing.T, p *process, path string, i int) {
	deadline := time.Now().Add(time.Minute)
	switch {
	case i%6 == 5:
		time.Sleep(rand.N(100 * time.Millisecond))
		p.signal(t, syscall.SIGTERM)
		snapshot := time.Now().Add(time.Second)
		for size(path+".new") < 0 && time.Now().Before(snapshot) {
			runtime.Gosched()
		}
	case i%2 == 0:
		time.Sleep(rand.N(400 * time.Millisecond))
	default:
		for range 1 + rand.IntN(12) {
			for before := size(path); size(path) == before && time.Now().Before(deadline); {
				runtime.Gosched()
			}
		}
		if time.Now().After(deadline) {
			t.Error("the exporter does not write to the ledger")
		}
	}
	p.kill()
}

// fastAccount is the clock of an account on which ten minutes pass in a second while it runs. It
// stops after 12 hours, so the journal cannot outgrow a slow machine.
type fastAccount struct {
	start time.Time

	mu      sync.Mutex // guards the fields below
	elapsed time.Duration
	since   time.Time // of the last resume; zero while paused
}

// newFastAccount returns a paused clock.
func newFastAccount() *fastAccount {
	start := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	return &fastAccount{start: start, elapsed: 10 * time.Minute}
}

func (a *fastAccount) now() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	elapsed := a.elapsed
	if !a.since.IsZero() {
		elapsed += min(600*time.Since(a.since), 12*time.Hour)
	}
	return a.start.Add(elapsed)
}

func (a *fastAccount) resume() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.since = time.Now()
}

func (a *fastAccount) pause() {
	now := a.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.elapsed, a.since = now.Sub(a.start), time.Time{}
}

// size returns the size of the file, or -1 if it does not exist.
func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return -1
	}
	return info.Size()
}

func TestRestartsWithinTheIntervalMakeNoCalls(t *testing.T) {
	s, a := serveSimulator(t, simulator.Config{
		Start: time.Now().Add(-time.Hour), MessagesPerHour: 100, IncomingPerHour: 100,
	})
	directory := t.TempDir()
	var first metrics
	for i := range 11 {
		p := startInstance(t, a.URL, "--storage.path="+directory, "--greenapi.min-interval=60m",
			"--collector.disable-defaults", "--collector.outgoing", "--collector.incoming")
		got := scrape(t, p.url+"/metrics")
		if first == nil {
			first = got
		}
		for _, name := range []string{
			"greenapi_up", "greenapi_outgoing_window_messages", "greenapi_incoming_window_messages",
			"greenapi_collector_last_success_timestamp_seconds",
			"greenapi_outgoing_last_message_timestamp_seconds",
		} {
			if fmt.Sprint(got[name]) != fmt.Sprint(first[name]) || got[name] == nil {
				t.Errorf("run %d: %s is\n%v\nafter\n%v", i, name, got[name], first[name])
			}
		}
		if i%2 == 0 {
			p.kill()
		} else {
			p.terminate(t)
		}
	}
	for _, method := range []string{journalMethod, "lastIncomingMessages"} {
		if n := s.Calls(method); n != 1 {
			t.Errorf("%d calls of %s, want one", n, method)
		}
	}
}

func TestShutdownShrinksTheLedger(t *testing.T) {
	_, a := serveSimulator(t, simulator.Config{
		Start: time.Now().Add(-time.Hour), MessagesPerHour: 100, NoRateLimit: true,
	})
	directory := t.TempDir()
	path := filepath.Join(directory, testID+".ledger")
	p := startInstance(t, a.URL, "--storage.path="+directory, "--greenapi.min-interval=0s")
	for range 20 {
		scrape(t, p.url+"/metrics")
	}
	before := size(path)
	p.terminate(t)
	if after := size(path); after < 0 || after > before/5 {
		t.Errorf("the ledger has %d bytes after the shutdown and had %d before", after, before)
	}
}

func TestSecondExporterCannotUseTheStorage(t *testing.T) {
	_, a := serveSimulator(t, simulator.Config{})
	directory := t.TempDir()
	p := startInstance(t, a.URL, "--storage.path="+directory)
	t.Setenv("GREENAPI_ID_INSTANCE", testID)
	t.Setenv(tokenVariable, secret)
	var output syncBuffer
	args := []string{"--web.listen-address=127.0.0.1:0", "--storage.path=" + directory}
	code := runMain(t.Context(), args, &output, &output)
	text := output.String()
	if code != 1 || strings.Count(text, "\n") != 1 || !strings.Contains(text, "in use by another") {
		t.Errorf("code %d: %s", code, text)
	}
	scrape(t, p.url+"/metrics").assert(t, 1, "greenapi_up")
}
