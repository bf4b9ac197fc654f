package ledger

import "time"

const (
	// slack is asked for beyond the time since the last good reading: a row can appear 2 minutes after its message
	// (documented), and clocks and calls are not exact.
	slack = 5
	// soon is how far apart two readings may be and still show every message between them without asking for more than
	// the window: statuses of messages that left it in the meantime are the only loss.
	soon = 5 * time.Minute
)

// asking decides how many minutes of the journal the next call asks for.
type asking struct {
	window int // minutes that are always asked for
	most   int // minutes that are never exceeded

	lastGood time.Time     // when the last good reading was asked for, by our clock; zero before the baseline
	unread   time.Duration // journal time that no call could cover
	narrowed bool          // whether a call that asked for more than the window failed since then
	extra    int           // if so, the most that may be asked for beyond the window
}

// gap is the time since the last good reading, 0 where there is none.
func (a *asking) gap(now time.Time) time.Duration {
	if a.lastGood.IsZero() {
		return 0
	}
	return max(0, now.Sub(a.lastGood))
}

// minutes is what to ask for after the gap. What changed during a pause must still be in view, so the pause is added;
// without one, the window alone will do, if the gap is in it.
func (a *asking) minutes(gap time.Duration) int {
	if a.lastGood.IsZero() {
		return a.window
	}
	ask := minutes(gap) + slack
	if gap > soon {
		ask += a.window
	}
	ask = min(max(a.window, ask), a.most)
	if a.narrowed {
		ask = min(ask, a.window+a.extra)
	}
	return ask
}

// tooMuch notes that a call failed that asked for so many minutes, in a way that asking for less may mend. Where not
// even the window could be read, size was not the reason, and the next call asks for all again.
func (a *asking) tooMuch(asked int) {
	a.narrowed, a.extra = asked > a.window, (asked-a.window)/2
}

// good notes a good reading that was asked for at now, for so many minutes.
func (a *asking) good(now time.Time, gap time.Duration, asked int) {
	a.unread += max(0, gap-time.Duration(asked)*time.Minute)
	a.lastGood, a.narrowed = now, false
}

// minutes rounds up.
func minutes(d time.Duration) int { return int((d + time.Minute - 1) / time.Minute) }
