package simulator

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// requests counts the requests of each served method and holds their faults.
type requests struct {
	endpoints map[string]*endpoint // by method; the map does not change

	mu       sync.Mutex // guards the endpoints and the field below
	followed []string
}

type endpoint struct {
	calls    int
	lastCall time.Time
	fault    Fault
}

func newRequests(methods ...string) requests {
	endpoints := map[string]*endpoint{}
	for _, method := range methods {
		endpoints[method] = &endpoint{}
	}
	return requests{endpoints: endpoints}
}

// SetFault makes all following requests of the given methods fail, or of all methods if none is
// given. FaultNone ends a fault. Answers that were started are not affected. SetFault panics if a
// method is unknown.
func (r *requests) SetFault(f Fault, methods ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(methods) == 0 {
		methods = slices.Collect(maps.Keys(r.endpoints))
	}
	for _, method := range methods {
		if r.endpoints[method] == nil {
			panic(fmt.Sprintf("simulator: unknown method: %q", method))
		}
	}
	for _, method := range methods {
		r.endpoints[method].fault = f
	}
}

// Calls returns the number of requests of the method, with any answer, or of all served methods if
// the method is empty. It does not include the requests in Followed.
func (r *requests) Calls(method string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for name, e := range r.endpoints {
		if method == name || method == "" {
			n += e.calls
		}
	}
	return n
}

// Followed returns the Referer header of each request that followed the redirect of FaultRedirect,
// oldest first. A client that protects its token follows none.
func (r *requests) Followed() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.followed)
}

func (r *requests) recordFollowed(referer string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.followed = append(r.followed, referer)
}

// record counts a call. It returns false if the method is unknown, or else the fault of the method
// and whether its previous call was less than a second ago.
func (r *requests) record(c call) (f Fault, tooSoon, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.endpoints[c.method]
	if e == nil {
		return FaultNone, false, false
	}
	if e.calls > 0 {
		gap := c.now.Sub(e.lastCall)
		tooSoon = gap >= 0 && gap < time.Second
	}
	e.calls++
	e.lastCall = c.now
	return e.fault, tooSoon, true
}
