package simulator

import (
	"fmt"
	"math"
	"sort"
	"time"
)

// Values of stateInstance that affect the simulator.
const (
	authorized    = "authorized"
	notAuthorized = "notAuthorized"
	blocked       = "blocked"
	starting      = "starting"
	suspended     = "suspended"
	yellowCard    = "yellowCard"
)

// StateChange is a change of the account's state.
type StateChange struct {
	After time.Duration // since Start
	State string        // stateInstance; if empty, null, as during the creation of an instance
}

// OutcomeChange sets the outcome of all messages that are accepted at or after a time.
type OutcomeChange struct {
	After  time.Duration // since Start
	Status string        // the last status of the messages; random if empty
}

// validate panics if the changes are not ascending or if an outcome is unknown.
func (cfg Config) validate() {
	for i := 1; i < len(cfg.States); i++ {
		if cfg.States[i].After <= cfg.States[i-1].After {
			panic(fmt.Sprintf("simulator: state %d is not later than the previous one", i))
		}
	}
	for i, change := range cfg.Outcomes {
		if i > 0 && change.After <= cfg.Outcomes[i-1].After {
			panic(fmt.Sprintf("simulator: outcome %d is not later than the previous one", i))
		}
		if _, ok := findOutcome(change.Status); !ok {
			panic(fmt.Sprintf("simulator: no message ends with the status %q", change.Status))
		}
	}
}

// schedule is the state of an account at all times since its start.
type schedule []StateChange

func (cfg Config) schedule() schedule { return cfg.States }

// current returns the index of the latest change, or -1 before the first one.
func (s schedule) current(t time.Duration) int {
	return sort.Search(len(s), func(i int) bool { return s[i].After > t }) - 1
}

func (s schedule) at(t time.Duration) string {
	if i := s.current(t); i >= 0 {
		return s[i].State
	}
	return authorized
}

// end returns when the state at t ends. It panics if t is before the first change.
func (s schedule) end(t time.Duration) time.Duration {
	i := s.current(t)
	if i+1 < len(s) {
		return s[i+1].After
	}
	return s[i].After + defaultSuspension
}

// authorizedFrom returns the first time from t on at which the account is authorized, or never.
func (s schedule) authorizedFrom(t time.Duration) time.Duration {
	if s.at(t) == authorized {
		return t
	}
	for _, change := range s[s.current(t)+1:] {
		if change.State == authorized {
			return change.After
		}
	}
	return never
}

// never is later than all times of calls.
const never = time.Duration(math.MaxInt64)

// add returns the sum of two non-negative times, or never if it overflows.
func add(t, d time.Duration) time.Duration {
	if t > never-d {
		return never
	}
	return t + d
}
