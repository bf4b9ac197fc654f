package web

import (
	"net/http"
	"time"
)

// reloadHandler loads the configuration anew. A page of another site must not have a browser do so.
func reloadHandler(o Options) http.Handler {
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method != http.MethodPost && r.Method != http.MethodPut:
			w.Header().Set("Allow", "POST, PUT")
			http.Error(w, "reload with POST or PUT", http.StatusMethodNotAllowed)
		case !o.Lifecycle:
			http.Error(w, "reloading by a request is off; start with --web.enable-lifecycle, or send SIGHUP", http.StatusForbidden)
		default:
			// Thousands of ledgers on a slow disk take their time.
			_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
			if err := o.Reload(); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			textHandler("reloaded\n")(w, r)
		}
	}))
}
