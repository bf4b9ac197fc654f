package poll

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

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

// TestSlowCallLeavesTheLatestReading checks that scrapes that end before the call get the latest
// reading. They do not get one that began more than 5 minutes ago or is of other requests, or after
// a later call has failed.
func TestSlowCallLeavesTheLatestReading(t *testing.T) {
	for name, c := range map[string]struct {
		age  time.Duration // of the reading when the scrapes end
		fail bool          // whether a call fails after the reading
		key  Key           // of the slow call; that of the reading is empty
		want error
	}{
		"recent":              {5 * time.Minute, false, Key{}, nil},
		"old":                 {5*time.Minute + 1, false, Key{}, context.DeadlineExceeded},
		"failed since":        {time.Minute, true, Key{}, context.DeadlineExceeded},
		"failed, and old":     {10 * time.Minute, true, Key{}, context.DeadlineExceeded},
		"just after the call": {3 * time.Second, false, Key{}, nil},
		"new account":         {time.Minute, false, Key{Account: "new"}, context.DeadlineExceeded},
		"new request":         {time.Minute, false, Key{Request: "new"}, context.DeadlineExceeded},
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
				p.Reconfigure(testOptions.Interval, testOptions.Timeout, c.key)
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

// TestScrapeGetsTheErrorOfACallThatTimesOutWithIt checks that the scrape does not get the error of
// its own context.
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

func TestScrapesDoNotWaitForCurrentKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fakeAPI{err: errAPI}
		stuck := make(chan struct{})
		p := newPoller(t, a.call, Options{
			Interval: time.Second, Timeout: time.Second,
			CurrentKey: func() Key { <-stuck; return Key{} },
		})
		go func() { stuck <- struct{}{}; stuck <- struct{}{} }() // for the first call
		scrape(t, p, time.Second)
		begin := time.Now()
		got := scrape(t, p, time.Second/2)
		expect(t, "scrape during CurrentKey", got, 0, context.DeadlineExceeded)
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
// left, while CurrentKey still runs for it.
func TestFailureIsReusedAfterAnAbandonedScrape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fakeAPI{err: errAPI}
		p := newPoller(t, a.call, Options{
			Interval: time.Second, Timeout: time.Minute,
			MinBackoff: func(error) time.Duration { return time.Hour },
			CurrentKey: func() Key { time.Sleep(time.Second); return Key{} },
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
		})
		p.Reconfigure(time.Second, time.Second, Key{Account: "old"})
		scrape(t, p, time.Minute) // times out; the next call must wait for a second
		p.Reconfigure(time.Second, time.Second, Key{Account: "new"})
		if got := scrape(t, p, time.Second/2); !got.TimedOut || a.calls() != 1 {
			t.Errorf("%d calls, got %+v", a.calls(), got)
		}
	})
}
