package ledger

import "time"

const (
	// visibilityDelay is the number of extra minutes that a call requests after a gap. A row can
	// appear up to 2 minutes after its message (documented). Clocks and calls add some error.
	visibilityDelay = 5
	// maxScrapeGap is the largest gap that the window covers without extra minutes. Such readings
	// still show every message. They miss only statuses of messages that left the window during the
	// gap.
	maxScrapeGap = 5 * time.Minute
)

// lookback decides how many minutes of the journal the next call requests.
type lookback struct {
	window     int // minimum number of minutes to request
	maxMinutes int // maximum number of minutes to request

	lastReading  time.Time     // when the last reading was requested; zero before the baseline
	earlierRun   bool          // whether an earlier run of the program made that reading
	gapUnknown   bool          // whether the clock was set back since then
	uncovered    time.Duration // total journal time that no call covered
	shrunk       bool          // whether a call for more than the window has failed since lastGood
	extraMinutes int           // if shrunk, maximum number of minutes beyond the window
}

// resume prepares a lookback from an earlier run for use at now. Only the wall clock measures the
// time between runs. Later gaps use the monotonic clock.
func (l *lookback) resume(now time.Time) {
	if l.lastReading.IsZero() {
		return
	}
	gap := now.Sub(l.lastReading)
	l.earlierRun, l.gapUnknown = true, gap < 0
	l.lastReading = now.Add(-max(0, gap))
}

// gap returns the time since the last reading, or 0 if there is none.
func (l *lookback) gap(now time.Time) time.Duration {
	if l.lastReading.IsZero() {
		return 0
	}
	return max(0, now.Sub(l.lastReading))
}

// longestGap returns the time since the last reading, by the clock that has advanced further. The
// monotonic clock stops while the machine sleeps (golang/go#24595), and the wall clock can be set.
func (l *lookback) longestGap(now time.Time) time.Duration {
	return max(l.gap(now), now.Round(0).Sub(l.lastReading.Round(0)))
}

func (l *lookback) isGapUnknown(now time.Time) bool {
	return l.gapUnknown || now.Before(l.lastReading)
}

// isAfterPause reports whether the last reading is too long ago for one at now to show when
// messages reached their statuses. minInterval is the minimum time between two calls.
func (l *lookback) isAfterPause(now time.Time, minInterval time.Duration) bool {
	return l.isGapUnknown(now) || l.longestGap(now) > max(maxScrapeGap, 2*minInterval)
}

// minutes returns how many minutes to request at now. A call after a pause requests the window plus
// the gap, so that it shows everything that changed during the pause.
func (l *lookback) minutes(now time.Time) int {
	if l.lastReading.IsZero() {
		return l.window
	}
	gap := l.longestGap(now)
	request := ceilMinutes(gap) + visibilityDelay
	if gap > maxScrapeGap || l.earlierRun {
		request += l.window
	}
	if l.isGapUnknown(now) {
		request = l.maxMinutes
	}
	request = min(max(l.window, request), l.maxMinutes)
	if l.shrunk {
		request = min(request, l.window+l.extraMinutes)
	}
	return request
}

// shrink records a failed call that might succeed for fewer minutes. It halves the extra minutes.
// If a call for the window alone fails, the size was not the cause, and the limit ends.
func (l *lookback) shrink(requested int) {
	l.shrunk, l.extraMinutes = requested > l.window, (requested-l.window)/2
}

func (l *lookback) success(now time.Time, requested int) {
	l.uncovered += max(0, l.gap(now)-time.Duration(requested)*time.Minute)
	l.lastReading, l.earlierRun, l.gapUnknown, l.shrunk = now, false, false, false
}

func ceilMinutes(d time.Duration) int { return int((d + time.Minute - 1) / time.Minute) }
