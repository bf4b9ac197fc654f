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

// api is a fake call. It numbers its readings and notes when each call began and ended.
type api struct {
	mu      sync.Mutex
	took    time.Duration // of a call; the caller's context cuts it short
	err     error
	began   []time.Time
	ended   []time.Time
	running int
	most    int // that ran at the same time
}

func (a *api) call(ctx context.Context, _ time.Time) (int, error) {
	a.mu.Lock()
	a.began = append(a.began, time.Now())
	n, took, err := len(a.began), a.took, a.err
	a.running++
	a.most = max(a.most, a.running)
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

func (a *api) set(took time.Duration, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.took, a.err = took, err
}

func (a *api) calls() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.began)
}

var (
	errAPI   = errors.New("the API fails")
	ordinary = Options{Interval: time.Second, Timeout: 30 * time.Second}
)

// scrape waits for the latest reading as long as given.
func scrape(t *testing.T, p *Poller[int], patience time.Duration) Outcome[int] {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return p.Get(ctx)
}

func expect(t *testing.T, what string, got Outcome[int], reading int, err error) {
	t.Helper()
	if got.Reading != reading || !errors.Is(got.Err, err) || (err == nil) != (got.Err == nil) {
		t.Errorf("%s: got reading %d, %v; want %d, %v", what, got.Reading, got.Err, reading, err)
	}
}

func TestScrapesAtOnceShareOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{took: 2 * time.Second}
		p := New(a.call, ordinary)
		var all sync.WaitGroup
		for i := range 60 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 10 * time.Millisecond)
				expect(t, "a scrape", scrape(t, p, 10*time.Second), 1, nil)
			})
		}
		all.Wait()
		if a.calls() != 1 {
			t.Errorf("%d calls", a.calls())
		}
	})
}

func TestAReadingServesForTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{took: 300 * time.Millisecond}
		p := New(a.call, Options{Interval: time.Hour, Timeout: time.Minute})
		begin := time.Now()
		first := scrape(t, p, time.Minute)
		expect(t, "the first", first, 1, nil)
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

func TestCallsAreASecondApartFromEndToBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{took: 5 * time.Second}
		p := New(a.call, ordinary)
		expect(t, "the first", scrape(t, p, time.Minute), 1, nil)
		expect(t, "at once again", scrape(t, p, time.Minute), 1, nil)
		time.Sleep(time.Second)
		expect(t, "a second later", scrape(t, p, time.Minute), 2, nil)
	})
}

func TestAShortIntervalIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{took: time.Millisecond}
		p := New(a.call, Options{Interval: 10 * time.Millisecond, Timeout: time.Second})
		expect(t, "the first", scrape(t, p, time.Minute), 1, nil)
		expect(t, "at once", scrape(t, p, time.Minute), 1, nil)
		time.Sleep(10 * time.Millisecond)
		expect(t, "later", scrape(t, p, time.Minute), 2, nil)
	})
}

func TestFailuresBackOff(t *testing.T) {
	for _, c := range []struct {
		interval time.Duration
		want     []time.Duration
	}{
		{time.Second, []time.Duration{1, 2, 4, 8, 16, 32, 60, 60}},
		{time.Hour, []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600}},
	} {
		synctest.Test(t, func(t *testing.T) {
			a := &api{err: errAPI}
			p := New(a.call, Options{Interval: c.interval, Timeout: time.Second})
			for calls, wait := range c.want {
				expect(t, "a failure", scrape(t, p, time.Minute), 0, errAPI)
				time.Sleep(wait*time.Second - 1)
				expect(t, "the same failure", scrape(t, p, time.Minute), 0, errAPI)
				if a.calls() != calls+1 {
					t.Fatalf("%d calls in less than the waits %v", a.calls(), c.want[:calls+1])
				}
				time.Sleep(time.Nanosecond)
			}
			a.set(0, nil)
			good := scrape(t, p, time.Minute)
			expect(t, "it works again", good, len(c.want)+1, nil)
			time.Sleep(c.interval)
			a.set(0, errAPI)
			failed := scrape(t, p, time.Minute)
			expect(t, "it fails again", failed, good.Reading, errAPI)
			if failed.Success != good.Success {
				t.Errorf("the last success was at %s, not %s", good.Success, failed.Success)
			}
			time.Sleep(time.Second)
			a.set(0, nil)
			expect(t, "and works after the first wait", scrape(t, p, time.Minute), len(c.want)+3, nil)
		})
	}
}

func TestTheAPICanAskForALongerWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{err: errAPI}
		p := New(a.call, Options{Interval: time.Second, Timeout: time.Second, MinBackoff: func(err error) time.Duration {
			if errors.Is(err, errAPI) {
				return 10 * time.Minute
			}
			return 0
		}})
		scrape(t, p, time.Second)
		time.Sleep(10*time.Minute - 1)
		scrape(t, p, time.Second)
		if a.calls() != 1 {
			t.Errorf("%d calls before the wait is over", a.calls())
		}
		time.Sleep(time.Nanosecond)
		scrape(t, p, time.Second)
		if a.calls() != 2 {
			t.Errorf("%d calls when the wait is over", a.calls())
		}
	})
}

func TestANewTokenEndsTheWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{err: errAPI}
		renewed := false
		p := New(a.call, Options{Interval: time.Second, Timeout: time.Second,
			MinBackoff:  func(error) time.Duration { return time.Hour },
			Invalidated: func() bool { return renewed },
		})
		expect(t, "the old token", scrape(t, p, time.Minute), 0, errAPI)
		time.Sleep(time.Minute)
		expect(t, "the old token", scrape(t, p, time.Minute), 0, errAPI)
		a.set(0, nil)
		renewed = true
		expect(t, "the new token", scrape(t, p, time.Minute), 2, nil)
		expect(t, "a good reading serves", scrape(t, p, time.Minute), 2, nil)
		if apart := a.began[1].Sub(a.began[0]); apart < time.Second {
			t.Errorf("calls %s apart", apart)
		}
	})
}

func TestEachScrapeWaitsNoLongerThanItsOwnDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{took: 10 * time.Second}
		p := New(a.call, ordinary)
		var all sync.WaitGroup
		for _, patience := range []time.Duration{1, 3, 5} {
			all.Go(func() {
				begin := time.Now()
				expect(t, "an impatient scrape", scrape(t, p, patience*time.Second), 0, context.DeadlineExceeded)
				if waited := time.Since(begin); waited != patience*time.Second {
					t.Errorf("waited %s of %d s", waited, patience)
				}
			})
		}
		all.Go(func() { expect(t, "a patient scrape", scrape(t, p, 20*time.Second), 1, nil) })
		all.Wait()
		if a.calls() != 1 || a.ended[0].Sub(a.began[0]) != 10*time.Second {
			t.Errorf("%d calls, the first took %s", a.calls(), a.ended[0].Sub(a.began[0]))
		}
	})
}

func TestTheCallEndsWithTheLastWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{took: time.Hour}
		p := New(a.call, Options{Interval: time.Second, Timeout: 2 * time.Hour})
		begin := time.Now()
		var all sync.WaitGroup
		for _, patience := range []time.Duration{1, 3} {
			all.Go(func() { scrape(t, p, patience*time.Second) })
		}
		all.Wait()
		if len(a.ended) != 1 || a.ended[0].Sub(begin) != 3*time.Second {
			t.Errorf("ended at %v", a.ended)
		}
		expect(t, "the next scrape gets the timeout again", scrape(t, p, time.Second), 0, context.DeadlineExceeded)
		time.Sleep(time.Second)
		a.set(0, nil)
		expect(t, "a second later it is called again", scrape(t, p, time.Second), 2, nil)
	})
}

func TestTheLastToLeaveSeesHowTheCallEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(func(ctx context.Context, _ time.Time) (int, error) {
			<-ctx.Done()
			return 0, errAPI
		}, ordinary)
		got := scrape(t, p, time.Second)
		expect(t, "the last to leave", got, 0, errAPI)
		if got.Took != time.Second {
			t.Errorf("took %s", got.Took)
		}
	})
}

func TestACallThatDoesNotEndHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		a := &api{}
		p := New(func(ctx context.Context, begin time.Time) (int, error) {
			<-release // whatever the context says
			return a.call(ctx, begin)
		}, ordinary)
		for range 3 {
			begin := time.Now()
			expect(t, "a scrape", scrape(t, p, time.Second), 0, context.DeadlineExceeded)
			if waited := time.Since(begin); waited > time.Second+cancelGrace {
				t.Errorf("waited %s", waited)
			}
			time.Sleep(5 * time.Second)
		}
		close(release)
		synctest.Wait()
		time.Sleep(time.Minute)
		if a.most > 1 {
			t.Errorf("%d calls at the same time", a.most)
		}
	})
}

func TestACallTakesNoLongerThanItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{took: time.Hour}
		p := New(a.call, ordinary)
		begin := time.Now()
		expect(t, "a patient scrape", scrape(t, p, time.Hour), 0, context.DeadlineExceeded)
		if waited := time.Since(begin); waited != 30*time.Second {
			t.Errorf("waited %s", waited)
		}
	})
}

func TestTimeoutsDoNotBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{took: time.Hour}
		p := New(a.call, ordinary)
		for n := range 10 {
			scrape(t, p, 3*time.Second)
			time.Sleep(time.Second)
			if a.calls() != n+1 {
				t.Fatalf("%d calls after %d scrapes", a.calls(), n+1)
			}
		}
	})
}

func TestACanceledCallLeavesTheLatestOutcome(t *testing.T) {
	for name, latest := range map[string]error{"a good one": nil, "a failure": errAPI} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &api{err: latest}
				p := New(a.call, ordinary)
				before := scrape(t, p, time.Second)
				time.Sleep(time.Minute)

				a.set(time.Hour, nil)
				ctx, cancel := context.WithCancel(t.Context())
				go func() { time.Sleep(time.Second); cancel() }()
				if got := p.Get(ctx); !errors.Is(got.Err, context.Canceled) {
					t.Errorf("who hangs up gets %v", got.Err)
				}
				if p.latest != before {
					t.Errorf("the latest outcome is %+v, want %+v", p.latest, before)
				}
				a.set(0, nil)
				if got := scrape(t, p, 10*time.Millisecond); got != before {
					t.Errorf("a scrape at once got %+v, want %+v", got, before)
				}
				time.Sleep(time.Second)
				expect(t, "a scrape a second later", scrape(t, p, time.Second), 3, nil)
			})
		})
	}
}

func TestTheFirstCallIsMadeAgainWhenItWasCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{took: time.Hour}
		p := New(a.call, ordinary)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { time.Sleep(time.Second); cancel() }()
		p.Get(ctx)
		a.set(0, nil)
		expect(t, "there is no outcome yet, so it waits", scrape(t, p, 3*time.Second), 2, nil)
		if apart := a.began[1].Sub(a.ended[0]); apart != time.Second {
			t.Errorf("called again %s after the canceled call, want 1s", apart)
		}
	})
}

func TestRenewedMayBeSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{err: errAPI}
		stuck := make(chan struct{})
		p := New(a.call, Options{Interval: time.Second, Timeout: time.Second, Invalidated: func() bool { <-stuck; return true }})
		scrape(t, p, time.Second)
		begin := time.Now()
		got := scrape(t, p, time.Second/2)
		expect(t, "a scrape meanwhile", got, 0, context.DeadlineExceeded)
		if waited := time.Since(begin); waited > time.Second/2+cancelGrace {
			t.Errorf("waited %s", waited)
		}
		close(stuck)
	})
}

func TestWhoGivesUpIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{took: 2 * time.Second}
		p := New(a.call, ordinary)
		go func() { scrape(t, p, time.Minute) }()
		time.Sleep(time.Millisecond)
		if got := scrape(t, p, time.Second); !got.TimedOut || !errors.Is(got.Err, context.DeadlineExceeded) {
			t.Errorf("who could not wait got %+v", got)
		}
		if got := scrape(t, p, time.Minute); got.TimedOut {
			t.Errorf("who could wait got %+v", got)
		}
	})
}

func TestWhoComesWithoutTimeMakesNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{}
		p := New(a.call, ordinary)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if got := p.Get(ctx); !errors.Is(got.Err, context.Canceled) || a.calls() != 0 {
			t.Errorf("%d calls, %v", a.calls(), got.Err)
		}
	})
}

func TestWhoLeavesWhileTheSpacingLastsMakesNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{took: time.Hour}
		p := New(a.call, ordinary)
		hangUp := func(after time.Duration) {
			ctx, cancel := context.WithCancel(t.Context())
			go func() { time.Sleep(after); cancel() }()
			p.Get(ctx)
		}
		hangUp(time.Second)
		hangUp(time.Second / 2)
		time.Sleep(time.Minute)
		if a.calls() != 1 {
			t.Errorf("%d calls", a.calls())
		}
	})
}

// within asks with a deadline.
func within[T any](t *testing.T, p *Poller[T], patience time.Duration) Outcome[T] {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return p.Get(ctx)
}

// TestTheOutcomeOfACallThatUnwindsServes: its last waiter has left, another comes before it has ended, and it ends well
// all the same.
func TestTheOutcomeOfACallThatUnwindsServes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		p := New(func(ctx context.Context, _ time.Time) (int, error) {
			calls++
			<-ctx.Done()
			time.Sleep(time.Second / 2)
			return calls, nil
		}, Options{Interval: time.Hour, Timeout: time.Minute})
		go within(t, p, time.Second)
		time.Sleep(time.Second + time.Second/4)
		if got := within(t, p, time.Minute); calls != 1 || got.Reading != 1 || got.Err != nil {
			t.Errorf("%d calls, got %+v", calls, got)
		}
	})
}

// TestAFailureServesTheNextAfterOneWhoLeft while it was being found out whether anything was renewed.
func TestAFailureServesTheNextAfterOneWhoLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{err: errAPI}
		p := New(a.call, Options{
			Interval: time.Second, Timeout: time.Minute,
			MinBackoff:  func(error) time.Duration { return time.Hour },
			Invalidated: func() bool { time.Sleep(time.Second); return false },
		})
		p.Get(t.Context())
		time.Sleep(2 * time.Second)
		go within(t, p, time.Second/4)
		time.Sleep(time.Second / 2)
		if got := within(t, p, time.Minute); a.calls() != 1 || !errors.Is(got.Err, errAPI) {
			t.Errorf("%d calls, got %+v", a.calls(), got)
		}
	})
}

func TestWhoGivesUpWhileTheSpacingLastsIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{took: time.Hour}
		p := New(a.call, ordinary)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		p.Get(ctx) // canceled, so that the next call is a second away
		if got := within(t, p, time.Second/2); !got.TimedOut || a.calls() != 1 {
			t.Errorf("%d calls, got %+v", a.calls(), got)
		}
	})
}

// TestOnEverySchedule has scrapers come and go at random, and looks at what must hold all the same.
func TestOnEverySchedule(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			a := &api{}
			p := New(a.call, ordinary)
			var all sync.WaitGroup
			for range 200 {
				if random.IntN(4) == 0 {
					took := time.Duration(random.IntN(8000)) * time.Millisecond
					a.set(took, []error{nil, nil, errAPI}[random.IntN(3)])
				}
				patience := time.Duration(1+random.IntN(6000)) * time.Millisecond
				hangsUp := random.IntN(3) == 0
				all.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), patience)
					defer cancel()
					if hangsUp {
						go func() { time.Sleep(patience / 2); cancel() }()
					}
					begin := time.Now()
					got := p.Get(ctx)
					if waited := time.Since(begin); waited > patience {
						t.Errorf("seed %d: waited %s of %s", seed, waited, patience)
					}
					if got.Err == nil && got.Reading == 0 {
						t.Errorf("seed %d: no error and no reading", seed)
					}
				})
				time.Sleep(time.Duration(random.IntN(1500)) * time.Millisecond)
			}
			all.Wait()
			time.Sleep(time.Minute) // of the bubble's time, for all to end
			if a.most > 1 {
				t.Errorf("seed %d: %d calls at the same time", seed, a.most)
			}
			for i := 1; i < len(a.began); i++ {
				if apart := a.began[i].Sub(a.ended[i-1]); apart < time.Second {
					t.Errorf("seed %d: call %d began %s after the one before ended", seed, i, apart)
				}
			}
		})
	}
}

// TestPeekCostsNothing: whoever peeks makes no call, joins none, keeps none going and sees what the last one has left.
func TestPeekCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{took: 2 * time.Second}
		p := New(a.call, ordinary)
		if got := p.Peek(); got != (Outcome[int]{}) || a.calls() != 0 {
			t.Errorf("before the first call: %+v, %d calls", got, a.calls())
		}
		begin := time.Now()
		expect(t, "a reading", scrape(t, p, time.Minute), 1, nil)
		time.Sleep(time.Hour)
		if got := p.Peek(); got != (Outcome[int]{Reading: 1, Success: begin, Called: begin, Took: 2 * time.Second}) || a.calls() != 1 {
			t.Errorf("an hour later: %+v, %d calls", got, a.calls())
		}

		a.set(time.Hour, nil)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go p.Get(ctx)
		synctest.Wait()
		peeked := time.Now()
		expect(t, "in the next call", p.Peek(), 1, nil)
		if waited := time.Since(peeked); waited > 0 || a.calls() != 2 {
			t.Errorf("waited %s, %d calls", waited, a.calls())
		}
		cancel()
		synctest.Wait()
		if a.running > 0 {
			t.Error("the call goes on for somebody who has only peeked")
		}

		time.Sleep(time.Second)
		a.set(time.Second, errAPI)
		again := time.Now()
		scrape(t, p, time.Minute)
		got := p.Peek()
		expect(t, "after a failure", got, 1, errAPI)
		if !got.Success.Equal(begin) || !got.Called.Equal(again) {
			t.Errorf("the last good call began at %s and the last at %s", got.Success, got.Called)
		}
		p.Stop()
		expect(t, "after the end", p.Peek(), 1, errAPI)
		if a.calls() != 3 {
			t.Errorf("%d calls", a.calls())
		}
	})
}

// TestPeekingWhileCallsEnd is for the race detector.
func TestPeekingWhileCallsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(new(api).call, Options{Timeout: time.Second})
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
						t.Errorf("reading %d comes after %d", got, last)
					}
					last = got
				}
			})
		}
		all.Wait()
	})
}
