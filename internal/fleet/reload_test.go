package fleet

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/greenapi"
)

// stateCall and journalCall return calls of instance 1 as fakeAPI records them.
func stateCall(token, host string) string {
	return fmt.Sprint("1 ", greenapi.GetStateInstance, " ", token, " ", host, " ")
}

func journalCall(token, host string, minutes int) string {
	return fmt.Sprint("1 ", greenapi.LastOutgoingMessages, " ", token, " ", host, " ", minutes)
}

// TestReloadPreservesCounters checks every setting, in memory and on disk. It also checks that only
// changes of what calls request cause calls at once.
func TestReloadPreservesCounters(t *testing.T) {
	const host, newHost = "api.example", "b.example"
	for name, c := range map[string]struct {
		change func(*config.Flags)
		calls  []string
	}{
		"nothing": {func(*config.Flags) {}, nil},
		"timeout": {func(f *config.Flags) { f.Timeout = time.Second }, nil},
		"token": {
			func(f *config.Flags) { f.Token = "new" },
			[]string{stateCall("new", host), journalCall("new", host, 60)},
		},
		"host": {
			func(f *config.Flags) { f.URL = "https://" + newHost },
			[]string{stateCall("token", newHost), journalCall("token", newHost, 60)},
		},
		"window": {
			func(f *config.Flags) { f.Minutes = 30 },
			[]string{stateCall("token", host), journalCall("token", host, 30)},
		},
		"interval that has passed": {
			func(f *config.Flags) { f.MinInterval = time.Second },
			[]string{stateCall("token", host), journalCall("token", host, 60)},
		},
		"interval that has not passed": {
			func(f *config.Flags) { f.MinInterval = time.Minute }, nil,
		},
		"added collector": {
			func(f *config.Flags) { f.Collectors = []string{"outgoing", "state", "queue"} },
			[]string{"1 getMessagesCount token api.example "},
		},
		"removed collector": {
			func(f *config.Flags) { f.Collectors = []string{"outgoing"} }, nil,
		},
	} {
		for storage, directory := range map[string]string{"in memory": "", "on disk": t.TempDir()} {
			t.Run(name+" "+storage, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { testReload(t, directory, c.change, c.calls) })
			})
		}
	}
}

// testReload changes the flags of an instance that has two readings, and checks the next scrape.
func testReload(t *testing.T, directory string, change func(*config.Flags), wantCalls []string) {
	f := newTestFleet(t, directory, nil)
	defer f.close(t)
	f.apply(t, "1", "2")
	first := f.mustScrape(t, "1")
	time.Sleep(time.Hour)
	before := f.mustScrape(t, "1")
	if before[upMetric] != 1 || before[messagesMetric] != 1 ||
		before[birthMetric] != first[birthMetric] {
		t.Fatalf("before: %v", before)
	}
	f.api.takeCalls()
	change(&f.flags)
	f.apply(t, "2", "1", "3")
	time.Sleep(time.Second) // the minimum time between two calls of the journal
	after := f.mustScrape(t, "1")
	calls := f.api.takeCalls()
	slices.Sort(calls)
	if len(wantCalls) < 2 { // every scrape reads the state after a second
		calls = slices.DeleteFunc(calls, func(call string) bool {
			return call == stateCall("token", "api.example")
		})
	}
	if !slices.Equal(calls, wantCalls) {
		t.Errorf("calls %q, want %q", calls, wantCalls)
	}
	messages := before[messagesMetric]
	if strings.Contains(fmt.Sprint(calls), greenapi.LastOutgoingMessages) {
		messages++
	}
	if after[upMetric] != 1 || after[messagesMetric] != messages ||
		after[birthMetric] != before[birthMetric] {
		t.Errorf("after: %v, want %v messages", after, messages)
	}
	window := time.Duration(f.flags.Minutes) * time.Minute
	if got := after["greenapi_outgoing_window_seconds"]; got != window.Seconds() {
		t.Errorf("the window is %v s, want %s", got, window)
	}
}

func TestRemovedInstanceIsSavedAndResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		directory := t.TempDir()
		f := newTestFleet(t, directory, nil)
		defer f.close(t)
		f.apply(t, "1", "2")
		before := f.mustScrape(t, "1")
		f.apply(t, "2")
		if _, err := f.scrape(t.Context(), "1"); !errors.Is(err, ErrUnknown) {
			t.Errorf("a scrape of the removed instance returned %v, want ErrUnknown", err)
		}
		synctest.Wait()
		data, err := os.ReadFile(filepath.Join(directory, "1.ledger"))
		if err != nil || strings.Count(string(data), `"last_good"`) != 1 {
			t.Errorf("the file is not one snapshot: %v\n%s", err, data)
		}
		time.Sleep(time.Hour)
		f.apply(t, "2")
		if len(f.draining) > 0 {
			t.Error("the removed instance is still draining")
		}
		f.apply(t, "1")
		after := f.mustScrape(t, "1")
		if after[messagesMetric] != 1 || after[birthMetric] != before[birthMetric] {
			t.Errorf("after the instance was added again: %v", after)
		}
	})
}

func TestReloadDoesNotAffectOrAwaitScrapes(t *testing.T) {
	for name, reload := range map[string]func(*testing.T, *testFleet){
		"instance removed": func(t *testing.T, f *testFleet) { f.apply(t) },
		"instance removed and added": func(t *testing.T, f *testFleet) {
			f.apply(t)
			f.apply(t, "1")
		},
		"collector disabled": func(t *testing.T, f *testFleet) {
			f.flags.Collectors = []string{"queue"}
			f.apply(t, "1")
		},
		"collector disabled and enabled": func(t *testing.T, f *testFleet) {
			collectors := f.flags.Collectors
			f.flags.Collectors = []string{"queue"}
			f.apply(t, "1")
			f.flags.Collectors = collectors
			f.apply(t, "1")
		},
		"host changed": func(t *testing.T, f *testFleet) {
			f.flags.URL = "https://b.example"
			f.apply(t, "1")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newTestFleet(t, t.TempDir(), nil)
				defer f.close(t)
				f.apply(t, "1")
				release := f.api.block()
				scraped := make(chan map[string]float64)
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				go func() {
					values, err := f.scrape(ctx, "1")
					if err != nil {
						t.Error(err)
					}
					scraped <- values
				}()
				synctest.Wait()
				begin := time.Now()
				reload(t, f)
				if took := time.Since(begin); took > 0 {
					t.Errorf("the reload took %s", took)
				}
				time.Sleep(5 * time.Second)
				release()
				first := <-scraped
				if first[upMetric] != 1 || first[birthMetric] == 0 {
					t.Errorf("got %v", first)
				}
				synctest.Wait()
				time.Sleep(time.Second)
				f.api.takeCalls()
				switch name {
				case "instance removed and added", "collector disabled and enabled":
					next := f.mustScrape(t, "1")
					if next[upMetric] != 1 || next[birthMetric] != first[birthMetric] {
						t.Errorf("the next scrape: %v, want the same ledger as %v", next, first)
					}
				case "host changed": // the next scrape must not use the reading of the old host
					f.mustScrape(t, "1")
					calls := f.api.takeCalls()
					if !slices.Contains(calls, journalCall("token", "b.example", 60)) {
						t.Errorf("calls %q, want one to the new host", calls)
					}
				}
			})
		})
	}
}

// TestInstanceHasOneLedgerAtATime removes and adds an instance twice during scrapes of two
// collectors.
func TestInstanceHasOneLedgerAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newTestFleet(t, t.TempDir(), nil)
		defer f.close(t)
		defer f.api.block()()
		scrapeAndRemove := func(collector string, timeout time.Duration) {
			f.flags.Collectors = []string{collector}
			f.apply(t, "1", "2")
			go func() {
				ctx, cancel := context.WithTimeout(t.Context(), timeout)
				defer cancel()
				_, _ = f.scrape(ctx, "1")
			}()
			synctest.Wait()
			f.apply(t, "2")
		}
		scrapeAndRemove("state", 5*time.Second)
		scrapeAndRemove("outgoing", 25*time.Second)
		time.Sleep(10 * time.Second)
		f.apply(t, "2")
		begin := time.Now()
		f.apply(t, "1", "2")
		if loaded, created := f.storage.LoadStats(); loaded+created != 2 {
			t.Errorf("%d ledgers were opened, want one per instance", loaded+created)
		}
		if took := time.Since(begin); took > 0 {
			t.Errorf("adding the instance took %s", took)
		}
	})
}

// TestScrapeHoldsInstanceUntilItsContextEnds checks a scrape that is never collected, and one that
// fails to start, which must not hold the instance.
func TestScrapeHoldsInstanceUntilItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newTestFleet(t, "", nil)
		defer f.close(t)
		f.apply(t, "1")
		i := f.byID["1"]
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if _, err := f.Scrape(ctx, "1", nil); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Scrape(t.Context(), "1", []string{"none"}); err == nil {
			t.Error("a scrape of an unknown collector succeeded")
		}
		f.apply(t)
		synctest.Wait()
		if i.Idle() {
			t.Error("the instance closed during a scrape")
		}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if !i.Idle() {
			t.Error("the instance is still open")
		}
	})
}

func TestCloseSavesDrainingInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		directory := t.TempDir()
		f := newTestFleet(t, directory, nil)
		f.flags.Collectors = []string{"outgoing"}
		f.apply(t, "1", "2")
		f.mustScrape(t, "1")
		f.mustScrape(t, "2")
		f.api.block()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		time.Sleep(2 * time.Hour)
		go func() { _, _ = f.scrape(ctx, "1") }()
		synctest.Wait()
		f.apply(t, "2") // instance 1 is draining, and its call blocks
		begin := time.Now()
		f.close(t)
		if took := time.Since(begin); took > 0 {
			t.Errorf("closing took %s", took)
		}
		for _, id := range []string{"1", "2"} {
			data, err := os.ReadFile(filepath.Join(directory, id+".ledger"))
			if err != nil || strings.Count(string(data), `"birth"`) != 1 {
				t.Errorf("the file of instance %s is not one snapshot: %v", id, err)
			}
		}
	})
}

// TestConcurrentReloadsAndScrapes checks that reloads neither decrease counters nor reject scrapes
// of the instances that stay, and that no goroutine leaks.
func TestConcurrentReloadsAndScrapes(t *testing.T) {
	goroutines := runtime.NumGoroutine()
	f := newTestFleet(t, t.TempDir(), nil)
	f.flags.MinInterval = 0
	f.apply(t, "1", "2", "3", "4", "5")
	ctx, cancel := context.WithCancel(t.Context())
	var scrapers sync.WaitGroup
	var scrapes atomic.Int64
	for n := range 8 {
		id := fmt.Sprint(1 + n%5)
		scrapers.Go(func() {
			last := 0.0
			for ctx.Err() == nil {
				timeout := time.Duration(1+rand.IntN(50)) * time.Millisecond
				scrapeCtx, done := context.WithTimeout(ctx, timeout)
				values, err := f.scrape(scrapeCtx, id)
				done()
				scrapes.Add(1)
				if id != "1" && id != "2" {
					continue
				}
				now, ok := values[messagesMetric]
				if err != nil || ok && now < last {
					t.Errorf("instance %s: %v messages after %v, %v", id, now, last, err)
				}
				if ok {
					last = now
				}
			}
		})
	}
	for n := 0; n < 200 || scrapes.Load() < 100; n++ {
		f.flags.Minutes = 60 + n%7
		f.flags.URL = []string{"https://a.example", "https://b.example"}[n%2]
		f.flags.Collectors = [][]string{
			{"outgoing", "state"}, {"outgoing", "queue", "incoming"}, {"outgoing"},
		}[n%3]
		ids := []string{"1", "2"}
		for _, id := range []string{"3", "4", "5"} {
			if rand.IntN(2) == 0 {
				ids = append(ids, id)
			}
		}
		// On a busy machine, a file operation can take longer than its timeout.
		err := f.tryApply(t, ids...)
		if err != nil && !strings.Contains(err.Error(), "the disk does not respond") {
			t.Fatal(err)
		}
		if n%20 == 0 {
			_ = f.Statuses()
			time.Sleep(time.Millisecond) // so that some calls finish
		}
	}
	cancel()
	scrapers.Wait()
	f.close(t)
	for range 3000 {
		if runtime.NumGoroutine() <= goroutines {
			return
		}
		time.Sleep(10 * time.Millisecond) // until timers and contexts expire
	}
	t.Errorf("%d goroutines, want at most %d", runtime.NumGoroutine(), goroutines)
}
