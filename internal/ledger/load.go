package ledger

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// readFile returns the contents of a ledger's file, or only the beginning of a file that is not a
// ledger. Opening other files than regular ones can block.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "read", Path: path, Err: errors.New("not a regular file")}
	}
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	start, err := io.ReadAll(io.LimitReader(file, maxHeader))
	if err != nil {
		return nil, err
	}
	if _, _, err := parseFileHeader(start); err != nil {
		return start, nil // load returns the error
	}
	data := make([]byte, max(info.Size(), int64(len(start))))
	n, err := io.ReadFull(file, data[copy(data, start):])
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) { // truncated meanwhile
		err = nil
	}
	return data[:len(start)+n], err
}

// load applies the valid records of a file to a new ledger. It returns an error if the file has no
// valid snapshot with this name. The caller must then discard the ledger.
func load(data []byte, name string, l *Ledger) (valid extent, _ error) {
	storedName, length, err := parseFileHeader(data)
	if err != nil {
		return extent{}, err
	}
	sum := newChecksum(data[:length])
	var snapshotClock seconds
	for offset := length; offset < len(data); {
		r, err := parseRecord(data[offset:], &sum)
		if err != nil || valid.size == 0 && r.State == nil {
			break
		}
		if r.State != nil {
			l.restore(r.State, r.messages)
		}
		if r.PollState != nil {
			l.pollState = *r.PollState
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

// resume prepares a ledger from an earlier run. Stored times in the future become now, and
// timestamps of rows in the future are dropped. Earlier releases trusted the server's clock, so
// they can have stored a time of coverage far in the future.
func (l *Ledger) resume(now time.Time) {
	l.coveredSince = min(l.coveredSince, unixSeconds(l.countingSince.Add(maxAhead)))
	latest := unixSeconds(now) + maxTimestampAhead
	l.newest = l.newest.plausible(latest)
	l.window.oldestPending = l.window.oldestPending.plausible(latest)
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
