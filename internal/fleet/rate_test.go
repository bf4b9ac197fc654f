package fleet

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/greenapi"
)

// ratedAPI records when the calls of each method of each instance began and ended.
type ratedAPI struct {
	mu      sync.Mutex
	status  int
	header  http.Header
	took    time.Duration
	calls   map[string]int       // by instance and method
	ended   map[string]time.Time // end of the latest call
	running map[string]bool
	early   []string // calls that began within a second of the previous one's end
}

func newRatedAPI() *ratedAPI {
	return &ratedAPI{
		status: 200, calls: make(map[string]int), ended: make(map[string]time.Time),
		running: make(map[string]bool),
	}
}

func (a *ratedAPI) set(status int, took time.Duration, header http.Header) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.status, a.took, a.header = status, took, header
}

func (a *ratedAPI) RoundTrip(r *http.Request) (*http.Response, error) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/waInstance"), "/")
	key := parts[0] + " " + parts[1]
	a.mu.Lock()
	apart := time.Since(a.ended[key])
	if a.running[key] || a.calls[key] > 0 && apart < time.Second {
		a.early = append(a.early, fmt.Sprintf("call %d of %s after %s", a.calls[key], key, apart))
	}
	a.calls[key]++
	a.running[key] = true
	status, header, took := a.status, a.header, a.took
	a.mu.Unlock()
	if took > 0 { // as in poll.Poller, an expired timer is not used
		select {
		case <-time.After(took):
		case <-r.Context().Done():
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.running[key], a.ended[key] = false, time.Now()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	body := `{"stateInstance":"authorized","count":3}`
	if parts[1] == greenapi.LastOutgoingMessages {
		body = "[]"
	}
	response := newResponse(status, body)
	if header != nil {
		response.Header = header.Clone()
	}
	return response, nil
}

func (a *ratedAPI) callsOf(id, method string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.calls[id+" "+method]
}

func (a *ratedAPI) assertSpaced(t *testing.T) {
	t.Helper()
	synctest.Wait()
	if len(a.early) > 0 {
		t.Errorf("%d calls were too early: %s", len(a.early), strings.Join(a.early, "; "))
	}
}

// reloads are ways to remove an instance or its collectors and to add them again.
var reloads = map[string]func(*testing.T, *testFleet){
	"instance": func(t *testing.T, f *testFleet) {
		f.apply(t, "2")
		f.apply(t, "1", "2")
	},
	"instance, closed": func(t *testing.T, f *testFleet) {
		f.apply(t, "2")
		synctest.Wait()
		f.apply(t, "1", "2")
	},
	"instance, several reloads later": func(t *testing.T, f *testFleet) {
		for range 3 {
			f.apply(t, "2")
			synctest.Wait()
		}
		f.apply(t, "1", "2")
	},
	"collectors": func(t *testing.T, f *testFleet) {
		collectors := f.flags.Collectors
		f.flags.Collectors = nil
		f.apply(t, "1", "2")
		f.flags.Collectors = collectors
		f.apply(t, "1", "2")
	},
	"collectors, closed, and instance": func(t *testing.T, f *testFleet) {
		collectors := f.flags.Collectors
		f.flags.Collectors = nil
		f.apply(t, "1", "2")
		synctest.Wait()
		f.apply(t, "2")
		synctest.Wait()
		f.apply(t, "1", "2")
		f.flags.Collectors = collectors
		f.apply(t, "1", "2")
	},
	minutesReload: func(t *testing.T, f *testFleet) {
		f.flags.Minutes++
		f.flags.MinInterval++
		f.apply(t, "1", "2")
	},
	"partner's instance": func(t *testing.T, f *testFleet) {
		two, one := f.instance(t, "2"), f.instance(t, "1").WithExpiry(time.Now().Add(time.Hour))
		for _, list := range [][]config.Instance{{two}, {one, two}} {
			if err := f.ApplyConfig(list); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
	},
}

// minutesReload is the reload that applies other minutes. A reading of others is not used.
const minutesReload = "minutes and interval"

// TestReloadsKeepTheRate checks that an instance or collector which a reload removes, and another
// adds again, is not called before its time, with and without storage. Other minutes do not end
// the wait after a failure either.
func TestReloadsKeepTheRate(t *testing.T) {
	type test struct {
		status   int
		header   http.Header
		interval time.Duration
		wait     time.Duration // from the end of the first call to the next one
	}
	for name, c := range map[string]test{
		"rate limit":   {200, nil, time.Second, time.Second},
		"min interval": {200, nil, time.Hour, time.Hour},
		"quota":        {466, nil, time.Second, 10 * time.Minute},
		"retry after":  {503, http.Header{"Retry-After": {"1800"}}, time.Second, 30 * time.Minute},
	} {
		for reload, do := range reloads {
			if c.status == 200 && reload == minutesReload {
				continue
			}
			for storage, directory := range map[string]string{
				"in memory": "", "on disk": t.TempDir(),
			} {
				t.Run(name+", "+reload+", "+storage, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						a := newRatedAPI()
						a.set(c.status, 0, c.header)
						f := newTestFleet(t, directory, a)
						defer f.close(t)
						f.flags.Collectors = []string{"outgoing"}
						f.flags.MinInterval = c.interval
						f.apply(t, "1", "2")
						begin := time.Now()
						first := f.mustScrape(t, "1")
						for step := range 5 {
							time.Sleep(time.Until(begin.Add(c.wait * time.Duration(step) / 5)))
							do(t, f)
							if got := f.mustScrape(t, "1"); got[upMetric] != first[upMetric] {
								t.Errorf("%s is %v, want %v", upMetric, got, first)
							}
							f.mustScrape(t, "2") // its rate is its own
						}
						if n := a.callsOf("1", greenapi.LastOutgoingMessages); n != 1 {
							t.Errorf("%d calls within %s", n, c.wait)
						}
						if n := a.callsOf("2", greenapi.LastOutgoingMessages); n < 1 || n > 2 {
							t.Errorf("%d calls of the other instance", n)
						}
						time.Sleep(time.Until(begin.Add(c.wait)))
						do(t, f)
						f.mustScrape(t, "1")
						if n := a.callsOf("1", greenapi.LastOutgoingMessages); n != 2 {
							t.Errorf("%d calls after %s, want 2", n, c.wait)
						}
						a.assertSpaced(t)
					})
				})
			}
		}
	}
}

// TestHostsKeepTheirPauses checks reloads that alternate between hosts, and remove the instance.
func TestHostsKeepTheirPauses(t *testing.T) {
	for reload, do := range reloads {
		t.Run(reload, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newRatedAPI()
				a.set(466, 0, nil)
				f := newTestFleet(t, "", a)
				defer f.close(t)
				f.flags.Collectors = []string{"outgoing"}
				for n := range 60 {
					f.flags.URL = fmt.Sprintf("https://host%d.example", n%2)
					do(t, f)
					f.mustScrape(t, "1")
					time.Sleep(5 * time.Second)
				}
				if n := a.callsOf("1", greenapi.LastOutgoingMessages); n != 2 {
					t.Errorf("%d calls of two hosts, want 2", n)
				}
			})
		})
	}
}

// TestNewTokenEndsTheWaitOfAnInstanceThatReturns checks that a new token ends the wait after a
// failure, but not the second between two calls.
func TestNewTokenEndsTheWaitOfAnInstanceThatReturns(t *testing.T) {
	for reload, do := range reloads {
		t.Run(reload, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newRatedAPI()
				a.set(466, 0, nil)
				f := newTestFleet(t, "", a)
				defer f.close(t)
				f.flags.Collectors = []string{"outgoing"}
				f.apply(t, "1", "2")
				for n := range 10 {
					f.flags.Token = fmt.Sprint("token-", n)
					do(t, f)
					f.mustScrape(t, "1")
				}
				if n := a.callsOf("1", greenapi.LastOutgoingMessages); n != 10 {
					t.Errorf("%d calls with 10 tokens", n)
				}
				a.assertSpaced(t)
			})
		})
	}
}

// TestRemovedInstanceCancelsItsCall even if no scrape waits for the call any more.
func TestRemovedInstanceCancelsItsCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newRatedAPI()
		a.set(200, 20*time.Second, nil)
		f := newTestFleet(t, "", a)
		defer f.close(t)
		f.flags.Collectors = []string{"outgoing"}
		f.apply(t, "1", "2")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := f.scrape(ctx, "1"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		f.apply(t, "1", "2")
		synctest.Wait()
		if !a.running["1 "+greenapi.LastOutgoingMessages] {
			t.Fatal("a reload that changes nothing canceled the call")
		}
		f.apply(t, "2")
		synctest.Wait()
		if a.running["1 "+greenapi.LastOutgoingMessages] {
			t.Error("the call continues without its instance")
		}
	})
}

// TestRemovedInstancesAreForgotten when their next call may be made.
func TestRemovedInstancesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newTestFleet(t, "", newRatedAPI())
		defer f.close(t)
		f.flags.Collectors = []string{"outgoing"}
		var ids []string
		for n := range 100 {
			ids = append(ids, fmt.Sprint(n+1))
		}
		f.apply(t, ids...)
		for _, id := range ids[:50] {
			f.mustScrape(t, id)
		}
		f.apply(t)
		synctest.Wait()
		for _, want := range []int{50, 0} { // of those with a call, none after the interval
			f.apply(t)
			if n := len(f.draining); n != want {
				t.Errorf("%d instances are remembered, want %d", n, want)
			}
			time.Sleep(f.flags.MinInterval)
		}
	})
}

// TestRandomReloadsKeepTheRate checks random reloads, scrapes and responses.
func TestRandomReloadsKeepTheRate(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			pick := func(n int) bool { return random.IntN(n) == 0 }
			a := newRatedAPI()
			directory := ""
			if pick(4) {
				directory = t.TempDir()
			}
			f := newTestFleet(t, directory, a)
			reload := func() {
				f.flags.Token = fmt.Sprint("token-", random.IntN(2))
				f.flags.URL = fmt.Sprintf("https://host%d.example", random.IntN(2))
				f.flags.Minutes = 60 + random.IntN(2)
				intervals := []time.Duration{time.Second, 5 * time.Second, time.Hour}
				f.flags.MinInterval = intervals[random.IntN(len(intervals))]
				f.flags.Timeout = time.Duration(1+random.IntN(5)) * time.Second
				f.flags.Collectors = nil
				for _, name := range []string{"outgoing", "state", "queue"} {
					if !pick(3) {
						f.flags.Collectors = append(f.flags.Collectors, name)
					}
				}
				var ids []string
				for _, id := range []string{"1", "2", "3"} {
					if !pick(3) {
						ids = append(ids, id)
					}
				}
				f.apply(t, ids...)
			}
			var scrapes sync.WaitGroup
			for range 200 {
				if pick(10) {
					status := []int{200, 200, 401, 466, 503}[random.IntN(5)]
					a.set(status, time.Duration(random.IntN(4000))*time.Millisecond, nil)
				}
				if pick(2) {
					reload()
				}
				id := fmt.Sprint(1 + random.IntN(3))
				timeout := time.Duration(1+random.IntN(3000)) * time.Millisecond
				scrapes.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), timeout)
					defer cancel()
					_, _ = f.scrape(ctx, id)
				})
				time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
			}
			scrapes.Wait()
			a.assertSpaced(t)
			if n := a.callsOf("1", greenapi.GetStateInstance); n < 3 {
				t.Errorf("seed %d: only %d calls", seed, n)
			}
			f.close(t)
		})
	}
}
