package ledger

import "time"

const (
	// visibilityDelay is asked for beyond the time since the last good reading: a row can appear 2 minutes after its message
	// (documented), and clocks and calls are not exact.
	visibilityDelay = 5
	// maxScrapeGap is how far apart two readings may be and still show every message between them without asking for more than
	// the window: statuses of messages that left it in the meantime are the only loss.
	maxScrapeGap = 5 * time.Minute
)

// lookback decides how many minutes of the journal the next call asks for.
type lookback struct {
	window     int // minutes that are always asked for
	maxMinutes int // minutes that are never exceeded

	lastGood  time.Time     // when the last good reading was asked for, by our clock; zero before the baseline
	earlier   bool          // whether that was in an earlier run of the program
	unknown   bool          // whether it is not known how long ago that was, since the clock has been set back
	uncovered time.Duration // journal time that no call could cover
	shrunk    bool          // whether a call that asked for more than the window failed since then
	maxExtra  int           // if so, the most that may be asked for beyond the window
}

// resume goes on at now with what an earlier run has left. That run's clock and this one's are both the wall's; from
// now on it is the monotonic one.
func (a *lookback) resume(now time.Time) {
	if a.lastGood.IsZero() {
		return
	}
	gap := now.Sub(a.lastGood)
	a.earlier, a.unknown = true, gap < 0
	a.lastGood = now.Add(-max(0, gap))
}

// gap is the time since the last good reading, by the monotonic clock if it was in this run; 0 where there is none or it
// is not known.
func (a *lookback) gap(now time.Time) time.Duration {
	if a.lastGood.IsZero() {
		return 0
	}
	return max(0, now.Sub(a.lastGood))
}

// minutes is what to ask for at now. What changed during a pause must still be in view, so the pause is added; without
// one, the window alone will do, if the gap is in it.
func (a *lookback) minutes(now time.Time) int {
	if a.lastGood.IsZero() {
		return a.window
	}
	// The monotonic clock stands still where the machine sleeps (golang/go#24595), and the wall clock can be set. Asking
	// for too much costs little.
	gap := max(a.gap(now), now.Round(0).Sub(a.lastGood.Round(0)))
	ask := minutes(gap) + visibilityDelay
	if gap > maxScrapeGap || a.earlier {
		ask += a.window
	}
	if a.unknown || now.Before(a.lastGood) {
		ask = a.maxMinutes
	}
	ask = min(max(a.window, ask), a.maxMinutes)
	if a.shrunk {
		ask = min(ask, a.window+a.maxExtra)
	}
	return ask
}

// shrink notes that a call failed that asked for so many minutes, in a way that asking for less may mend. Where not
// even the window could be read, size was not the reason, and the next call asks for all again.
func (a *lookback) shrink(asked int) {
	a.shrunk, a.maxExtra = asked > a.window, (asked-a.window)/2
}

// success notes a good reading that was asked for at now, for so many minutes.
func (a *lookback) success(now time.Time, gap time.Duration, asked int) {
	a.uncovered += max(0, gap-time.Duration(asked)*time.Minute)
	a.lastGood, a.earlier, a.unknown, a.shrunk = now, false, false, false
}

// minutes rounds up.
func minutes(d time.Duration) int { return int((d + time.Minute - 1) / time.Minute) }
