// Package web answers the exporter's HTTP requests.
package web

import (
	"context"
	"errors"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/config"
)

// Options is what a handler is made with.
type Options struct {
	// TelemetryPath is where the metrics are; CheckTelemetryPath allows it.
	TelemetryPath string
	// TimeoutOffset is taken off the timeout that a scraper announces.
	TimeoutOffset time.Duration
	// MaxRequests is how many scrapes are served at once; 0 for no limit.
	MaxRequests int
	// Version is shown on the page at /.
	Version string
	// Readme is the text to which that page leads.
	Readme string
	Logger log.Logger

	// StorageFailing says whether counters cannot be written to the disk for the time being.
	StorageFailing func() bool
	// Self has what does not belong to a scrape, and takes the handler's own metrics.
	Self *collector.SelfMetrics
	// ServeInstances says whether the telemetry path has the instances, too.
	ServeInstances bool
	// Scrape returns one scrape, which ends with ctx, of the instance of that id, or of all for "": of the
	// collectors that are named, or of all if none is. An error is fleet.ErrUnknown or says what is wrong with the names.
	Scrape func(ctx context.Context, id string, collectors []string) (collector.Scrape, error)
	// Timeout is the longest that a scrape of the instance of that id waits for readings, or one of all for "".
	Timeout func(id string) time.Duration
	// Host is whose part of MaxRequests a scrape of the instance of that id takes, and which share of all instances it has;
	// empty where they are not parted.
	Host func(id string) (host string, share float64)
	// Targets are the instances that service discovery offers, and whether these are all.
	Targets func() (targets []config.Instance, complete bool)
	// Reload loads the configuration anew. An error says what is wrong with it, and what has changed all the same.
	Reload func() error
	// Lifecycle allows to reload by a request.
	Lifecycle bool
	// Statuses tells how each instance stands, without a call of the API.
	Statuses func() []collector.Status
}

const (
	probePath     = "/probe"
	discoveryPath = "/sd"
	reloadPath    = "/-/reload"
	readmePath    = "/README.md"
)

var plainPath = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)

// CheckTelemetryPath returns an error that says what to do if p cannot be the telemetry path.
func CheckTelemetryPath(p string) error {
	if !plainPath.MatchString(p) || path.Clean(p) != p {
		return errors.New("--web.telemetry-path must be a plain path that begins with a slash and goes on, such as /metrics")
	}
	if strings.HasPrefix(p, "/-/") || p == probePath || p == discoveryPath || p == readmePath {
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
	scrapes := http.NewServeMux()
	admission := newAdmission(o.MaxRequests)
	scrapes.Handle("GET "+o.TelemetryPath, telemetryHandler(o, admission))
	scrapes.Handle("GET "+probePath, probeHandler(o, admission))
	counted := promhttp.InstrumentMetricHandler(o.Self.Registry, scrapes)

	mux := http.NewServeMux()
	mux.Handle("GET "+o.TelemetryPath, counted)
	mux.Handle("GET "+probePath, counted)
	mux.Handle("GET "+discoveryPath, discoveryHandler(o))
	mux.Handle(reloadPath, reloadHandler(o))
	mux.HandleFunc("GET /-/healthy", textHandler("greenapi_exporter is healthy.\n"))
	mux.HandleFunc("GET /-/ready", textHandler("greenapi_exporter is ready.\n"))
	mux.HandleFunc("GET "+readmePath, readme(o.Readme))
	mux.Handle("GET /{$}", people)
	return mux, nil
}

func textHandler(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(text))
	}
}
