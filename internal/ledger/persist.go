package ledger

import (
	"errors"
	"slices"
	"sync"

	"github.com/go-kit/log/level"
)

// persister writes the changes of a ledger to its file. It retains changes until a write succeeds.
type persister struct {
	file      *file
	dirty     bool           // whether state or messages have changed since the last write
	dirtyKeys []uint64       // keys of messages that have changed or returned since then
	snapshots sync.WaitGroup // the snapshot that is being written, if any
}

// markDirty records what a reading has changed, for the next write. The baseline requests a
// snapshot. Without the baseline the other records are useless, so it must not be at the end of the
// file, which a crash can damage.
func (l *Ledger) markDirty(b *Batch, baseline bool) {
	p := l.persister
	if p == nil {
		return
	}
	p.dirty = true
	for _, change := range b.changes {
		p.dirtyKeys = append(p.dirtyKeys, change.key)
	}
	p.dirtyKeys = append(p.dirtyKeys, b.returned...)
	if baseline {
		p.file.requestSnapshot()
	}
}

// write writes all changes to the file and starts a snapshot if one is due.
func (l *Ledger) write() {
	p := l.persister
	record, err := l.deltaRecord()
	if err == nil {
		err = p.file.append(record)
	}
	if errors.Is(err, errFileChanged) {
		p.snapshots.Wait() // otherwise an older snapshot could replace this one
		err = l.replaceFile()
	}
	p.file.report(&p.file.writes, err)
	if err != nil {
		p.dirty = true // the poll state is missing even if nothing else has changed
		l.compactDirty()
		return
	}
	p.dirty, p.dirtyKeys = false, nil
	if !p.file.snapshotDue() {
		return
	}
	// Build the record now, so that it is consistent. Only the disk may be slow.
	snapshot, err := l.snapshotRecord()
	p.snapshots.Go(func() {
		if err == nil {
			err = p.file.replace(snapshot)
		}
		p.file.report(&p.file.replaces, err)
	})
}

func (l *Ledger) replaceFile() error {
	snapshot, err := l.snapshotRecord()
	if err != nil {
		return err
	}
	return l.persister.file.replace(snapshot)
}

// compactDirty bounds the dirty keys by the number of messages while writes fail.
func (l *Ledger) compactDirty() {
	keys := l.persister.dirtyKeys
	if len(keys) < 2*len(l.messages.list)+1000 {
		return
	}
	slices.Sort(keys)
	isForgotten := func(key uint64) bool { return l.messages.get(key) == nil }
	l.persister.dirtyKeys = slices.DeleteFunc(slices.Compact(keys), isForgotten)
}

func (l *Ledger) deltaRecord() ([]byte, error) {
	h := recordHeader{Call: &l.pollState}
	if l.persister.dirty {
		h.State = l.state()
	}
	changed := make([]message, 0, len(l.persister.dirtyKeys))
	for _, key := range l.persister.dirtyKeys {
		if m := l.messages.get(key); m != nil {
			changed = append(changed, *m)
		}
	}
	return newRecord(h, changed)
}

func (l *Ledger) snapshotRecord() ([]byte, error) {
	return newRecord(recordHeader{l.state(), &l.pollState}, l.messages.list)
}

// Close writes all changes and replaces the file with a last snapshot. The caller must not use the
// ledger afterwards.
func (l *Ledger) Close() {
	p := l.persister
	if p == nil {
		return
	}
	if p.dirty {
		l.write()
	}
	p.snapshots.Wait()
	hasTail := p.file.forget()
	switch {
	case p.dirty:
		level.Error(p.file.logger).Log("msg", "closed the ledger with changes that are not on disk",
			"advice", "the next start reads the journal again; what the journal no longer shows is lost")
	case hasTail:
		p.file.report(&p.file.replaces, l.replaceFile())
	}
}
