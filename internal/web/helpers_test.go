package web

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/fleet"
	"greenapi_exporter/internal/ledger"
	"greenapi_exporter/internal/selfmetrics"
)

const knownID = "1101000001"

// fakeFleet is a Fleet of the instance knownID, unless a test replaces a function.
type fakeFleet struct {
	scrape  func(ctx context.Context, id string, collectors []string) (prometheus.Collector, error)
	timeout time.Duration
	host    func(id string) (host string, share float64)
	targets func() (targets []config.Instance, complete bool)
}

func (f *fakeFleet) Scrape(
	ctx context.Context, id string, collectors []string,
) (prometheus.Collector, error) {
	return f.scrape(ctx, id, collectors)
}

func (f *fakeFleet) Timeout(string) time.Duration       { return f.timeout }
func (f *fakeFleet) Host(id string) (string, float64)   { return f.host(id) }
func (f *fakeFleet) Targets() ([]config.Instance, bool) { return f.targets() }

// newFakeFleet returns a fakeFleet whose scrapes call collect.
func newFakeFleet(collect collectFunc) *fakeFleet {
	return &fakeFleet{
		scrape: func(ctx context.Context, id string, _ []string) (prometheus.Collector, error) {
			if id != "" && id != knownID {
				return nil, fleet.ErrUnknown
			}
			return fakeScrape{collect, ctx}, nil
		},
		timeout: 30 * time.Second,
		host:    func(string) (string, float64) { return "", 1 },
		targets: func() ([]config.Instance, bool) { return nil, true },
	}
}

// collectFunc sends the metrics of a scrape.
type collectFunc func(ctx context.Context, ch chan<- prometheus.Metric)

var fakeDesc = prometheus.NewDesc("fake", "Fake.", nil, nil)

// sendValue returns a collectFunc that sends one sample.
func sendValue(value float64) collectFunc {
	return func(_ context.Context, ch chan<- prometheus.Metric) {
		ch <- prometheus.MustNewConstMetric(fakeDesc, prometheus.GaugeValue, value)
	}
}

type fakeScrape struct {
	collect collectFunc
	ctx     context.Context
}

func (fakeScrape) Describe(ch chan<- *prometheus.Desc)   { ch <- fakeDesc }
func (s fakeScrape) Collect(ch chan<- prometheus.Metric) { s.collect(s.ctx, ch) }

// newHandler returns the handler of a fleet. If change is not nil, it can modify the options.
func newHandler(f Fleet, change func(*Options)) http.Handler {
	page := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the page") }
	o := Options{
		Fleet:          f,
		Self:           selfmetrics.New(new(ledger.Storage), noDrops, nil),
		Page:           http.HandlerFunc(page),
		Docs:           textHandler("the documentation"),
		Logger:         log.NewNopLogger(),
		TelemetryPath:  "/metrics",
		ServeInstances: true,
		TimeoutOffset:  500 * time.Millisecond,
	}
	if change != nil {
		change(&o)
	}
	return New(o)
}

func noDrops() uint64 { return 0 }

func get(handler http.Handler, path string) *httptest.ResponseRecorder {
	return serve(handler, httptest.NewRequest(http.MethodGet, path, nil))
}

func serve(handler http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}
