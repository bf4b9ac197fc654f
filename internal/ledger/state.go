package ledger

import (
	"encoding/binary"
	"math"
	"time"
)

const (
	maxStatuses = 32  // as many as a statusSet has bits
	maxTypes    = 256 // as many as there are places
)

// state is a Ledger but for its messages. Times are UNIX nanoseconds, 0 for none. The words say what the places in the
// rest of the record mean, which may not be those that they have in this version of the program.
type state struct {
	Statuses []string    `json:"statuses"`
	Types    []string    `json:"types"`
	Totals   []typeState `json:"totals"`            // by type
	Rows     [][]int     `json:"rows"`              // of the window, by type and status
	Pending  *float64    `json:"pending,omitempty"` // of the window
	Newest   *float64    `json:"newest,omitempty"`
	Birth    int64       `json:"birth"`
	Reach    float64     `json:"reach"`
	LastGood int64       `json:"last_good"`
	Clock    int64       `json:"clock"`  // nanoseconds
	Unread   int64       `json:"unread"` // nanoseconds
}

// typeState is what has been counted of the messages of a type.
type typeState struct {
	Messages counterState   `json:"messages,omitzero"`
	Statuses []counterState `json:"statuses,omitempty"` // by status; shorter than the words where the last have not been shown
}

// counterState is the count and when the counter was created, 0 for a counter that has not been.
type counterState [2]uint64

// state returns what is to be kept of the ledger but for its messages.
func (l *Ledger) state() *state {
	s := &state{
		Statuses: l.statuses.words,
		Types:    l.types.words,
		Pending:  l.window.oldestPending.pointer(),
		Newest:   l.newest.pointer(),
		Birth:    nanoseconds(l.birth),
		Reach:    l.coveredSince,
		LastGood: nanoseconds(l.lookback.lastGood),
		Clock:    int64(l.clock),
		Unread:   int64(l.lookback.uncovered),
	}
	for kind, t := range l.totals {
		if t.Messages.exists() || len(t.Statuses) > 0 {
			s.Totals = l.totals[:kind+1]
		}
	}
	last, counts := 0, 0
	for kind, cells := range l.window.cells {
		if len(cells) > 0 {
			last, counts = kind+1, counts+len(cells)
		}
	}
	s.Rows = make([][]int, last)
	rows := make([]int, 0, counts)
	for kind := range s.Rows {
		first := len(rows)
		for _, cell := range l.window.cells[kind] {
			rows = append(rows, cell.rows)
		}
		s.Rows[kind] = rows[first:]
	}
	return s
}

// apply takes in what a record says, or nothing of it if that cannot be.
func (l *Ledger) apply(r record) error {
	if r.State == nil && len(r.messages) > 0 || r.State != nil && !r.State.valid() || r.Call != nil && !r.Call.valid() {
		return errDamaged
	}
	if r.State != nil {
		if err := l.restore(r.State, r.messages); err != nil {
			return err
		}
	}
	if r.Call != nil {
		l.pollState = *r.Call
	}
	return nil
}

// restore takes in the state, which is valid, and the messages that have changed.
func (l *Ledger) restore(s *state, messages []byte) error {
	statusPlaces, statuses := l.statuses.remap(s.Statuses)
	typePlaces, types := l.types.remap(s.Types)
	sets, ok := placedSets(messages, statusPlaces)
	if !ok {
		return errDamaged
	}
	l.statuses, l.types = statuses, types
	l.totals = make([]typeState, len(types.words))
	for kind, kept := range s.Totals {
		t := &l.totals[typePlaces[kind]]
		t.Messages.restore(kept.Messages)
		for status, c := range kept.Statuses {
			t.Statuses = growTo(t.Statuses, len(statuses.words))
			t.Statuses[statusPlaces[status]].restore(c)
		}
	}
	l.window = window{oldestPending: timestamp(s.Pending)}
	for kind, rows := range s.Rows {
		for status, n := range rows {
			l.window.cell(typePlaces[kind], statusPlaces[status], len(statuses.words)).rows += n
		}
	}
	l.birth, l.coveredSince, l.newest = fromNanoseconds(s.Birth), s.Reach, timestamp(s.Newest)
	l.clock, l.lookback.lastGood, l.lookback.uncovered = time.Duration(s.Clock), fromNanoseconds(s.LastGood), time.Duration(s.Unread)
	if l.messages.len() == 0 { // else most of them are known
		l.messages.grow(len(sets))
	}
	for i, set := range sets {
		m := messages[i*messageLength:]
		l.messages.put(message{binary.LittleEndian.Uint64(m), set, seconds(binary.LittleEndian.Uint32(m[12:]))})
	}
	return nil
}

// valid reports whether all places are those of words, and all numbers such as a ledger can have.
func (s *state) valid() bool {
	fine := len(s.Statuses) <= maxStatuses && len(s.Types) <= maxTypes && len(s.Totals) <= len(s.Types) && len(s.Rows) <= len(s.Types) &&
		s.Birth >= 0 && s.LastGood >= 0 && (s.Birth == 0) == (s.LastGood == 0) && s.Clock >= 0 && s.Clock <= int64(maxClock) && s.Unread >= 0
	if !fine {
		return false
	}
	for _, t := range s.Totals {
		if len(t.Statuses) > len(s.Statuses) || !t.Messages.valid() {
			return false
		}
		for _, c := range t.Statuses {
			if !c.valid() {
				return false
			}
		}
	}
	for _, rows := range s.Rows {
		if len(rows) > len(s.Statuses) {
			return false
		}
		for _, n := range rows {
			if n < 0 || n > math.MaxInt32 {
				return false
			}
		}
	}
	return true
}

// placedSets returns the sets of statuses of the messages by the places that their statuses have now; ok if each is one.
func placedSets(messages []byte, places []uint8) (sets []statusSet, ok bool) {
	same := true
	for i, place := range places {
		same = same && int(place) == i
	}
	sets = make([]statusSet, len(messages)/messageLength)
	for i := range sets {
		m := messages[i*messageLength:]
		set := binary.LittleEndian.Uint32(m[8:])
		if binary.LittleEndian.Uint64(m) == 0 || uint64(set)>>len(places) != 0 {
			return nil, false
		}
		if same {
			sets[i] = statusSet(set)
			continue
		}
		for status, place := range places {
			sets[i] |= statusSet(set>>status&1) << place
		}
	}
	return sets, true
}

// remap returns the places of words that a vocabulary had once, and the one that has them now.
func (v *vocabulary) remap(words []string) (places []uint8, learned *vocabulary) {
	places = make([]uint8, len(words))
	for i, word := range words {
		places[i], v = v.intern([]byte(word))
	}
	return places, v
}

func (c counterState) exists() bool { return c[1] > 0 }

func (c counterState) valid() bool { return c[1] <= math.MaxInt64 && (c[1] > 0 || c[0] == 0) }

func (c counterState) counter() Counter { return Counter{c[0], fromNanoseconds(int64(c[1]))} }

// create makes the counter, if there is none yet.
func (c *counterState) create(at time.Time) {
	if !c.exists() {
		c[1] = uint64(nanoseconds(at))
	}
}

// restore adds what was kept: two words can have got the same place.
func (c *counterState) restore(kept counterState) {
	c[0] += kept[0]
	if !c.exists() {
		c[1] = kept[1]
	}
}

// resume goes on at now: what was created later was created now.
func (c *counterState) resume(now time.Time) {
	if c.exists() && fromNanoseconds(int64(c[1])).After(now) {
		c[1] = uint64(nanoseconds(now))
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
