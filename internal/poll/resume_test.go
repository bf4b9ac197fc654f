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

// runs simulates a process that is killed and restarted. Each new Poller has only the latest
// persisted state and the latest reading.
type runs struct {
	*fakeAPI
	options Options
	*Poller[int]

	mu      sync.Mutex // guards Poller and stored
	stored  []ResumeState
	reading int
	success time.Time
}

func newRuns(interval time.Duration) *runs {
	options := Options{Interval: interval, Timeout: 30 * time.Second}
	r := &runs{fakeAPI: new(fakeAPI), options: options}
	r.start()
	return r
}

func (r *runs) start() {
	var p *Poller[int]
	options := r.options
	options.Persist = func(state ResumeState) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if p == r.Poller { // a killed process stores nothing
			r.stored = append(r.stored, state)
		}
	}
	r.mu.Lock()
	stored := slices.Clone(r.stored)
	r.mu.Unlock()
	p = New(func(ctx context.Context, begin time.Time) (int, error) {
		reading, err := r.fakeAPI.call(ctx, begin)
		if err == nil {
			r.reading, r.success = reading, begin
		}
		return reading, err
	}, options)
	if len(stored) > 0 {
		state := stored[len(stored)-1]
		if state.Err == nil && r.success.IsZero() {
			state.Err = ErrInterrupted
		}
		p.Resume(state, r.reading, r.success)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Poller = p
}

// killInCall starts a call, and restarts the process before the call has ended.
func (r *runs) killInCall(t *testing.T) {
	old, began := r.Poller, r.calls()
	go scrape(t, old, time.Minute)
	synctest.Wait()
	if r.calls() != began+1 {
		t.Fatalf("%d calls began, want 1", r.calls()-began)
	}
	r.start()
	old.Stop()
}

// expectWait checks that the next call begins after wait, over several restarts.
func (r *runs) expectWait(t *testing.T, what string, wait time.Duration) {
	t.Helper()
	began := r.calls()
	for range 10 {
		time.Sleep((wait - 1) / 10)
		r.start()
		scrape(t, r.Poller, time.Second)
	}
	if r.calls() != began {
		t.Errorf("%s: called within %s", what, wait)
	}
	time.Sleep(wait - (wait-1)/10*10)
	r.start()
	scrape(t, r.Poller, time.Minute)
	if r.calls() != began+1 {
		t.Errorf("%s: %d calls after %s, want 1", what, r.calls()-began, wait)
	}
}

func TestReadingIsReusedAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRuns(time.Hour)
		r.set(time.Second, nil)
		first := scrape(t, r.Poller, time.Minute)
		r.start()
		time.Sleep(time.Second)
		got := scrape(t, r.Poller, time.Minute)
		expect(t, "after a restart", got, 1, nil)
		if !got.Success.Equal(first.Success) || got.Took != time.Second {
			t.Errorf("the call began at %s and took %s", got.Success, got.Took)
		}
		r.expectWait(t, "success", time.Hour-2*time.Second)
		expect(t, "after the wait", scrape(t, r.Poller, time.Minute), 2, nil)
	})
}

func TestBackoffContinuesAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRuns(time.Second)
		r.options.MinBackoff = tenMinutes
		r.start()
		r.set(0, errAPI)
		scrape(t, r.Poller, time.Minute)
		r.start()
		expect(t, "after a restart", scrape(t, r.Poller, time.Minute), 0, errAPI)
		r.expectWait(t, "first failure", 10*time.Minute)
		r.set(0, errors.New("another"))
		time.Sleep(10 * time.Minute)
		scrape(t, r.Poller, time.Minute)
		r.expectWait(t, "third failure", 4*time.Second)
		r.expectWait(t, "fourth failure", 8*time.Second)
		time.Sleep(16 * time.Second)
		r.set(time.Second, r.err)
		r.killInCall(t)
		r.expectWait(t, "interrupted call", 32*time.Second)
	})
}

func TestInterruptedCallsCountAsFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRuns(time.Hour)
		r.set(time.Second, nil)
		for _, wait := range []time.Duration{1, 2, 4, 8} {
			r.killInCall(t)
			expect(t, "without a reading", scrape(t, r.Poller, time.Second/2), 0, ErrInterrupted)
			time.Sleep(wait*time.Second - 1)
			expect(t, "before the next call", scrape(t, r.Poller, time.Second/2), 0, ErrInterrupted)
			time.Sleep(time.Nanosecond)
		}
		expect(t, "first call that ends", scrape(t, r.Poller, time.Minute), 5, nil)
		time.Sleep(time.Hour)
		r.killInCall(t)
		expect(t, "after another interruption", scrape(t, r.Poller, time.Minute), 5, nil)
		r.expectWait(t, "interrupted call with a reading", time.Hour)
	})
}

func TestInterruptedCallsWaitAtMostTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRuns(5 * time.Second)
		r.set(time.Second, nil)
		for range 10 {
			r.killInCall(t)
			time.Sleep(5 * time.Second)
		}
		expect(t, "after ten interruptions", scrape(t, r.Poller, time.Minute), 11, nil)
	})
}

// TestEndedCallsAreNotInterrupted checks calls that time out, or that end because the Poller stops.
// They delay the next call only by a second, before and after a restart.
func TestEndedCallsAreNotInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRuns(time.Hour)
		r.set(time.Minute, nil)
		scrape(t, r.Poller, time.Minute) // times out
		r.expectWait(t, "timeout", time.Second)
		time.Sleep(time.Second)
		time.AfterFunc(2*time.Second, r.Stop)
		scrape(t, r.Poller, time.Minute)
		r.set(0, nil)
		r.start()
		time.Sleep(time.Second)
		expect(t, "after a canceled call", scrape(t, r.Poller, time.Minute), 4, nil)
	})
}

// TestMinimumGapSurvivesARestart checks a state without a backoff, as after a change of settings.
func TestMinimumGapSurvivesARestart(t *testing.T) {
	for interval, want := range map[time.Duration]time.Duration{
		0: 0, time.Second: 900 * time.Millisecond, time.Hour: 900 * time.Millisecond,
	} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			time.Sleep(100 * time.Millisecond)
			a := new(fakeAPI)
			p := New(a.call, Options{Interval: interval, Timeout: time.Second})
			p.Resume(ResumeState{Called: begin, Err: ErrInterrupted}, 0, time.Time{})
			resumed := time.Now()
			expect(t, "first call", scrape(t, p, time.Minute), 1, nil)
			if waited := a.began[0].Sub(resumed); waited != want {
				t.Errorf("interval %s: the call began after %s, want %s", interval, waited, want)
			}
		})
	}
}

// TestCrashesInTheFirstCallKeepTheMinimumGap checks that an interval of 0 does not remove the gap.
func TestCrashesInTheFirstCallKeepTheMinimumGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRuns(0)
		r.set(time.Second, nil)
		r.killInCall(t)
		time.Sleep(time.Second - time.Nanosecond)
		expect(t, "within a second", scrape(t, r.Poller, time.Second), 0, ErrInterrupted)
		time.Sleep(time.Nanosecond)
		expect(t, "after the wait", scrape(t, r.Poller, time.Minute), 2, nil)
	})
}

// TestStateIsPersistedBeforeUse checks that Persist returns before the call begins, and after the
// call before a scrape gets the outcome.
func TestStateIsPersistedBeforeUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events []string
		options := testOptions
		options.Persist = func(state ResumeState) {
			time.Sleep(time.Second) // like a slow disk
			events = append(events, fmt.Sprint("persisted ", state.Failures, " ", state.Err))
		}
		p := New(func(context.Context, time.Time) (int, error) {
			events = append(events, "called")
			return 0, errAPI
		}, options)
		for range 2 {
			scrape(t, p, time.Minute)
			events = append(events, "scraped")
			time.Sleep(time.Minute)
		}
		want := []string{
			"persisted 1 <nil>", "called", "persisted 1 API failure", "scraped",
			"persisted 2 API failure", "called", "persisted 2 API failure", "scraped",
		}
		if !slices.Equal(events, want) {
			t.Errorf("got  %q\nwant %q", events, want)
		}
	})
}

func TestResumeUsesTheMonotonicClock(t *testing.T) {
	// Stored times have no monotonic reading, as Round(0) removes it here.
	p := New(new(fakeAPI).call, testOptions)
	stored := ResumeState{Called: time.Now().Round(0), Next: time.Now().Add(time.Hour).Round(0)}
	p.Resume(stored, 1, time.Now())
	for _, at := range []time.Time{p.validUntil, p.notBefore} {
		if !strings.Contains(at.String(), " m=") {
			t.Errorf("%s has no monotonic reading", at)
		}
	}
}
