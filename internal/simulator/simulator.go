// Package simulator imitates GREEN-API for tests and for the demo. Its handlers serve the journals
// and the other methods of simulated accounts, with the delays, the unusual rows and the failures
// of the real service.
//
// The messages and the state of an account are a function of its Config and the time. Accounts with
// equal Configs return equal answers. Messages, IncomingMessages, Queued and Webhooks return the
// correct values at any time. Only the counts of calls, the rate limits and the faults are mutable.
package simulator

import (
	"maps"
	"slices"
	"time"
)

// Config describes a simulated account.
type Config struct {
	// IDInstance is the ID of the account, in decimal digits. Other IDs are refused with 403.
	IDInstance string
	// Token is the API token of the account. Other tokens are refused with 401.
	Token string
	// Seed selects the messages.
	Seed uint64
	// Now is the clock of the account. It must be safe for concurrent use. The default is time.Now.
	// FaultDrip always uses real time.
	Now func() time.Time
	// Start is the time of the first message in each direction. The default is the time of New. A
	// Start in the past fills the journals immediately.
	Start time.Time
	// MessagesPerHour is the mean rate at which messages are accepted for sending. The times
	// between them are exponentially distributed. If it is not positive, there are no messages.
	MessagesPerHour float64
	// IncomingPerHour is the same for received messages. Messages that are sent to an account that
	// is not authorized arrive when it is authorized again.
	IncomingPerHour float64
	// States are the changes of the account's state, in ascending order. The initial state is
	// "authorized". Messages are sent and received only in this state. Accepted messages are queued
	// in the other states; the real service drops them after a day. Sent messages are delivered and
	// read in every state. In the states "notAuthorized" and "starting", the journals have
	// FaultLoggedOut and FaultStarting.
	States []StateChange
	// Outcomes are the changes of the outcome of sent messages, in ascending order. Before the
	// first change, outcomes are random.
	Outcomes []OutcomeChange
	// FewFailures replaces three of four random failures with messages that are read.
	FewFailures bool
	// SendDelay is the minimum time between two sent messages.
	SendDelay time.Duration
	// CyrillicCount spells the key "count" with a Cyrillic с (U+0441), as the documentation does.
	CyrillicCount bool
	// Messages is the maximum number of sent messages, if positive.
	Messages int
	// TextOnly turns every message into a text with a unique ID. It does not change times or
	// statuses. The rows are small, because they have no thumbnails.
	TextOnly bool
	// MovingTimestamps makes the time of the latest status the timestamp of a sent message. The
	// default is the time of sending. The documentation does not specify which of the two the real
	// service uses.
	MovingTimestamps bool
	// FilterByLastAction makes the journal of sent messages contain those that reached their latest
	// status in the requested minutes. By default, it contains those that were sent in these
	// minutes. The documentation does not specify this either.
	FilterByLastAction bool
	// NoRateLimit disables the limit of one call per second for each method.
	NoRateLimit bool
	// Speedup divides the delays of statuses and rows, but not the times of sending and of States.
	// The default is 1.
	Speedup float64
}

// withDefaults returns a copy of cfg with defaults for zero values. It panics if cfg is invalid.
func (cfg Config) withDefaults() Config {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Start.IsZero() {
		cfg.Start = cfg.Now()
	}
	cfg.Start = cfg.Start.Round(0) // without the monotonic clock
	if cfg.Speedup <= 0 {
		cfg.Speedup = 1
	}
	cfg.SendDelay = max(cfg.SendDelay, 0)
	cfg.States, cfg.Outcomes = slices.Clone(cfg.States), slices.Clone(cfg.Outcomes)
	cfg.validate()
	return cfg
}

// Simulator is an http.Handler that serves one account. It is safe for concurrent use.
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

// newSimulator requires the result of withDefaults.
func newSimulator(cfg Config, shared timelines) *Simulator {
	methods := slices.AppendSeq([]string{outgoingMethod, incomingMethod}, maps.Keys(objectMethods))
	return &Simulator{cfg: cfg, timelines: shared, requests: newRequests(methods...)}
}

// since returns the time from the start to t. It is always less than never.
func (s *Simulator) since(t time.Time) time.Duration {
	return min(t.Round(0).Sub(s.cfg.Start), never-1)
}
