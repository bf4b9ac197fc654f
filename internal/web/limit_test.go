package web

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"greenapi_exporter/internal/config"
)

// TestConcurrentPagesAreLimited requests a page many times while its responses take longer than
// requests wait, and then while they do not.
func TestConcurrentPagesAreLimited(t *testing.T) {
	for _, path := range []string{"/", "/sd"} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			var running, most int
			var took time.Duration
			render := func() {
				mu.Lock()
				running++
				most = max(most, running)
				mu.Unlock()
				time.Sleep(took)
				mu.Lock()
				running--
				mu.Unlock()
			}
			fleet := newFakeFleet(sendValue(1))
			fleet.targets = func() ([]config.Instance, bool) { render(); return nil, true }
			page := func(http.ResponseWriter, *http.Request) { render() }
			handler := newHandler(fleet, func(o *Options) { o.Page = http.HandlerFunc(page) })
			for _, c := range []struct {
				took time.Duration
				want map[int]int // number of responses by status
			}{
				{5 * time.Second, map[int]int{200: maxPages, 503: 100 - maxPages}},
				{time.Millisecond, map[int]int{200: 100}},
			} {
				took = c.took
				start := time.Now()
				codes := make(chan *httptest.ResponseRecorder, 100)
				for range cap(codes) {
					go func() { codes <- get(handler, path) }()
				}
				if w := get(handler, "/metrics"); w.Code != 200 || time.Since(start) > 0 {
					t.Errorf("%s: a scrape: status %d after %s", path, w.Code, time.Since(start))
				}
				for range cap(codes) {
					w := <-codes
					c.want[w.Code]--
					if w.Code == 503 && (w.Header().Get("Retry-After") == "" ||
						time.Since(start) > maxPageWait) {
						t.Errorf("%s: 503 after %s: %v", path, time.Since(start), w.Header())
					}
				}
				if c.want[200] != 0 || c.want[503] != 0 || most > maxPages {
					t.Errorf("%s: too few responses: %v; %d at once", path, c.want, most)
				}
			}
		})
	}
}
