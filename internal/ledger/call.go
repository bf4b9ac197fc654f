package ledger

import "time"

// Call is what a later run of the program must know of the calls of this one, so that it keeps the pace that the API
// asks for. The ledger only keeps it.
type Call struct {
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

func (c *Call) valid() bool { return c.Failures >= 0 && c.Took >= 0 }

// Called puts on file that a call begins or has ended, and what has been committed before. Where that fails, the next
// one puts it there; the log and the Storage tell.
func (l *Ledger) Called(call Call) {
	l.call = call
	if l.keeper != nil {
		l.write()
	}
}

// LastCall returns what was last told of a call, in this run or an earlier one; the zero Call where there was none.
func (l *Ledger) LastCall() Call { return l.call }
