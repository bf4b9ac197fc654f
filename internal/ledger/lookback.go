package ledger

import "time"

const (
	// visibilityDelay is the number of extra minutes that a call requests after a gap. A row can
	// appear up to 2 minutes after its message (documented). Clocks and calls add some error.
	visibilityDelay = 5
	// maxScrapeGap is the largest gap between two readings of the window for which no extra minutes
	// are requested. Such readings still show every message. They miss only statuses of messages
	// that left the window during the gap.
	maxScrapeGap = 5 * time.Minute
	// minTier is the minimum number of minutes of a tier. It must be at least visibilityDelay, so
	// that the shortest tier shows every new message.
	minTier = 5
	// tierReadings is the minimum number of readings of a tier during a period as long as the tier,
	// if calls are frequent enough. A call for half of the tier also requests the minutes since the
	// previous such call. So with six readings, the data about a message is never older than a
	// quarter of the message's age.
	tierReadings = 6
)

// lookback determines how many minutes of the journal the next call requests. For each tier, it
// records when a reading last covered all of its minutes.
type lookback struct {
	tiers      []tier // by length; the last one is the window
	maxMinutes int    // maximum number of minutes to request

	lastReading  time.Time     // when the last reading was requested; zero before the baseline
	earlierRun   bool          // whether an earlier run of the program made that reading
	gapUnknown   bool          // whether the clock was set back since then
	recheck      bool          // whether the next call must request exactly the window
	uncovered    time.Duration // total journal time that no call covered
	shrunk       int           // minutes of the tier whose call for more has failed, or 0
	extraMinutes int           // maximum number of minutes beyond that tier
}

// tier is the newest part of the window, or all of it.
type tier struct {
	minutes int
	age     time.Duration // from the last reading that covered the tier to lastReading
}

// request describes the minutes that a call requests.
type request struct {
	minutes int
	tier    int  // length in minutes of the longest tier in them
	isWhole bool // whether that tier is the window
	isWide  bool // whether they include minutes before the window, for messages that have left it
	covered int  // number of tiers that the response covers
}

// configure changes the tiers. If tiered is false, the window is the only tier. The age of a new
// tier is that of the shortest previous tier that contains it, or else of the longest one.
func (l *lookback) configure(window, maxMinutes int, tiered bool) {
	lengths := []int{window}
	for tiered && lengths[0]/2 >= minTier {
		lengths = append([]int{lengths[0] / 2}, lengths...)
	}
	l.maxMinutes = max(window, maxMinutes)
	if tiered {
		// The previous reading of the window has shown all messages that a call requests, so the
		// ledger has not forgotten them.
		l.maxMinutes = max(l.maxMinutes, window+window/3+2*visibilityDelay)
	}
	if len(lengths) == len(l.tiers) && l.window() == window {
		return
	}
	tiers := make([]tier, len(lengths))
	for i, minutes := range lengths {
		tiers[i].minutes = minutes
		for _, previous := range l.tiers {
			if tiers[i].age = previous.age; previous.minutes >= minutes {
				break
			}
		}
	}
	l.tiers, l.recheck = tiers, tiered
}

// window returns the length of the window in minutes, or 0 before the first call of configure.
func (l *lookback) window() int {
	if len(l.tiers) == 0 {
		return 0
	}
	return l.tiers[len(l.tiers)-1].minutes
}

// windowAge returns the time from the last reading of the window to the last reading.
func (l *lookback) windowAge() time.Duration { return l.tiers[len(l.tiers)-1].age }

// setAge sets the age of all tiers.
func (l *lookback) setAge(age time.Duration) {
	for i := range l.tiers {
		l.tiers[i].age = age
	}
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

// request returns the request of a call at now. It requests the longest tier that is due, and
// usually also the minutes since a reading last covered that tier. The response then also shows the
// messages that have left the tier since.
func (l *lookback) request(now time.Time) request {
	if l.lastReading.IsZero() {
		return request{minutes: l.window(), tier: l.window(), isWhole: true, covered: len(l.tiers)}
	}
	isUnknown := l.isGapUnknown(now)
	due := l.due(l.longestGap(now), l.earlierRun || isUnknown || l.recheck)
	t := l.tiers[due]
	age := t.age + l.longestGap(now)
	r := request{tier: t.minutes, isWhole: due == len(l.tiers)-1, covered: due + 1}
	switch {
	case !r.isWhole: // longer tiers will show the rows that appear late
		r.minutes = t.minutes + ceilMinutes(age)
	case isUnknown:
		r.minutes, r.isWide = l.maxMinutes, true
	case !l.earlierRun && (l.recheck || len(l.tiers) == 1 && age <= maxScrapeGap):
		r.minutes = max(t.minutes, ceilMinutes(age)+visibilityDelay)
		if age > maxScrapeGap {
			r.covered-- // the response lacks the messages that left the window during the gap
		}
	default:
		r.minutes, r.isWide = t.minutes+ceilMinutes(age)+visibilityDelay, true
	}
	r.minutes = min(r.minutes, l.maxMinutes)
	if l.shrunk == t.minutes {
		r.minutes = min(r.minutes, t.minutes+l.extraMinutes)
	}
	return r
}

// due returns the index of the longest tier that is due after a gap, or of the shortest tier if
// none is due. If all is true, every tier is due.
func (l *lookback) due(gap time.Duration, all bool) int {
	due := 0
	for i, t := range l.tiers {
		if all || t.age+gap > time.Duration(t.minutes)*time.Minute/tierReadings {
			due = i
		}
	}
	return due
}

// shrink records a failed call that might succeed for fewer minutes. It halves the extra minutes.
// If a call for exactly the tier fails, the size was not the cause, so shrink removes the limit.
func (l *lookback) shrink(r request) {
	l.shrunk, l.extraMinutes = 0, (r.minutes-r.tier)/2
	if r.minutes > r.tier {
		l.shrunk = r.tier
	}
}

// success records a reading. If there are several tiers and the call requested more than the
// window, the next call requests exactly the window. Only such a call shows which messages are in
// the window, because the API might not filter rows by their timestamps.
func (l *lookback) success(now time.Time, r request) {
	gap := l.longestGap(now)
	for i := range l.tiers {
		if l.tiers[i].age += gap; i < r.covered || l.lastReading.IsZero() {
			l.tiers[i].age = 0
		}
	}
	l.uncovered += max(0, l.gap(now)-time.Duration(r.minutes)*time.Minute)
	l.recheck = r.isWide && r.minutes > r.tier && len(l.tiers) > 1
	l.lastReading, l.earlierRun, l.gapUnknown, l.shrunk = now, false, false, 0
}

func ceilMinutes(d time.Duration) int { return int((d + time.Minute - 1) / time.Minute) }
