package ledger

import (
	"errors"
	"slices"
	"sync"

	"github.com/go-kit/log/level"
)

// keeper is what a ledger that is kept on file has beside it. What could not be written stays here until it can.
type keeper struct {
	file      *file
	behind    bool     // whether the state has changed since it was last written
	unwritten []uint64 // the keys of the messages that have, or were shown again
	snapshots sync.WaitGroup
}

// changed notes what a reading has changed, for the next write. The baseline is worth a snapshot: without it the rest of
// the file means nothing, so it should not lie where the end of the file is cut off.
func (l *Ledger) changed(c *Count, baseline bool) {
	k := l.keeper
	if k == nil {
		return
	}
	k.behind = true
	for _, change := range c.changes {
		k.unwritten = append(k.unwritten, change.key)
	}
	k.unwritten = append(k.unwritten, c.returned...)
	if baseline {
		k.file.hasten()
	}
}

// write puts on file all that is not there, and sees to it that there is a snapshot now and then.
func (l *Ledger) write() {
	k := l.keeper
	record, err := l.missing()
	if err == nil {
		err = k.file.append(record)
	}
	if errors.Is(err, errGone) {
		k.snapshots.Wait() // or it would take the place of what is written now
		if record, err = l.everything(); err == nil {
			err = k.file.replace(record)
		}
	}
	k.file.report(&k.file.writes, err)
	if err != nil {
		k.behind = true // the call is missing too
		l.prune()
		return
	}
	k.behind, k.unwritten = false, nil
	if !k.file.isDue() {
		return
	}
	// The record is made now, so that it is of one moment; only the disk may be slow.
	snapshot, err := l.everything()
	k.snapshots.Go(func() {
		if err == nil {
			err = k.file.replace(snapshot)
		}
		k.file.report(&k.file.replaces, err)
	})
}

// prune bounds what is unwritten by what is remembered, however long nothing can be written.
func (l *Ledger) prune() {
	k := l.keeper
	if len(k.unwritten) < 2*l.messages.len()+1000 {
		return
	}
	slices.Sort(k.unwritten)
	k.unwritten = slices.DeleteFunc(slices.Compact(k.unwritten), func(key uint64) bool { return l.messages.get(key) == nil })
}

// missing is a record of what is not on file.
func (l *Ledger) missing() ([]byte, error) {
	n := news{Call: &l.call}
	if l.keeper.behind {
		n.State = l.state()
	}
	var changed []*memory
	for _, key := range l.keeper.unwritten {
		if m := l.messages.get(key); m != nil {
			changed = append(changed, m)
		}
	}
	return newRecord(n, len(changed), slices.Values(changed))
}

// everything is a record of all that there is.
func (l *Ledger) everything() ([]byte, error) {
	return newRecord(news{l.state(), &l.call}, l.messages.len(), l.messages.all())
}

// Close puts on file what is missing there, and a last snapshot in the place of the file. The ledger is not to be used
// any more.
func (l *Ledger) Close() {
	k := l.keeper
	if k == nil {
		return
	}
	if k.behind {
		l.write()
	}
	k.snapshots.Wait()
	k.file.leave()
	switch {
	case k.behind:
		level.Error(k.file.logger).Log("msg", "the ledger is closed, and what it has counted since it could last write is not on file",
			"advice", "the next start goes on from what is on file, if anything is, and asks the journal again; what that no longer shows is lost")
	case k.file.hasTail():
		snapshot, err := l.everything()
		if err == nil {
			err = k.file.replace(snapshot)
		}
		k.file.report(&k.file.replaces, err)
	}
}
