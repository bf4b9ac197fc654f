package web

import (
	"encoding/json"
	"net"
	"net/http"
)

// targetGroup is one of the list that Prometheus's HTTP service discovery reads (its documentation, "HTTP SD").
type targetGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// discoveryPending is the answer to who asks for what may be there.
const discoveryPending = "the Partner API has not told its instances yet; see the log if that lasts"

// discoveryHandler serves a group for each instance, whose labels are all that a scrape job needs to know: it scrapes where
// it has found the list. While the instances are not all known the answer is 503: Prometheus then keeps those that it has.
func discoveryHandler(o Options) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		targets, complete := o.Targets()
		if !complete {
			http.Error(w, discoveryPending, http.StatusServiceUnavailable)
			return
		}
		groups := make([]targetGroup, 0, len(targets))
		for _, t := range targets {
			labels := map[string]string{
				"__metrics_path__":    probePath,
				"__param_target":      t.ID(),
				"instance":            t.ID(),
				"__meta_greenapi_url": t.URL().String(),
			}
			if r.TLS != nil {
				labels["__scheme__"] = "https"
			}
			for name, value := range t.Labels() {
				labels["__meta_greenapi_label_"+name] = value
			}
			groups = append(groups, targetGroup{[]string{requestHost(r)}, labels})
		}
		body, err := json.Marshal(groups)
		if err != nil {
			http.Error(w, "the list cannot be written", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	})
}

// requestHost is how the client calls this exporter. HTTP/1.0 need not say.
func requestHost(r *http.Request) string {
	if r.Host != "" {
		return r.Host
	}
	if address, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		return address.String()
	}
	return ""
}
