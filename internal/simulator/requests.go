package simulator

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// maxMinutesRecorded is the number of calls of a journal whose minutes are recorded. It limits the
// memory of an account that is used for a long time.
const maxMinutesRecorded = 10_000

// requests counts the requests of each method and holds the faults of the methods.
type requests struct {
	endpoints map[string]*endpoint // by method; the map does not change

	mu       sync.Mutex // guards the fields of endpoints except bytes, and followed
	followed []string
}

type endpoint struct {
	calls    int
	minutes  []int // of the latest calls of a journal
	lastCall time.Time
	fault    Fault

	bytes atomic.Int64 // sent in bodies
}

func newRequests(methods ...string) requests {
	endpoints := map[string]*endpoint{}
	for _, method := range methods {
		endpoints[method] = &endpoint{}
	}
	return requests{endpoints: endpoints}
}

// SetFault sets the fault of the given methods, or of all methods if none is given. It affects
// requests that start later. FaultNone ends a fault. SetFault panics if a method is unknown.
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

// Calls returns the number of requests of the method, with any answer, or of all methods if the
// method is empty. It does not include the requests in Followed.
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

// Minutes returns the minutes that each call of a journal requested, oldest first, whatever the
// answer was. Invalid minutes are 0. Minutes returns only those of the latest 10,000 calls.
func (r *requests) Minutes(method string) []int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.endpoints[method]; e != nil {
		return slices.Clone(e.minutes)
	}
	return nil
}

// Bytes returns the total size of the bodies of the answers to calls of the method. The size of a
// compressed body is its compressed size.
func (r *requests) Bytes(method string) int64 {
	if e := r.endpoints[method]; e != nil {
		return e.bytes.Load()
	}
	return 0
}

// Followed returns the Referer header of each request that followed the redirect of FaultRedirect,
// oldest first. A client must not follow redirects, because the Referer header reveals its token.
func (r *requests) Followed() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.followed)
}

// recordFollowed reports whether the request followed a redirect, and records it.
func (r *requests) recordFollowed(request *http.Request, c call) bool {
	if !strings.HasSuffix(c.prefix, redirectPrefix) {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.followed = append(r.followed, request.Referer())
	return true
}

// record counts a call. It returns the fault of the method, whether its previous call was less than
// a second ago, and whether the method is known.
func (r *requests) record(c call) (f Fault, tooSoon, known bool) {
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
	if isJournal(c.method) {
		e.minutes = append(e.minutes, c.minutes)
		e.minutes = e.minutes[max(0, len(e.minutes)-maxMinutesRecorded):]
	}
	return e.fault, tooSoon, true
}

// meter returns a writer that writes to w and counts the bytes for the method.
func (r *requests) meter(w http.ResponseWriter, method string) http.ResponseWriter {
	if e := r.endpoints[method]; e != nil {
		return &meter{w, &e.bytes}
	}
	return w
}

// meter is an http.ResponseWriter that counts the bytes of the body.
type meter struct {
	http.ResponseWriter
	bytes *atomic.Int64
}

// Write counts the bytes before the client can receive them.
func (m *meter) Write(b []byte) (int, error) {
	m.bytes.Add(int64(len(b)))
	return m.ResponseWriter.Write(b)
}

// Unwrap returns the underlying writer for http.ResponseController.
func (m *meter) Unwrap() http.ResponseWriter { return m.ResponseWriter }
