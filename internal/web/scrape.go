package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"greenapi_exporter/internal/fleet"
)

// writeTimeout is how long a client may take to read an answer, once that could be made.
const writeTimeout = 30 * time.Second

// telemetryHandler serves the exporter's own metrics, and those of all instances where that is wanted.
func telemetryHandler(o Options, places *admission) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, ok := parseQuery(w, r)
		if !ok {
			return
		}
		if collectors := query["collect[]"]; !o.ServeInstances && len(collectors) > 0 {
			http.Error(w, "the instances are at "+probePath+"?target=ID (--web.metrics-scope=exporter), and with them collect[]", http.StatusBadRequest)
			return
		}
		s := scrapeRequest{Options: o, query: query, withSelf: true, selfOnly: !o.ServeInstances}
		places.serve(w, "", 1, func() { s.serve(w, r) })
	})
}

// probeHandler serves the metrics of the one instance that the parameter target names.
func probeHandler(o Options, places *admission) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, ok := parseQuery(w, r)
		if !ok {
			return
		}
		targets := query["target"]
		if len(targets) != 1 || targets[0] == "" {
			http.Error(w, "say which one instance: "+probePath+"?target=ID; "+discoveryPath+" lists those that there are", http.StatusBadRequest)
			return
		}
		s := scrapeRequest{Options: o, query: query, target: targets[0]}
		host, share := o.Host(s.target)
		places.serve(w, host, share, func() { s.serve(w, r) })
	})
}

// parseQuery answers a malformed one with 400, rather than to collect all, which may cost what was not meant to be spent.
func parseQuery(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		http.Error(w, "the query is malformed; collectors are picked like this: ?collect[]=state&collect[]=queue", http.StatusBadRequest)
	}
	return query, err == nil
}

// scrapeRequest is one scrape, with a deadline of its own.
type scrapeRequest struct {
	Options
	query    url.Values
	target   string // empty: all instances
	selfOnly bool   // no instance at all
	withSelf bool   // the exporter's own metrics too
}

// serve answers a scrape. The parameter collect[] picks collectors, as in node_exporter. A failed reading is in the
// metrics; what goes wrong beyond is said in the log and not in the answer.
func (s scrapeRequest) serve(w http.ResponseWriter, r *http.Request) {
	patience := scrapeTimeout(r.Header, s.TimeoutOffset, s.Timeout(s.target))
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	// The server does not know how long readings may take, which a reload changes.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(patience + writeTimeout))
	var gatherers []prometheus.TransactionalGatherer
	if !s.selfOnly {
		scrape, err := s.Scrape(ctx, s.target, s.query["collect[]"])
		if errors.Is(err, fleet.ErrUnknown) {
			if _, complete := s.Targets(); !complete {
				http.Error(w, discoveryPending, http.StatusServiceUnavailable)
				return
			}
			http.Error(w, err.Error()+"; "+discoveryPath+" lists those that are", http.StatusNotFound)
			return
		} else if err != nil {
			http.Error(w, "collect[]: "+err.Error(), http.StatusBadRequest)
			return
		}
		gatherers = append(gatherers, prometheus.ToTransactionalGatherer(scrape))
	}
	if s.withSelf { // behind the scrape, whose calls they count
		gatherers = append(gatherers, prometheus.ToTransactionalGatherer(s.Self.Gatherer()))
	}
	// Not prometheus.Gatherers, which would sort and check every series once more.
	promhttp.HandlerForTransactional(prometheus.NewMultiTRegistry(gatherers...), promhttp.HandlerOpts{
		ErrorLog:          &errorLog{Logger: s.Logger, client: r.Context()},
		ErrorHandling:     promhttp.ContinueOnError,
		Registry:          s.Self.Registry,
		EnableOpenMetrics: true,
	}).ServeHTTP(w, r)
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
