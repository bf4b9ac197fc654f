package ledger

import "time"

// Reading is what a good reading of the journal has to show. It is immutable.
type Reading struct {
	// Asked is when it was asked for, by our clock.
	Asked time.Time
	// Birth is when the baseline was asked for, by our clock: when counting began.
	Birth time.Time
	// Messages is how many messages are remembered.
	Messages int
	// Unread is the journal time that no call could cover, since the birth.
	Unread time.Duration
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

func (c *Counter) create(at time.Time) {
	if c.Created.IsZero() {
		c.Created = at
	}
}

// Reading returns what the last good reading has to show, nil before the baseline.
func (l *Ledger) Reading() *Reading {
	if l.birth.IsZero() {
		return nil
	}
	r := &Reading{
		Asked:         l.asking.lastGood,
		Birth:         l.birth,
		Messages:      l.messages.n,
		Unread:        l.asking.unread,
		OldestPending: l.window.pending,
		LastMessage:   l.newest,
	}
	for kind := range l.totals {
		t := &l.totals[kind]
		if t.messages.Created.IsZero() {
			continue
		}
		cells := l.window.of(kind)
		shown := Type{Word: l.types.words[kind], Messages: t.messages, Statuses: make([]Status, 0, len(t.statuses))}
		for status, counter := range t.statuses {
			if counter.Created.IsZero() {
				continue
			}
			s := Status{Word: l.statuses.words[status], Reached: counter}
			if status < len(cells) {
				s.Rows = cells[status].rows
			}
			shown.Statuses = append(shown.Statuses, s)
		}
		r.Types = append(r.Types, shown)
	}
	return r
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
