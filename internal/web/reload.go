package web

import (
	"net/http"
	"time"
)

// reloadHandler reloads the configuration. It rejects cross-origin requests of browsers.
func reloadHandler(reload func() error) http.Handler {
	handler := func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method != http.MethodPost && r.Method != http.MethodPut:
			w.Header().Set("Allow", "POST, PUT")
			http.Error(w, "reload with POST or PUT", http.StatusMethodNotAllowed)
		case reload == nil:
			http.Error(w, "reload requests are disabled; use --web.enable-lifecycle or SIGHUP",
				http.StatusForbidden)
		default:
			// Opening thousands of ledgers on a slow disk can exceed the write timeout.
			_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
			if err := reload(); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			textHandler("reloaded\n")(w, r)
		}
	}
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(handler))
}
