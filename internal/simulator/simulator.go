// Package simulator imitates GREEN-API for tests and for the demo. Its handlers answer the journals
// and the other methods of simulated accounts, with the delays, odd rows and failures of the real
// service.
//
// The messages and the state of an account are a function of its Config and the time. Accounts with
// equal Configs return equal answers, and Messages, IncomingMessages, Queued and Webhooks return
// the truth behind an answer at any time. Only the counters, the rate limit and the faults are
// state.
package simulator

import (
	"maps"
	"slices"
	"time"
)

// Config describes a simulated account.
type Config struct {
	// IDInstance is the ID of the account, in decimal digits. Others are refused with 403.
	IDInstance string
	// Token is the API token of the account. Others are refused with 401.
	Token string
	// Seed selects the messages.
	Seed uint64
	// Now is the clock, except for the intervals of FaultDrip. It may be called concurrently. The
	// default is time.Now.
	Now func() time.Time
	// Start is the time at which the first message is accepted and the first one is received. The
	// default is the time of New. A Start in the past fills the journals at once.
	Start time.Time
	// MessagesPerHour is the mean rate at which messages are accepted for sending, with exponential
	// gaps. Zero or less disables them.
	MessagesPerHour float64
	// IncomingPerHour is the mean rate at which messages are received. While the account is not
	// authorized they are delayed until it is. Zero or less disables them.
	IncomingPerHour float64
	// States are the changes of the account's state, in ascending order. The first state is
	// "authorized", and only in this state messages are sent or received. Accepted messages are
	// queued until then; the real service drops them after a day. Sent messages are delivered and
	// read in every state. In the states "notAuthorized" and "starting" the journals are answered
	// as under FaultLoggedOut and FaultStarting.
	States []StateChange
	// Outcomes are the changes of the outcome of sent messages, in ascending order. Before the
	// first, outcomes are random.
	Outcomes []OutcomeChange
	// SendDelay is the least time between the sending of two messages.
	SendDelay time.Duration
	// CyrillicCount spells the key "count" with a Cyrillic с (U+0441), like the documentation.
	CyrillicCount bool
	// Messages limits the number of sent messages, if positive.
	Messages int
	// TextOnly turns every message into a text with an ID of its own. Times and statuses stay the
	// same. Without thumbnails the rows are small.
	TextOnly bool
	// ByLastAction makes the time of the latest status the timestamp of a sent message, which
	// decides whether the message is in the requested window. The default is the time of sending.
	// The documentation does not say which one the real service uses.
	ByLastAction bool
	// NoRateLimit disables the limit of one call per second and method.
	NoRateLimit bool
	// Speedup divides the delays of statuses and rows, but not those of sending and of States.
	// The default is 1.
	Speedup float64
}

// withDefaults returns a copy of cfg with defaults in place of zero values. It panics if States or
// Outcomes are not ascending or if an outcome is unknown.
func (cfg Config) withDefaults() Config {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Start.IsZero() {
		cfg.Start = cfg.Now()
	}
	cfg.Start = cfg.Start.Round(0) // differences are those of the wall clock
	if cfg.Speedup <= 0 {
		cfg.Speedup = 1
	}
	cfg.SendDelay = max(cfg.SendDelay, 0)
	cfg.States, cfg.Outcomes = slices.Clone(cfg.States), slices.Clone(cfg.Outcomes)
	cfg.validate()
	return cfg
}

// Simulator is an http.Handler that answers for one account. It is safe for concurrent use.
type Simulator struct {
	cfg Config
	timelines
	requests
}

// New returns a simulated account. It starts no goroutine. It panics if States or Outcomes are not
// in ascending order, or if an outcome is not a possible last status.
func New(cfg Config) *Simulator {
	cfg = cfg.withDefaults()
	return newSimulator(cfg, newTimelines(cfg))
}

// newSimulator requires a Config with defaults.
func newSimulator(cfg Config, shared timelines) *Simulator {
	methods := slices.AppendSeq([]string{outgoingMethod, incomingMethod}, maps.Keys(objectMethods))
	return &Simulator{cfg: cfg, timelines: shared, requests: newRequests(methods...)}
}

// since returns the time from the start to t, clamped below never.
func (s *Simulator) since(t time.Time) time.Duration {
	return min(t.Round(0).Sub(s.cfg.Start), never-1)
}
