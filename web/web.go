// Package web answers the exporter's HTTP requests.
package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"greenapi_exporter/collector"
)

// Options is what a handler is made with.
type Options struct {
	// TelemetryPath is where the metrics are; CheckTelemetryPath allows it.
	TelemetryPath string
	// TimeoutOffset is taken off the timeout that a scraper announces.
	TimeoutOffset time.Duration
	// Timeout is the longest that a scrape waits for readings.
	Timeout time.Duration
	// MaxRequests is how many scrapes are served at once; 0 for no limit.
	MaxRequests int
	// Version is shown on the page at /.
	Version string
	// Readme is the text to which that page leads.
	Readme string
	Logger log.Logger

	// StorageFailing says whether counters cannot be written to the disk for the time being.
	StorageFailing func() bool
	// Own has what does not belong to a scrape, and takes the handler's own metrics.
	Own *collector.Own
	// Scrape returns a collector for one scrape, which ends with ctx: of the collectors that are named, or of all if none
	// is. An error says what is wrong with the names.
	Scrape func(ctx context.Context, collectors []string) (prometheus.Collector, error)
	// Statuses tells how each instance stands, without a call of the API.
	Statuses func() []collector.Status
}

const readmePath = "/README.md"

var plainPath = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)

// CheckTelemetryPath returns an error that says what to do if p cannot be the telemetry path.
func CheckTelemetryPath(p string) error {
	if !plainPath.MatchString(p) || path.Clean(p) != p {
		return errors.New("--web.telemetry-path must be a plain path that begins with a slash and goes on, such as /metrics")
	}
	if strings.HasPrefix(p, "/-/") || p == "/probe" || p == "/sd" || p == readmePath {
		return errors.New("--web.telemetry-path cannot be /-/…, /probe, /sd or " + readmePath + ", which are kept for other pages; use /metrics")
	}
	return nil
}

// New returns the handler of all pages.
func New(o Options) (http.Handler, error) {
	people, err := pageHandler(o)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+o.TelemetryPath, promhttp.InstrumentMetricHandler(o.Own.Registry, limit(o.MaxRequests, scrapeHandler(o))))
	mux.HandleFunc("GET /-/healthy", plain("greenapi_exporter is healthy.\n"))
	mux.HandleFunc("GET /-/ready", plain("greenapi_exporter is ready.\n"))
	mux.HandleFunc("GET "+readmePath, readme(o.Readme))
	mux.Handle("GET /{$}", people)
	return mux, nil
}

func plain(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(text))
	}
}

// scrapeHandler serves the metrics of the instances, each scrape with a deadline and a registry of its own, after the
// exporter's. The parameter collect[] picks collectors, as in node_exporter. A failed reading is in the metrics; what goes
// wrong beyond is said in the log and not in the answer.
func scrapeHandler(o Options) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), patience(r.Header, o.TimeoutOffset, o.Timeout))
		defer cancel()
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil { // rather than to collect all, which may cost what was not meant to be spent
			http.Error(w, "the query is malformed; collectors are picked like this: ?collect[]=state&collect[]=queue", http.StatusBadRequest)
			return
		}
		scrape, err := o.Scrape(ctx, query["collect[]"])
		if err != nil {
			http.Error(w, "collect[]: "+err.Error(), http.StatusBadRequest)
			return
		}
		registry := prometheus.NewRegistry()
		registry.MustRegister(scrape)
		promhttp.HandlerFor(prometheus.Gatherers{registry, o.Own}, promhttp.HandlerOpts{
			ErrorLog:          &errorLog{Logger: o.Logger, client: r.Context()},
			ErrorHandling:     promhttp.ContinueOnError,
			Registry:          o.Own.Registry,
			EnableOpenMetrics: true,
		}).ServeHTTP(w, r)
	})
}

// limit answers 503 to requests beyond n at once.
func limit(n int, next http.Handler) http.Handler {
	if n == 0 {
		return next
	}
	places := make(chan struct{}, n)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
			next.ServeHTTP(w, r)
		default:
			http.Error(w, fmt.Sprintf("the limit of %d scrapes at once is reached (--web.max-requests); try again later", n), http.StatusServiceUnavailable)
		}
	})
}

// errorLog is the logger of promhttp for one scrape. It hears of each metric family that could not be written, so that
// the first error says it all; and a scraper that has gone is no error of ours.
type errorLog struct {
	log.Logger
	client context.Context // of the request
	said   bool
}

func (l *errorLog) Println(v ...any) {
	if l.said {
		return
	}
	l.said = true
	logger := level.Error(l.Logger)
	if l.client.Err() != nil {
		logger = level.Debug(l.Logger)
	}
	logger.Log("msg", "a scrape was not served in full", "err", strings.TrimSpace(fmt.Sprintln(v...)))
}
