package simulator

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	outgoingMethod = "lastOutgoingMessages"
	incomingMethod = "lastIncomingMessages"

	defaultMinutes = 1440
	maxMinutes     = 1 << 30 // two thousand years: seconds cannot overflow

	instanceMarker = "/waInstance" // precedes the ID of an instance in a path
	redirectPrefix = "/moved"      // precedes the path in the redirects of FaultRedirect
)

// call is a parsed request.
type call struct {
	verb     string
	prefix   string // the path before /waInstance or /partner/
	uri      string // the rest of the path, and the query
	instance string
	method   string
	token    string
	now      time.Time
}

// ServeHTTP answers GET {prefix}/waInstance{id}/{method}/{token}, with any prefix. The methods are
// lastOutgoingMessages and lastIncomingMessages, which accept ?minutes=N, getStateInstance,
// getMessagesCount, getWebhooksCount, getSettings and getWaSettings. The Date header is the
// simulator's time. Faults that break the connection panic with http.ErrAbortHandler.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := parseCall(r, s.cfg.Now())
	w.Header().Set("Date", c.now.UTC().Format(http.TimeFormat))
	if strings.HasSuffix(c.prefix, redirectPrefix) {
		s.recordFollowed(r.Referer())
		moved.send(w, c)
		return
	}
	fault, tooSoon, known := s.record(c)
	minutes, validMinutes := parseMinutes(r)
	switch {
	case c.method == "":
		notFound.send(w, c)
	case c.instance != s.cfg.IDInstance:
		forbidden.send(w, c)
	case !known || c.verb != http.MethodGet:
		notFound.send(w, c)
	case c.token != s.cfg.Token:
		unauthorized.send(w, c)
	case fault.replaceAnswer(w, r, c):
	case isJournal(c.method) && !validMinutes:
		badRequest.send(w, c)
	case fault == FaultNone && tooSoon && !s.cfg.NoRateLimit:
		rateLimited.send(w, c)
	case fault == FaultNone && isJournal(c.method) && s.stateFault(c.now).replaceAnswer(w, r, c):
	default:
		sendBody(w, r, s.body(c, minutes), fault.malformation)
	}
}

// parseCall leaves instance, method and token empty if the path has another form.
func parseCall(r *http.Request, now time.Time) call {
	c, rest := splitCall(r, instanceMarker, now)
	if parts := strings.Split(rest, "/"); len(parts) == 3 {
		c.instance, c.method, c.token = parts[0], parts[1], parts[2]
	}
	return c
}

// splitCall returns a call without instance, method and token, and the path after the marker.
func splitCall(r *http.Request, marker string, now time.Time) (c call, rest string) {
	c = call{verb: r.Method, uri: r.URL.RequestURI(), now: now}
	at := strings.Index(r.URL.Path, marker)
	if at < 0 {
		return c, ""
	}
	c.prefix, c.uri = r.URL.Path[:at], r.URL.Path[at:]
	rest = c.uri[len(marker):]
	if r.URL.RawQuery != "" {
		c.uri += "?" + r.URL.RawQuery
	}
	return c, rest
}

func parseMinutes(r *http.Request) (minutes int64, ok bool) {
	query := r.URL.Query()
	if !query.Has("minutes") {
		return defaultMinutes, true
	}
	minutes, err := strconv.ParseInt(query.Get("minutes"), 10, 64)
	return min(minutes, maxMinutes), err == nil && minutes >= 1
}

func isJournal(method string) bool { return method == outgoingMethod || method == incomingMethod }

// stateFault returns the fault of the journals that the account's state implies.
func (s *Simulator) stateFault(now time.Time) Fault {
	switch s.states().at(s.since(now)) {
	case notAuthorized:
		return FaultLoggedOut
	case starting:
		return FaultStarting
	}
	return FaultNone
}

// body returns the successful answer of a method. Only the journals use minutes.
func (s *Simulator) body(c call, minutes int64) body {
	switch c.method {
	case outgoingMethod:
		return s.journal(s.outgoing, c.now, minutes).body()
	case incomingMethod:
		return s.journal(s.incoming, c.now, minutes).body()
	}
	return objectBody(objectMethods[c.method](s, c.now))
}
