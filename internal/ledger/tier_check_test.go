package ledger

import (
	"maps"
	"slices"
	"strings"
)

// check checks the summary of a tiered reading. gap is the time since the previous reading. After a
// call that had to request less, only the counters are promised.
func (r *tierRun) check(now, gap int, summary *Summary) {
	r.checkTotals(now, summary)
	if r.shrinks {
		return
	}
	r.checkGauges(now, gap, summary)
	r.checkStatusesCount(now)
	r.checkQuiet(now, summary)
}

// checkTotals checks that no counter decreases, and that the counters equal the model.
func (r *tierRun) checkTotals(now int, summary *Summary) {
	current := totals(summary)
	assertNotDecreasing(r.t, r.totals, current)
	r.totals = current
	if want := r.model.totals(); !maps.Equal(current, want) {
		r.fail(now, nil, "counters\n%v, want\n%v", current, want)
	}
}

// checkGauges checks the row of each message. Rows without an id are as of the last reading of the
// window alone, unless a later reading has more of them.
func (r *tierRun) checkGauges(now, gap int, summary *Summary) {
	rows := rowsByType(summary)
	noID, minNoID := 0, 0
	for _, c := range r.journal.lives {
		r.checkRow(now, gap, c, rows[c.typ])
		if c.key != 0 {
			continue
		}
		noID += len(rows[c.typ])
		if _, always := c.inWindow(r.exact, now); always && !r.isWide {
			minNoID++
		}
	}
	if n := int(summary.Malformed[NoID]); n != noID || n < minNoID {
		r.fail(now, nil, "%d rows without id, want %d, at least %d", n, noID, minNoID)
	}
}

// checkRow checks that the gauges show a message as the journal did a while ago: at most the longer
// of the time between two readings and a quarter of the message's age. A reading of the window
// alone shows the journal as it is.
func (r *tierRun) checkRow(now, gap int, c *life, got []string) {
	since := now - max(gap, (now-c.sent+3)/4) - 1
	// Only a reading of the whole window proves that a row is absent. Shorter readings usually do.
	absentSince := min(since, r.exact)
	if r.exact == now {
		since, absentSince = now, now
	}
	ever, always := c.inWindow(since, now)
	isMissing := len(got) == 0 && always
	if !ever || c.key == 0 || c.vanishes <= now {
		since = absentSince
		ever, _ = c.inWindow(since, now)
		// Timestamps do not show which rows of a wide reading are in the window. The next reading,
		// of the window alone, does.
		isUncertain := !c.isTimed || c.key == 0 || r.journal.moves != r.journal.byLastAction
		ever = ever || r.isWide && isUncertain
	}
	if isMissing && r.wasShown[c.key] {
		r.absences[c.key]++
	}
	r.wasShown[c.key] = len(got) > 0
	isStale := func(status string) bool { return !c.hadStatus(status, since, now) }
	switch {
	case len(got) > 1:
		r.fail(now, c, "shown as %q", got)
	case len(got) == 1 && !ever:
		r.fail(now, c, "shown as %q, but not in the window since %d", got, since)
	case slices.ContainsFunc(got, isStale):
		r.fail(now, c, "shown as %q, which is before %d", got, since)
	case isMissing && !r.mayBeMissing(now, c):
		r.fail(now, c, "not shown, but in the window since %d", since)
	}
}

// mayBeMissing reports whether a message may be missing from the gauges for a while, because the
// ledger does not know the time by which the journal filters the message. Either the ledger first
// saw the message with a later timestamp, or a later action has extended its stay in the window.
// The next reading of the window alone shows the message, and the ledger learns from it.
func (r *tierRun) mayBeMissing(now int, c *life) bool {
	m, j := r.tiered.messages.get(c.key), r.journal
	switch {
	case r.exact == now:
		return false
	case m == nil:
		return c.key == 0
	case j.moves && !j.byLastAction:
		return int64(m.time) > second(c.sent).Unix() && r.absences[c.key] < 2
	case j.byLastAction && (!j.moves || !c.isTimed):
		end := int(m.listed) - int(testNow.Unix()) + j.window
		return end < now && (r.isWide || r.exact < end+edgeTolerance)
	default:
		return false
	}
}

// checkStatusesCount checks that each status that a message reached in the window counts a quarter
// of the window later.
func (r *tierRun) checkStatusesCount(now int) {
	for _, c := range r.journal.lives {
		for _, l := range c.listed {
			if c.key == 0 || c.isSampled || c.vanishes <= now || l.from <= r.commits[0] ||
				now-l.from < r.patience(l.from) {
				continue
			}
			m := r.tiered.messages.get(c.key)
			if m == nil {
				r.fail(now, c, "forgotten")
				return
			}
			status, _ := r.tiered.statuses.intern([]byte(l.status))
			if set := impliedStatuses(status); m.reached&set != set {
				r.fail(now, c, "%q does not count", l.status)
			}
		}
	}
}

// patience returns a quarter of the window, or the time that a few calls take since the given one.
func (r *tierRun) patience(since int) int {
	longest := 0
	for i := len(r.commits) - 1; i > 0 && r.commits[i] > since; i-- {
		longest = max(longest, r.commits[i]-r.commits[i-1])
	}
	return max(r.journal.window/4, r.journal.window/6+3*longest) + 1
}

// checkQuiet compares the ledgers if the journal has not changed for a quarter of the window. It
// skips wide readings, because the ledger does not know which of their rows without a time are in
// the window.
func (r *tierRun) checkQuiet(now int, summary *Summary) {
	quiet := max(r.journal.lastEvent(now), r.steady)
	if r.isWide || now-quiet < r.patience(quiet) {
		return
	}
	full := r.readFullAt(now)
	got, want := windowRows(summary), windowRows(full)
	sameTimes := true // whether both ledgers know the same time of each message
	for _, c := range r.journal.lives {
		if c.key == 0 {
			sameTimes = sameTimes && !c.isTimed
			continue
		}
		if r.mayBeMissing(now, c) {
			forget := func(series string, _ int) bool { return isSeriesOf(c.typ, series) }
			maps.DeleteFunc(got, forget)
			maps.DeleteFunc(want, forget)
			sameTimes = false
		}
		a, b := r.tiered.messages.get(c.key), r.full.messages.get(c.key)
		sameTimes = sameTimes && (a == nil || b == nil || a.time == b.time)
		r.checkCounters(now, c, summary, full)
	}
	if !maps.Equal(got, want) || summary.Malformed != full.Malformed {
		r.fail(now, nil, "rows %v and malformed %v, want %v and %v",
			got, summary.Malformed, want, full.Malformed)
	}
	if sameTimes && (!maps.Equal(recentRowsOf(summary), recentRowsOf(full)) ||
		summary.OldestPending != full.OldestPending) {
		r.fail(now, nil, "%+v and %v, want %+v and %v",
			summary.Recent, summary.OldestPending, full.Recent, full.OldestPending)
	}
}

// checkCounters compares the counters of a message if both ledgers started at the same time. If a
// message leaves the window between two readings of full, only the tiered ledger counts its last
// status.
func (r *tierRun) checkCounters(now int, c *life, summary, full *Summary) {
	if r.commits[0] != 0 || c.isSampled || c.vanishes <= now ||
		summary.Uncounted+full.Uncounted > 0 {
		return
	}
	m, last := r.full.messages.get(c.key), c.at(now)
	isFinal := m != nil && last != nil && r.full.statuses.words[m.latestStatus] == last.status
	counters := totals(summary)
	for series, want := range totals(full) {
		got := counters[series]
		if isSeriesOf(c.typ, series) && (got < want || isFinal && got != want) {
			r.fail(now, c, "%s is %d, want %d", series, got, want)
		}
	}
}

// isSeriesOf reports whether a series of totals or windowRows is of a type.
func isSeriesOf(typ, series string) bool { return strings.HasSuffix("/"+series, "/"+typ) }

// recentRowsOf returns the recent rows by status.
func recentRowsOf(summary *Summary) map[string][recentAges]int {
	rows := make(map[string][recentAges]int)
	for _, s := range summary.Recent {
		rows[s.Word] = s.Rows
	}
	return rows
}

// rowsByType returns the statuses of the rows of each type.
func rowsByType(summary *Summary) map[string][]string {
	rows := make(map[string][]string)
	for _, t := range summary.Types {
		for _, s := range t.Statuses {
			for range s.Rows {
				rows[t.Word] = append(rows[t.Word], s.Word)
			}
		}
	}
	return rows
}

// fail fails the test. It logs the journal and the latest calls. c is the message or nil.
func (r *tierRun) fail(now int, c *life, format string, args ...any) {
	r.t.Helper()
	r.t.Logf("window %d s, moves %t, byLastAction %t", r.journal.window, r.journal.moves,
		r.journal.byLastAction)
	for _, c := range r.journal.lives {
		r.t.Logf("%+v", *c)
	}
	r.t.Logf("calls: %s", strings.Join(r.requests[max(0, len(r.requests)-30):], ", "))
	if c != nil {
		r.t.Logf("message: %+v, in the ledger: %+v", *c, r.tiered.messages.get(c.key))
	}
	r.t.Fatalf("at second %d: "+format, append([]any{now}, args...)...)
}
