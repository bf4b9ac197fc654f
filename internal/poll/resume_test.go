package poll

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// runs is a program that is killed and started again: the pace that it has kept is all that a new Poller knows, and the
// last good reading.
type runs struct {
	*api
	options Options
	*Poller[int]

	lock    sync.Mutex
	kept    []ResumeState
	reading int
	success time.Time
}

func newRuns(interval time.Duration) *runs {
	r := &runs{api: new(api), options: Options{Interval: interval, Timeout: 30 * time.Second}}
	r.start()
	return r
}

func (r *runs) start() {
	var p *Poller[int]
	options := r.options
	options.Persist = func(pace ResumeState) {
		r.lock.Lock()
		defer r.lock.Unlock()
		if p == r.Poller { // what was killed keeps nothing
			r.kept = append(r.kept, pace)
		}
	}
	kept := r.paces()
	p = New(func(ctx context.Context, begin time.Time) (int, error) {
		reading, err := r.api.call(ctx, begin)
		if err == nil {
			r.reading, r.success = reading, begin
		}
		return reading, err
	}, options)
	if len(kept) > 0 {
		pace := kept[len(kept)-1]
		if pace.Err == nil && r.success.IsZero() {
			pace.Err = ErrInterrupted
		}
		p.Resume(pace, r.reading, r.success)
	}
	r.lock.Lock()
	defer r.lock.Unlock()
	r.Poller = p
}

// paces are those that have been kept.
func (r *runs) paces() []ResumeState {
	r.lock.Lock()
	defer r.lock.Unlock()
	return slices.Clone(r.kept)
}

// killInCall starts a call and the program anew before it has ended.
func (r *runs) killInCall(t *testing.T) {
	old, began := r.Poller, r.calls()
	go scrape(t, old, time.Minute)
	synctest.Wait()
	if r.calls() != began+1 {
		t.Fatalf("%d calls began, not one", r.calls()-began)
	}
	r.start()
	old.Stop()
}

// waits checks that it takes so long until another call is made, restarting all the while.
func (r *runs) waits(t *testing.T, what string, wait time.Duration) {
	t.Helper()
	began := r.calls()
	for range 10 {
		time.Sleep((wait - 1) / 10)
		r.start()
		scrape(t, r.Poller, time.Second)
	}
	if r.calls() != began {
		t.Errorf("%s: a call was made before %s had passed", what, wait)
	}
	time.Sleep(wait - (wait-1)/10*10)
	r.start()
	scrape(t, r.Poller, time.Minute)
	if r.calls() != began+1 {
		t.Errorf("%s: %d calls when %s had passed, not one", what, r.calls()-began, wait)
	}
}

func TestAReadingServesAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRuns(time.Hour)
		r.set(time.Second, nil)
		first := scrape(t, r.Poller, time.Minute)
		r.start()
		time.Sleep(time.Second)
		got := scrape(t, r.Poller, time.Minute)
		expect(t, "after a restart", got, 1, nil)
		if !got.Success.Equal(first.Success) || got.Took != time.Second {
			t.Errorf("it began at %s and took %s", got.Success, got.Took)
		}
		r.waits(t, "a good reading", time.Hour-2*time.Second)
		expect(t, "then", scrape(t, r.Poller, time.Minute), 2, nil)
	})
}

func TestAFailureServesAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRuns(time.Second)
		r.options.MinBackoff = func(err error) time.Duration {
			if errors.Is(err, errAPI) {
				return 10 * time.Minute
			}
			return 0
		}
		r.start()
		r.set(0, errAPI)
		scrape(t, r.Poller, time.Minute)
		r.start()
		expect(t, "after a restart", scrape(t, r.Poller, time.Minute), 0, errAPI)
		r.waits(t, "a failure", 10*time.Minute)
		r.set(0, errors.New("another"))
		time.Sleep(10 * time.Minute)
		scrape(t, r.Poller, time.Minute)
		r.waits(t, "a third one", 4*time.Second)
		r.waits(t, "a fourth one", 8*time.Second)
		r.killInCallAfter(t, 16*time.Second)
		r.waits(t, "one that was interrupted", 32*time.Second)
	})
}

func (r *runs) killInCallAfter(t *testing.T, wait time.Duration) {
	time.Sleep(wait)
	r.set(time.Second, r.err)
	r.killInCall(t)
}

func TestACallThatWasInterruptedCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRuns(time.Hour)
		r.set(time.Second, nil)
		for _, wait := range []time.Duration{1, 2, 4, 8} {
			r.killInCall(t)
			expect(t, "before there is a reading", scrape(t, r.Poller, time.Second/2), 0, ErrInterrupted)
			time.Sleep(wait*time.Second - 1)
			expect(t, "before the wait is over", scrape(t, r.Poller, time.Second/2), 0, ErrInterrupted)
			time.Sleep(time.Nanosecond)
		}
		expect(t, "the first that is finished", scrape(t, r.Poller, time.Minute), 5, nil)
		time.Sleep(time.Hour)
		r.killInCall(t)
		expect(t, "after one more", scrape(t, r.Poller, time.Minute), 5, nil)
		r.waits(t, "with a reading", time.Hour)
	})
}

func TestACallThatWasInterruptedHoldsUpNoLongerThanTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRuns(5 * time.Second)
		r.set(time.Second, nil)
		for range 10 {
			r.killInCall(t)
			time.Sleep(5 * time.Second)
		}
		expect(t, "after ten", scrape(t, r.Poller, time.Minute), 11, nil)
	})
}

// TestACallThatEndedWithItsScrapeIsNotInterrupted: it delays the next one by a second, before and after a restart.
func TestACallThatEndedWithItsScrapeIsNotInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRuns(time.Hour)
		r.set(time.Minute, nil)
		scrape(t, r.Poller, time.Second) // its time is up
		r.waits(t, "a timeout", time.Second)
		time.Sleep(time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { time.Sleep(2 * time.Second); cancel() }()
		r.Get(ctx)
		synctest.Wait()
		r.set(0, nil)
		r.start()
		time.Sleep(time.Second)
		expect(t, "after one whose scraper hung up", scrape(t, r.Poller, time.Minute), 4, nil)
	})
}

// TestSpacingIsKeptOverARestart also where nothing else is waited for, as after a change of settings.
func TestSpacingIsKeptOverARestart(t *testing.T) {
	for interval, want := range map[time.Duration]time.Duration{0: 0, time.Second: 900 * time.Millisecond, time.Hour: 900 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			time.Sleep(100 * time.Millisecond)
			a := new(api)
			p := New(a.call, Options{Interval: interval, Timeout: time.Second})
			p.Resume(ResumeState{Begun: begin, Err: ErrInterrupted}, 0, time.Time{})
			resumed := time.Now()
			expect(t, "a reading", scrape(t, p, time.Minute), 1, nil)
			if waited := a.began[0].Sub(resumed); waited != want {
				t.Errorf("interval %s: the call began %s later, want %s", interval, waited, want)
			}
		})
	}
}

// TestCrashesInTheFirstCallAreASecondApart even if no interval is.
func TestCrashesInTheFirstCallAreASecondApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRuns(0)
		r.set(time.Second, nil)
		r.killInCall(t)
		time.Sleep(time.Second - time.Nanosecond)
		expect(t, "before a second has passed", scrape(t, r.Poller, time.Second), 0, ErrInterrupted)
		time.Sleep(time.Nanosecond)
		expect(t, "then", scrape(t, r.Poller, time.Minute), 2, nil)
	})
}

// TestWhatIsKeptIsKeptInTime: before the call is made, and before anyone gets its outcome.
func TestWhatIsKeptIsKeptInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said []string
		options := ordinary
		options.Persist = func(pace ResumeState) {
			time.Sleep(time.Second) // a slow disk
			said = append(said, fmt.Sprintf("kept %d failures, %v", pace.Failures, pace.Err))
		}
		p := New(func(context.Context, time.Time) (int, error) {
			said = append(said, "called")
			return 0, errAPI
		}, options)
		for range 2 {
			scrape(t, p, time.Minute)
			said = append(said, "scraped")
			time.Sleep(time.Minute)
		}
		want := []string{
			"kept 1 failures, <nil>", "called", "kept 1 failures, the API fails", "scraped",
			"kept 2 failures, the API fails", "called", "kept 2 failures, the API fails", "scraped",
		}
		if !slices.Equal(said, want) {
			t.Errorf("got  %q\nwant %q", said, want)
		}
	})
}

func TestAClockThatIsSetBackAfterARestartDelaysNothing(t *testing.T) {
	// What is resumed goes by the monotonic clock from then on, though what was kept cannot.
	p := New(new(api).call, ordinary)
	p.Resume(ResumeState{Begun: time.Now().Round(0), Next: time.Now().Add(time.Hour).Round(0)}, 1, time.Now())
	if !strings.Contains(p.validUntil.String(), " m=") || !strings.Contains(p.notBefore.String(), " m=") {
		t.Error("the times have no monotonic reading")
	}
}

func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(api)
		p := New(a.call, ordinary)
		expect(t, "a reading", scrape(t, p, time.Minute), 1, nil)
		time.Sleep(time.Second)
		a.set(time.Minute, nil)
		begin := time.Now()
		var got Outcome[int]
		scraped := make(chan struct{})
		go func() { got = scrape(t, p, time.Hour); close(scraped) }()
		synctest.Wait()
		p.Stop()
		if a.running > 0 || time.Since(begin) > 0 {
			t.Errorf("%d calls run %s later", a.running, time.Since(begin))
		}
		<-scraped
		expect(t, "who waited", got, 1, context.Canceled)
		expect(t, "who comes later", scrape(t, p, time.Minute), 1, context.Canceled)
		p.Stop()
		if a.calls() != 2 {
			t.Errorf("%d calls", a.calls())
		}
	})
}

func TestStopBeforeTheFirstCall(t *testing.T) {
	p := New(new(api).call, ordinary)
	p.Stop()
	expect(t, "who comes later", scrape(t, p, time.Minute), 0, context.Canceled)
}
