package ledger

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/cespare/xxhash/v2"
)

// errNoFile is that the file is a directory or the like.
var errNoFile = errors.New("it is not a file")

// readLedger reads the file, unless its first line says that it is no ledger: then that is all that it returns.
func readLedger(path string) ([]byte, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: errNoFile}
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	head := make([]byte, maxHeader)
	n, err := io.ReadFull(file, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	if _, _, err := parseHeader(head[:n]); err != nil {
		return head[:n], nil
	}
	rest, err := io.ReadAll(file)
	return append(head[:n], rest...), err
}

// extent is how far a file is sound.
type extent struct {
	length   int64
	snapshot int64 // where the snapshot ends
	sum      xxhash.Digest
}

// load puts what the data say into a ledger that is new, and returns how much of them is sound. It is an error if not
// even the snapshot is, or not of this name; the ledger is of no use then.
func load(data []byte, name string, l *Ledger) (sound extent, _ error) {
	written, length, err := parseHeader(data)
	if err != nil {
		return extent{}, err
	}
	sum := sumOf(data[:length])
	var snapshot seconds
	for at := length; at < len(data); {
		r, err := parseRecord(data[at:], &sum)
		if err == nil {
			err = l.apply(r)
		}
		if err != nil || sound.length == 0 && r.State == nil {
			break
		}
		at += r.length
		sound.length, sound.sum = int64(at), sum
		if sound.snapshot == 0 {
			sound.snapshot, snapshot = int64(at), inSeconds(l.clock)
		}
	}
	if sound.length == 0 {
		return extent{}, errDamaged
	}
	if written != name {
		return extent{}, fmt.Errorf("it is that of %.50q", written)
	}
	// Records do not say which messages were shown without anything new. Those that stood in the journal at the
	// snapshot may have stood there ever since.
	for m := range l.messages.all() {
		if m.lastSeen >= snapshot {
			m.lastSeen = max(m.lastSeen, inSeconds(l.clock))
		}
	}
	return sound, nil
}

// resume goes on at now, by our clock, with a ledger that was written in an earlier run. What is said to have happened
// later than that happened now.
func (l *Ledger) resume(now time.Time) {
	if l.birth.After(now) {
		l.birth = now
	}
	for kind := range l.totals {
		t := &l.totals[kind]
		t.Messages.resume(now)
		for i := range t.Statuses {
			t.Statuses[i].resume(now)
		}
	}
	if wait := l.pollState.Next.Sub(l.pollState.Begun); l.pollState.Begun.After(now) {
		l.pollState.Begun, l.pollState.Next = now, now.Add(max(0, wait))
	}
	l.lookback.resume(now)
}
