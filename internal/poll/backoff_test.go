package poll

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

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

// TestNextIsTheTimeOfTheNextCall checks that Next is set after a failure, and is zero otherwise.
// Observe gets the same time.
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

// TestCurrentKeyEndsTheBackoff checks a key that changes without Reconfigure. Its failure then has
// a wait, too.
func TestCurrentKeyEndsTheBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fakeAPI{err: errAPI}
		var key Key
		p := newPoller(t, a.call, Options{Interval: time.Second, Timeout: time.Second,
			MinBackoff: func(error) time.Duration { return time.Hour },
			CurrentKey: func() Key { return key },
		})
		for _, account := range []string{"old", "new"} {
			key.Account = account
			expect(t, "first call", scrape(t, p, time.Minute), 0, errAPI)
			time.Sleep(time.Minute)
			p.Reconfigure(time.Second, time.Second, key)
			expect(t, "during the wait", scrape(t, p, time.Minute), 0, errAPI)
		}
		a.set(0, nil)
		key.Account = "old"
		expect(t, "with the old key", scrape(t, p, time.Minute), 0, errAPI)
		key.Account = "newest"
		expect(t, "with the newest key", scrape(t, p, time.Minute), 3, nil)
		expect(t, "immediately again", scrape(t, p, time.Minute), 3, nil)
		if apart := a.began[1].Sub(a.began[0]); apart < time.Second {
			t.Errorf("calls %s apart", apart)
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
