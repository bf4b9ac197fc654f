// Package ledger counts every message once for each status that it reaches.
//
// The journal of an instance is a sliding window: a message is shown in many readings, with the status it has at the
// time, until it leaves. A Ledger remembers which messages it has been shown and which statuses each of them has
// reached, so that its totals are a function of the set of (message, status) pairs shown since the baseline, its first
// reading. Neither the order of readings and rows, nor repetition, nor overlap changes them, and they never go back.
//
// A reading is counted like this:
//
//	count := l.Begin(time.Now())
//	// ask for count.Minutes(); when the answer begins
//	count.Answered(date)
//	// for each of its rows
//	count.Add(row)
//	// and if the whole answer was good
//	reading := count.Commit()
//	// and before anyone sees it
//	l.Called(call)
package ledger

import (
	"math"
	"time"
)

// Options is what a Ledger is made with.
type Options struct {
	// Minutes is the window: how many minutes of the journal a reading shows, at least 1.
	Minutes int
	// MaxMinutes limits how many minutes a call requests after a pause, unless Minutes is larger.
	MaxMinutes int
	// Retention is how long the ledger remembers a message after the journal last returned it. It must
	// exceed Minutes and MaxMinutes by a safe margin: a message that is forgotten while the journal
	// still returns it counts twice.
	Retention time.Duration
}

// sweepEvery is how often the ledger looks for messages to forget, which means to look at all.
const sweepEvery = 10 * time.Minute

// Ledger counts the messages of one journal. It is for one goroutine at a time.
type Ledger struct {
	options  Options
	lookback lookback
	messages messageIndex
	statuses *vocabulary
	types    *vocabulary
	totals   []typeState // by the place of the type; shorter than types where the last have not been shown
	window   window      // of the last good reading

	birth        time.Time     // when the baseline was asked for, by our clock; zero before it
	coveredSince float64       // UNIX seconds, by the API's clock: the journal was first read from here on
	clock        time.Duration // from the birth to the last good reading, as the sum of the gaps
	swept        time.Duration // the clock when messages were last forgotten

	newest Timestamp // the newest ever shown

	pollState PollState  // the last one that it was told of
	persister *persister // nil: it is in memory alone
}

// seconds is a time on the ledger's own clock, which no one can set: good for 136 years.
type seconds uint32

// maxClock is as far as it goes.
const maxClock = math.MaxUint32 * time.Second

func inSeconds(clock time.Duration) seconds { return seconds(clock / time.Second) }

// New returns a Ledger without a baseline, which is kept in memory alone.
func New(options Options) *Ledger { return newLedgerOf(documentedWords(), options) }

// newLedgerOf does so, of words that it may share with others.
func newLedgerOf(w vocabularies, options Options) *Ledger {
	l := &Ledger{options: options, statuses: w.statuses, types: w.types}
	l.SetMinutes(options.Minutes)
	return l
}

// SetMinutes changes the window, from the next reading on. Messages and totals stay as they are.
func (l *Ledger) SetMinutes(minutes int) {
	l.options.Minutes = minutes
	l.lookback.window, l.lookback.maxMinutes = minutes, max(minutes, l.options.MaxMinutes)
}

// NewBatch begins a reading that is asked for at now, by our clock with its monotonic part.
func (l *Ledger) NewBatch(now time.Time) *Batch {
	gap := l.lookback.gap(now)
	clock := min(l.clock+gap, maxClock)
	return &Batch{
		ledger:   l,
		now:      now,
		gap:      gap,
		clock:    clock,
		last:     inSeconds(l.clock),
		shown:    inSeconds(clock),
		minutes:  l.lookback.minutes(now),
		statuses: l.statuses,
		types:    l.types,
		window:   l.window.emptyLike(len(l.types.words), len(l.statuses.words)),
	}
}

// forget lets go of the messages that have not been shown for longer than the retention.
func (l *Ledger) forget() {
	if l.clock-l.swept < sweepEvery {
		return
	}
	l.swept = l.clock
	now, retention := inSeconds(l.clock), inSeconds(l.options.Retention)
	l.messages.forget(func(m message) bool { return m.lastSeen < now && now-m.lastSeen > retention })
}
