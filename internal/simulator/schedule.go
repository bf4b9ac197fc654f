package simulator

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"time"
)

// Words of stateInstance on which something depends. The API has more.
const (
	authorized    = "authorized" // the only state in which messages leave and arrive
	notAuthorized = "notAuthorized"
	blocked       = "blocked"
	starting      = "starting"
	suspended     = "suspended"
	yellowCard    = "yellowCard"
)

// StateChange is a moment at which the account enters a state.
type StateChange struct {
	After time.Duration // since the Start
	State string        // the word that is answered; empty: null, as for an instance that is being made
}

// FateChange is a moment from which on all messages that are accepted have the same fate.
type FateChange struct {
	After  time.Duration // since the Start
	Status string        // the last that they reach: pending, sent, delivered, read or a failure; empty: as among people
}

// newFates copies the changes. It panics if they are not ascending, or if no message ends with such a status.
func newFates(changes []FateChange) []FateChange {
	for i, change := range changes {
		if i > 0 && change.After <= changes[i-1].After {
			panic(fmt.Sprintf("simulator: fates are not ascending: %v comes after %v", change.After, changes[i-1].After))
		}
		if _, ok := fateOf(change.Status); !ok {
			panic(fmt.Sprintf("simulator: no message ends with the status %q", change.Status))
		}
	}
	return slices.Clone(changes)
}

// schedule is the state of an account at any time since its start.
type schedule []StateChange

// newSchedule copies the changes. It panics if they are not in the order of their times, each later than the one before.
func newSchedule(changes []StateChange) schedule {
	for i := 1; i < len(changes); i++ {
		if changes[i].After <= changes[i-1].After {
			panic(fmt.Sprintf("simulator: states are not ascending: %v comes after %v", changes[i].After, changes[i-1].After))
		}
	}
	return slices.Clone(changes)
}

// latest is the index of the change by which the state at the time was entered, and -1 before the first.
func (s schedule) latest(at time.Duration) int {
	return sort.Search(len(s), func(i int) bool { return s[i].After > at }) - 1
}

func (s schedule) state(at time.Duration) string {
	if i := s.latest(at); i >= 0 {
		return s[i].State
	}
	return authorized
}

// authorizedFrom is the first moment from at on at which the account is authorized, never if there is none.
func (s schedule) authorizedFrom(at time.Duration) time.Duration {
	if s.state(at) == authorized {
		return at
	}
	for _, change := range s[s.latest(at)+1:] {
		if change.State == authorized {
			return change.After
		}
	}
	return never
}

// never is after all times that can be asked about.
const never = time.Duration(math.MaxInt64)

// later is d after at, and never if that is too far to be told. Neither is negative.
func later(at, d time.Duration) time.Duration {
	if at > never-d {
		return never
	}
	return at + d
}
