package web

import (
	"net/http"
	"time"
)

const (
	// maxPages is the number of concurrent responses of each page that lists all instances. With
	// 10,000 instances, such a response takes megabytes and a good part of a second.
	maxPages = 2
	// maxPageWait is how long a request waits for its turn. It is short, because requests that
	// wait hold connections.
	maxPageWait = time.Second
)

// limitPages limits concurrent responses of next to maxPages, so that they use little memory and do
// not delay scrapes. Further requests wait, and get the status 503 after maxPageWait.
func limitPages(next http.Handler) http.Handler {
	slots := make(chan struct{}, maxPages)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		timeout := time.NewTimer(maxPageWait)
		defer timeout.Stop()
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			next.ServeHTTP(w, r)
		case <-timeout.C:
			w.Header().Set("Retry-After", "5")
			http.Error(w, "too many requests for this page at the same time; try again later",
				http.StatusServiceUnavailable)
		case <-r.Context().Done():
		}
	})
}
