// Package simulator is GREEN-API without the vendor: an http.Handler that answers lastOutgoingMessages as the real
// service does, with its lateness, its odd rows and its many ways to fail.
//
// An account lives by a seed and a clock. Which messages it sends, when each reaches which status and what its row
// looks like is a function of Config and of the time alone, so that two simulators made alike answer alike, and a test
// can ask Messages for the truth behind an answer at any moment. Only what depends on the callers is state: the rate
// limit, the quota, the counters and the fault that is switched on.
package simulator

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// Config says which account is simulated and how the server in front of it behaves. The zero value of a field means
// what its comment says; a Config is not changed after New.
type Config struct {
	// IDInstance is the only instance served, in digits; any other is refused with 403.
	IDInstance string
	// Token is the only token that opens it; any other is refused with 401.
	Token string
	// Seed picks one account out of many; the same seed sends the same messages.
	Seed uint64
	// Now is the clock of everything but the pacing of FaultDrip. It is called from many goroutines. Nil: time.Now.
	Now func() time.Time
	// Start is when the first message is sent. In the past it gives a journal that is full at once. Zero: the time of
	// New, by Now.
	Start time.Time
	// MessagesPerHour is the mean rate of sending; the gaps are exponential. Zero or less: nothing is ever sent.
	MessagesPerHour float64
	// Messages, if positive, is how many messages the account sends in all, incomplete ones included.
	Messages int
	// ByLastAction lets the time of a message's latest status decide whether it is within the minutes asked for, and
	// be the row's timestamp. Otherwise both are the time of sending. Nobody knows which of them the real service does.
	ByLastAction bool
	// Quota is how many journals are given in a calendar month (UTC) before 466. Zero: no end. Calls that are refused,
	// and those answered by a fault, are not counted.
	Quota int
	// NoRateLimit takes away the limit of one call a second.
	NoRateLimit bool
	// Pace is how many times faster than among people statuses follow each other and rows appear; zero or less: 1. The
	// times of sending do not depend on it.
	Pace float64
}

// Simulator is one simulated account behind its HTTP interface. All methods may be called concurrently.
type Simulator struct {
	cfg        Config
	start      time.Time // without a monotonic reading: lives are told by the wall clock
	thumbnails string

	mu       sync.Mutex
	story    *story
	fault    Fault
	calls    int
	lastCall time.Time
	used     int       // of the quota
	month    time.Time // in which it was used
	followed []string
}

// New returns an account that behaves as cfg says. It starts no goroutine and needs no closing.
func New(cfg Config) *Simulator {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Start.IsZero() {
		cfg.Start = cfg.Now()
	}
	if cfg.Pace <= 0 {
		cfg.Pace = 1
	}
	return &Simulator{
		cfg:        cfg,
		start:      cfg.Start.Round(0),
		thumbnails: newThumbnails(cfg.Seed),
		story:      newStory(cfg),
	}
}

// SetFault makes every request from the next one on fail in the given way, until FaultNone ends it. An answer under way
// is not touched. It panics on a fault that Faults does not list, which is a slip of the caller's.
func (s *Simulator) SetFault(f Fault) {
	if f != FaultNone && !slices.Contains(Faults(), f) {
		panic(fmt.Sprintf("simulator: no such fault: %q", string(f)))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// Calls is how many requests of lastOutgoingMessages have come in so far, whatever they were answered. A request to
// where FaultRedirect leads is not one of them; see Followed.
func (s *Simulator) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// Followed lists the requests that went where FaultRedirect leads, oldest first: for each its Referer header, which is
// empty if it had none. A client that guards its token leaves the list empty.
func (s *Simulator) Followed() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.followed)
}

// livesUntil returns all messages sent by now, oldest first, and how long after the start now is. What it returns is
// never changed again.
func (s *Simulator) livesUntil(now time.Time) ([]life, time.Duration) {
	at := now.Round(0).Sub(s.start)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.story.until(at), at
}
