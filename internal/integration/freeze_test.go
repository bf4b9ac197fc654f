//go:build unix

package integration

import (
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"greenapi_exporter/internal/simulator"
)

// TestSuspendedProcessLosesNoCounts suspends the process during a call, for longer than its window.
// The journal filters by the time of the last action. The shortest window is a minute.
func TestSuspendedProcessLosesNoCounts(t *testing.T) {
	if !thorough {
		t.Skip("the test takes 65 s; set TEST_THOROUGH=1")
	}
	t.Parallel()
	start := time.Now()
	var stopped atomic.Int64 // the time at which the account's clock is stopped, or 0
	// The account sends nothing before the baseline, because a later row of such a message has no
	// sign of its age.
	stopped.Store(start.UnixNano())
	now := func() time.Time {
		if at := stopped.Load(); at > 0 {
			return time.Unix(0, at)
		}
		return time.Now()
	}
	s := simulator.New(simulator.Config{
		IDInstance: testID, Token: secret, Seed: 3, Start: start, MessagesPerHour: 7200,
		MovingTimestamps: true, FilterByLastAction: true, NoRateLimit: true, Now: now,
	})
	var hold atomic.Bool
	called, answer := make(chan struct{}), make(chan struct{})
	a := serveAPI(t, func(w http.ResponseWriter, r *http.Request) {
		if hold.CompareAndSwap(true, false) {
			close(called)
			<-answer
		}
		s.ServeHTTP(w, r)
	})
	p := startInstance(t, a.URL, "--storage.path="+t.TempDir(), "--greenapi.min-interval=0s",
		"--greenapi.minutes=1")
	var counters counterRecorder
	counters.record(t, scrape(t, p.url+"/metrics"))
	baseline := s.Messages(now())
	if len(baseline) > 0 {
		t.Fatalf("%d messages before the baseline", len(baseline))
	}
	stopped.Store(0)
	for range 10 {
		counters.record(t, scrape(t, p.url+"/metrics"))
	}
	hold.Store(true)
	var scrapes sync.WaitGroup
	scrapes.Go(func() { _, _ = tryScrape(t.Context(), p.url+"/metrics", "") })
	<-called
	p.signal(t, syscall.SIGSTOP)
	close(answer)
	time.Sleep(65 * time.Second)
	p.signal(t, syscall.SIGCONT)
	scrapes.Wait()
	counters.record(t, scrape(t, p.url+"/metrics"))
	stopped.Store(time.Now().UnixNano())
	got := freshScrape(t, p)
	counters.record(t, got)
	assertOutgoing(t, got, baseline, s.Messages(now()))
	got.assert(t, 0, "greenapi_outgoing_unread_seconds_total")
}
