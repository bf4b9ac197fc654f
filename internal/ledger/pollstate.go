package ledger

import "time"

// PollState is what the next run of the program must know about earlier calls in order to respect
// the API's limits. The ledger stores it and does not interpret it.
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
	// Settings identifies the settings of the call. If they have changed, the outcome does not
	// predict that of the next call.
	Settings string `json:"settings,omitempty"`
}

func (s *PollState) valid() bool { return s.Failures >= 0 && s.Took >= 0 }

// clampFuture moves a call in the future to now. The wait until the next call stays the same.
func (s *PollState) clampFuture(now time.Time) {
	if s.Begun.After(now) {
		s.Begun, s.Next = now, now.Add(max(0, s.Next.Sub(s.Begun)))
	}
}
