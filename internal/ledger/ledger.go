// Package ledger counts each message once for each status that it reaches.
//
// The journal of an instance is a sliding window. It shows a message in many readings, each time
// with the current status, until the message leaves the window. A Ledger remembers the messages and
// the statuses that each of them has reached. Its totals are a function of the set of (message,
// status) pairs that the journal has shown since the baseline, which is the first reading. Order,
// repetition and overlap of readings and rows do not change the totals. Totals never decrease.
//
// A reading takes these steps:
//
//	batch := l.NewBatch(time.Now())
//	// Request batch.Minutes() of the journal. When the response arrives:
//	batch.SetServerTime(date, time.Now(), latency)
//	// For each row:
//	batch.Add(row)
//	// After the last row:
//	batch.SetNotRows(n)
//	// If the response was complete:
//	summary := batch.Commit()
//	// Before anything exposes the summary:
//	l.Persist(pollState)
package ledger

import (
	"math"
	"time"
)

// Options configures a Ledger.
type Options struct {
	// Minutes is the window: how many minutes of the journal a reading covers. It is at least 1.
	Minutes int
	// MaxMinutes limits how many minutes a call requests after a pause, unless Minutes is larger.
	MaxMinutes int
	// Retention is how long the ledger remembers a message after the journal last showed it. It
	// must exceed Minutes and MaxMinutes by a safe margin. If the ledger forgets a message that the
	// journal still shows, it counts the message twice.
	Retention time.Duration
	// MinInterval is the minimum time between two calls. A longer gap between two readings is a
	// pause only if it exceeds twice this time.
	MinInterval time.Duration
	// Tiered reports whether most calls request only the newest part of the window. Otherwise,
	// every call requests at least the whole window.
	Tiered bool
}

// sweepInterval is the minimum time between two sweeps that forget old messages.
const sweepInterval = 10 * time.Minute

// Ledger counts the messages of one journal. It is not safe for concurrent use.
type Ledger struct {
	vocabularies
	options  Options
	lookback lookback
	messages messageIndex
	totals   []typeState // by index of the type; may be shorter than types.words
	window   window      // after the last reading
	unkeyed  *window     // see Batch.addUnkeyed; nil before the first reading in tiers

	firstListed int // index in messages.list; if Tiered, no message before it is in the window

	countingSince time.Time     // when the baseline was requested, by the local clock
	coveredSince  float64       // UNIX seconds by the server's clock; older rows were not covered
	clock         time.Duration // sum of the gaps from the baseline to the last reading
	lastSweep     time.Duration // on clock
	newest        Timestamp     // of the newest row of all readings
	delays        delays
	uncounted     uint64 // number of new messages older than coveredSince

	pollState PollState
	file      *file    // nil if the ledger is in memory only
	dirty     bool     // whether the file lacks changes of the state or of messages
	dirtyKeys []uint64 // keys of the messages that have changed or returned since the last write
}

// seconds is a time on the ledger's clock. Setting the system clock does not change it.
type seconds uint32

// maxClock is the largest time on a ledger's clock, after 136 years.
const maxClock = math.MaxUint32 * time.Second

func inSeconds(clock time.Duration) seconds { return seconds(clock / time.Second) }

// New returns a Ledger without a baseline that is in memory only.
func New(options Options) *Ledger { return newLedger(documentedWords(), options) }

// newLedger returns a Ledger that starts with the given words. Ledgers may share them.
func newLedger(words vocabularies, options Options) *Ledger {
	l := &Ledger{vocabularies: words, options: options}
	l.Configure(options)
	return l
}

// Configure changes the options from the next reading on. Messages and totals do not change.
func (l *Ledger) Configure(options Options) {
	l.options = options
	l.lookback.configure(options.Minutes, options.MaxMinutes, options.Tiered)
}

// windowClock returns the ledger's clock at the last reading of the whole window.
func (l *Ledger) windowClock() seconds { return inSeconds(max(0, l.clock-l.lookback.windowAge())) }

// forgetOld forgets the messages that the journal has not shown for longer than the retention.
func (l *Ledger) forgetOld() {
	if l.clock-l.lastSweep < sweepInterval {
		return
	}
	l.lastSweep = l.clock
	now, retention := inSeconds(l.clock), inSeconds(l.options.Retention)
	l.messages.deleteFunc(func(m message) bool {
		return m.lastSeen < now && now-m.lastSeen > retention
	})
	l.firstListed = 0
}
