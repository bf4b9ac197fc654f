package poll

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

var errRequest = errors.New("failure that depends on the request")

func isErrRequest(err error) bool { return errors.Is(err, errRequest) }

// TestReconfigureAppliesToTheNextCall also checks that a backoff continues unless the account
// changes, or the failure depends on the request and that changes.
func TestReconfigureAppliesToTheNextCall(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		key  Key
		wait time.Duration // from the reconfiguration to the next call
	}{
		"success":                       {nil, Key{"old", "old"}, 0},
		"success, account":              {nil, Key{"new", "old"}, 0},
		"success, request":              {nil, Key{"old", "new"}, 0},
		"failure":                       {errAPI, Key{"old", "old"}, 452 * time.Second}, // of 512 s
		"failure, account":              {errAPI, Key{"new", "old"}, 0},
		"failure, request":              {errAPI, Key{"old", "new"}, 452 * time.Second},
		"failure of a request":          {errRequest, Key{"old", "old"}, 452 * time.Second},
		"failure of a request, account": {errRequest, Key{"new", "old"}, 0},
		"failure of a request, request": {errRequest, Key{"old", "new"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &fakeAPI{err: c.err}
				p := New(a.call, Options{
					Interval: time.Hour, Timeout: 30 * time.Second,
					Key: Key{"old", "old"}, DependsOnRequest: isErrRequest,
				})
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
				Interval: time.Hour, Timeout: time.Second, MinBackoff: tenMinutes,
				Key: Key{Account: "old"},
			})
			before := p.Get(t.Context())
			for range 60 {
				p.Reconfigure(time.Hour, time.Second, Key{Account: "new"})
				p.Reconfigure(time.Hour, time.Second, Key{Account: "old"})
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

// TestKeysKeepTheirWaits checks keys that alternate. Each has one call within its wait. Stop and
// Start do not end a wait, and Waiting includes the waits of other keys.
func TestKeysKeepTheirWaits(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		keys []Key
		want int
	}{
		"accounts":                      {errAPI, []Key{{"a", "1"}, {"b", "1"}, {"c", "1"}}, 3},
		"requests":                      {errAPI, []Key{{"a", "1"}, {"a", "2"}, {"a", "3"}}, 1},
		"failures that depend on them":  {errRequest, []Key{{"a", "1"}, {"a", "2"}, {"a", "3"}}, 3},
		"accounts of the same requests": {errRequest, []Key{{"a", "1"}, {"b", "1"}, {"a", "1"}}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &fakeAPI{err: c.err}
				p := New(a.call, Options{
					Interval: time.Hour, Timeout: time.Second, Key: c.keys[0],
					MinBackoff:       func(error) time.Duration { return 10 * time.Minute },
					DependsOnRequest: isErrRequest,
				})
				for n := range 60 {
					p.Reconfigure(time.Hour, time.Second, c.keys[n%len(c.keys)])
					expect(t, "scrape", scrape(t, p, time.Minute), 0, c.err)
					p.Stop()
					p.Start()
					time.Sleep(5 * time.Second)
				}
				if a.calls() != c.want {
					t.Errorf("%d calls, want %d", a.calls(), c.want)
				}
				p.Reconfigure(time.Hour, time.Second, Key{Account: "another"})
				if !p.Waiting() {
					t.Error("a new key ends the waits of the others")
				}
				time.Sleep(10 * time.Minute)
				if p.Waiting() {
					t.Error("a wait has no end")
				}
				p.Reconfigure(time.Hour, time.Second, c.keys[0])
				scrape(t, p, time.Minute)
				if a.calls() != c.want+1 || len(p.waits) != 1 {
					t.Errorf("%d calls after the waits, %d waits", a.calls(), len(p.waits))
				}
			})
		})
	}
}

// TestKeyChangesBeforeTheTurn checks a change of the key while a call waits for its turn. The wait
// of the new key then prevents the call.
func TestKeyChangesBeforeTheTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fakeAPI{err: errAPI}
		p := New(a.call, Options{
			Interval: time.Hour, Timeout: time.Second, MinBackoff: tenMinutes,
		})
		scrape(t, p, time.Minute)
		p.Reconfigure(time.Hour, time.Second, Key{Account: "new"})
		time.AfterFunc(time.Second/2, func() { p.Reconfigure(time.Hour, time.Second, Key{}) })
		expect(t, "scrape", scrape(t, p, time.Minute), 0, errAPI)
		if a.calls() != 1 {
			t.Errorf("%d calls", a.calls())
		}
	})
}

// TestSuccessEndsAllWaits checks a return to a key that failed before a success with another key.
func TestSuccessEndsAllWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fakeAPI{err: errAPI}
		p := New(a.call, Options{
			Interval: time.Second, Timeout: time.Second, MinBackoff: tenMinutes,
		})
		scrape(t, p, time.Minute)
		p.Reconfigure(time.Second, time.Second, Key{Account: "good"})
		a.set(0, nil)
		expect(t, "another account", scrape(t, p, time.Minute), 2, nil)
		time.Sleep(time.Second)
		if p.Waiting() {
			t.Error("a wait remains")
		}
		p.Reconfigure(time.Second, time.Second, Key{})
		expect(t, "the first account", scrape(t, p, time.Minute), 3, nil)
	})
}

// TestReconfigureOverridesCurrentKey checks a change of the key while CurrentKey returns the
// previous one.
func TestReconfigureOverridesCurrentKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(fakeAPI)
		p := New(a.call, Options{
			Interval: time.Hour, Timeout: time.Second,
			CurrentKey: func() Key { time.Sleep(time.Second); return Key{} },
		})
		go scrape(t, p, time.Minute)
		time.Sleep(1500 * time.Millisecond) // during the second of two checks before the call
		key := Key{Account: "new"}
		p.Reconfigure(time.Hour, time.Second, key)
		expect(t, "scrape", scrape(t, p, time.Minute), 1, nil)
		if p.readingKey != key {
			t.Errorf("the reading has the key %v, want %v", p.readingKey, key)
		}
	})
}

func TestReconfigureKeepsTheMinimumGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(fakeAPI)
		p := New(a.call, testOptions)
		for n := range 100 {
			p.Reconfigure(time.Second, time.Second, Key{Account: fmt.Sprint(n)})
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
			p.Reconfigure(time.Hour, time.Second, Key{Account: "new"})
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
