package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"greenapi_exporter/internal/fleet"
)

// writeTimeout is how long a client has to read a response after the scrape.
const writeTimeout = 30 * time.Second

// timeoutHeader is the header in which Prometheus announces the timeout of a scrape.
const timeoutHeader = "X-Prometheus-Scrape-Timeout-Seconds"

// scraper serves scrapes.
type scraper struct {
	Options
	admission *admission
}

// telemetry serves the exporter's own metrics, and those of all instances if s.ServeInstances.
func (s *scraper) telemetry(w http.ResponseWriter, r *http.Request) {
	if !s.ServeInstances && r.URL.Query().Has("collect[]") {
		http.Error(w, "collect[] needs "+probePath+"?target=ID, because this path serves no "+
			"instances (--web.metrics-scope=exporter)", http.StatusBadRequest)
		return
	}
	s.admission.serve(w, "", 1, func() { s.scrape(w, r, "") })
}

// probe serves the metrics of the instance in the parameter target.
func (s *scraper) probe(w http.ResponseWriter, r *http.Request) {
	targets := r.URL.Query()["target"]
	if len(targets) != 1 || targets[0] == "" {
		http.Error(w, "exactly one target is required: "+probePath+"?target=ID; "+discoveryPath+
			" lists all instances", http.StatusBadRequest)
		return
	}
	host, share := s.Fleet.Host(targets[0])
	s.admission.serve(w, host, share, func() { s.scrape(w, r, targets[0]) })
}

// checkQuery responds with 400 to a malformed query. If it ignored the malformed part, the scrape
// could run collectors that the client did not select.
func checkQuery(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := url.ParseQuery(r.URL.RawQuery); err != nil {
			http.Error(w, "the query is malformed; select collectors with "+
				"?collect[]=state&collect[]=queue", http.StatusBadRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// scrape responds to a scrape of the target, or of the telemetry path if target is "". As in
// node_exporter, collect[] selects collectors. Metrics report failed readings. Other errors are
// logged, and the response does not contain them.
func (s *scraper) scrape(w http.ResponseWriter, r *http.Request, target string) {
	timeout := scrapeTimeout(r.Header, s.TimeoutOffset, s.Fleet.Timeout(target))
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	// A reload can change the timeout, so the server's own write timeout cannot include it.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(timeout + writeTimeout))
	var gatherers []prometheus.TransactionalGatherer
	if target != "" || s.ServeInstances {
		scrape, err := s.Fleet.Scrape(ctx, target, r.URL.Query()["collect[]"])
		if err != nil {
			s.refuse(w, err)
			return
		}
		registry := prometheus.NewRegistry()
		registry.MustRegister(scrape)
		gatherers = append(gatherers, prometheus.ToTransactionalGatherer(registry))
	}
	if target == "" { // after the instances, to include the calls of this scrape
		gatherers = append(gatherers, prometheus.ToTransactionalGatherer(s.Self.Gatherer()))
	}
	// prometheus.Gatherers would sort and check every series a second time.
	metrics := prometheus.NewMultiTRegistry(gatherers...)
	promhttp.HandlerForTransactional(metrics, promhttp.HandlerOpts{
		ErrorLog:          &errorLog{Logger: s.Logger, request: r.Context()},
		ErrorHandling:     promhttp.ContinueOnError,
		Registry:          s.Self.Registry,
		EnableOpenMetrics: true,
	}).ServeHTTP(w, r)
}

// refuse responds to a scrape that could not start.
func (s *scraper) refuse(w http.ResponseWriter, err error) {
	if !errors.Is(err, fleet.ErrUnknown) {
		http.Error(w, "collect[]: "+err.Error(), http.StatusBadRequest)
	} else if _, complete := s.Fleet.Targets(); !complete {
		http.Error(w, discoveryPending, http.StatusServiceUnavailable)
	} else {
		http.Error(w, err.Error()+"; "+discoveryPath+" lists all instances", http.StatusNotFound)
	}
}

// scrapeTimeout returns the maximum duration of a scrape: the timeout in the header minus offset,
// but at most limit. The offset leaves time to send the response. A header that is not a positive
// number is ignored.
func scrapeTimeout(header http.Header, offset, limit time.Duration) time.Duration {
	seconds, err := strconv.ParseFloat(header.Get(timeoutHeader), 64)
	if err != nil || !(seconds > 0) || seconds >= limit.Seconds()+offset.Seconds() {
		return limit
	}
	announced := time.Duration(seconds * float64(time.Second))
	if announced <= offset {
		return announced / 2
	}
	return announced - offset
}

// errorLog is the promhttp.Logger of one scrape. promhttp logs each metric family that it cannot
// write; errorLog logs only the first. The level is debug if the client has disconnected.
type errorLog struct {
	log.Logger
	request context.Context
	logged  bool
}

func (l *errorLog) Println(v ...any) {
	if l.logged {
		return
	}
	l.logged = true
	logger := level.Error(l.Logger)
	if l.request.Err() != nil {
		logger = level.Debug(l.Logger)
	}
	err := strings.TrimSpace(fmt.Sprintln(v...))
	logger.Log("msg", "scrape response is incomplete", "err", err)
}
