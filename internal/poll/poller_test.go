package poll

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fakeAPI numbers its readings, and records when each call began and ended.
type fakeAPI struct {
	mu      sync.Mutex
	took    time.Duration // duration of a call, unless its context ends
	err     error         // result of a call
	began   []time.Time
	ended   []time.Time
	running int
	max     int // maximum of running
}

func (a *fakeAPI) call(ctx context.Context, _ time.Time) (int, error) {
	a.mu.Lock()
	a.began = append(a.began, time.Now())
	n, took, err := len(a.began), a.took, a.err
	a.running++
	a.max = max(a.max, a.running)
	a.mu.Unlock()
	select {
	case <-time.After(took):
	case <-ctx.Done():
		err = fmt.Errorf("call: %w", context.Cause(ctx))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.running--
	a.ended = append(a.ended, time.Now())
	return n, err
}

func (a *fakeAPI) set(took time.Duration, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.took, a.err = took, err
}

func (a *fakeAPI) calls() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.began)
}

var (
	errAPI      = errors.New("API failure")
	testOptions = Options{Interval: time.Second, Timeout: 30 * time.Second}
)

// newPoller returns a Poller that stops at the end of the test, because calls outlast scrapes.
func newPoller(
	t *testing.T, call func(context.Context, time.Time) (int, error), options Options,
) *Poller[int] {
	p := New(call, options)
	t.Cleanup(p.Stop)
	return p
}

func scrape(t *testing.T, p *Poller[int], timeout time.Duration) Outcome[int] {
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	return p.Get(ctx)
}

// tenMinutes is a MinBackoff for errAPI only.
func tenMinutes(err error) time.Duration {
	if errors.Is(err, errAPI) {
		return 10 * time.Minute
	}
	return 0
}

func expect(t *testing.T, what string, got Outcome[int], reading int, err error) {
	t.Helper()
	if got.Reading != reading || !errors.Is(got.Err, err) || (err == nil) != (got.Err == nil) {
		t.Errorf("%s: got reading %d, %v; want %d, %v", what, got.Reading, got.Err, reading, err)
	}
}

func TestConcurrentScrapesShareOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fakeAPI{took: 2 * time.Second}
		p := newPoller(t, a.call, testOptions)
		var all sync.WaitGroup
		for i := range 60 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 10 * time.Millisecond)
				expect(t, "scrape", scrape(t, p, 10*time.Second), 1, nil)
			})
		}
		all.Wait()
		if a.calls() != 1 {
			t.Errorf("%d calls", a.calls())
		}
	})
}

func TestReadingIsReusedForTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fakeAPI{took: 300 * time.Millisecond}
		p := newPoller(t, a.call, Options{Interval: time.Hour, Timeout: time.Minute})
		begin := time.Now()
		first := scrape(t, p, time.Minute)
		expect(t, "first call", first, 1, nil)
		if first.Success != begin || first.Took != 300*time.Millisecond {
			t.Errorf("began %s, took %s", first.Success, first.Took)
		}
		time.Sleep(time.Until(begin.Add(time.Hour - 1)))
		if got := scrape(t, p, time.Minute); got != first {
			t.Errorf("just before the interval has passed: got %+v, want %+v", got, first)
		}
		time.Sleep(time.Nanosecond)
		expect(t, "when the interval has passed", scrape(t, p, time.Minute), 2, nil)
	})
}

func TestCallsHaveAMinimumGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fakeAPI{took: 5 * time.Second}
		p := newPoller(t, a.call, testOptions)
		expect(t, "first call", scrape(t, p, time.Minute), 1, nil)
		expect(t, "immediately again", scrape(t, p, time.Minute), 1, nil)
		time.Sleep(time.Second)
		expect(t, "one second later", scrape(t, p, time.Minute), 2, nil)
	})
}

func TestShortIntervalReducesTheGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fakeAPI{took: time.Millisecond}
		p := newPoller(t, a.call, Options{Interval: 10 * time.Millisecond, Timeout: time.Second})
		expect(t, "first call", scrape(t, p, time.Minute), 1, nil)
		expect(t, "immediately again", scrape(t, p, time.Minute), 1, nil)
		time.Sleep(10 * time.Millisecond)
		expect(t, "after the interval", scrape(t, p, time.Minute), 2, nil)
	})
}

func TestFailuresBackOffExponentially(t *testing.T) {
	for _, c := range []struct {
		interval time.Duration
		want     []time.Duration
	}{
		{time.Second, []time.Duration{1, 2, 4, 8, 16, 32, 60, 60}},
		{time.Hour, []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600}},
	} {
		synctest.Test(t, func(t *testing.T) {
			a := &fakeAPI{err: errAPI}
			p := newPoller(t, a.call, Options{Interval: c.interval, Timeout: time.Second})
			for calls, wait := range c.want {
				expect(t, "failure", scrape(t, p, time.Minute), 0, errAPI)
				time.Sleep(wait*time.Second - 1)
				expect(t, "during the backoff", scrape(t, p, time.Minute), 0, errAPI)
				if a.calls() != calls+1 {
					t.Fatalf("%d calls in less than %v seconds", a.calls(), c.want[:calls+1])
				}
				time.Sleep(time.Nanosecond)
			}
			a.set(0, nil)
			good := scrape(t, p, time.Minute)
			expect(t, "first success", good, len(c.want)+1, nil)
			time.Sleep(c.interval)
			a.set(0, errAPI)
			failed := scrape(t, p, time.Minute)
			expect(t, "next failure", failed, good.Reading, errAPI)
			if failed.Success != good.Success {
				t.Errorf("the latest success is %s, want %s", failed.Success, good.Success)
			}
			time.Sleep(time.Second)
			a.set(0, nil)
			expect(t, "after the initial backoff", scrape(t, p, time.Minute), len(c.want)+3, nil)
		})
	}
}

// TestNextIsTheTimeOfTheNextCall after a failure, and is zero otherwise. Observe gets the same
// time.
func TestNextIsTheTimeOfTheNextCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(fakeAPI)
		options := testOptions
		options.MinBackoff = tenMinutes
		var observed []time.Time
		options.Observe = func(err error, begin, next time.Time) {
			if observed = append(observed, next); begin != a.began[len(a.began)-1] {
				t.Errorf("%v: began at %s", err, begin)
			}
		}
		p := newPoller(t, a.call, options)
		for _, c := range []struct {
			took time.Duration
			err  error
			wait time.Duration // from the end of the call
		}{
			{0, nil, 0}, {2 * time.Second, errAPI, 10 * time.Minute},
			{time.Second, errors.New("another"), 2 * time.Second}, {time.Hour, nil, time.Second},
			{0, errAPI, 10 * time.Minute}, {0, nil, 0},
		} {
			a.set(c.took, c.err)
			got := scrape(t, p, time.Minute)
			want := time.Now().Add(c.wait)
			if c.wait == 0 {
				want = time.Time{}
			} else if last := observed[len(observed)-1]; !last.Equal(want) {
				t.Errorf("%v: observed %s, want %s", got.Err, last, want)
			}
			if !got.Next.Equal(want) || p.Peek() != got {
				t.Errorf("%v: the next call is at %s, want %s", got.Err, got.Next, want)
			}
			time.Sleep(max(c.wait, time.Second))
		}
		if len(observed) != 6 {
			t.Errorf("observed %d calls, want 6", len(observed))
		}
	})
}

func TestMinBackoffExtendsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fakeAPI{err: errAPI}
		options := testOptions
		options.MinBackoff = tenMinutes
		p := newPoller(t, a.call, options)
		scrape(t, p, time.Second)
		time.Sleep(10*time.Minute - 1)
		scrape(t, p, time.Second)
		if a.calls() != 1 {
			t.Errorf("%d calls during the backoff", a.calls())
		}
		time.Sleep(time.Nanosecond)
		scrape(t, p, time.Second)
		if a.calls() != 2 {
			t.Errorf("%d calls after the backoff", a.calls())
		}
	})
}

func TestInvalidationEndsTheBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fakeAPI{err: errAPI}
		invalidated := false
		p := newPoller(t, a.call, Options{Interval: time.Second, Timeout: time.Second,
			MinBackoff:  func(error) time.Duration { return time.Hour },
			Invalidated: func() bool { return invalidated },
		})
		expect(t, "before the invalidation", scrape(t, p, time.Minute), 0, errAPI)
		time.Sleep(time.Minute)
		expect(t, "before the invalidation", scrape(t, p, time.Minute), 0, errAPI)
		a.set(0, nil)
		invalidated = true
		expect(t, "after the invalidation", scrape(t, p, time.Minute), 2, nil)
		expect(t, "immediately again", scrape(t, p, time.Minute), 2, nil)
		if apart := a.began[1].Sub(a.began[0]); apart < time.Second {
			t.Errorf("calls %s apart", apart)
		}
	})
}

func TestScrapesReturnAtTheirOwnDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fakeAPI{took: 10 * time.Second}
		p := newPoller(t, a.call, testOptions)
		var all sync.WaitGroup
		for _, timeout := range []time.Duration{1, 3, 5} {
			all.Go(func() {
				begin := time.Now()
				got := scrape(t, p, timeout*time.Second)
				expect(t, "short timeout", got, 0, context.DeadlineExceeded)
				if waited := time.Since(begin); waited != timeout*time.Second {
					t.Errorf("waited %s, timeout %d s", waited, timeout)
				}
			})
		}
		all.Go(func() { expect(t, "long timeout", scrape(t, p, 20*time.Second), 1, nil) })
		all.Wait()
		if a.calls() != 1 || a.ended[0].Sub(a.began[0]) != 10*time.Second {
			t.Errorf("%d calls, the first took %s", a.calls(), a.ended[0].Sub(a.began[0]))
		}
	})
}

// TestCallOutlastsItsScrapes checks that the next scrape gets the response of a call that took
// longer than its scrapes, however these ended.
func TestCallOutlastsItsScrapes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fakeAPI{took: 4 * time.Second}
		p := newPoller(t, a.call, Options{Interval: time.Hour, Timeout: 30 * time.Second})
		ctx, hangUp := context.WithCancel(t.Context())
		time.AfterFunc(2*time.Second, hangUp)
		if got := p.Get(ctx); !errors.Is(got.Err, context.Canceled) {
			t.Errorf("the scrape that hung up got %v", got.Err)
		}
		expect(t, "short timeout", scrape(t, p, time.Second), 0, context.DeadlineExceeded)
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := a.calls(); n != 1 || a.ended[0].Sub(a.began[0]) != 4*time.Second {
			t.Errorf("%d calls, the first took %s", n, a.ended[0].Sub(a.began[0]))
		}
		expect(t, "after the call", scrape(t, p, time.Second), 1, nil)
		if n := a.calls(); n != 1 {
			t.Errorf("%d calls", n)
		}
	})
}

// TestSlowCallLeavesTheLatestReading for scrapes that end before the call, unless the reading began
// more than 5 minutes ago or a later call has failed.
func TestSlowCallLeavesTheLatestReading(t *testing.T) {
	for name, c := range map[string]struct {
		age  time.Duration // of the reading when the scrapes end
		fail bool          // whether a call fails after the reading
		want error
	}{
		"recent":              {5 * time.Minute, false, nil},
		"old":                 {5*time.Minute + 1, false, context.DeadlineExceeded},
		"failed since":        {time.Minute, true, context.DeadlineExceeded},
		"failed, and old":     {10 * time.Minute, true, context.DeadlineExceeded},
		"just after the call": {3 * time.Second, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				a := new(fakeAPI)
				p := newPoller(t, a.call, testOptions)
				good := scrape(t, p, time.Minute)
				if c.fail {
					time.Sleep(time.Second)
					a.set(0, errAPI)
					scrape(t, p, time.Minute)
				}
				time.Sleep(time.Until(begin.Add(c.age - 2*time.Second)))
				a.set(10*time.Second, nil)
				var all sync.WaitGroup
				for range 3 { // the first makes the call, and the others join it
					all.Go(func() {
						got := scrape(t, p, 2*time.Second)
						expect(t, "scrape", got, 1, c.want)
						if !got.TimedOut || got.Success != good.Success {
							t.Errorf("got %+v, want TimedOut and the times of %+v", got, good)
						}
						if age := time.Since(begin); age != c.age {
							t.Errorf("the scrape returned after %s, want %s", age, c.age)
						}
					})
				}
				all.Wait()
				got := scrape(t, p, 10*time.Second)
				expect(t, "scrape that waits", got, a.calls(), nil)
			})
		})
	}
}

// TestFailureOfASlowCallReplacesTheReading checks the first scrape that ends after the failure.
func TestFailureOfASlowCallReplacesTheReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(fakeAPI)
		p := newPoller(t, a.call, testOptions)
		scrape(t, p, time.Minute)
		time.Sleep(time.Minute)
		a.set(time.Hour, nil)
		for _, want := range []error{nil, nil, context.DeadlineExceeded, context.DeadlineExceeded} {
			expect(t, "scrape", scrape(t, p, 10*time.Second), 1, want)
			time.Sleep(5 * time.Second)
		}
	})
}

// TestScrapeGetsTheErrorOfACallThatTimesOutWithIt, not that of its own context.
func TestScrapeGetsTheErrorOfACallThatTimesOutWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPoller(t, func(ctx context.Context, _ time.Time) (int, error) {
			<-ctx.Done()
			return 0, errAPI
		}, testOptions)
		got := scrape(t, p, testOptions.Timeout)
		expect(t, "scrape", got, 0, errAPI)
		if got.Took != testOptions.Timeout {
			t.Errorf("took %s", got.Took)
		}
	})
}

func TestStuckCallDoesNotBlockScrapes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		a := &fakeAPI{}
		p := newPoller(t, func(ctx context.Context, begin time.Time) (int, error) {
			<-release // ignores the context
			return a.call(ctx, begin)
		}, testOptions)
		for range 3 {
			begin := time.Now()
			expect(t, "scrape", scrape(t, p, time.Second), 0, context.DeadlineExceeded)
			if waited := time.Since(begin); waited > time.Second {
				t.Errorf("waited %s", waited)
			}
			time.Sleep(5 * time.Second)
		}
		close(release)
		synctest.Wait()
		time.Sleep(time.Minute)
		if a.max > 1 {
			t.Errorf("%d calls at the same time", a.max)
		}
	})
}

func TestCallsEndAtTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fakeAPI{took: time.Hour}
		p := newPoller(t, a.call, testOptions)
		begin := time.Now()
		expect(t, "long timeout", scrape(t, p, time.Hour), 0, context.DeadlineExceeded)
		if waited := time.Since(begin); waited != 30*time.Second {
			t.Errorf("waited %s", waited)
		}
	})
}

func TestTimeoutsDoNotBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fakeAPI{took: time.Hour}
		p := newPoller(t, a.call, Options{
			Interval: time.Hour, Timeout: 3 * time.Second,
			MinBackoff: func(error) time.Duration { return time.Hour },
		})
		for n := range 10 {
			got := scrape(t, p, time.Minute)
			expect(t, "scrape", got, 0, context.DeadlineExceeded)
			time.Sleep(time.Second)
			if a.calls() != n+1 {
				t.Fatalf("%d calls after %d scrapes", a.calls(), n+1)
			}
		}
	})
}

func TestCanceledCallKeepsTheLatestOutcome(t *testing.T) {
	for name, latest := range map[string]error{"success": nil, "failure": errAPI} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &fakeAPI{err: latest}
				p := newPoller(t, a.call, testOptions)
				before := scrape(t, p, time.Second)
				time.Sleep(time.Minute)
				a.set(time.Hour, nil)
				time.AfterFunc(time.Second, p.Stop)
				if got := scrape(t, p, time.Minute); !errors.Is(got.Err, context.Canceled) {
					t.Errorf("the scrape got %v", got.Err)
				}
				got := p.Peek()
				got.Next = before.Next
				if got != before {
					t.Errorf("the latest outcome is %+v, want %+v", got, before)
				}
			})
		})
	}
}

func TestScrapesDoNotWaitForInvalidated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fakeAPI{err: errAPI}
		stuck := make(chan struct{})
		p := newPoller(t, a.call, Options{
			Interval: time.Second, Timeout: time.Second,
			Invalidated: func() bool { <-stuck; return true },
		})
		scrape(t, p, time.Second)
		begin := time.Now()
		got := scrape(t, p, time.Second/2)
		expect(t, "scrape during Invalidated", got, 0, context.DeadlineExceeded)
		if waited := time.Since(begin); waited > time.Second/2 {
			t.Errorf("waited %s", waited)
		}
		close(stuck)
	})
}

func TestTimedOutIsSetAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fakeAPI{took: 2 * time.Second}
		p := newPoller(t, a.call, testOptions)
		go func() { scrape(t, p, time.Minute) }()
		time.Sleep(time.Millisecond)
		got := scrape(t, p, time.Second)
		expect(t, "short timeout", got, 0, context.DeadlineExceeded)
		if !got.TimedOut {
			t.Errorf("short timeout: got %+v", got)
		}
		if got := scrape(t, p, time.Minute); got.TimedOut {
			t.Errorf("long timeout: got %+v", got)
		}
	})
}

func TestEndedContextMakesNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fakeAPI{}
		p := newPoller(t, a.call, testOptions)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if got := p.Get(ctx); !errors.Is(got.Err, context.Canceled) || a.calls() != 0 {
			t.Errorf("%d calls, %v", a.calls(), got.Err)
		}
	})
}

// TestFailureIsReusedAfterAnAbandonedScrape checks a scrape that begins after the only waiter has
// left, while Invalidated still runs for it.
func TestFailureIsReusedAfterAnAbandonedScrape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fakeAPI{err: errAPI}
		p := newPoller(t, a.call, Options{
			Interval: time.Second, Timeout: time.Minute,
			MinBackoff:  func(error) time.Duration { return time.Hour },
			Invalidated: func() bool { time.Sleep(time.Second); return false },
		})
		p.Get(t.Context())
		time.Sleep(2 * time.Second)
		go scrape(t, p, time.Second/4)
		time.Sleep(time.Second / 2)
		if got := scrape(t, p, time.Minute); a.calls() != 1 || !errors.Is(got.Err, errAPI) {
			t.Errorf("%d calls, got %+v", a.calls(), got)
		}
	})
}

func TestTimedOutIsSetDuringTheGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fakeAPI{took: time.Hour}
		p := newPoller(t, a.call, Options{
			Interval: time.Second, Timeout: time.Second,
			Invalidated: func() bool { return true },
		})
		scrape(t, p, time.Minute) // times out; the next call must wait for a second
		if got := scrape(t, p, time.Second/2); !got.TimedOut || a.calls() != 1 {
			t.Errorf("%d calls, got %+v", a.calls(), got)
		}
	})
}

// TestRandomSchedules checks the invariants of a Poller with scrapes that begin and end at random.
func TestRandomSchedules(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			a := &fakeAPI{}
			p := newPoller(t, a.call, testOptions)
			var all sync.WaitGroup
			for range 200 {
				if random.IntN(4) == 0 {
					took := time.Duration(random.IntN(8000)) * time.Millisecond
					a.set(took, []error{nil, nil, errAPI}[random.IntN(3)])
				}
				timeout := time.Duration(1+random.IntN(6000)) * time.Millisecond
				hangUp := random.IntN(3) == 0
				all.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), timeout)
					defer cancel()
					if hangUp {
						go func() { time.Sleep(timeout / 2); cancel() }()
					}
					begin := time.Now()
					got := p.Get(ctx)
					if waited := time.Since(begin); waited > timeout {
						t.Errorf("seed %d: waited %s, timeout %s", seed, waited, timeout)
					}
					if got.Err == nil && got.Reading == 0 {
						t.Errorf("seed %d: no error and no reading", seed)
					}
				})
				time.Sleep(time.Duration(random.IntN(1500)) * time.Millisecond)
			}
			all.Wait()
			time.Sleep(time.Minute) // for all calls to end
			synctest.Wait()
			if a.max > 1 {
				t.Errorf("seed %d: %d calls at the same time", seed, a.max)
			}
			for i := 1; i < len(a.began); i++ {
				if apart := a.began[i].Sub(a.ended[i-1]); apart < time.Second {
					t.Errorf("seed %d: call %d began %s after the previous one", seed, i, apart)
				}
			}
		})
	}
}

// TestPeekMakesNoCall also checks that Peek does not wait for a call.
func TestPeekMakesNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fakeAPI{took: 2 * time.Second}
		p := newPoller(t, a.call, testOptions)
		if got := p.Peek(); got != (Outcome[int]{}) || a.calls() != 0 {
			t.Errorf("before the first call: %+v, %d calls", got, a.calls())
		}
		begin := time.Now()
		expect(t, "first call", scrape(t, p, time.Minute), 1, nil)
		time.Sleep(time.Hour)
		want := Outcome[int]{Reading: 1, Success: begin, Called: begin, Took: 2 * time.Second}
		if got := p.Peek(); got != want || a.calls() != 1 {
			t.Errorf("an hour later: %+v, %d calls", got, a.calls())
		}

		a.set(time.Hour, nil)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go p.Get(ctx)
		synctest.Wait()
		peeked := time.Now()
		expect(t, "during the next call", p.Peek(), 1, nil)
		if waited := time.Since(peeked); waited > 0 || a.calls() != 2 {
			t.Errorf("waited %s, %d calls", waited, a.calls())
		}
		time.Sleep(time.Hour)
		a.set(time.Second, errAPI)
		again := time.Now()
		scrape(t, p, time.Minute)
		got := p.Peek()
		expect(t, "after a failure", got, 1, errAPI)
		if !got.Success.Equal(begin) || !got.Called.Equal(again) {
			t.Errorf("Success is %s, Called is %s", got.Success, got.Called)
		}
		p.Stop()
		expect(t, "after Stop", p.Peek(), 1, errAPI)
		if a.calls() != 3 {
			t.Errorf("%d calls", a.calls())
		}
	})
}

// TestConcurrentPeeks relies on the race detector.
func TestConcurrentPeeks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(new(fakeAPI).call, Options{Timeout: time.Second})
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 100 {
					scrape(t, p, time.Minute)
				}
			})
			all.Go(func() {
				last := 0
				for range 100 {
					got := p.Peek().Reading
					if got < last {
						t.Errorf("reading %d follows %d", got, last)
					}
					last = got
				}
			})
		}
		all.Wait()
	})
}

func TestStopCancelsTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(fakeAPI)
		p := newPoller(t, a.call, testOptions)
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
		expect(t, "scrape during Stop", got, 1, context.Canceled)
		expect(t, "scrape after Stop", scrape(t, p, time.Minute), 1, context.Canceled)
		p.Stop()
		if a.calls() != 2 {
			t.Errorf("%d calls", a.calls())
		}
	})
}

func TestStopBeforeTheFirstCall(t *testing.T) {
	p := New(new(fakeAPI).call, testOptions)
	p.Stop()
	expect(t, "scrape after Stop", scrape(t, p, time.Minute), 0, context.Canceled)
}
