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
	if took > 0 { // see waitTurn
		select {
		case <-time.After(took):
		case <-ctx.Done():
			err = fmt.Errorf("call: %w", context.Cause(ctx))
		}
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

// TestRandomSchedules checks the invariants of a Poller with scrapes that begin and end at random,
// and with reloads.
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
				switch random.IntN(8) {
				case 0:
					p.Stop()
					p.Start()
				case 1:
					interval := time.Duration(1+random.IntN(4)) * time.Second
					key := Key{fmt.Sprint(random.IntN(2)), fmt.Sprint(random.IntN(2))}
					p.Reconfigure(interval, testOptions.Timeout, key)
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
