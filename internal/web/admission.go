package web

import (
	"fmt"
	"net/http"
	"sync"
)

// admission limits concurrent scrapes. If the instances have several hosts, each host has a limit
// of its own: half of the total limit, or the host's share of the instances if that is larger.
// Therefore, the long scrapes of a host that does not respond cannot block other hosts.
type admission struct {
	limit int // 0 means no limit

	mu     sync.Mutex // guards the fields below
	total  int
	byHost map[string]int
}

func newAdmission(limit int) *admission {
	return &admission{limit: limit, byHost: make(map[string]int)}
}

// serve calls next within the limits, or responds with 503. The host "" has no limit of its own.
func (a *admission) serve(w http.ResponseWriter, host string, share float64, next func()) {
	if limit := a.acquire(host, share); limit > 0 {
		http.Error(w, fmt.Sprintf("the limit of %d concurrent scrapes is reached "+
			"(--web.max-requests); try again later", limit), http.StatusServiceUnavailable)
		return
	}
	defer a.release(host)
	next()
}

// acquire admits a scrape and returns 0, or else returns the limit that is reached.
func (a *admission) acquire(host string, share float64) (reached int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	hostLimit := max(1, min(int(float64(a.limit)*max(0.5, share)), a.limit-1))
	switch {
	case a.limit > 0 && a.total >= a.limit:
		return a.limit
	case a.limit > 0 && host != "" && a.byHost[host] >= hostLimit:
		return hostLimit
	}
	a.total++
	a.byHost[host]++
	return 0
}

func (a *admission) release(host string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.total--
	if a.byHost[host]--; a.byHost[host] == 0 {
		delete(a.byHost, host)
	}
}
