package ledger

import (
	"errors"
	"slices"
	"time"

	"github.com/go-kit/log/level"
)

// PollState is what the next run of the program must know about earlier calls in order to respect
// the API's limits. The ledger stores it and does not interpret it.
type PollState struct {
	// Called is when the last call began. Next is the earliest time of the next call. Both are by
	// the local clock.
	Called time.Time `json:"begun"`
	Next   time.Time `json:"next"`
	// Failures is the number of consecutive failed calls.
	Failures int `json:"failures,omitempty"`
	// Result is the latest outcome, or empty if there is none. A later call may have begun.
	Result string `json:"result,omitempty"`
	// Took is the duration of the call with that outcome.
	Took time.Duration `json:"took,omitempty"`
	// Settings identifies the settings to which the outcome applies. If they have changed, the
	// outcome does not predict that of the next call.
	Settings string `json:"settings,omitempty"`
}

func (s *PollState) valid() bool { return s.Failures >= 0 && s.Took >= 0 }

// clampFuture moves a call in the future to now. The wait until the next call stays the same.
func (s *PollState) clampFuture(now time.Time) {
	if s.Called.After(now) {
		s.Called, s.Next = now, now.Add(max(0, s.Next.Sub(s.Called)))
	}
}

// Persist stores the state before or after a call, and writes it to the file with all changes since
// the last write. The Storage counts and logs errors. The next Persist writes what is missing.
// Persist waits at most a second for a disk that hangs, and then hardly until the disk responds.
func (l *Ledger) Persist(s PollState) {
	l.pollState = s
	if l.file != nil {
		l.write()
	}
}

// LastPollState returns the state that Persist stored last, in this run or an earlier one. It is
// the zero PollState if there is none.
func (l *Ledger) LastPollState() PollState { return l.pollState }

// markDirty records what a reading has changed, for the next write. The baseline requests a
// snapshot. Without the baseline the other records are useless, so it must not be at the end of the
// file, which a crash can damage. Renames request one because records do not delete messages.
func (l *Ledger) markDirty(b *Batch, isBaseline bool) {
	if l.file == nil {
		return
	}
	l.dirty = true
	for _, change := range b.changes {
		l.dirtyKeys = append(l.dirtyKeys, change.key.uint64())
	}
	l.dirtyKeys = append(l.dirtyKeys, b.returned...)
	if isBaseline || len(b.renames) > 0 {
		l.file.requestSnapshot()
	}
}

// write writes all changes to the file and starts a snapshot if one is due.
func (l *Ledger) write() {
	f := l.file
	err := l.writeRecord(l.deltaRecord, write{outage: &f.writes})
	if errors.Is(err, errFileChanged) {
		err = l.writeRecord(l.snapshotRecord, write{replaces: true, outage: &f.writes})
	}
	if err != nil {
		l.dirty = true // the poll state is missing even if nothing else has changed
		l.compactDirty()
		return
	}
	l.dirty, l.dirtyKeys = false, nil
	if !f.snapshotDue() {
		return
	}
	// Build the record now, so that it is consistent. Only the disk may be slow.
	snapshot, err := l.snapshotRecord()
	if err != nil {
		f.endSnapshot()
		f.report(&f.replaces, err)
		return
	}
	f.startSnapshot(snapshot)
}

func (l *Ledger) writeRecord(build func() ([]byte, error), w write) (err error) {
	if w.data, err = build(); err != nil {
		l.file.report(w.outage, err)
		return err
	}
	return l.file.write(w)
}

// compactDirty limits the dirty keys by the number of messages while writes fail.
func (l *Ledger) compactDirty() {
	if len(l.dirtyKeys) < 2*len(l.messages.list)+1000 {
		return
	}
	slices.Sort(l.dirtyKeys)
	isForgotten := func(key uint64) bool { return l.messages.get(key) == nil }
	l.dirtyKeys = slices.DeleteFunc(slices.Compact(l.dirtyKeys), isForgotten)
}

func (l *Ledger) deltaRecord() ([]byte, error) {
	h := recordHeader{PollState: &l.pollState}
	if l.dirty {
		h.State = l.state()
	}
	changed := make([]message, 0, len(l.dirtyKeys))
	for _, key := range l.dirtyKeys {
		if m := l.messages.get(key); m != nil {
			changed = append(changed, *m)
		}
	}
	return newRecord(h, changed)
}

func (l *Ledger) snapshotRecord() ([]byte, error) {
	return newRecord(recordHeader{l.state(), &l.pollState}, l.messages.list)
}

// Close writes all changes and replaces the file with a last snapshot. It does not wait for a disk
// that hangs. The caller must not use the ledger afterwards.
func (l *Ledger) Close() {
	f := l.file
	if f == nil {
		return
	}
	if l.dirty {
		l.write()
	}
	f.awaitSnapshot()
	hasTail := f.finish()
	if l.dirty {
		level.Error(f.logger).Log("msg", "closed the ledger with changes that are not on disk",
			"advice", "the next start reads the journal again; "+
				"changes older than the journal are lost")
	} else if hasTail {
		// The file is complete without the snapshot. If that fails, the error has been reported.
		_ = l.writeRecord(l.snapshotRecord, write{replaces: true, outage: &f.replaces})
	}
}
