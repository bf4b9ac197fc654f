package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"
)

// readFile returns the contents of a ledger's file. Opening other files can block.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "read", Path: path, Err: errors.New("not a regular file")}
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// load applies the valid records of data to a new ledger. It returns an error if data has no valid
// snapshot with this name. The caller must then discard the ledger.
func load(data []byte, name string, l *Ledger) (valid extent, _ error) {
	storedName, length, err := parseFileHeader(data)
	if err != nil {
		return extent{}, err
	}
	sum := newChecksum(data[:length])
	var snapshotClock seconds
	for offset := length; offset < len(data); {
		r, err := parseRecord(data[offset:], &sum)
		if err == nil {
			err = l.apply(r)
		}
		if err != nil || valid.size == 0 && r.State == nil {
			break
		}
		offset += r.length
		valid.size, valid.sum = int64(offset), sum
		if valid.snapshot == 0 {
			valid.snapshot, snapshotClock = valid.size, inSeconds(l.clock)
		}
	}
	if valid.size == 0 {
		return extent{}, errDamaged
	}
	if storedName != name {
		return extent{}, fmt.Errorf("the file belongs to %.50q", storedName)
	}
	// Records omit messages that the journal showed without a change. A message that was in the
	// journal at the snapshot may have been there ever since.
	for i := range l.messages.list {
		m := &l.messages.list[i]
		if m.lastSeen >= snapshotClock {
			m.lastSeen = max(m.lastSeen, inSeconds(l.clock))
		}
	}
	return valid, nil
}

// apply applies a record. If the record is invalid, apply changes nothing and returns an error.
func (l *Ledger) apply(r record) error {
	if r.State == nil && len(r.messages) > 0 || r.PollState != nil && !r.PollState.valid() ||
		r.State != nil && !l.restore(r.State, r.messages) {
		return errDamaged
	}
	if r.PollState != nil {
		l.pollState = *r.PollState
	}
	return nil
}

// restore applies a state and the messages that have changed. If they are invalid, restore changes
// nothing and returns false.
func (l *Ledger) restore(s *state, messages []byte) bool {
	if !s.valid() {
		return false
	}
	for data := range slices.Chunk(messages, messageLength) {
		if m := decodeMessage(data); m.key == 0 || m.reached>>len(s.Statuses) != 0 {
			return false
		}
	}
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
	l.window = window{make([]typeRows, len(s.Rows)), timestamp(s.Pending)}
	for typ, counts := range s.Rows {
		for status, n := range counts {
			l.window.add(typeIndex[typ], statusIndex[status], n)
		}
	}
	l.countingSince = fromNanoseconds(s.CountingSince)
	l.coveredSince, l.newest = s.CoveredSince, timestamp(s.Newest)
	l.clock, l.lookback.uncovered = time.Duration(s.Clock), time.Duration(s.Uncovered)
	l.lookback.lastGood = fromNanoseconds(s.LastGood)
	if len(l.messages.list) == 0 { // later records contain mostly known messages
		l.messages.grow(len(messages) / messageLength)
	}
	for data := range slices.Chunk(messages, messageLength) {
		m := decodeMessage(data)
		stored := m.reached
		m.reached = 0
		for i, status := range statusIndex {
			m.reached |= stored >> i & 1 << status
		}
		l.messages.put(m)
	}
	return true
}

// resume prepares a ledger from an earlier run. Stored times in the future become now.
func (l *Ledger) resume(now time.Time) {
	if l.countingSince.After(now) {
		l.countingSince = now
	}
	clampCreated := func(c *counterState) { c[1] = min(c[1], uint64(nanoseconds(now))) }
	for typ := range l.totals {
		t := &l.totals[typ]
		clampCreated(&t.Messages)
		for i := range t.Statuses {
			clampCreated(&t.Statuses[i])
		}
	}
	l.pollState.clampFuture(now)
	l.lookback.resume(now)
}
