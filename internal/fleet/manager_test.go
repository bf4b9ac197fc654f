package fleet

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/greenapi"
)

// fixedAPI always returns the same response for an instance, and counts the calls.
type fixedAPI struct {
	mu        sync.Mutex
	responses map[string]func() *http.Response
	calls     map[string]int
}

func (a *fixedAPI) RoundTrip(r *http.Request) (*http.Response, error) {
	id, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/waInstance"), "/")
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls[id]++
	return a.responses[id](), nil
}

// TestInstancesAreReadIndependently runs in a bubble, so that no backoff ends between two scrapes.
func TestInstancesAreReadIndependently(t *testing.T) {
	synctest.Test(t, testIndependentInstances)
}

func testIndependentInstances(t *testing.T) {
	const good, loggedOut = "1101000001", "1101000002"
	const journal = `[{"idMessage":"A","typeMessage":"textMessage","statusMessage":"sent"}]`
	api := &fixedAPI{calls: make(map[string]int), responses: map[string]func() *http.Response{
		good:      func() *http.Response { return newResponse(200, journal) },
		loggedOut: func() *http.Response { return newResponse(400, "Instance is not authorized") },
	}}
	f := newTestFleet(t, "", api)
	defer f.close(t)
	f.flags.Collectors = []string{"outgoing"}
	f.apply(t, good, loggedOut)
	if len(api.calls) > 0 {
		t.Errorf("calls before the first scrape: %v", api.calls)
	}
	for range 2 {
		scrape, err := f.Scrape(t.Context(), "", nil)
		if err != nil {
			t.Fatal(err)
		}
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(scrape)
		for name, want := range map[string]int{upMetric: 2, birthMetric: 1} {
			if got, err := testutil.GatherAndCount(registry, name); got != want || err != nil {
				t.Errorf("%d series of %s, %v; want %d", got, name, err, want)
			}
		}
		values := f.mustScrape(t, good)
		if values[upMetric] != 1 || values["greenapi_outgoing_ledger_messages"] != 1 {
			t.Errorf("instance %s: %v", good, values)
		}
		if up := f.mustScrape(t, loggedOut)[upMetric]; up != 0 {
			t.Errorf("instance %s: up is %v, want 0", loggedOut, up)
		}
	}
	for i, want := range []greenapi.Result{greenapi.OK, greenapi.InstanceLoggedOut} {
		s := f.Statuses()[i]
		if got := s.Collectors[0].Result; got != want || s.ID != fmt.Sprint(1101000001+i) {
			t.Errorf("the status of %s is %q, want %q", s.ID, got, want)
		}
	}
	if _, err := f.Scrape(t.Context(), "", []string{"queue"}); err == nil {
		t.Error("a scrape of a disabled collector succeeded")
	}
	if api.calls[good] != 1 || api.calls[loggedOut] != 1 {
		t.Errorf("calls: %v, want one of each", api.calls)
	}
}

func TestTimeoutFollowsConfiguration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newTestFleet(t, "", nil)
		defer f.close(t)
		long := f.instance(t, "1")
		f.flags.Timeout = 5 * time.Second
		short := f.instance(t, "2")
		if err := f.ApplyConfig([]config.Instance{short, long, f.instance(t, "3")}); err != nil {
			t.Fatal(err)
		}
		for id, want := range map[string]time.Duration{
			"1": 30 * time.Second, "2": 5 * time.Second,
			"": 30 * time.Second, "unknown": 30 * time.Second,
		} {
			if got := f.Timeout(id); got != want {
				t.Errorf("instance %q: timeout %s, want %s", id, got, want)
			}
		}
		defer f.api.block()()
		wantCallTime := func(want time.Duration) {
			t.Helper()
			begin := time.Now()
			if values := f.mustScrape(t, "2"); values[upMetric] != 0 || time.Since(begin) != want {
				t.Errorf("the call took %s, want %s", time.Since(begin), want)
			}
			time.Sleep(2 * time.Minute)
		}
		wantCallTime(5 * time.Second)
		f.flags.Timeout = 7 * time.Second
		f.apply(t, "2")
		wantCallTime(7 * time.Second)
		if got := f.Timeout(""); got != 7*time.Second {
			t.Errorf("the maximum timeout is %s, want 7s", got)
		}
	})
}

func TestHostReturnsShareOfInstances(t *testing.T) {
	f := newTestFleet(t, "", nil)
	defer f.close(t)
	f.apply(t, "1", "2", "3")
	if host, _ := f.Host("1"); host != "" {
		t.Errorf("with one host, Host returned %q, want none", host)
	}
	first := []config.Instance{f.instance(t, "1"), f.instance(t, "2"), f.instance(t, "3")}
	f.flags.URL = "https://B.example"
	if err := f.ApplyConfig(append(first, f.instance(t, "4"))); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{
		"1": "api.example 0.75", "4": "b.example 0.25", "5": " 0",
	} {
		host, share := f.Host(id)
		if got := fmt.Sprint(host, " ", share); got != want {
			t.Errorf("instance %s: %s, want %s", id, got, want)
		}
	}
}

func TestUnreadableLedgerAffectsOnlyItsInstance(t *testing.T) {
	directory := t.TempDir()
	f := newTestFleet(t, directory, nil)
	defer f.close(t)
	bad := filepath.Join(directory, "2.ledger")
	if err := os.Mkdir(bad, 0o700); err != nil {
		t.Fatal(err)
	}
	all := []config.Instance{f.instance(t, "1"), f.instance(t, "2"), f.instance(t, "3")}
	err := f.ApplyConfig(all)
	if err == nil || !strings.Contains(err.Error(), "instance 2: ") {
		t.Errorf("got %v, want an error of instance 2", err)
	}
	if values := f.mustScrape(t, "3"); values[upMetric] != 1 || len(f.Statuses()) != 2 {
		t.Errorf("another instance: %v", values)
	}
	if err := os.Remove(bad); err != nil {
		t.Fatal(err)
	}
	if err := f.ApplyConfig(all); err != nil {
		t.Fatal(err)
	}
	if values := f.mustScrape(t, "2"); values[upMetric] != 1 || len(f.Statuses()) != 3 {
		t.Errorf("after the repair: %v", values)
	}
}
