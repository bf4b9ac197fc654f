package fleet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
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

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
)

// journals answers every journal with one more message than the last time, and each other method with what is good.
type journals struct {
	mu     sync.Mutex
	sent   map[string]int // messages by instance
	calls  []string       // id, method and token
	answer chan struct{}  // if not nil, what calls wait for, canceled or not
}

func (j *journals) RoundTrip(r *http.Request) (*http.Response, error) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/waInstance"), "/")
	id, method := parts[0], parts[1]
	j.mu.Lock()
	j.calls = append(j.calls, strings.Join(parts, " ")+" "+r.URL.Host+" "+r.URL.Query().Get("minutes"))
	answer := j.answer
	j.mu.Unlock()
	if answer != nil {
		select {
		case <-answer:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	body := `{"stateInstance":"authorized","count":3}`
	if method == greenapi.LastOutgoingMessages {
		j.mu.Lock()
		j.sent[id]++
		var rows []string
		for n := range j.sent[id] {
			rows = append(rows, fmt.Sprintf(`{"idMessage":"%d","typeMessage":"textMessage","statusMessage":"sent"}`, n))
		}
		j.mu.Unlock()
		body = "[" + strings.Join(rows, ",") + "]"
	}
	return &http.Response{StatusCode: 200, Header: make(http.Header), Body: io.NopCloser(strings.NewReader(body)), ContentLength: -1}, nil
}

// called is the calls since it was last asked.
func (j *journals) called() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	calls := j.calls
	j.calls = nil
	return calls
}

// hold has calls wait until they are let go.
func (j *journals) hold() (letGo func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	answer := make(chan struct{})
	j.answer = answer
	return func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		close(answer)
		j.answer = nil
	}
}

// watched is a fleet and what is around it.
type watched struct {
	*Manager
	api     *journals
	storage *ledger.Storage
	flags   config.Flags
}

func watch(t *testing.T, directory string, api http.RoundTripper) *watched {
	t.Helper()
	storage, err := ledger.OpenStorage(directory, log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	w := &watched{storage: storage, flags: config.Flags{Token: "token", Settings: config.Settings{
		URL: "https://api.example", Minutes: 60, Timeout: 30 * time.Second, MinInterval: time.Hour,
		Retention: 360 * time.Hour, Collectors: []string{"outgoing", "state"},
	}}}
	if api == nil {
		w.api = &journals{sent: make(map[string]int)}
		api = w.api
	}
	service := &greenapi.Backend{Transport: api, Limiter: greenapi.NewLimiter(256)}
	w.Manager = New(collector.NewSet(), collector.Resources{Service: service, Storage: storage, Logger: log.NewNopLogger()})
	return w
}

// close ends it, as the program does.
func (w *watched) close(t *testing.T) {
	t.Helper()
	w.Close()
	if err := w.storage.Close(); err != nil {
		t.Error(err)
	}
}

// instance is one of that id, as the flags say.
func (w *watched) instance(t *testing.T, id string) config.Instance {
	t.Helper()
	flags := w.flags
	flags.IDInstance = id
	i, err := flags.Validate(log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func (w *watched) apply(t *testing.T, ids ...string) {
	t.Helper()
	var all []config.Instance
	for _, id := range ids {
		all = append(all, w.instance(t, id))
	}
	if err := w.ApplyConfig(all); err != nil {
		t.Fatal(err)
	}
}

// scrape returns the values of an instance's series that have no further labels, and of the messages that were counted.
func (w *watched) scrape(ctx context.Context, id string) (map[string]float64, error) {
	scrape, err := w.Scrape(ctx, id, nil)
	if err != nil {
		return nil, err
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(scrape)
	families, err := registry.Gather()
	if err != nil {
		return nil, err
	}
	values := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.Metric {
			text := slices.ContainsFunc(m.Label, func(l *dto.LabelPair) bool { return l.GetName() == "type" && l.GetValue() == "textMessage" })
			if len(m.Label) == 1 || text && f.GetName() == "greenapi_outgoing_messages_total" {
				values[f.GetName()] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	return values, nil
}

func (w *watched) mustScrape(t *testing.T, id string) map[string]float64 {
	t.Helper()
	values, err := w.scrape(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

const (
	up       = "greenapi_up"
	messages = "greenapi_outgoing_messages_total"
	birth    = "greenapi_outgoing_ledger_birth_timestamp_seconds"
)

// TestWhoStaysKeepsWhatItHas, whatever changes of its settings, in memory and on disk: it goes on counting, and makes a
// call at once only where the latest one was made otherwise.
func TestWhoStaysKeepsWhatItHas(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*config.Flags)
		called []string
	}{
		"nothing":                                {func(*config.Flags) {}, nil},
		"the timeout":                            {func(f *config.Flags) { f.Timeout = time.Second }, nil},
		"the token":                              {func(f *config.Flags) { f.Token = "another" }, []string{"1 getStateInstance another api.example ", "1 lastOutgoingMessages another api.example 60"}},
		"the host":                               {func(f *config.Flags) { f.URL = "https://b.example" }, []string{"1 getStateInstance token b.example ", "1 lastOutgoingMessages token b.example 60"}},
		"the window":                             {func(f *config.Flags) { f.Minutes = 30 }, []string{"1 getStateInstance token api.example ", "1 lastOutgoingMessages token api.example 30"}},
		"the interval":                           {func(f *config.Flags) { f.MinInterval = time.Second }, []string{"1 getStateInstance token api.example ", "1 lastOutgoingMessages token api.example 60"}},
		"the interval, for one that is not over": {func(f *config.Flags) { f.MinInterval = time.Minute }, nil},
		"a collector that comes": {func(f *config.Flags) { f.Collectors = []string{"outgoing", "state", "queue"} },
			[]string{"1 getMessagesCount token api.example "}},
		"one that goes": {func(f *config.Flags) { f.Collectors = []string{"outgoing"} }, nil},
	} {
		for where, directory := range map[string]string{"in memory": "", "on disk": t.TempDir()} {
			t.Run(name+" "+where, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := watch(t, directory, nil)
					defer w.close(t)
					w.apply(t, "1", "2")
					first := w.mustScrape(t, "1")
					time.Sleep(time.Hour)
					before := w.mustScrape(t, "1")
					if before[up] != 1 || before[messages] != 1 || before[birth] != first[birth] {
						t.Fatalf("before: %v", before)
					}
					w.api.called()
					c.change(&w.flags)
					w.apply(t, "2", "1", "3")
					time.Sleep(time.Second) // of the API's rate, but less than getStateInstance's usual age
					after := w.mustScrape(t, "1")
					called := w.api.called()
					slices.Sort(called)
					if len(c.called) < 2 { // the state is read each second anyway
						called = slices.DeleteFunc(called, func(call string) bool { return strings.Contains(call, "getStateInstance") })
					}
					if !slices.Equal(called, c.called) {
						t.Errorf("called %q, want %q", called, c.called)
					}
					journal := slices.ContainsFunc(called, func(call string) bool { return strings.Contains(call, "lastOutgoing") })
					want := before[messages]
					if journal {
						want++
					}
					if after[up] != 1 || after[messages] != want || after[birth] != before[birth] {
						t.Errorf("after: %v", after)
					}
					if got := after["greenapi_outgoing_window_seconds"]; got != float64(w.flags.Minutes)*60 {
						t.Errorf("the window is %v s", got)
					}
				})
			})
		}
	}
}

// TestWhoGoesIsWrittenOut and, come back, goes on where it was; without a directory it begins anew.
func TestWhoGoesIsWrittenOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		directory := t.TempDir()
		w := watch(t, directory, nil)
		defer w.close(t)
		w.apply(t, "1", "2")
		before := w.mustScrape(t, "1")
		w.apply(t, "2")
		if _, err := w.scrape(t.Context(), "1"); !errors.Is(err, ErrUnknown) {
			t.Errorf("who has gone is scraped: %v", err)
		}
		synctest.Wait()
		w.apply(t, "2")
		if len(w.draining) > 0 {
			t.Error("it is not forgotten")
		}
		kept := filepath.Join(directory, "1.ledger")
		if data, err := os.ReadFile(kept); err != nil || strings.Count(string(data), `"last_good"`) != 1 {
			t.Errorf("the file is not one snapshot: %v\n%s", err, data)
		}
		time.Sleep(time.Hour)
		w.apply(t, "1")
		after := w.mustScrape(t, "1")
		if after[messages] != 1 || after[birth] != before[birth] {
			t.Errorf("come back: %v", after)
		}
	})
}

// TestAScrapeInFlightIsNotHurt by a reload that takes its instance away, switches its collector off, changes its host or
// brings it back before it has gone.
func TestAScrapeInFlightIsNotHurt(t *testing.T) {
	for name, reload := range map[string]func(*testing.T, *watched){
		"gone": func(t *testing.T, w *watched) { w.apply(t) },
		"gone and back": func(t *testing.T, w *watched) {
			w.apply(t)
			w.apply(t, "1")
		},
		"switched off": func(t *testing.T, w *watched) {
			w.flags.Collectors = []string{"queue"}
			w.apply(t, "1")
		},
		"another host": func(t *testing.T, w *watched) {
			w.flags.URL = "https://b.example"
			w.apply(t, "1")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := watch(t, t.TempDir(), nil)
				defer w.close(t)
				w.apply(t, "1")
				letGo := w.api.hold()
				ended := make(chan map[string]float64)
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				go func() {
					values, err := w.scrape(ctx, "1")
					if err != nil {
						t.Error(err)
					}
					ended <- values
				}()
				synctest.Wait()
				begin := time.Now()
				reload(t, w)
				if took := time.Since(begin); took > 0 {
					t.Errorf("the reload took %s", took)
				}
				time.Sleep(5 * time.Second)
				letGo()
				first := <-ended
				if first[up] != 1 || first[birth] == 0 {
					t.Errorf("got %v", first)
				}
				synctest.Wait()
				time.Sleep(time.Second)
				w.api.called()
				switch name {
				case "gone and back":
					if values := w.mustScrape(t, "1"); values[up] != 1 || values[birth] != first[birth] {
						t.Errorf("come back: %v", values)
					}
				case "another host":
					w.mustScrape(t, "1") // what the old host has told serves for no hour
					if called := w.api.called(); !slices.Contains(called, "1 lastOutgoingMessages token b.example 60") {
						t.Errorf("called %v", called)
					}
				}
			})
		})
	}
}

// TestAnInstanceThatComesAndGoes twice while scrapes of it hang, each of another collector, has one ledger at a time.
func TestAnInstanceThatComesAndGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, t.TempDir(), nil)
		defer w.close(t)
		letGo := w.api.hold()
		defer letGo()
		hang := func(collector string, within time.Duration) {
			w.flags.Collectors = []string{collector}
			w.apply(t, "1", "2")
			go func() {
				ctx, cancel := context.WithTimeout(t.Context(), within)
				defer cancel()
				_, _ = w.scrape(ctx, "1")
			}()
			synctest.Wait()
			w.apply(t, "2")
		}
		hang("state", 5*time.Second)
		hang("outgoing", 25*time.Second)
		time.Sleep(10 * time.Second)
		w.apply(t, "2")
		begin := time.Now()
		w.apply(t, "1", "2")
		if read, begun := w.storage.LoadStats(); read+begun != 2 { // 1 and 2
			t.Errorf("%d ledgers were opened", read+begun)
		}
		if took := time.Since(begin); took > 0 {
			t.Errorf("it took %s", took)
		}
	})
}

// TestAScrapeThatIsNeverCollected holds nobody up longer than its context lasts, nor one that names no collector there is.
func TestAScrapeThatIsNeverCollected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, "", nil)
		defer w.close(t)
		w.apply(t, "1")
		i := w.byID["1"]
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if _, err := w.Scrape(ctx, "1", nil); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Scrape(t.Context(), "1", []string{"none"}); err == nil {
			t.Error("a collector that is not there was picked")
		}
		w.apply(t)
		synctest.Wait()
		if i.Idle() {
			t.Error("it has ended under a scrape")
		}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if !i.Idle() {
			t.Error("it never ends")
		}
	})
}

// TestAClosedFleetHasWrittenAll, of those that have gone, too.
func TestAClosedFleetHasWrittenAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		directory := t.TempDir()
		w := watch(t, directory, nil)
		w.flags.Collectors = []string{"outgoing"}
		w.apply(t, "1", "2")
		w.mustScrape(t, "1")
		w.mustScrape(t, "2")
		w.api.hold()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		time.Sleep(2 * time.Hour)
		go func() { _, _ = w.scrape(ctx, "1") }()
		synctest.Wait()
		w.apply(t, "2") // 1 is leaving, and its call hangs
		begin := time.Now()
		w.close(t)
		if took := time.Since(begin); took > 0 {
			t.Errorf("it took %s", took)
		}
		for _, id := range []string{"1", "2"} {
			data, err := os.ReadFile(filepath.Join(directory, id+".ledger"))
			if err != nil || strings.Count(string(data), `"birth"`) != 1 {
				t.Errorf("the file of %s is not one snapshot: %v", id, err)
			}
		}
	})
}

// TestTimeouts: each instance has its own, which a reload changes, and all together the longest.
func TestTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, "", nil)
		defer w.close(t)
		long := w.instance(t, "1")
		w.flags.Timeout = 5 * time.Second
		short := w.instance(t, "2")
		if err := w.ApplyConfig([]config.Instance{short, long, w.instance(t, "3")}); err != nil {
			t.Fatal(err)
		}
		for id, want := range map[string]time.Duration{"1": 30 * time.Second, "2": 5 * time.Second, "": 30 * time.Second, "4": 30 * time.Second} {
			if got := w.Timeout(id); got != want {
				t.Errorf("%q: %s, want %s", id, got, want)
			}
		}
		letGo := w.api.hold()
		defer letGo()
		takes := func(want time.Duration) {
			t.Helper()
			begin := time.Now()
			if values := w.mustScrape(t, "2"); values[up] != 0 || time.Since(begin) != want {
				t.Errorf("a call took %s, want %s", time.Since(begin), want)
			}
			time.Sleep(2 * time.Minute)
		}
		takes(5 * time.Second)
		w.flags.Timeout = 7 * time.Second
		w.apply(t, "2")
		takes(7 * time.Second)
		if got := w.Timeout(""); got != 7*time.Second {
			t.Errorf("of all: %s", got)
		}
	})
}

// TestHosts: only where there are several are they told apart, with the share of each.
func TestHosts(t *testing.T) {
	w := watch(t, "", nil)
	defer w.close(t)
	w.apply(t, "1", "2", "3")
	if host, _ := w.Host("1"); host != "" {
		t.Errorf("one host alone is told: %s", host)
	}
	first := []config.Instance{w.instance(t, "1"), w.instance(t, "2"), w.instance(t, "3")}
	w.flags.URL = "https://B.example"
	if err := w.ApplyConfig(append(first, w.instance(t, "4"))); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{"1": "api.example 0.75", "4": "b.example 0.25", "5": " 0"} {
		host, share := w.Host(id)
		if got := fmt.Sprint(host, " ", share); got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
}

// TestALedgerThatCannotBeRead costs its own instance and no other, until it can.
func TestALedgerThatCannotBeRead(t *testing.T) {
	directory := t.TempDir()
	w := watch(t, directory, nil)
	defer w.close(t)
	bad := filepath.Join(directory, "2.ledger")
	if err := os.Mkdir(bad, 0o700); err != nil {
		t.Fatal(err)
	}
	all := []config.Instance{w.instance(t, "1"), w.instance(t, "2"), w.instance(t, "3")}
	if err := w.ApplyConfig(all); err == nil || !strings.Contains(err.Error(), "instance 2: ") || !strings.Contains(err.Error(), "move it away") {
		t.Errorf("got %v", err)
	}
	if values := w.mustScrape(t, "3"); values[up] != 1 || len(w.Statuses()) != 2 {
		t.Errorf("the others: %v", values)
	}
	if err := os.Remove(bad); err != nil {
		t.Fatal(err)
	}
	if err := w.ApplyConfig(all); err != nil {
		t.Fatal(err)
	}
	if values := w.mustScrape(t, "2"); values[up] != 1 || len(w.Statuses()) != 3 {
		t.Errorf("once it can be read: %v", values)
	}
}

// TestStorms: reloads of all kinds and scrapes at the same time neither take back what a counter has shown of an instance
// that stays, nor refuse a scrape of it, nor leave anything behind.
func TestStorms(t *testing.T) {
	before := runtime.NumGoroutine()
	w := watch(t, t.TempDir(), nil)
	w.flags.MinInterval = 0
	w.apply(t, "1", "2", "3", "4", "5")
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	var scrapes atomic.Int64
	for n := range 8 {
		id := fmt.Sprint(1 + n%5)
		all.Go(func() {
			last := 0.0
			for ctx.Err() == nil {
				within, done := context.WithTimeout(ctx, time.Duration(1+rand.IntN(50))*time.Millisecond)
				values, err := w.scrape(within, id)
				done()
				scrapes.Add(1)
				stays := id == "1" || id == "2"
				if now, shown := values[messages]; stays && (err != nil || shown && now < last) {
					t.Errorf("%s: %v after %v, %v", id, now, last, err)
				} else if shown {
					last = now
				}
				if !stays {
					last = 0
				}
			}
		})
	}
	for n := range 200 {
		w.flags.Minutes = 60 + n%7
		w.flags.URL = []string{"https://a.example", "https://b.example"}[n%2]
		w.flags.Collectors = [][]string{{"outgoing", "state"}, {"outgoing", "queue", "incoming"}, {"outgoing"}}[n%3]
		ids := []string{"1", "2"}
		for _, id := range []string{"3", "4", "5"} {
			if rand.IntN(2) == 0 {
				ids = append(ids, id)
			}
		}
		w.apply(t, ids...)
		if n%20 == 0 {
			_ = w.Statuses()
			time.Sleep(time.Millisecond) // so that calls come to their end
		}
	}
	cancel()
	all.Wait()
	w.close(t)
	if scrapes.Load() < 100 {
		t.Errorf("there were %d scrapes", scrapes.Load())
	}
	for range 500 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond) // until timers and contexts have run out
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}
