// Package simulator is GREEN-API without the vendor: an http.Handler that answers the journals of messages and the
// questions about the state of an account as the real service does, with its lateness, its odd rows and its many ways
// to fail.
//
// An account lives by a seed and a clock. Which messages it sends and receives, when each reaches which status, what its
// row looks like and how many wait is a function of Config and of the time alone, so that two simulators made alike
// answer alike, and a test can ask Messages, IncomingMessages, Queued and Webhooks for the truth behind an answer at any
// moment. Only what depends on the callers is state: the rate limit, the quota, the counters and the faults that are
// switched on.
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
	// Seed picks one account out of many; the same seed sends and receives the same messages.
	Seed uint64
	// Now is the clock of everything but the pacing of FaultDrip. It is called from many goroutines. Nil: time.Now.
	Now func() time.Time
	// Start is when the first message is accepted, and the first is received. In the past it gives journals that are full
	// at once. Zero: the time of New, by Now.
	Start time.Time
	// MessagesPerHour is the mean rate at which messages are accepted for sending; the gaps are exponential. Zero or
	// less: nothing is ever sent.
	MessagesPerHour float64
	// IncomingPerHour is the mean rate at which messages are sent to the account, in the same way. They arrive at once
	// while it is authorized, and else as soon as it is again. Zero or less: nothing is ever received.
	IncomingPerHour float64
	// States are the changes of the account's state, in the order of their times; before the first it is "authorized".
	// Messages leave the account and arrive only while it is that; those accepted meanwhile wait in a queue, here for as
	// long as it takes (the real service drops them after a day). What has
	// been sent goes on to be delivered and read. While it is "notAuthorized" the journals are answered as by
	// FaultLoggedOut, while it is "starting" as by FaultStarting; everything else is answered in every state.
	States []StateChange
	// Fates are the changes of what becomes of the messages that are sent, in the order of their times; before the first,
	// they fare as among people.
	Fates []FateChange
	// SendDelay is the least time between the sending of two messages. Zero or less: all that wait are sent at once.
	SendDelay time.Duration
	// CyrillicCount spells the key of both counts as the documentation does, with a Cyrillic с (U+0441) for its c.
	CyrillicCount bool
	// WebhookLag is how long the consumer of webhooks takes for a notification; see Webhooks. Zero or less: 5 s.
	WebhookLag time.Duration
	// Messages, if positive, is how many messages the account sends in all, incomplete ones included.
	Messages int
	// TextOnly makes a plain text, with an ID of its own, of every message of another kind; when it is sent and what
	// becomes of it stays. The rows are small for want of thumbnails.
	TextOnly bool
	// ByLastAction lets the time of a message's latest status decide whether it is within the minutes asked for, and
	// be the row's timestamp. Otherwise both are the time of sending. Nobody knows which of them the real service does.
	// A message that is received goes by the time of its arrival in any case.
	ByLastAction bool
	// Quota is how many journals of each kind are given in a calendar month (UTC) before 466. Zero: no end. Calls that
	// are refused, and those answered by a fault, are not counted.
	Quota int
	// NoRateLimit takes away the limit of one call of each method a second.
	NoRateLimit bool
	// Speedup is how many times faster than among people statuses follow each other and rows appear; zero or less: 1. The
	// times of sending and of the changes of state do not depend on it.
	Speedup float64
}

// Simulator is one simulated account behind its HTTP interface. All methods may be called concurrently.
type Simulator struct {
	cfg      Config
	start    time.Time // without a monotonic reading: lives are told by the wall clock
	schedule schedule
	stories

	mu       sync.Mutex
	usage    map[string]*usage // of every method that is served
	followed []string
}

// New returns an account that behaves as cfg says. It starts no goroutine and needs no closing. It panics if the
// States or Fates are not ascending or a fate is unknown, which are slips of the caller's.
func New(cfg Config) *Simulator {
	cfg = cfg.completed()
	return newSimulator(cfg, newStories(cfg, newSchedule(cfg.States)))
}

// completed is the Config with what the zero values of its fields mean.
func (cfg Config) completed() Config {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Start.IsZero() {
		cfg.Start = cfg.Now()
	}
	cfg.Start = cfg.Start.Round(0)
	if cfg.Speedup <= 0 {
		cfg.Speedup = 1
	}
	if cfg.WebhookLag <= 0 {
		cfg.WebhookLag = usualWebhookLag
	}
	cfg.SendDelay = max(cfg.SendDelay, 0)
	return cfg
}

// newSimulator is New for a completed Config, with stories that were made for it or for one that lives alike.
func newSimulator(cfg Config, of stories) *Simulator {
	s := &Simulator{
		cfg:      cfg,
		start:    cfg.Start,
		schedule: of.outgoing.schedule,
		stories:  of,
		usage:    map[string]*usage{},
	}
	for _, method := range methods() {
		s.usage[method] = &usage{}
	}
	return s
}

// SetFault makes every request of the given methods from the next one on fail in the given way, until FaultNone ends it;
// other methods keep the fault that they have. Without methods it is for all of them. An answer under way is not
// touched. It panics on a fault that Faults does not list and on a method that is not served, which are slips of the
// caller's.
func (s *Simulator) SetFault(f Fault, of ...string) {
	mustBeFault(f)
	for _, method := range of {
		if !isMethod(method) {
			panic(fmt.Sprintf("simulator: no such method: %q", method))
		}
	}
	if len(of) == 0 {
		of = methods()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, method := range of {
		s.usage[method].fault = f
	}
}

// Calls is how many requests of the method have come in so far, whatever they were answered, and for "" those of all
// methods that are served. A request to where FaultRedirect leads is not one of them; see Followed.
func (s *Simulator) Calls(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for name, u := range s.usage {
		if method == name || method == "" {
			n += u.calls
		}
	}
	return n
}

// Followed lists the requests that went where FaultRedirect leads, oldest first: for each its Referer header, which is
// empty if it had none. A client that guards its token leaves the list empty.
func (s *Simulator) Followed() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.followed)
}

// since is how long after the start the time is, always before never.
func (s *Simulator) since(at time.Time) time.Duration { return min(at.Round(0).Sub(s.start), never-1) }

// livesUntil returns all messages of the story sent by now, oldest first, and how long after the start now is. What it
// returns is never changed again.
func (s *Simulator) livesUntil(of *timeline, now time.Time) ([]message, time.Duration) {
	at := s.since(now)
	return of.until(at), at
}
