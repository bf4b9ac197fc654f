package ledger

import (
	"slices"
	"time"
)

// Summary is what a good reading of the journal has to show. It is immutable.
type Summary struct {
	// RequestedAt is when it was asked for, by our clock.
	RequestedAt time.Time
	// CountingSince is when the baseline was asked for, by our clock: when counting began.
	CountingSince time.Time
	// Messages is how many messages are remembered.
	Messages int
	// Uncovered is the journal time that no call could cover, since the birth.
	Uncovered time.Duration
	// OldestPending is the timestamp of the oldest pending row of the window, LastMessage that of the newest row ever
	// shown.
	OldestPending, LastMessage Timestamp
	// Types has those of the first documentation and those that have been shown, each word once.
	Types []Type
}

// Type is what there is to show of the messages of a type.
type Type struct {
	Word string
	// Messages counts those first shown since the baseline.
	Messages Counter
	// Statuses has the documented ones and those that have been shown with the type, each word once.
	Statuses []Status
}

// Status is what there is to show of the messages of a type and status.
type Status struct {
	Word string
	// Rows is how many rows of the window have this status now.
	Rows int
	// Reached counts the messages that have reached this status since the baseline.
	Reached Counter
}

// Counter only goes up from 0, which it was when it was created.
type Counter struct {
	Count uint64
	// Created is, by our clock, the ledger's birth, or the good reading before the one that first showed the series.
	Created time.Time
}

// Summary returns what the last good reading has to show, nil before the baseline.
func (l *Ledger) Summary() *Summary {
	if l.birth.IsZero() {
		return nil
	}
	r := &Summary{
		RequestedAt:   l.lookback.lastGood,
		CountingSince: l.birth,
		Messages:      l.messages.len(),
		Uncovered:     l.lookback.uncovered,
		OldestPending: l.window.oldestPending,
		LastMessage:   l.newest,
	}
	// The slices are as long as need be, since someone keeps them.
	types, all := 0, 0
	for _, t := range l.totals {
		if t.Messages.exists() {
			types, all = types+1, all+t.statuses()
		}
	}
	r.Types = make([]Type, 0, types)
	statuses := make([]Status, 0, all)
	for kind, t := range l.totals {
		if !t.Messages.exists() {
			continue
		}
		cells, first := l.window.row(kind), len(statuses)
		for status, counter := range t.Statuses {
			if !counter.exists() {
				continue
			}
			s := Status{Word: l.statuses.words[status], Reached: counter.counter()}
			if status < len(cells) {
				s.Rows = cells[status].rows
			}
			statuses = append(statuses, s)
		}
		r.Types = append(r.Types, Type{l.types.words[kind], t.Messages.counter(), slices.Clip(statuses[first:])})
	}
	return r
}

// statuses is how many there are to show.
func (t *typeState) statuses() int {
	n := 0
	for _, counter := range t.Statuses {
		if counter.exists() {
			n++
		}
	}
	return n
}

// Timestamp is a time by the API's clock in UNIX seconds, or none.
type Timestamp struct {
	Seconds float64
	Known   bool
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

func unix(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }
