// Package web serves the exporter over HTTP: the metrics, service discovery, reloads and probes.
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
	// Scrape starts a scrape, bounded by ctx, of the instance id, or of all instances if id is empty.
	// It runs the named collectors, or all if there are no names. An unknown id is fleet.ErrUnknown;
	// any other error is about the names.
	Scrape(ctx context.Context, id string, collectors []string) (prometheus.Collector, error)
	// Timeout returns the maximum duration of a scrape of the instance, or of all if id is empty.
	Timeout(id string) time.Duration
	// Host returns the API host of the instance and that host's share of all instances, from 0 to 1.
	// The host is empty if all instances have the same host.
	Host(id string) (host string, share float64)
	// Targets returns the instances for service discovery. While complete is false, the Partner API
	// has not listed its instances yet.
	Targets() (targets []config.Instance, complete bool)
}

// Options configures a handler.
type Options struct {
	Fleet  Fleet
	Self   *selfmetrics.Metrics // also takes the metrics of the handler itself
	Page   http.Handler         // the page at /
	Readme string               // the text at /README.md
	Logger log.Logger

	TelemetryPath  string        // must pass CheckTelemetryPath
	ServeInstances bool          // whether TelemetryPath also serves the metrics of all instances
	TimeoutOffset  time.Duration // subtracted from the timeout that Prometheus announces
	MaxRequests    int           // maximum number of concurrent scrapes; 0 means no limit

	// Reload loads the configuration again. It is nil if requests must not reload.
	Reload func() error
}

const (
	probePath     = "/probe"
	discoveryPath = "/sd"
	readmePath    = "/README.md"
)

var plainPath = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)

// CheckTelemetryPath returns an error if p cannot be the telemetry path.
func CheckTelemetryPath(p string) error {
	if !plainPath.MatchString(p) || path.Clean(p) != p {
		return errors.New("--web.telemetry-path must be an absolute path other than /, " +
			"such as /metrics")
	}
	if strings.HasPrefix(p, "/-/") || p == probePath || p == discoveryPath || p == readmePath {
		return errors.New("--web.telemetry-path must not be /-/…, " + probePath + ", " + discoveryPath +
			" or " + readmePath + ", which have other uses; use /metrics")
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
	mux.Handle("GET "+discoveryPath, discoveryHandler(o.Fleet))
	mux.Handle("/-/reload", reloadHandler(o.Reload))
	mux.Handle("GET /-/healthy", textHandler("greenapi_exporter is healthy.\n"))
	mux.Handle("GET /-/ready", textHandler("greenapi_exporter is ready.\n"))
	mux.Handle("GET "+readmePath, secureHeaders(textHandler(o.Readme)))
	mux.Handle("GET /{$}", secureHeaders(o.Page))
	return mux
}

func textHandler(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, text)
	}
}

// secureHeaders forbids browsers to store the page, to send its address to other sites and to
// guess its type.
func secureHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Cache-Control", "no-store")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}
