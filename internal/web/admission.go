package web

import (
	"fmt"
	"net/http"
	"sync"
)

// admission bounds the scrapes that are served at once. Where there are several hosts, those of one have at most half of the
// places, or as large a part as it has of the instances: scrapes of a host that does not answer take their time, and must
// not keep out the others.
type admission struct {
	limit int // 0: no end

	mu    sync.Mutex
	taken int
	hosts map[string]int // of them, by host
}

func newAdmission(places int) *admission {
	return &admission{limit: places, hosts: make(map[string]int)}
}

// serve calls next if there is a place, and answers 503 otherwise. An empty host is none; share is its part of the instances.
func (a *admission) serve(w http.ResponseWriter, host string, share float64, next func()) {
	if of := a.enter(host, share); of > 0 {
		http.Error(w, fmt.Sprintf("the limit of %d scrapes at once is reached (--web.max-requests); try again later", of), http.StatusServiceUnavailable)
		return
	}
	defer a.leave(host)
	next()
}

// enter takes a place, or returns which limit has been reached.
func (a *admission) enter(host string, share float64) (limit int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	part := max(1, min(int(float64(a.limit)*max(0.5, share)), a.limit-1))
	switch {
	case a.limit > 0 && a.taken >= a.limit:
		return a.limit
	case a.limit > 0 && host != "" && a.hosts[host] >= part:
		return part
	}
	a.taken++
	if host != "" {
		a.hosts[host]++
	}
	return 0
}

func (a *admission) leave(host string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.taken--
	if host == "" {
		return
	}
	if a.hosts[host]--; a.hosts[host] == 0 {
		delete(a.hosts, host)
	}
}
