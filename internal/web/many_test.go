package web

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/config"
)

// TestDiscovery says where to scrape as the client called the exporter, and nothing that is secret.
func TestDiscovery(t *testing.T) {
	const secret = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345"
	instance, err := config.Flags{
		URL: "https://3100.api.green-api.com/v3", IDInstance: knownID, Token: secret, Minutes: 60, Timeout: time.Second, Retention: 360 * time.Hour,
	}.Validate(log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	complete := true
	handler := newHandler(t, show(1), func(o *Options) {
		o.Targets = func() ([]config.Instance, bool) { return []config.Instance{instance}, complete }
	})
	for name, c := range map[string]struct {
		change func(*http.Request)
		want   string
	}{
		"plain": {func(*http.Request) {}, `[{"targets":["exporter:10466"],"labels":{"__meta_greenapi_url":"https://3100.api.green-api.com/v3","__metrics_path__":"/probe","__param_target":"1101000001","instance":"1101000001"}}]`},
		"TLS": {func(r *http.Request) { r.TLS = new(tls.ConnectionState) },
			`[{"targets":["exporter:10466"],"labels":{"__meta_greenapi_url":"https://3100.api.green-api.com/v3","__metrics_path__":"/probe","__param_target":"1101000001","__scheme__":"https","instance":"1101000001"}}]`},
		"a name with quotes": {func(r *http.Request) { r.Host = `"a<b` },
			`[{"targets":["\"a\u003cb"],"labels":{"__meta_greenapi_url":"https://3100.api.green-api.com/v3","__metrics_path__":"/probe","__param_target":"1101000001","instance":"1101000001"}}]`},
	} {
		r := httptest.NewRequest(http.MethodGet, "/sd", nil)
		r.Host = "exporter:10466"
		c.change(r)
		w := request(handler, r)
		if got := w.Body.String(); w.Code != 200 || got != c.want || w.Header().Get("Content-Type") != "application/json" || strings.Contains(got, secret) {
			t.Errorf("%s: %d, %v, got\n%s\nwant\n%s", name, w.Code, w.Header(), got, c.want)
		}
	}
	complete = false
	if w := get(handler, "/sd"); w.Code != 503 || strings.Contains(w.Body.String(), "targets") {
		t.Errorf("while not all are known: %d, %s", w.Code, w.Body)
	}
}

// TestWhatIsNotKnownYet: while the Partner API has not told its instances, nobody is told that they are not there or that all
// is well.
func TestWhatIsNotKnownYet(t *testing.T) {
	complete := false
	handler := newHandler(t, show(1), func(o *Options) {
		o.Targets = func() ([]config.Instance, bool) { return nil, complete }
	})
	for path, want := range map[string]int{"/sd": 503, "/probe?target=1101000002": 503, "/probe?target=" + knownID: 200, "/-/ready": 200, "/": 200} {
		w := get(handler, path)
		if w.Code != want || want == 503 && !strings.Contains(w.Body.String(), "has not told its instances yet") {
			t.Errorf("%s: %d, want %d: %s", path, w.Code, want, w.Body)
		}
	}
	page := get(handler, "/").Body.String()
	if !strings.Contains(page, "✕ No instance is known yet") || !strings.Contains(page, "it has not told its instances yet") {
		t.Errorf("the page: %s", page)
	}
	complete = true
	if page := get(handler, "/").Body.String(); strings.Contains(page, "it has not told") || !strings.Contains(page, "No instance is configured") {
		t.Errorf("the page, once it has: %s", page)
	}
	if w := get(handler, "/probe?target=1101000002"); w.Code != 404 {
		t.Errorf("an unknown instance, once it has: %d", w.Code)
	}
}

// TestReloadRequests: they are answered once the reload is over, and those that a page of another site has a browser send
// are refused.
func TestReloadRequests(t *testing.T) {
	var reloads atomic.Int64
	result := error(nil)
	handler := newHandler(t, show(1), func(o *Options) {
		o.Lifecycle = true
		o.Reload = func() error {
			reloads.Add(1)
			return result
		}
	})
	send := func(method string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/-/reload", nil)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		return request(handler, r)
	}
	for _, c := range []struct {
		status  int
		reloads int64
		w       func() *httptest.ResponseRecorder
	}{
		{200, 1, func() *httptest.ResponseRecorder { return send("POST") }},
		{200, 2, func() *httptest.ResponseRecorder { return send("PUT") }},
		{200, 3, func() *httptest.ResponseRecorder { return send("POST", "Sec-Fetch-Site", "same-origin") }},
		{403, 3, func() *httptest.ResponseRecorder { return send("POST", "Sec-Fetch-Site", "cross-site") }},
		{403, 3, func() *httptest.ResponseRecorder { return send("POST", "Origin", "https://evil.example") }},
		{405, 3, func() *httptest.ResponseRecorder { return send("GET") }},
		{405, 3, func() *httptest.ResponseRecorder { return send("HEAD") }},
	} {
		w := c.w()
		if w.Code != c.status || reloads.Load() != c.reloads {
			t.Errorf("status %d after %d reloads, want %d after %d", w.Code, reloads.Load(), c.status, c.reloads)
		}
		if allow := w.Header().Get("Allow"); (w.Code == 405) != (allow == "POST, PUT") {
			t.Errorf("status %d, allowed: %s", w.Code, allow)
		}
	}
	result = errors.New("greenapi.yml:3: no")
	if w := send("POST"); w.Code != 500 || w.Body.String() != "greenapi.yml:3: no\n" {
		t.Errorf("a bad file: %d, %s", w.Code, w.Body)
	}
}

// TestADeadHostLeavesRoom: scrapes of one host that wait for their timeouts do not keep out those of another, nor of the
// exporter itself.
func TestADeadHostLeavesRoom(t *testing.T) {
	hosts := map[string]string{"1": "dead.example", "2": "dead.example", "3": "dead.example", "4": "b.example", "5": "c.example", "6": ""}
	hang := make(chan struct{})
	waiting := make(chan struct{})
	handler := newHandler(t, nil, func(o *Options) {
		o.MaxRequests = 4
		o.ServeInstances = false
		o.Host = func(id string) (string, float64) { return hosts[id], 0.1 }
		o.Scrape = func(ctx context.Context, id string, _ []string) (collector.Scrape, error) {
			return fakeScrape{func(_ context.Context, ch chan<- prometheus.Metric) {
				if hosts[id] == "dead.example" {
					waiting <- struct{}{}
					<-hang
				}
				ch <- prometheus.MustNewConstMetric(fakeDesc, prometheus.GaugeValue, 1)
			}, ctx}, nil
		}
	})
	answered := make(chan int)
	for _, id := range []string{"1", "2"} {
		go func() { answered <- get(handler, "/probe?target="+id).Code }()
		<-waiting
	}
	for path, want := range map[string]int{"/probe?target=3": 503, "/probe?target=4": 200, "/probe?target=5": 200, "/probe?target=6": 200, "/metrics": 200} {
		if w := get(handler, path); w.Code != want || w.Code == 503 && !strings.Contains(w.Body.String(), "limit of 2") {
			t.Errorf("%s: %d, want %d: %s", path, w.Code, want, w.Body)
		}
	}
	close(hang)
	for range 2 {
		if code := <-answered; code != 200 {
			t.Errorf("status %d", code)
		}
	}
	go func() { <-waiting }()
	if w := get(handler, "/probe?target=3"); w.Code != 200 {
		t.Errorf("afterwards: %d", w.Code)
	}
}

// TestALongReadingIsAnswered though the server gives others less time.
func TestALongReadingIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler := newHandler(t, func(ctx context.Context, ch chan<- prometheus.Metric) {
			time.Sleep(4 * time.Minute)
			show(42)(ctx, ch)
		}, func(o *Options) { o.Timeout = func(string) time.Duration { return 5 * time.Minute } })
		server := newServer(handler, slog.New(slog.DiscardHandler))
		listener := make(pipes)
		go func() { _ = server.Serve(listener) }()
		client := &http.Client{Transport: &http.Transport{DialContext: listener.dial}}
		response, err := client.Get("http://exporter/probe?target=" + knownID)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if body, err := io.ReadAll(response.Body); err != nil || !strings.Contains(string(body), "fake 42") {
			t.Errorf("%v: %s", err, body)
		}
		client.CloseIdleConnections()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestALargeHostHasItsPart of the places, but never all of them.
func TestALargeHostHasItsPart(t *testing.T) {
	for _, c := range []struct {
		places, want int
		share        float64
	}{{100, 50, 0.1}, {100, 50, 0.5}, {100, 95, 0.95}, {100, 99, 0.999}, {3, 1, 0.2}, {1, 1, 0.9}, {0, 1000, 0.9}} {
		a := newAdmission(c.places)
		n := 0
		for n < 1000 && a.enter("large.example", c.share) == 0 {
			n++
		}
		if n != c.want {
			t.Errorf("%d places, share %v: %d, want %d", c.places, c.share, n, c.want)
		}
		if other := a.enter("b.example", 0.1); (other == 0) != (c.places != 1) {
			t.Errorf("%d places, share %v: the other host gets %d", c.places, c.share, other)
		}
	}
}
