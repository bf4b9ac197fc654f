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
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
)

func TestCollectSelectsCollectors(t *testing.T) {
	var selected []string
	var scrape context.Context
	fleet := newFakeFleet(nil)
	fleet.scrape = func(
		ctx context.Context, _ string, collectors []string,
	) (prometheus.Collector, error) {
		selected, scrape = collectors, ctx
		if slices.Contains(collectors, "<b>") {
			return nil, errors.New("unknown collector")
		}
		return fakeScrape{sendValue(42), ctx}, nil
	}
	handler := newHandler(fleet, nil)
	for query, want := range map[string][]string{
		"":                                 nil,
		"?collect[]=state&collect[]=queue": {"state", "queue"},
		"?collect%5B%5D=state":             {"state"},
		"?collect[]=":                      {""},
		"?collect=state":                   nil,
	} {
		w := get(handler, "/metrics"+query)
		if w.Code != 200 || !strings.Contains(w.Body.String(), "\nfake 42\n") {
			t.Errorf("%s: status %d: %s", query, w.Code, w.Body)
		}
		if !slices.Equal(selected, want) {
			t.Errorf("%s: selected %q, want %q", query, selected, want)
		}
		if scrape.Err() == nil {
			t.Errorf("%s: the context of the scrape outlives the response", query)
		}
	}
	w := get(handler, "/metrics?collect[]=<b>")
	if w.Code != 400 || w.Body.String() != "collect[]: unknown collector\n" ||
		!strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
		t.Errorf("%d %s: %s", w.Code, w.Header(), w.Body)
	}
}

func TestMalformedQueriesAreRejected(t *testing.T) {
	scrapes := 0
	handler := newHandler(newFakeFleet(func(ctx context.Context, ch chan<- prometheus.Metric) {
		scrapes++
		sendValue(42)(ctx, ch)
	}), nil)
	for _, query := range []string{"collect[]=%zz", "collect[]=state;collect[]=queue", "%"} {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.URL.RawQuery = query
		if w := serve(handler, r); w.Code != 400 || scrapes > 0 {
			t.Errorf("%s: status %d, %d scrapes: %s", query, w.Code, scrapes, w.Body)
		}
	}
}

func TestCollectErrorsAreLoggedNotServed(t *testing.T) {
	var logged bytes.Buffer
	const private = "a private error"
	fleet := newFakeFleet(func(_ context.Context, ch chan<- prometheus.Metric) {
		ch <- prometheus.NewInvalidMetric(fakeDesc, errors.New(private))
	})
	handler := newHandler(fleet, func(o *Options) { o.Logger = log.NewLogfmtLogger(&logged) })
	for _, path := range []string{"/metrics", "/metrics?name[]=fake"} {
		logged.Reset()
		if body := get(handler, path).Body.String(); strings.Contains(body, private) {
			t.Errorf("%s: the response contains the error:\n%.300s", path, body)
		}
		text := logged.String()
		if !strings.Contains(text, private) || strings.Count(text, "\n") != 1 {
			t.Errorf("%s: logged %q, want one line with the error", path, text)
		}
	}
}

// brokenWriter is a response to a client that has closed the connection.
type brokenWriter struct{ *httptest.ResponseRecorder }

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// TestWriteErrorsAreLoggedOnce checks that there is one log line for all metric families, and that
// the level is debug if the client has disconnected.
func TestWriteErrorsAreLoggedOnce(t *testing.T) {
	for wantErrors, disconnected := range []bool{true, false} {
		var logged bytes.Buffer
		fleet := newFakeFleet(sendValue(42))
		handler := newHandler(fleet, func(o *Options) { o.Logger = log.NewLogfmtLogger(&logged) })
		ctx, cancel := context.WithCancel(t.Context())
		if disconnected {
			cancel()
		}
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", nil)
		handler.ServeHTTP(brokenWriter{httptest.NewRecorder()}, r)
		cancel()
		text := logged.String()
		errorLines, lines := strings.Count(text, "level=error"), strings.Count(text, "broken pipe")
		if errorLines != wantErrors || lines != 1 {
			t.Errorf("client disconnected %t: logged\n%s", disconnected, text)
		}
	}
}

func TestScrapeTimeoutFollowsHeader(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	for _, c := range []struct {
		header string
		offset time.Duration
		want   time.Duration
	}{
		{"10", s / 2, 9500 * ms}, {"3.0", s / 2, 2500 * ms}, {"1e1", s / 2, 9500 * ms},
		{"30", s / 2, 29500 * ms}, {"30.4", s / 2, 29900 * ms}, {"30.5", s / 2, 30 * s},
		{"60", s / 2, 30 * s}, {"1e300", s / 2, 30 * s}, {"10", 0, 10 * s},
		{"0.5", s / 2, 250 * ms}, {"0.4", s / 2, 200 * ms}, {"5", 10 * s, 2500 * ms},
		{"", s / 2, 30 * s}, {"soon", s / 2, 30 * s}, {"10s", s / 2, 30 * s},
		{"0", s / 2, 30 * s}, {"-1", s / 2, 30 * s}, {"NaN", s / 2, 30 * s},
		{"Inf", s / 2, 30 * s}, {"-Inf", s / 2, 30 * s}, {"1e999", s / 2, 30 * s},
	} {
		header := http.Header{timeoutHeader: {c.header}}
		if got := scrapeTimeout(header, c.offset, 30*s); got != c.want {
			t.Errorf("%q with offset %s: %s, want %s", c.header, c.offset, got, c.want)
		}
	}
}

func TestScrapeHasTheAnnouncedDeadline(t *testing.T) {
	var left time.Duration
	handler := newHandler(newFakeFleet(func(ctx context.Context, ch chan<- prometheus.Metric) {
		deadline, _ := ctx.Deadline()
		left = time.Until(deadline)
		sendValue(1)(ctx, ch)
	}), nil)
	synctest.Test(t, func(t *testing.T) {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.Header.Set("x-prometheus-scrape-timeout-seconds", "3")
		if serve(handler, r); left != 2500*time.Millisecond {
			t.Errorf("the scrape has %s, want 2.5s", left)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if serve(handler, r.WithContext(ctx)); left != time.Second {
			t.Errorf("the scrape of a request with a deadline has %s, want 1s", left)
		}
	})
}

// TestLongScrapeIsServed checks a scrape that takes longer than the server's write timeout.
func TestLongScrapeIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fleet := newFakeFleet(func(ctx context.Context, ch chan<- prometheus.Metric) {
			time.Sleep(4 * time.Minute)
			sendValue(42)(ctx, ch)
		})
		fleet.timeout = 5 * time.Minute
		server := newServer(newHandler(fleet, nil))
		listener := make(pipeListener)
		go func() { _ = server.Serve(listener) }()
		client := &http.Client{Transport: &http.Transport{DialContext: listener.dial}}
		response, err := client.Get("http://exporter/probe?target=" + knownID)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil || !strings.Contains(string(body), "fake 42") {
			t.Errorf("%v: %s", err, body)
		}
		client.CloseIdleConnections()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestExpositionFormats(t *testing.T) {
	const openmetrics = "application/openmetrics-text; version=1.0.0"
	const protobuf = "application/vnd.google.protobuf; " +
		"proto=io.prometheus.client.MetricFamily; encoding=delimited"
	handler := newHandler(newFakeFleet(sendValue(42)), nil)
	for accept, want := range map[string]string{
		"":          "text/plain; version=0.0.4",
		openmetrics: openmetrics,
		protobuf:    "application/vnd.google.protobuf",
	} {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.Header.Set("Accept", accept)
		w := serve(handler, r)
		if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, want) {
			t.Errorf("Accept %q: Content-Type %s, want %s", accept, got, want)
		}
		body := w.Body.String()
		if accept == openmetrics && !strings.HasSuffix(body, "# EOF\n") {
			t.Error("the response does not end with # EOF")
		}
		if strings.Contains(body, "_created") {
			t.Errorf("Accept %q: the response has created timestamps as samples", accept)
		}
	}
}
