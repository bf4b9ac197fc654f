package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestConcurrentScrapesAreLimited(t *testing.T) {
	started, end := make(chan struct{}, 3), make(chan struct{})
	fleet := newFakeFleet(func(ctx context.Context, ch chan<- prometheus.Metric) {
		started <- struct{}{}
		select {
		case <-end:
		case <-ctx.Done():
		}
		sendValue(1)(ctx, ch)
	})
	handler := newHandler(fleet, func(o *Options) { o.MaxRequests = 2 })
	var scrapes sync.WaitGroup
	for range 2 {
		scrapes.Go(func() {
			if w := get(handler, "/metrics"); w.Code != 200 {
				t.Errorf("status %d", w.Code)
			}
		})
		<-started
	}
	third := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	third.Header.Set(timeoutHeader, "1") // so the test ends even without the limit
	if w := serve(handler, third); w.Code != http.StatusServiceUnavailable {
		t.Errorf("third scrape: status %d, want 503: %s", w.Code, w.Body)
	}
	if w := get(handler, "/-/healthy"); w.Code != 200 {
		t.Errorf("/-/healthy: status %d", w.Code)
	}
	close(end)
	scrapes.Wait()
	if w := get(handler, "/metrics"); w.Code != 200 {
		t.Errorf("after the others: status %d", w.Code)
	}
}

// TestUnresponsiveHostDoesNotBlockOthers checks the scrapes of other hosts and of the exporter
// itself while the scrapes of one host block.
func TestUnresponsiveHostDoesNotBlockOthers(t *testing.T) {
	const dead = "dead.example"
	hosts := map[string]string{
		"1": dead, "2": dead, "3": dead, "4": "b.example", "5": "c.example", "6": "",
	}
	waiting, end := make(chan struct{}), make(chan struct{})
	fleet := newFakeFleet(nil)
	fleet.host = func(id string) (string, float64) { return hosts[id], 0.1 }
	fleet.scrape = func(ctx context.Context, id string, _ []string) (prometheus.Collector, error) {
		return fakeScrape{func(_ context.Context, ch chan<- prometheus.Metric) {
			if hosts[id] == dead {
				waiting <- struct{}{}
				<-end
			}
			sendValue(1)(ctx, ch)
		}, ctx}, nil
	}
	handler := newHandler(fleet, func(o *Options) { o.MaxRequests, o.ServeInstances = 4, false })
	codes := make(chan int)
	for _, id := range []string{"1", "2"} {
		go func() { codes <- get(handler, "/probe?target="+id).Code }()
		<-waiting
	}
	for path, want := range map[string]int{
		"/probe?target=3": 503, "/probe?target=4": 200, "/probe?target=5": 200,
		"/probe?target=6": 200, "/metrics": 200,
	} {
		w := get(handler, path)
		if w.Code != want || w.Code == 503 && !strings.Contains(w.Body.String(), "limit of 2") {
			t.Errorf("%s: status %d, want %d: %s", path, w.Code, want, w.Body)
		}
	}
	close(end)
	for range 2 {
		if code := <-codes; code != 200 {
			t.Errorf("status %d", code)
		}
	}
	go func() { <-waiting }()
	if w := get(handler, "/probe?target=3"); w.Code != 200 {
		t.Errorf("after the others: status %d", w.Code)
	}
}

func TestHostLimitFollowsShareOfInstances(t *testing.T) {
	for _, c := range []struct {
		limit, want int
		share       float64
	}{
		{100, 50, 0.1}, {100, 50, 0.5}, {100, 95, 0.95}, {100, 99, 0.999},
		{3, 1, 0.2}, {1, 1, 0.9}, {0, 1000, 0.9},
	} {
		a := newAdmission(c.limit)
		n := 0
		for n < 1000 && a.acquire("large.example", c.share) == 0 {
			n++
		}
		if n != c.want {
			t.Errorf("limit %d, share %v: admitted %d, want %d", c.limit, c.share, n, c.want)
		}
		if reached := a.acquire("b.example", 0.1); (reached == 0) != (c.limit != 1) {
			t.Errorf("limit %d, share %v: another host reached %d", c.limit, c.share, reached)
		}
	}
}
