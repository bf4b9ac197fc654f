package simulator

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	defaultMinutes = 1440
	// mostMinutes is two thousand years: more asks for the same, and seconds stay far from overflowing.
	mostMinutes = 1 << 30
	// instanceMark is what stands in a path before the id of an instance.
	instanceMark = "/waInstance"
	// redirectPrefix is put before the path by FaultRedirect.
	redirectPrefix = "/moved"
)

// call is a request taken apart.
type call struct {
	verb     string
	prefix   string // of the path, before /waInstance or /partner
	echo     string // path and query behind the prefix, as error bodies repeat them
	instance string
	method   string
	token    string
	minutes  string
	now      time.Time
}

// ServeHTTP answers GET …/waInstance{id}/{method}/{token}, behind any path prefix, and refuses everything else in the
// service's words. The methods are lastOutgoingMessages and lastIncomingMessages, both with ?minutes=N, and
// getStateInstance, getMessagesCount, getWebhooksCount, getSettings and getWaSettings. The Date header is the
// simulator's time. Where a fault calls for a broken connection it panics with http.ErrAbortHandler, which net/http
// turns into just that.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := parseCall(r, s.cfg.Now())
	w.Header().Set("Date", c.now.UTC().Format(http.TimeFormat))

	if strings.HasSuffix(c.prefix, redirectPrefix) {
		s.noteFollowed(r.Referer())
		moved().send(w)
		return
	}
	fault, tooSoon := s.noteCall(c)
	if refusal, ok := s.refusal(c); ok {
		refusal.send(w)
		return
	}
	if fault == FaultHang {
		hang(r.Context())
	}
	if canned, ok := cannedAnswer(fault, c); ok {
		canned.send(w)
		return
	}
	minutes, ok := parseMinutes(c.minutes)
	if isJournal(c.method) && !ok {
		badRequest(c, "'minutes' must be an integer of at least 1").send(w)
		return
	}
	if fault == FaultNone {
		if refusal, ok := s.limit(c, tooSoon); ok {
			refusal.send(w)
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	sendBody(w, r, s.body(c, minutes), fault)
}

// parseCall takes the path apart; a path of another form leaves instance, method and token empty.
func parseCall(r *http.Request, now time.Time) call {
	c, rest := newCall(r, instanceMark, now)
	if parts := strings.Split(rest, "/"); len(parts) == 3 {
		c.instance, c.method, c.token = parts[0], parts[1], parts[2]
	}
	return c
}

// newCall is the call without what stands behind the mark in its path, which is returned, empty where there is no mark.
func newCall(r *http.Request, mark string, now time.Time) (c call, rest string) {
	c = call{verb: r.Method, echo: r.URL.RequestURI(), minutes: firstMinutes(r.URL.Query()), now: now}
	at := strings.Index(r.URL.Path, mark)
	if at < 0 {
		return c, ""
	}
	c.prefix, c.echo = r.URL.Path[:at], r.URL.Path[at:]
	rest = c.echo[len(mark):]
	if r.URL.RawQuery != "" {
		c.echo += "?" + r.URL.RawQuery
	}
	return c, rest
}

func firstMinutes(query url.Values) string {
	if !query.Has("minutes") {
		return strconv.Itoa(defaultMinutes)
	}
	return query.Get("minutes")
}

func parseMinutes(text string) (minutes int64, ok bool) {
	minutes, err := strconv.ParseInt(text, 10, 64)
	if err != nil || minutes < 1 {
		return 0, false
	}
	return min(minutes, mostMinutes), true
}

func (s *Simulator) noteFollowed(referer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.followed = append(s.followed, referer)
}

// refusal is the answer to a call that is wrong whatever the state of the account.
func (s *Simulator) refusal(c call) (answer, bool) {
	switch {
	case c.method == "":
		return notFound(c), true
	case c.instance != s.cfg.IDInstance:
		return forbidden(), true
	case !isMethod(c.method) || c.verb != http.MethodGet:
		return notFound(c), true
	case c.token != s.cfg.Token:
		return unauthorized(), true
	}
	return answer{}, false
}
