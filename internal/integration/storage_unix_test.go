//go:build unix

package integration

import (
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"greenapi_exporter/internal/simulator"
)

// TestAFreezeLongerThanTheWindowLosesNothing stops the process, in the middle of a call, for longer than its window while
// the account lives on, and the journal filters by the last action.
func TestAFreezeLongerThanTheWindowLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("a window is a minute at the least")
	}
	t.Parallel()
	start := time.Now()
	var stopped atomic.Int64
	stopped.Store(start.UnixNano()) // at the baseline nothing has been sent: later a row does not say that it is older
	account := func() time.Time {
		if at := stopped.Load(); at > 0 {
			return time.Unix(0, at)
		}
		return time.Now()
	}
	s, _ := serveSimulator(t, simulator.Config{Seed: 3, Start: start, MessagesPerHour: 7200, ByLastAction: true, NoRateLimit: true, Now: account})
	var holds atomic.Bool
	called, answer := make(chan struct{}), make(chan struct{})
	a := serveAPI(t, func(w http.ResponseWriter, r *http.Request) {
		if holds.CompareAndSwap(true, false) {
			close(called)
			<-answer
		}
		s.ServeHTTP(w, r)
	})
	p := startProcess(t, a.URL, "--storage.path="+t.TempDir(), "--greenapi.min-interval=0s", "--greenapi.minutes=1")
	var w watcher
	w.see(t, families(t, p.base+"/metrics"))
	baseline := s.Messages(account())
	if len(baseline) > 0 {
		t.Fatalf("%d messages before the baseline", len(baseline))
	}
	stopped.Store(0)
	for range 10 {
		w.see(t, families(t, p.base+"/metrics"))
	}
	holds.Store(true)
	scraped := make(chan struct{})
	go func() {
		defer close(scraped)
		_, _ = tryFamilies(t.Context(), p.base+"/metrics")
	}()
	<-called
	if err := p.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	close(answer)
	time.Sleep(65 * time.Second) // which is what is tested
	if err := p.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	<-scraped
	w.see(t, families(t, p.base+"/metrics"))
	stopped.Store(time.Now().UnixNano())
	got := upFamilies(t, p)
	w.see(t, got)
	assertTruth(t, got, baseline, s.Messages(account()))
	assertValue(t, got, 0, "greenapi_outgoing_unread_seconds_total")
}
