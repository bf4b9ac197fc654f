package poll

import "time"

// Options configures a Poller. Its functions are not called concurrently with each other or with
// the call. All of them may be nil.
type Options struct {
	// Interval is the minimum time between the beginnings of two successful calls.
	Interval time.Duration
	// Timeout is the maximum duration of a call.
	Timeout time.Duration
	// Key identifies the calls.
	Key Key
	// CurrentKey returns the key for the next call, if it can change without Reconfigure. It may
	// block.
	CurrentKey func() Key
	// DependsOnRequest reports whether a call that failed with err may succeed with another
	// request to the same account.
	DependsOnRequest func(err error) bool
	// MinBackoff returns the minimum time until the next call after a call failed with err.
	MinBackoff func(err error) time.Duration
	// Observe is called after each call, before any scrape gets the outcome. begin is when the call
	// began. next is the earliest time of the next call.
	Observe func(err error, begin, next time.Time)
	// Persist stores the state for Resume. It is called before each call, and after it before any
	// scrape gets the outcome.
	Persist func(ResumeState)
}

// Key identifies the calls to which an outcome applies. A reading applies to calls with the same
// key. A failure applies to all calls with the same account, unless it depends on the request.
type Key struct {
	Account string // the API host and the token
	Request string // what the calls request; empty if an outcome applies to all requests
}

// Outcome is the result of Get or Peek: the latest reading, and the error of the latest call.
type Outcome[T any] struct {
	// Reading is the result of the latest successful call, the zero value before the first.
	// All scrapes share it, and must not modify it.
	Reading T
	// Err is nil if the latest call succeeded. Otherwise it is the error of that call, or of the
	// scrape's context if that ended first and the reading is older than 5 minutes or has another
	// key.
	Err error
	// Success is when the latest successful call began; zero before the first.
	Success time.Time
	// Called is when the latest call began, and Took is its duration. Canceled calls do not count.
	Called time.Time
	Took   time.Duration
	// Next is the earliest time of the next call if the latest call failed; otherwise zero.
	Next time.Time
	// TimedOut reports whether the scrape's context ended before the call did.
	TimedOut bool
}

func (o Outcome[T]) withErr(err error) Outcome[T] {
	o.Err = err
	return o
}
