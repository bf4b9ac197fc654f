package ledger

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// tierRun reads a journal into a ledger without tiers every minute, and into one with tiers on a
// random schedule. Times are in seconds.
type tierRun struct {
	t       *rapid.T
	journal *tierJournal
	options Options
	model   *model
	counted map[uint64]string // the status that the model last got, by key

	full     *Ledger
	fullRead int // when full last read the journal

	tiered      *Ledger
	storage     *testStorage      // nil if the tiered ledger is in memory
	totals      map[string]uint64 // of its latest reading
	commits     []int             // when it read the journal
	exact       int               // when a reading last requested exactly the window
	isWide      bool              // whether the latest reading requested more than the window
	steady      int               // when the readings became steady
	isRestarted bool              // whether it has not read the journal since a restart
	shrinks     bool              // whether calls had to request less
	requests    []string          // all calls, for failures of the test

	wasShown map[uint64]bool // whether the gauges showed a message last, by key
	absences map[uint64]int  // how often the gauges lost a message in the window since a restart
}

// maxSteadyGap is the longest time between two steady readings.
const maxSteadyGap = 300

// readFull lets the ledger without tiers read the journal every minute until now. It skips minutes
// in which the journal does not change, but no more than three of them.
func (r *tierRun) readFull(now int) {
	for minute := r.fullRead - r.fullRead%60 + 60; minute < now; minute += 60 {
		if minute-r.fullRead >= 240 || r.journal.lastEvent(minute) > r.fullRead {
			r.readFullAt(minute)
		}
	}
}

func (r *tierRun) readFullAt(now int) *Summary {
	r.fullRead = now
	b := r.full.NewBatch(second(now))
	return r.commit(b, now)
}

// commit commits a reading of the journal.
func (r *tierRun) commit(b *Batch, now int) *Summary {
	b.SetServerTime(second(now), second(now), 0)
	for _, row := range r.journal.rows(now, b.Minutes()) {
		b.Add(row)
	}
	return b.Commit()
}

// call makes a call for the tiered ledger. The outcome is ok, or how it fails.
func (r *tierRun) call(now int, outcome string) {
	r.readFull(now)
	b := r.tiered.NewBatch(second(now))
	r.requests = append(r.requests, fmt.Sprintf("%d: %d min %s", now, b.Minutes(), outcome))
	switch outcome {
	case "too large":
		b.Shrink()
		r.shrinks = true
	case "killed": // before the reading is written
		r.commit(b, now)
		r.restart(now)
	case "ok":
		summary := r.commit(b, now)
		if r.storage != nil {
			r.tiered.Persist(PollState{})
		}
		r.record(now, b.Minutes())
		gap := 0
		if n := len(r.commits); n > 1 {
			gap = now - r.commits[n-2]
		}
		if r.isRestarted || gap == 0 || gap > maxSteadyGap {
			r.steady, r.isRestarted = now, false
		}
		r.check(now, gap, summary)
	}
}

// restart loads the tiered ledger as after a kill.
func (r *tierRun) restart(now int) {
	if r.storage == nil {
		return
	}
	r.isRestarted = true
	r.wasShown, r.absences = make(map[uint64]bool), make(map[uint64]int)
	r.tiered = r.storage.restartWith(r.t, r.options, float64(now)/60)
}

// record records a tiered reading and adds its rows to the model.
func (r *tierRun) record(now, minutes int) {
	isBaseline := len(r.commits) == 0
	r.commits = append(r.commits, now)
	r.isWide = minutes > r.options.Minutes
	if minutes == r.options.Minutes {
		r.exact = now
	}
	for _, row := range r.journal.rows(now, minutes) {
		if row.Key == 0 || r.counted[row.Key] == string(row.Status) {
			continue
		}
		isKnown := r.model.baseline[row.Key] != nil || r.model.shown[row.Key] != nil
		isOld := row.Timed && row.Timestamp < r.tiered.coveredSince
		if !isKnown && !isBaseline && isOld {
			r.model.add(true, row)
		}
		r.model.add(isBaseline, row)
		r.counted[row.Key] = string(row.Status)
	}
}

// read makes calls on a random schedule until the end.
func (r *tierRun) read(end int) {
	t := r.t
	intervals := rapid.SampledFrom([]int{60, 60, 60, 20, 30, 45, 61, 90, 150, 300, 600, 1800})
	events := []string{"none", "pause", "failure"}
	if r.storage != nil {
		events = append(events, "kill", "killed", "killed in pause")
	}
	if rapid.IntRange(0, 3).Draw(t, "shrinks") == 3 {
		events = append(events, "too large")
	}
	window := r.journal.window
	pauses := rapid.SampledFrom([]int{301, 3600, window / 3, window * 3 / 2})
	now := rapid.SampledFrom([]int{0, 0, 0, 600}).Draw(t, "start")
	for now < end {
		interval := intervals.Draw(t, "interval")
		length := rapid.SampledFrom([]int{0, window / 20, window / 3, window}).Draw(t, "length")
		jitter := rapid.SampledFrom([]int{0, 0, 7}).Draw(t, "jitter")
		for stop := min(end, now+length); ; {
			r.call(now, "ok")
			now += interval
			if jitter > 0 {
				now += now % jitter
			}
			if now >= stop {
				break
			}
		}
		switch event := rapid.SampledFrom(events).Draw(t, "event"); event {
		case "pause":
			now += pauses.Draw(t, "pause")
		case "failure", "killed", "too large":
			for range rapid.IntRange(1, 5).Draw(t, "calls") {
				r.call(now, event)
				now += interval
			}
		case "kill":
			r.restart(now)
		case "killed in pause":
			pause := pauses.Draw(t, "pause")
			r.restart(now + pause/2)
			now += pause
		}
	}
}

// TestTiersShowTheJournal reads random journals with and without tiers. Rows and statuses appear up
// to 2 minutes late, and some rows vanish. The journal filters by the time of sending or of the
// last action, and timestamps may move. Calls fail, need fewer minutes and follow pauses. The
// program with tiers is killed at any time.
//
// After each reading with tiers, the totals equal the model and have not decreased. What the gauges
// show of a message is not older than a quarter of its age or the time between two readings. Each
// status that a message reached in the window counts a quarter of the window later. If the journal
// has not changed for that long, gauges and counters equal those without tiers.
func TestTiersShowTheJournal(t *testing.T) {
	root := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		minutes := rapid.SampledFrom([]int{10, 60, 20, 60, 300, 1440}).Draw(t, "window")
		window := minutes * 60
		end := window * 5 / 2
		if minutes == 1440 {
			end = window * 8 / 5
		}
		r := &tierRun{t: t, journal: drawTierJournal(t, window, end), options: testOptions(minutes)}
		r.model, r.counted = newModel(), make(map[uint64]string)
		r.wasShown, r.absences = make(map[uint64]bool), make(map[uint64]int)
		r.options.MinInterval = time.Second *
			time.Duration(rapid.SampledFrom([]int{0, 60, 600}).Draw(t, "minimum interval"))
		r.full = New(r.options)
		r.options.Tiered = true
		if minutes < 1440 && rapid.Bool().Draw(t, "stored") {
			r.storage = newStorageIn(t, root)
			defer r.storage.remove()
			r.restart(0)
		} else {
			r.tiered = New(r.options)
		}
		r.readFullAt(0)
		r.read(end)
	})
}
