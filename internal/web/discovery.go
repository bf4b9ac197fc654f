package web

import (
	"encoding/json"
	"net"
	"net/http"
)

// targetGroup is an element of the response to Prometheus's HTTP service discovery.
type targetGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

const discoveryPending = "the Partner API has not listed its instances yet; see the log"

// discoveryHandler serves a target group for each instance. The labels direct Prometheus to /probe
// at the address that this request used. Until all instances are known, the handler responds with
// 503, so Prometheus keeps its current targets.
func discoveryHandler(f Fleet) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		targets, complete := f.Targets()
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
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(groups)
	})
}

// requestHost returns the address that the client used. HTTP/1.0 does not require a Host header.
func requestHost(r *http.Request) string {
	if r.Host != "" {
		return r.Host
	}
	if address, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		return address.String()
	}
	return ""
}
