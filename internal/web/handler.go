// Package web serves the exporter over HTTP: metrics, service discovery, reloads and health checks.
package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/selfmetrics"
)

// Fleet is the set of instances that the handler serves. It must be safe for concurrent use.
type Fleet interface {
	// Scrape starts a scrape of the instance with the given id, or of all instances if id is "". It
	// runs the named collectors, or all if there are no names. The scrape ends with ctx.
	// The error is fleet.ErrUnknown if the id is unknown, or else describes an invalid name.
	Scrape(ctx context.Context, id string, collectors []string) (prometheus.Collector, error)
	// Timeout returns the maximum duration of a scrape of the instance, or of all if id is "".
	Timeout(id string) time.Duration
	// Host returns the API host of the instance, and the share of the instances with this host,
	// from 0 to 1. The host is "" if all instances have the same host.
	Host(id string) (host string, share float64)
	// Targets returns the instances for service discovery. They are not complete before the first
	// list of the Partner API.
	Targets() (targets []config.Instance, complete bool)
}

// Options configure a handler.
type Options struct {
	Fleet  Fleet
	Self   *selfmetrics.Metrics // the handler registers its own metrics, too
	Page   http.Handler         // the page at /
	Docs   http.Handler         // the documentation at /README.md and /docs/
	Logger log.Logger

	TelemetryPath  string        // must pass CheckTelemetryPath
	ServeInstances bool          // whether TelemetryPath also serves the metrics of all instances
	TimeoutOffset  time.Duration // subtracted from the timeout that Prometheus announces
	MaxRequests    int           // maximum number of concurrent scrapes; 0 means no limit

	// Reload reloads the configuration. It is nil if requests must not reload.
	Reload func() error
}

const (
	probePath     = "/probe"
	discoveryPath = "/sd"
	readmePath    = "/README.md"
	docsPath      = "/docs"
)

var plainPath = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)

// CheckTelemetryPath returns an error if p cannot be the telemetry path.
func CheckTelemetryPath(p string) error {
	if !plainPath.MatchString(p) || path.Clean(p) != p || strings.HasPrefix(p, "/-/") ||
		p == probePath || p == discoveryPath || p == readmePath ||
		p == docsPath || strings.HasPrefix(p, docsPath+"/") {
		return errors.New("--web.telemetry-path must be an absolute path such as /metrics, other " +
			"than /, /-/…, " + probePath + ", " + discoveryPath + ", " + readmePath + ", " +
			docsPath + " and " + docsPath + "/…")
	}
	return nil
}

// New returns the handler of all paths.
func New(o Options) http.Handler {
	s := &scraper{o, newAdmission(o.MaxRequests)}
	scrapes := http.NewServeMux()
	scrapes.HandleFunc(o.TelemetryPath, s.telemetry)
	scrapes.HandleFunc(probePath, s.probe)
	counted := promhttp.InstrumentMetricHandler(o.Self.Registry, checkQuery(scrapes))

	mux := http.NewServeMux()
	mux.Handle("GET "+o.TelemetryPath, counted)
	mux.Handle("GET "+probePath, counted)
	mux.Handle("GET "+discoveryPath, limitPages(discoveryHandler(o.Fleet)))
	mux.Handle("/-/reload", reloadHandler(o.Reload))
	mux.Handle("GET /-/healthy", textHandler("greenapi_exporter is healthy.\n"))
	mux.Handle("GET /-/ready", textHandler("greenapi_exporter is ready.\n"))
	docs := secureHeaders(o.Docs)
	mux.Handle("GET "+readmePath, docs)
	mux.Handle("GET "+docsPath, docs)
	mux.Handle("GET "+docsPath+"/", docs)
	mux.Handle("GET /{$}", secureHeaders(limitPages(o.Page)))
	return mux
}

func textHandler(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, text)
	}
}

// secureHeaders prevents browsers from storing the page, sending its address to other sites and
// guessing its content type.
func secureHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Cache-Control", "no-store")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}
