package poll

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// TestReconfigureAppliesToTheNextCall also checks that a backoff continues unless the key changes.
func TestReconfigureAppliesToTheNextCall(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		key  string
		wait time.Duration // from the reconfiguration to the next call
	}{
		"success":          {nil, "", 0},
		"success, new key": {nil, "new", 0},
		"failure":          {errAPI, "", 512*time.Second - time.Minute},
		"failure, new key": {errAPI, "new", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &fakeAPI{err: c.err}
				p := New(a.call, Options{Interval: time.Hour, Timeout: 30 * time.Second})
				for range 10 { // increases the backoff to minutes
					for before := a.calls(); a.calls() == before; time.Sleep(time.Second) {
						p.Get(t.Context())
					}
					if c.err == nil {
						break
					}
				}
				time.Sleep(time.Minute - time.Second)
				before, at := a.calls(), time.Now()
				p.Reconfigure(time.Minute, 2*time.Second, c.key)
				next := p.Peek().Next
				for a.calls() == before {
					p.Get(t.Context())
					time.Sleep(time.Second)
				}
				wait := a.began[before].Sub(at)
				if (wait - c.wait).Abs() > 2*time.Second {
					t.Errorf("the next call began after %s, want %s", wait, c.wait)
				}
				if c.err != nil && next.After(at) != (c.wait > 0) {
					t.Errorf("Next is %s, the call began at %s", next, a.began[before])
				}
				// A call now has a timeout of 2 s, and its reading is valid for a minute.
				a.set(time.Hour, nil)
				time.Sleep(2 * time.Hour)
				begin := time.Now()
				latest := p.Get(t.Context())
				if latest.Err == nil || time.Since(begin) != 2*time.Second {
					t.Errorf("a call took %s: %v", time.Since(begin), latest.Err)
				}
				a.set(0, nil)
				time.Sleep(time.Second)
				p.Get(t.Context())
				before = a.calls()
				time.Sleep(59 * time.Second)
				p.Get(t.Context())
				if a.calls() != before {
					t.Error("the reading expired within a minute")
				}
				time.Sleep(time.Second)
				p.Get(t.Context())
				if a.calls() != before+1 {
					t.Error("the reading was valid for longer than a minute")
				}
			})
		})
	}
}

// TestReturnToTheKeyOfTheLatestCallKeepsTheWait checks a key that no call has used.
func TestReturnToTheKeyOfTheLatestCallKeepsTheWait(t *testing.T) {
	for _, want := range []error{nil, errAPI} {
		synctest.Test(t, func(t *testing.T) {
			a := &fakeAPI{err: want}
			p := New(a.call, Options{
				Interval: time.Hour, Timeout: time.Second, MinBackoff: tenMinutes, Key: "old",
			})
			before := p.Get(t.Context())
			for range 60 {
				p.Reconfigure(time.Hour, time.Second, "new")
				p.Reconfigure(time.Hour, time.Second, "old")
				if got := p.Get(t.Context()); got != before {
					t.Errorf("got %+v, want %+v", got, before)
				}
				time.Sleep(9 * time.Second)
			}
			if n := a.calls(); n != 1 {
				t.Errorf("%d calls", n)
			}
		})
	}
}

func TestReconfigureKeepsTheMinimumGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(fakeAPI)
		p := New(a.call, testOptions)
		for n := range 100 {
			p.Reconfigure(time.Second, time.Second, fmt.Sprint(n))
			p.Get(t.Context())
			time.Sleep(50 * time.Millisecond)
		}
		for i := 1; i < len(a.began); i++ {
			if apart := a.began[i].Sub(a.ended[i-1]); apart < time.Second {
				t.Errorf("call %d began %s after the end of the previous one", i, apart)
			}
		}
		if len(a.began) < 5 {
			t.Errorf("%d calls", len(a.began))
		}
	})
}

// TestReconfigureDoesNotInterruptACall also checks that the outcome of that call expires, because
// the call used the previous configuration.
func TestReconfigureDoesNotInterruptACall(t *testing.T) {
	for _, want := range []error{nil, errAPI} {
		synctest.Test(t, func(t *testing.T) {
			a := &fakeAPI{took: 10 * time.Second, err: want}
			p := New(a.call, Options{Interval: time.Hour, Timeout: 30 * time.Second})
			outcome := make(chan Outcome[int])
			go func() { outcome <- p.Get(t.Context()) }()
			time.Sleep(5 * time.Second)
			p.Reconfigure(time.Hour, time.Second, "new")
			latest := <-outcome
			if took := a.ended[0].Sub(a.began[0]); latest.Err != want || took != 10*time.Second {
				t.Errorf("the call ended with %v after %s", latest.Err, took)
			}
			a.set(0, nil)
			time.Sleep(time.Second)
			if p.Get(t.Context()); a.calls() != 2 {
				t.Errorf("%d calls, want 2", a.calls())
			}
		})
	}
}
