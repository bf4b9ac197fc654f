package ledger

import (
	"errors"
	"slices"
	"sync"

	"github.com/go-kit/log/level"
)

// persister is what a ledger that is kept on file has beside it. What could not be written stays here until it can.
type persister struct {
	file      *file
	dirty     bool     // whether the state has changed since it was last written
	dirtyKeys []uint64 // the keys of the messages that have, or were shown again
	snapshots sync.WaitGroup
}

// markDirty notes what a reading has changed, for the next write. The baseline is worth a snapshot: without it the rest of
// the file means nothing, so it should not lie where the end of the file is cut off.
func (l *Ledger) markDirty(c *Batch, baseline bool) {
	k := l.persister
	if k == nil {
		return
	}
	k.dirty = true
	for _, change := range c.changes {
		k.dirtyKeys = append(k.dirtyKeys, change.key)
	}
	k.dirtyKeys = append(k.dirtyKeys, c.returned...)
	if baseline {
		k.file.requestSnapshot()
	}
}

// write puts on file all that is not there, and sees to it that there is a snapshot now and then.
func (l *Ledger) write() {
	k := l.persister
	record, err := l.deltaRecord()
	if err == nil {
		err = k.file.append(record)
	}
	if errors.Is(err, errFileChanged) {
		k.snapshots.Wait() // or it would take the place of what is written now
		if record, err = l.snapshotRecord(); err == nil {
			err = k.file.replace(record)
		}
	}
	k.file.report(&k.file.writes, err)
	if err != nil {
		k.dirty = true // the call is missing too
		l.compactDirty()
		return
	}
	k.dirty, k.dirtyKeys = false, nil
	if !k.file.snapshotDue() {
		return
	}
	// The record is made now, so that it is of one moment; only the disk may be slow.
	snapshot, err := l.snapshotRecord()
	k.snapshots.Go(func() {
		if err == nil {
			err = k.file.replace(snapshot)
		}
		k.file.report(&k.file.replaces, err)
	})
}

// compactDirty bounds what is unwritten by what is remembered, however long nothing can be written.
func (l *Ledger) compactDirty() {
	k := l.persister
	if len(k.dirtyKeys) < 2*l.messages.len()+1000 {
		return
	}
	slices.Sort(k.dirtyKeys)
	k.dirtyKeys = slices.DeleteFunc(slices.Compact(k.dirtyKeys), func(key uint64) bool { return l.messages.get(key) == nil })
}

// deltaRecord is a record of what is not on file.
func (l *Ledger) deltaRecord() ([]byte, error) {
	n := recordHeader{Call: &l.pollState}
	if l.persister.dirty {
		n.State = l.state()
	}
	var changed []*message
	for _, key := range l.persister.dirtyKeys {
		if m := l.messages.get(key); m != nil {
			changed = append(changed, m)
		}
	}
	return newRecord(n, len(changed), slices.Values(changed))
}

// snapshotRecord is a record of all that there is.
func (l *Ledger) snapshotRecord() ([]byte, error) {
	return newRecord(recordHeader{l.state(), &l.pollState}, l.messages.len(), l.messages.all())
}

// Close puts on file what is missing there, and a last snapshot in the place of the file. The ledger is not to be used
// any more.
func (l *Ledger) Close() {
	k := l.persister
	if k == nil {
		return
	}
	if k.dirty {
		l.write()
	}
	k.snapshots.Wait()
	k.file.forget()
	switch {
	case k.dirty:
		level.Error(k.file.logger).Log("msg", "the ledger is closed, and what it has counted since it could last write is not on file",
			"advice", "the next start goes on from what is on file, if anything is, and asks the journal again; what that no longer shows is lost")
	case k.file.hasTail():
		snapshot, err := l.snapshotRecord()
		if err == nil {
			err = k.file.replace(snapshot)
		}
		k.file.report(&k.file.replaces, err)
	}
}
