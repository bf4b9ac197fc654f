package ledger

import (
	"math"
	"slices"
	"time"
)

// Summary is the state of a ledger after a reading. It is immutable.
type Summary struct {
	// RequestedAt is when the reading was requested, by the local clock.
	RequestedAt time.Time
	// CountingSince is when the baseline was requested, by the local clock.
	CountingSince time.Time
	// Messages is the number of messages that the ledger remembers.
	Messages int
	// Uncovered is the total journal time since the baseline that no call covered.
	Uncovered time.Duration
	// Uncounted is the number of messages that the ledger remembers but never counted, because they
	// are older than the time that it covers. It excludes the messages of the baseline.
	Uncounted uint64
	// OldestPending is the timestamp of the oldest pending row in the window. LastMessage is the
	// timestamp of the newest row of all readings.
	OldestPending, LastMessage Timestamp
	// Malformed counts the malformed rows in the window.
	Malformed MalformedRows
	// Recent counts the recent rows of the latest reading, except for reactions and deletions.
	Recent []RecentStatus
	// Delays contains the histograms of sent, delivered and read, in this order.
	Delays []StatusDelay
	// Types contains the default types and all types that the journal has shown, without
	// duplicates.
	Types []Type
}

// Type counts the messages of one type.
type Type struct {
	Word string
	// Messages counts the messages first shown after the baseline.
	Messages Counter
	// Statuses contains the documented statuses and all that the journal has shown with the type,
	// without duplicates.
	Statuses []Status
}

// Status counts the messages of one type and status.
type Status struct {
	Word string
	// Rows is the number of rows in the window that have this status now.
	Rows int
	// Reached counts the messages that have reached this status since the baseline.
	Reached Counter
}

// Counter is a count that never decreases.
type Counter struct {
	Count uint64
	// Created is a time at which Count was 0, by the local clock. It is the time of the baseline,
	// or of the reading before the one that first needed the series.
	Created time.Time
}

// Summary returns the state after the last reading, or nil before the baseline.
func (l *Ledger) Summary() *Summary {
	if l.countingSince.IsZero() {
		return nil
	}
	s := &Summary{
		RequestedAt:   l.lookback.lastReading,
		CountingSince: l.countingSince,
		Messages:      len(l.messages.list),
		Uncovered:     l.lookback.uncovered,
		Uncounted:     l.uncounted,
		OldestPending: l.window.oldestPending,
		LastMessage:   l.newest,
		Malformed:     l.window.malformed,
		Recent:        l.window.recent.summary(l.statuses.words),
		Delays:        l.delays.summary(l.statuses.words),
	}
	// Callers retain summaries, so allocate the slices without spare capacity.
	types, total := 0, 0
	for _, t := range l.totals {
		if t.Messages.exists() {
			types++
		}
		for _, c := range t.Statuses {
			if c.exists() {
				total++
			}
		}
	}
	s.Types = make([]Type, 0, types)
	statuses := make([]Status, 0, total)
	for typ, t := range l.totals {
		if !t.Messages.exists() {
			continue
		}
		rows, first := l.window.get(typ).counts, len(statuses)
		for status, c := range t.Statuses {
			if c.exists() {
				word := l.statuses.words[status]
				statuses = append(statuses, Status{word, int(rows[status]), c.counter()})
			}
		}
		s.Types = append(s.Types,
			Type{l.types.words[typ], t.Messages.counter(), slices.Clip(statuses[first:])})
	}
	return s
}

// Timestamp is an optional time in UNIX seconds, by the server's clock.
type Timestamp struct {
	Seconds float64
	Known   bool
}

// wholeSeconds returns the timestamp without its fraction. It returns 0 if there is no timestamp or
// if it is out of range.
func (t Timestamp) wholeSeconds() uint32 {
	if !t.Known || t.Seconds < 0 || t.Seconds > math.MaxUint32 {
		return 0
	}
	return uint32(t.Seconds)
}

func (t Timestamp) earlier(u Timestamp) Timestamp {
	if !t.Known || u.Known && u.Seconds < t.Seconds {
		return u
	}
	return t
}

func (t Timestamp) later(u Timestamp) Timestamp {
	if !t.Known || u.Known && u.Seconds > t.Seconds {
		return u
	}
	return t
}

// maxTimestampAhead is how many seconds a row's timestamp can be ahead of the clocks.
const maxTimestampAhead = 3600

// plausible returns t, or no time if t is not positive or after latest. An earlier response with a
// wrong Date, or an earlier release, can have accepted such a time.
func (t Timestamp) plausible(latest float64) Timestamp {
	if t.Seconds <= 0 || t.Seconds > latest {
		return Timestamp{}
	}
	return t
}

// unixSeconds does not use UnixNano, which overflows in 2262.
func unixSeconds(t time.Time) float64 { return float64(t.Unix()) + float64(t.Nanosecond())/1e9 }
