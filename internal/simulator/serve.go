package simulator

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	outgoingMethod = "lastOutgoingMessages"
	incomingMethod = "lastIncomingMessages"

	defaultMinutes = 1440
	maxMinutes     = 1 << 30 // two thousand years, so seconds cannot overflow

	redirectPrefix = "/moved" // precedes the path in the redirects of FaultRedirect
)

// call is a parsed request.
type call struct {
	verb     string
	prefix   string // the path before /waInstance or /partner
	uri      string // the rest of the path and the query
	partner  bool   // whether it is a call of the Partner API
	instance string
	method   string
	token    string
	minutes  int // requested minutes of a journal, or 0 if they are invalid
	now      time.Time
}

// ServeHTTP answers GET {prefix}/waInstance{id}/{method}/{token}, with any prefix. The methods are
// lastOutgoingMessages and lastIncomingMessages, which accept ?minutes=N, getStateInstance,
// getMessagesCount, getWebhooksCount, getSettings and getWaSettings. The Date header is the time of
// Config.Now. Faults that break the connection panic with http.ErrAbortHandler.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := parseCall(r, s.cfg.Now())
	w.Header().Set("Date", c.now.UTC().Format(http.TimeFormat))
	if s.recordFollowed(r, c) {
		moved.send(w, c)
		return
	}
	fault, tooSoon, known := s.record(c)
	w = s.meter(w, c.method)
	switch {
	case c.method == "" || c.partner:
		notFound.send(w, c)
	case c.instance != s.cfg.IDInstance:
		forbidden.send(w, c)
	case !known || c.verb != http.MethodGet:
		notFound.send(w, c)
	case c.token != s.cfg.Token:
		unauthorized.send(w, c)
	case fault.replaceAnswer(w, r, c):
	case isJournal(c.method) && c.minutes == 0:
		badRequest.send(w, c)
	case fault == FaultNone && tooSoon && !s.cfg.NoRateLimit:
		rateLimited.send(w, c)
	case fault == FaultNone && isJournal(c.method) && s.stateFault(c.now).replaceAnswer(w, r, c):
	default:
		sendBody(w, r, s.body(c), fault.malformation)
	}
}

// callPath matches the paths of calls of an instance and of the Partner API.
var callPath = regexp.MustCompile(`^(.*?)(/partner|/waInstance([^/]*))/([^/]*)/([^/]*)$`)

// parseCall leaves the method empty if the path has another form.
func parseCall(r *http.Request, now time.Time) call {
	c := call{verb: r.Method, uri: r.URL.RequestURI(), minutes: parseMinutes(r), now: now}
	if m := callPath.FindStringSubmatch(r.URL.Path); m != nil {
		c.prefix, c.partner = m[1], m[2] == "/partner"
		c.instance, c.method, c.token = m[3], m[4], m[5]
		c.uri = strings.TrimPrefix(c.uri, c.prefix)
	}
	return c
}

// parseMinutes returns the requested minutes, or 0 if they are invalid.
func parseMinutes(r *http.Request) int {
	query := r.URL.Query()
	if !query.Has("minutes") {
		return defaultMinutes
	}
	minutes, err := strconv.Atoi(query.Get("minutes"))
	if err != nil {
		return 0
	}
	return min(max(minutes, 0), maxMinutes)
}

func isJournal(method string) bool { return method == outgoingMethod || method == incomingMethod }

// stateFaults are the faults of the journals in certain states of the account.
var stateFaults = map[string]Fault{notAuthorized: FaultLoggedOut, starting: FaultStarting}

func (s *Simulator) stateFault(now time.Time) Fault {
	return stateFaults[s.cfg.schedule().at(s.since(now))]
}

// body returns the body of a successful answer.
func (s *Simulator) body(c call) body {
	switch c.method {
	case outgoingMethod:
		return s.journal(s.outgoing, c.now, c.minutes).body()
	case incomingMethod:
		return s.journal(s.incoming, c.now, c.minutes).body()
	}
	return objectBody(toJSON(objectMethods[c.method](s, c.now)))
}
