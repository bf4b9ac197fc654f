package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/fleet"
	"greenapi_exporter/internal/ledger"
)

const knownID = "1101000001"

// fake is a collector whose scrape is given.
type fake func(ctx context.Context, ch chan<- prometheus.Metric)

var fakeDesc = prometheus.NewDesc("fake", "Fake.", nil, nil)

type fakeScrape struct {
	fake
	ctx context.Context
}

func (fakeScrape) Describe(ch chan<- *prometheus.Desc)   { ch <- fakeDesc }
func (s fakeScrape) Collect(ch chan<- prometheus.Metric) { s.fake(s.ctx, ch) }
func (s fakeScrape) Gather() ([]*dto.MetricFamily, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(s)
	return registry.Gather()
}

func show(value float64) fake {
	return func(_ context.Context, ch chan<- prometheus.Metric) {
		ch <- prometheus.MustNewConstMetric(fakeDesc, prometheus.GaugeValue, value)
	}
}

func newHandler(t testing.TB, scrape fake, change func(*Options)) http.Handler {
	t.Helper()
	o := Options{
		TelemetryPath:  "/metrics",
		TimeoutOffset:  500 * time.Millisecond,
		ServeInstances: true,
		Version:        "1.2.3",
		Logger:         log.NewNopLogger(),
		Self:           collector.NewSelfMetrics(new(ledger.Storage), nil),
		Scrape: func(ctx context.Context, id string, _ []string) (collector.Scrape, error) {
			if id != "" && id != knownID {
				return nil, fleet.ErrUnknown
			}
			return fakeScrape{scrape, ctx}, nil
		},
		Timeout:        func(string) time.Duration { return 30 * time.Second },
		Host:           func(string) (string, float64) { return "", 1 },
		Targets:        func() ([]config.Instance, bool) { return nil, true },
		Reload:         func() error { return nil },
		Readme:         "# The README\n",
		Statuses:       func() []collector.Status { return nil },
		StorageFailing: func() bool { return false },
	}
	if change != nil {
		change(&o)
	}
	handler, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

func get(handler http.Handler, path string) *httptest.ResponseRecorder {
	return request(handler, httptest.NewRequest(http.MethodGet, path, nil))
}

func request(handler http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

func TestPages(t *testing.T) {
	handler := newHandler(t, show(42), nil)
	for _, c := range []struct {
		method, path string
		status       int
		has          string
	}{
		{"GET", "/metrics", 200, "\nfake 42\n"},
		{"GET", "/metrics", 200, "\ngo_goroutines "},
		{"GET", "/metrics", 200, "\npromhttp_metric_handler_requests_total"},
		{"GET", "/metrics", 200, "\ngreenapi_exporter_build_info"},
		{"HEAD", "/metrics", 200, ""},
		{"POST", "/metrics", 405, ""},
		{"GET", "/-/healthy", 200, "healthy"},
		{"GET", "/-/ready", 200, "ready"},
		{"GET", "/", 200, `href="/metrics"`},
		{"GET", "/", 200, "1.2.3"},
		{"GET", "/nowhere", 404, ""},
		{"GET", "/metrics/", 404, ""},
		{"GET", "/debug/pprof/", 404, ""},
		{"GET", "/probe?target=1101000001", 200, "\nfake 42\n"},
		{"HEAD", "/probe?target=1101000001", 200, ""},
		{"POST", "/probe?target=1101000001", 405, ""},
		{"GET", "/probe?target=1101000002", 404, "/sd"},
		{"GET", "/probe", 400, "?target=ID"},
		{"GET", "/probe?target=", 400, "?target=ID"},
		{"GET", "/probe?target=1101000001&target=1101000001", 400, "?target=ID"},
		{"GET", "/probe?target=%zz", 400, "malformed"},
		{"GET", "/sd", 200, "[]"},
		{"POST", "/sd", 405, ""},
		{"POST", "/-/reload", 403, "--web.enable-lifecycle"},
		{"PUT", "/-/reload", 403, "--web.enable-lifecycle"},
		{"GET", "/-/reload", 405, ""},
		{"DELETE", "/-/reload", 405, ""},
	} {
		w := request(handler, httptest.NewRequest(c.method, c.path, nil))
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.has) {
			t.Errorf("%s %s: got %d, want %d with %q in:\n%.500s", c.method, c.path, w.Code, c.status, c.has, w.Body)
		}
	}
	if page := get(handler, "/").Body.String(); strings.Contains(page, "pprof") || strings.Contains(page, "debug") {
		t.Errorf("the page links profiling:\n%s", page)
	}
}

func TestCollectIsHandedOn(t *testing.T) {
	var picked []string
	var scrape context.Context
	handler := newHandler(t, nil, func(o *Options) {
		o.Scrape = func(ctx context.Context, _ string, collectors []string) (collector.Scrape, error) {
			picked, scrape = collectors, ctx
			if slices.Contains(collectors, "<b>") {
				return nil, errors.New("there is none such")
			}
			return fakeScrape{show(42), ctx}, nil
		}
	})
	for query, want := range map[string][]string{
		"": nil, "?collect[]=state&collect[]=queue": {"state", "queue"}, "?collect%5B%5D=state": {"state"}, "?collect[]=": {""}, "?collect=state": nil,
	} {
		if w := get(handler, "/metrics"+query); w.Code != 200 || !slices.Equal(picked, want) || !strings.Contains(w.Body.String(), "\nfake 42\n") {
			t.Errorf("%s: %d, picked %q, want %q", query, w.Code, picked, want)
		}
		if scrape.Err() == nil {
			t.Error("a scrape goes on that has been answered")
		}
	}
	for _, query := range []string{"?collect[]=%zz", "?collect[]=state;collect[]=queue", "?%"} {
		picked = []string{"nothing"}
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.URL.RawQuery = query[1:]
		handler.ServeHTTP(w, r)
		if w.Code != 400 || picked[0] != "nothing" || !strings.Contains(w.Body.String(), "collect[]=state") {
			t.Errorf("%s: %d, picked %q: %s", query, w.Code, picked, w.Body)
		}
	}
	w := get(handler, "/metrics?collect[]=<b>")
	if w.Code != 400 || w.Body.String() != "collect[]: there is none such\n" || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
		t.Errorf("%d %s: %s", w.Code, w.Header(), w.Body)
	}
}

func TestTelemetryPath(t *testing.T) {
	handler := newHandler(t, show(42), func(o *Options) { o.TelemetryPath = "/a/b" })
	if w := get(handler, "/a/b"); w.Code != 200 {
		t.Errorf("got %d", w.Code)
	}
	if w := get(handler, "/metrics"); w.Code != 404 {
		t.Errorf("the usual path: got %d", w.Code)
	}
	for _, path := range []string{"", "metrics", "/", "/-/healthy", "/-/ready", "/a b", "/{x}", "/a?b", "//", "/a//b", "/a#b", "/%", "/a/../b", "/a/", "/./a", "/..", "/-/reload", "/probe", "/sd", "/README.md", "/\x01", "/é"} {
		if err := CheckTelemetryPath(path); err == nil {
			t.Errorf("%q is allowed", path)
		}
	}
	for _, path := range []string{"/metrics", "/a/b", "/m.txt", "/a_b-c~d"} {
		if err := CheckTelemetryPath(path); err != nil {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func TestErrorsOfCollectingGoToTheLog(t *testing.T) {
	var logged bytes.Buffer
	failing := func(_ context.Context, ch chan<- prometheus.Metric) {
		ch <- prometheus.NewInvalidMetric(fakeDesc, errors.New("something private"))
	}
	handler := newHandler(t, failing, func(o *Options) { o.Logger = log.NewLogfmtLogger(&logged) })
	for _, path := range []string{"/metrics", "/metrics?name[]=fake"} {
		logged.Reset()
		w := get(handler, path)
		if strings.Contains(w.Body.String(), "something private") {
			t.Errorf("%s: the answer has the error:\n%.300s", path, w.Body)
		}
		if !strings.Contains(logged.String(), "something private") || strings.Count(logged.String(), "\n") != 1 {
			t.Errorf("%s: logged %s", path, &logged)
		}
	}
}

// deaf is a client that reads no more.
type deaf struct{ *httptest.ResponseRecorder }

func (deaf) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// TestAnAnswerThatIsNotReadIsLoggedOnce, however many metric families it has, and at debug if the client hung up.
func TestAnAnswerThatIsNotReadIsLoggedOnce(t *testing.T) {
	for want, gone := range []bool{true, false} {
		var logged bytes.Buffer
		handler := newHandler(t, show(42), func(o *Options) { o.Logger = log.NewLogfmtLogger(&logged) })
		ctx, cancel := context.WithCancel(t.Context())
		if gone {
			cancel()
		}
		handler.ServeHTTP(deaf{httptest.NewRecorder()}, httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", nil))
		cancel()
		if text := logged.String(); strings.Count(text, "level=error") != want || strings.Count(text, "broken pipe") != 1 {
			t.Errorf("gone %t: logged\n%s", gone, text)
		}
	}
}

func TestMoreRequestsThanAllowedAreRefused(t *testing.T) {
	begun, end := make(chan struct{}, 3), make(chan struct{})
	handler := newHandler(t, func(ctx context.Context, ch chan<- prometheus.Metric) {
		begun <- struct{}{}
		select {
		case <-end:
		case <-ctx.Done():
		}
		show(1)(ctx, ch)
	}, func(o *Options) { o.MaxRequests = 2 })
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			if w := get(handler, "/metrics"); w.Code != 200 {
				t.Errorf("got %d", w.Code)
			}
		})
		<-begun
	}
	third := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	third.Header.Set(timeoutHeader, "1") // for a limit that does not work
	if w := request(handler, third); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "--web.max-requests") {
		t.Errorf("got %d: %s", w.Code, w.Body)
	}
	if w := get(handler, "/-/healthy"); w.Code != 200 {
		t.Errorf("healthy: got %d", w.Code)
	}
	close(end)
	all.Wait()
	if w := get(handler, "/metrics"); w.Code != 200 {
		t.Errorf("once there is room again: got %d", w.Code)
	}
}

func TestTheDeadlineOfAScrape(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		header string
		offset time.Duration
		want   time.Duration
	}{
		{"", s / 2, 30 * s}, {"10", s / 2, 9500 * time.Millisecond}, {"3.0", s / 2, 2500 * time.Millisecond}, {"1e1", s / 2, 9500 * time.Millisecond},
		{"60", s / 2, 30 * s}, {"30", s / 2, 29500 * time.Millisecond}, {"30.4", s / 2, 29900 * time.Millisecond}, {"30.5", s / 2, 30 * s}, {"10", 0, 10 * s},
		{"0.5", s / 2, 250 * time.Millisecond}, {"0.4", s / 2, 200 * time.Millisecond}, {"5", 10 * s, 2500 * time.Millisecond},
		{"0", s / 2, 30 * s}, {"-1", s / 2, 30 * s}, {"NaN", s / 2, 30 * s}, {"Inf", s / 2, 30 * s}, {"-Inf", s / 2, 30 * s}, {"1e999", s / 2, 30 * s},
		{"soon", s / 2, 30 * s}, {"10s", s / 2, 30 * s}, {"1e300", s / 2, 30 * s},
	} {
		if got := scrapeTimeout(http.Header{timeoutHeader: {c.header}}, c.offset, 30*s); got != c.want {
			t.Errorf("%q with an offset of %s: got %s, want %s", c.header, c.offset, got, c.want)
		}
	}

	var left time.Duration
	handler := newHandler(t, func(ctx context.Context, ch chan<- prometheus.Metric) {
		deadline, _ := ctx.Deadline()
		left = time.Until(deadline)
		show(1)(ctx, ch)
	}, nil)
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.Header.Set("x-prometheus-scrape-timeout-seconds", "3")
	request(handler, r)
	if left <= time.Second || left > 2500*time.Millisecond {
		t.Errorf("the scrape had %s", left)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	request(handler, r.WithContext(ctx))
	if left > time.Second {
		t.Errorf("the scrape of a request that has a second had %s", left)
	}
}

func TestExpositionFormats(t *testing.T) {
	handler := newHandler(t, show(42), nil)
	for accept, want := range map[string]string{
		"": "text/plain; version=0.0.4",
		"application/openmetrics-text; version=1.0.0":                                                  "application/openmetrics-text; version=1.0.0",
		"application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited": "application/vnd.google.protobuf",
	} {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.Header.Set("Accept", accept)
		w := request(handler, r)
		if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, want) {
			t.Errorf("%q: got %s", accept, got)
		}
		body, _ := io.ReadAll(w.Body)
		if strings.Contains(accept, "openmetrics") && !bytes.HasSuffix(body, []byte("# EOF\n")) {
			t.Errorf("%q does not end with # EOF", accept)
		}
		if bytes.Contains(body, []byte("_created")) {
			t.Errorf("%q has created timestamps as samples", accept)
		}
	}
}
