package poll

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestReconfigure: a new interval and timeout are those of the next call. Only where the calls were renewed does the latest
// outcome serve no longer than the spacing demands.
func TestReconfigure(t *testing.T) {
	for name, c := range map[string]struct {
		err     error
		renewed bool
		wait    time.Duration // from the reconfiguration, a minute after a call, to the next one
	}{
		"a good reading":          {nil, false, 0},
		"a good reading, renewed": {nil, true, 0},
		"a failure, after many":   {errAPI, false, 512*time.Second - time.Minute},
		"a failure, renewed":      {errAPI, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &api{err: c.err}
				p := New(a.call, Options{Interval: time.Hour, Timeout: 30 * time.Second})
				for range 10 { // so that a failure waits for minutes
					for before := a.calls(); a.calls() == before; time.Sleep(time.Second) {
						p.Get(t.Context())
					}
					if c.err == nil {
						break
					}
				}
				time.Sleep(time.Minute - time.Second)
				before, at := a.calls(), time.Now()
				p.Reconfigure(time.Minute, 2*time.Second, c.renewed)
				for a.calls() == before {
					p.Get(t.Context())
					time.Sleep(time.Second)
				}
				if wait := a.began[before].Sub(at); wait < c.wait-2*time.Second || wait > c.wait+2*time.Second {
					t.Errorf("the next call came after %s, want %s", wait, c.wait)
				}
				// From now on a call may take 2 s, and its reading serves for a minute.
				a.set(time.Hour, nil)
				time.Sleep(2 * time.Hour)
				begin := time.Now()
				if latest := p.Get(t.Context()); latest.Err == nil || time.Since(begin) != 2*time.Second {
					t.Errorf("a call took %s: %v", time.Since(begin), latest.Err)
				}
				a.set(0, nil)
				time.Sleep(time.Second)
				p.Get(t.Context())
				before = a.calls()
				time.Sleep(59 * time.Second)
				p.Get(t.Context())
				if a.calls() != before {
					t.Error("a reading did not serve for a minute")
				}
				time.Sleep(time.Second)
				p.Get(t.Context())
				if a.calls() != before+1 {
					t.Error("it served for longer")
				}
			})
		})
	}
}

// TestReconfigureKeepsToTheRate: no call begins within a second of the one before, however often things change.
func TestReconfigureKeepsToTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(api)
		p := New(a.call, ordinary)
		for range 100 {
			p.Reconfigure(time.Second, time.Second, true)
			p.Get(t.Context())
			time.Sleep(50 * time.Millisecond)
		}
		for i := 1; i < len(a.began); i++ {
			if apart := a.began[i].Sub(a.ended[i-1]); apart < time.Second {
				t.Errorf("call %d came %s after the one before", i, apart)
			}
		}
		if len(a.began) < 5 {
			t.Errorf("%d calls", len(a.began))
		}
	})
}

// TestACallGoesOnWhenThingsChange, for those who wait for it; but its outcome does not serve for long.
func TestACallGoesOnWhenThingsChange(t *testing.T) {
	for _, fails := range []error{nil, errors.New("it fails")} {
		synctest.Test(t, func(t *testing.T) {
			a := &api{took: 10 * time.Second, err: fails}
			p := New(a.call, Options{Interval: time.Hour, Timeout: 30 * time.Second})
			outcome := make(chan Outcome[int])
			go func() { outcome <- p.Get(t.Context()) }()
			time.Sleep(5 * time.Second)
			p.Reconfigure(time.Hour, time.Second, true)
			if latest := <-outcome; latest.Err != fails || len(a.ended) != 1 || a.ended[0].Sub(a.began[0]) != 10*time.Second {
				t.Errorf("it ended with %v after %s", latest.Err, a.ended[0].Sub(a.began[0]))
			}
			a.set(0, nil)
			time.Sleep(time.Second)
			if p.Get(t.Context()); a.calls() != 2 {
				t.Errorf("%d calls: what was asked for before the change still serves", a.calls())
			}
		})
	}
}
