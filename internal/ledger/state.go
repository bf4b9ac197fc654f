package ledger

import (
	"math"
	"slices"
	"time"
)

const (
	maxStatuses = 32  // bits of a statusSet
	maxTypes    = 256 // values of an index
)

// state is a Ledger without its messages, as stored in the file. The JSON names are part of the
// file's format. Times are in UNIX nanoseconds, or 0 if unknown. Durations are in nanoseconds.
// Statuses and Types define the indexes in the rest of the record, which may differ from those in
// memory.
type state struct {
	Statuses []string    `json:"statuses"`
	Types    []string    `json:"types"`
	Totals   []typeState `json:"totals"`            // by type
	Rows     [][]int32   `json:"rows"`              // of the window, by type and status
	Pending  *float64    `json:"pending,omitempty"` // of the window
	Newest   *float64    `json:"newest,omitempty"`

	CountingSince int64   `json:"birth"`
	CoveredSince  float64 `json:"reach"` // UNIX seconds
	LastGood      int64   `json:"last_good"`
	Clock         int64   `json:"clock"`
	Uncovered     int64   `json:"unread"`

	// Files of earlier releases lack the following fields.
	Uncounted uint64        `json:"uncounted,omitempty"`
	Malformed MalformedRows `json:"malformed,omitzero"` // of the window
	Delays    delays        `json:"delays,omitzero"`

	Recent [][recentAges]int32 `json:"recent,omitempty"` // by status and age

	// WindowAge is the time from the last reading of the whole window to LastGood, in nanoseconds.
	WindowAge int64 `json:"window_age,omitempty"`
}

// typeState holds the counters of a type. Statuses is by index and may be short.
type typeState struct {
	Messages counterState   `json:"messages,omitzero"`
	Statuses []counterState `json:"statuses,omitempty"`
}

// counterState is a count and the counter's creation time, which is 0 if it does not exist.
type counterState [2]uint64

// state returns the state of the ledger. It shares memory with the ledger.
func (l *Ledger) state() *state {
	rows := make([][]int32, len(l.window.types))
	for typ := range rows {
		rows[typ] = l.window.types[typ].counts[:len(l.statuses.words)]
	}
	return &state{
		Statuses:      l.statuses.words,
		Types:         l.types.words,
		Totals:        l.totals,
		Rows:          rows,
		Pending:       l.window.oldestPending.pointer(),
		Newest:        l.newest.pointer(),
		CountingSince: nanoseconds(l.countingSince),
		CoveredSince:  l.coveredSince,
		LastGood:      nanoseconds(l.lookback.lastReading),
		Clock:         int64(l.clock),
		Uncovered:     int64(l.lookback.uncovered),
		Uncounted:     l.uncounted,
		Malformed:     l.window.malformed,
		Delays:        l.delays,
		Recent:        l.window.recent[:len(l.statuses.words)],
		WindowAge:     int64(l.lookback.windowAge()),
	}
}

// valid reports whether all indexes refer to words and all numbers are in range.
func (s *state) valid() bool {
	invalid := func(c counterState) bool { return !c.valid() }
	for _, t := range s.Totals {
		if len(t.Statuses) > len(s.Statuses) || invalid(t.Messages) ||
			slices.ContainsFunc(t.Statuses, invalid) {
			return false
		}
	}
	var rows int64 // the sum must be in range, because several words can have the same index
	for _, counts := range s.Rows {
		if len(counts) > len(s.Statuses) {
			return false
		}
		for _, n := range counts {
			if n < 0 {
				return false
			}
			rows += int64(n)
		}
	}
	var recent int64
	for _, counts := range s.Recent {
		for _, n := range counts {
			if n < 0 {
				return false
			}
			recent += int64(n)
		}
	}
	return recent <= math.MaxInt32 && len(s.Recent) <= len(s.Statuses) &&
		rows <= math.MaxInt32 && len(s.Statuses) <= maxStatuses && len(s.Types) <= maxTypes &&
		len(s.Totals) <= len(s.Types) && len(s.Rows) <= len(s.Types) &&
		s.CountingSince >= 0 && s.LastGood >= 0 && (s.CountingSince == 0) == (s.LastGood == 0) &&
		s.Delays.Created >= 0 && s.WindowAge >= 0 && s.Uncovered >= 0 &&
		s.Clock >= 0 && s.Clock <= int64(maxClock) && slices.Min(s.Malformed[:]) >= 0
}

// restore applies a valid record with a state.
func (l *Ledger) restore(r record) {
	s := r.State
	statusIndex, statuses := l.statuses.remap(s.Statuses)
	typeIndex, types := l.types.remap(s.Types)
	l.vocabularies = vocabularies{statuses, types}
	l.totals = make([]typeState, len(types.words))
	for typ, stored := range s.Totals {
		t := &l.totals[typeIndex[typ]]
		t.Messages.add(stored.Messages)
		for status, c := range stored.Statuses {
			t.Statuses = growTo(t.Statuses, len(statuses.words))
			t.Statuses[statusIndex[status]].add(c)
		}
	}
	l.window = window{types: make([]typeRows, len(s.Rows)),
		oldestPending: timestamp(s.Pending), malformed: s.Malformed}
	for typ, counts := range s.Rows {
		for status, n := range counts {
			l.window.add(typeIndex[typ], statusIndex[status], n)
		}
	}
	for status, counts := range s.Recent {
		for age, n := range counts {
			l.window.recent[statusIndex[status]][age] += n
		}
	}
	l.countingSince = fromNanoseconds(s.CountingSince)
	l.coveredSince, l.newest = s.CoveredSince, timestamp(s.Newest)
	l.clock, l.lookback.uncovered = time.Duration(s.Clock), time.Duration(s.Uncovered)
	l.uncounted, l.delays = s.Uncounted, s.Delays
	if l.delays.Created == 0 { // a file of an earlier release
		l.delays.Created = s.LastGood
	}
	l.lookback.lastReading = fromNanoseconds(s.LastGood)
	l.lookback.setAge(time.Duration(s.WindowAge))
	if len(l.messages.list) == 0 { // later records contain mostly known messages
		l.messages.grow(len(r.messages) / r.messageLength)
	}
	for data := range slices.Chunk(r.messages, r.messageLength) {
		m := decodeMessage(data)
		stored := m.reached
		m.reached = 0
		for i, status := range statusIndex {
			m.reached |= stored >> i & 1 << status
		}
		if r.messageLength > messageLengthV1 {
			m.latestStatus = statusIndex[m.latestStatus]
			m.latestType, m.firstType = typeIndex[m.latestType], typeIndex[m.firstType]
		}
		l.messages.put(m)
	}
}

func (c counterState) exists() bool { return c[1] > 0 }

func (c counterState) valid() bool { return c[1] <= math.MaxInt64 && (c[1] > 0 || c[0] == 0) }

func (c counterState) counter() Counter { return Counter{c[0], fromNanoseconds(int64(c[1]))} }

func (c *counterState) create(at time.Time) {
	if !c.exists() {
		c[1] = uint64(nanoseconds(at))
	}
}

func (c *counterState) increment() { c[0]++ }

// add adds a stored counter. Two stored words can map to the same index.
func (c *counterState) add(stored counterState) {
	c[0] += stored[0]
	if !c.exists() {
		c[1] = stored[1]
	}
}

func (t Timestamp) pointer() *float64 {
	if !t.Known {
		return nil
	}
	return &t.Seconds
}

func timestamp(seconds *float64) Timestamp {
	if seconds == nil {
		return Timestamp{}
	}
	return Timestamp{*seconds, true}
}

func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromNanoseconds(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n)
}
