package ledger

import "time"

// PollState is what the next run of the program needs to know about earlier calls in order to
// respect the API's limits. The ledger stores it and does not interpret it.
type PollState struct {
	// Begun is when the last call began. Next is the earliest time of the next call. Both are by
	// the local clock.
	Begun time.Time `json:"begun"`
	Next  time.Time `json:"next"`
	// Failures is the number of consecutive failed calls.
	Failures int `json:"failures,omitempty"`
	// Result is the latest outcome, or empty if there is none. A later call may have begun.
	Result string `json:"result,omitempty"`
	// Took is the duration of the call with that outcome.
	Took time.Duration `json:"took,omitempty"`
	// Settings identifies the settings of the call. After they change, the outcome says nothing
	// about the next call.
	Settings string `json:"settings,omitempty"`
}

func (s *PollState) valid() bool { return s.Failures >= 0 && s.Took >= 0 }

// Persist stores the state before or after a call, and writes it to the file with all changes since
// the last write. The Storage counts and logs errors. The next Persist writes what is missing.
func (l *Ledger) Persist(s PollState) {
	l.pollState = s
	if l.persister != nil {
		l.write()
	}
}

// LastPollState returns the state that Persist stored last, in this run or an earlier one. It is
// the zero PollState if there is none.
func (l *Ledger) LastPollState() PollState { return l.pollState }
