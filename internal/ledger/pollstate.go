package ledger

import "time"

// PollState is what a later run of the program must know of the calls of this one, so that it keeps the pace that the API
// asks for. The ledger only keeps it.
type PollState struct {
	// Begun is when the last call began, Next when the next may, both by our clock.
	Begun time.Time `json:"begun"`
	Next  time.Time `json:"next"`
	// Failures is how many calls in a row have failed.
	Failures int `json:"failures,omitempty"`
	// Result is the latest outcome, empty where there is none. The last call may have begun since.
	Result string `json:"result,omitempty"`
	// Took is how long the call of that outcome took.
	Took time.Duration `json:"took,omitempty"`
	// Settings stands for how the call was made: where they differ, it says nothing about the next one.
	Settings string `json:"settings,omitempty"`
}

func (c *PollState) valid() bool { return c.Failures >= 0 && c.Took >= 0 }

// Persist puts on file that a call begins or has ended, and what has been committed before. Where that fails, the next
// one puts it there; the log and the Storage tell.
func (l *Ledger) Persist(call PollState) {
	l.pollState = call
	if l.persister != nil {
		l.write()
	}
}

// LastPollState returns what was last told of a call, in this run or an earlier one; the zero Call where there was none.
func (l *Ledger) LastPollState() PollState { return l.pollState }
