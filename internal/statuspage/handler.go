// Package statuspage serves the page at /. It shows the latest readings and the issues of all
// instances, in plain HTML without scripts.
package statuspage

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/pagestyle"
)

var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	ownStyle string

	pageTemplate = template.Must(template.New("page").Parse(pageText))
	pageStyle    = pagestyle.Sheet(ownStyle)
	pagePolicy   = pagestyle.Policy(pageStyle, "data:")
)

// Snapshot is the state that the page shows.
type Snapshot struct {
	Instances        []collector.Status
	DiscoveryPending bool   // whether the Partner API has not listed its instances yet
	StorageFailing   bool   // whether counters cannot be written to the disk
	HeldList         string // the Partner API's latest list if it is not applied; otherwise empty
	ReloadFailure    string // the effect of the latest reload's failure; empty if it succeeded
	// Unwatched describes the instances that the Partner API lists but the exporter does not watch.
	// It is nil before the first list, and without a Partner API.
	Unwatched []config.Unwatched
}

// Options configures the page.
type Options struct {
	Version       string
	TelemetryPath string // the page links to it
	Logger        log.Logger
	// Snapshot returns the current state. It must not call the API, and it must be safe for
	// concurrent use.
	Snapshot func() Snapshot
}

// New returns the handler of the page.
func New(o Options) http.Handler { return &handler{o, pageTemplate} }

type handler struct {
	Options
	template *template.Template
}

// ServeHTTP renders the whole page before it writes, so an error never results in a partial page.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		http.Error(w, "malformed query; open / for all instances", http.StatusBadRequest)
		return
	}
	q, err := newQuery(values)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	snapshot := h.Snapshot()
	if q.ID != "" {
		hasID := func(s collector.Status) bool { return s.ID == q.ID }
		i := slices.IndexFunc(snapshot.Instances, hasID)
		if i < 0 {
			http.Error(w, "no instance has this id; open / for all instances", http.StatusNotFound)
			return
		}
		snapshot.Instances = snapshot.Instances[i : i+1]
	}
	data := newPageData(h.Options, snapshot, q, time.Now())
	var body bytes.Buffer
	if err := h.template.Execute(&body, data); err != nil {
		level.Error(h.Logger).Log("msg", "cannot render the status page", "err", err)
		http.Error(w, "cannot render the page; see the log", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", pagePolicy)
	_, _ = w.Write(body.Bytes())
}
