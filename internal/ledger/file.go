package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// minAppended is how long the appended part of a file becomes at the least before a snapshot takes its place: a few
// hundred readings.
const minAppended = 1 << 20

// tmpSuffix is what the name of a snapshot has behind that of the file whose place it is to take.
const tmpSuffix = ".new"

// errFileChanged is that there is no file, or not as it was left: it has been removed, put back or written by someone else.
var errFileChanged = errors.New("the file is not as it was left")

// file is the file of one ledger. It is opened for each write, so that ten thousand ledgers are not as many open files,
// and one that has been taken away is noticed. It is safe for concurrent use.
type file struct {
	path    string
	name    string // in its first line
	storage *Storage
	logger  log.Logger

	mu           sync.Mutex
	lastStat     fs.FileInfo   // how it was left; nil: there is none, or who knows
	size         int64         // how long it is
	snapshot     int64         // where its snapshot ends
	sum          xxhash.Digest // of all of it
	due          int64         // the size at which it is time for another snapshot
	snapshotting bool          // whether one is being written
	tail         [][]byte      // if so, the records appended since it was taken
	writes       outage
	replaces     outage
}

// outage is whether a kind of writing fails for the time being, and what the log says of that.
type outage struct {
	failing              bool
	countsAsBehind       int64 // 1 if a restart meanwhile would lose counters
	begins, advice, ends string
}

func newFile(s *Storage, path, name string) *file {
	instance, _, _ := strings.Cut(name, ".")
	return &file{
		path:    path,
		name:    name,
		storage: s,
		logger:  log.With(s.logger, "id_instance", instance, "file", path),
		writes: outage{
			countsAsBehind: 1,
			begins:         "the ledger cannot be written",
			advice:         "counting goes on in memory, and what is missing is written as soon as that works; make room, or the directory writable for the exporter",
			ends:           "the ledger is written again",
		},
		replaces: outage{
			begins: "a snapshot of the ledger cannot be written",
			advice: "what it would say is on file all the same, which grows on; make room for another of its size",
			ends:   "a snapshot of the ledger has been written again",
		},
	}
}

// append appends a record to the file, by a plain write.
func (f *file) append(record []byte) error {
	if err := f.storage.ensureLock(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lastStat == nil {
		return errFileChanged
	}
	file, err := os.OpenFile(f.path, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return errFileChanged // a directory that may be written is enough to put another in its place
	} else if err != nil {
		return err
	}
	defer file.Close()
	now, err := file.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(now, f.lastStat) || now.Size() != f.lastStat.Size() || !now.ModTime().Equal(f.lastStat.ModTime()) {
		return errFileChanged
	}
	sum := f.sum
	sealed := appendChecksum(record, &sum)
	if _, err := file.WriteAt(sealed, f.size); err != nil {
		if file.Truncate(f.size) == nil {
			f.lastStat, _ = file.Stat()
		}
		return err
	}
	f.lastStat, _ = file.Stat()
	f.size, f.sum = f.size+int64(len(sealed)), sum
	if f.snapshotting {
		f.tail = append(f.tail, record)
	}
	return nil
}

// snapshotDue reports whether it is time for a snapshot, since the appended part has outgrown the last one. If so, one is to
// be taken at once and given to replace, which no record may come between.
func (f *file) snapshotDue() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.snapshotting || f.size < f.due {
		return false
	}
	f.snapshotting = true
	return true
}

// requestSnapshot makes it time for a snapshot.
func (f *file) requestSnapshot() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.due = 0
}

// hasTail reports whether there is more in the file than a snapshot.
func (f *file) hasTail() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.size > f.snapshot
}

// nextSnapshotSize is the size at which it is time for another snapshot if there was one, or a try at one, at this size.
func (f *file) nextSnapshotSize(size int64) int64 { return size + max(f.snapshot, minAppended) }

// replace puts a snapshot in the place of the file, and behind it the records that have been appended meanwhile. It is
// on disk before it takes the place, so that whatever happens there is a whole file.
func (f *file) replace(snapshot []byte) error {
	path := f.path + tmpSuffix
	err := f.storage.ensureLock()
	if err == nil {
		err = f.replaceBy(path, snapshot)
	}
	f.mu.Lock()
	f.snapshotting, f.tail = false, nil
	f.due = f.nextSnapshotSize(f.snapshot)
	if err != nil {
		f.due = f.nextSnapshotSize(f.size)
	}
	f.mu.Unlock()
	if err != nil {
		return err
	}
	// Without this a power cut can bring back the file from before, which is whole too.
	if directory, err := os.Open(filepath.Dir(path)); err == nil {
		_ = directory.Sync()
		_ = directory.Close()
	}
	return nil
}

// replaceBy does so by way of the file at path.
func (f *file) replaceBy(path string, snapshot []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	first := header(f.name)
	sum, size := sumOf(first), int64(0)
	write := func(data []byte) error {
		n, err := file.Write(data)
		size += int64(n)
		return err
	}
	err = write(first)
	if err == nil {
		err = write(appendChecksum(snapshot, &sum))
	}
	if err == nil {
		err = file.Sync()
	}
	length := size

	f.mu.Lock()
	defer f.mu.Unlock()
	for _, record := range f.tail {
		if err == nil {
			err = write(appendChecksum(record, &sum))
		}
	}
	left, unknown := file.Stat()
	if err = errors.Join(err, unknown, file.Close()); err == nil {
		err = os.Rename(path, f.path)
	}
	if err != nil {
		_ = os.Remove(path)
		return err
	}
	f.lastStat, f.size, f.snapshot, f.sum = left, size, length, sum
	return nil
}

// quarantine moves away a file that cannot be used, for reason, so that nothing of it is lost.
func (f *file) quarantine(reason error, now time.Time) error {
	path := fmt.Sprintf("%s.set-aside-%s", f.path, now.UTC().Format("20060102T150405.000Z"))
	if err := os.Rename(f.path, path); err != nil {
		return err
	}
	f.storage.damaged.Add(1)
	level.Error(f.logger).Log("msg", "the ledger's file cannot be used and was set aside: counting begins anew", "reason", reason, "set_aside", path,
		"advice", "it is as it was: if there is a sound copy, or it belongs to another instance or version of the exporter, stop the exporter before you move it")
	return nil
}

// truncateDamaged takes away the last so many bytes of the file, which do not check. There is a baseline in what is left, or not.
func (f *file) truncateDamaged(bytes int64, baseline bool) {
	f.storage.damaged.Add(1)
	left := "the journal is asked again for what it said"
	if !baseline {
		left = "no reading is left, counting begins anew"
	}
	level.Warn(f.logger).Log("msg", "the end of the ledger's file is damaged and was cut off: "+left, "bytes", bytes,
		"advice", "nothing is to be done after a crash or a power cut; else look at the disk")
	_ = os.Truncate(f.path, f.size) // if that fails, the next write replaces it
}

// forget is for a ledger that is let go: what it lacks on file is not waited for any more.
func (f *file) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.writes.failing {
		f.storage.behind.Add(-f.writes.countsAsBehind)
		f.writes.failing = false
	}
}

// report counts a write that failed with err, and tells the log when writing begins to fail and when it works again.
func (f *file) report(o *outage, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err == nil && o.failing:
		f.storage.behind.Add(-o.countsAsBehind)
		level.Info(f.logger).Log("msg", o.ends)
	case err != nil && !o.failing:
		f.storage.behind.Add(o.countsAsBehind)
		level.Error(f.logger).Log("msg", o.begins, "err", err, "advice", o.advice)
	}
	if o.failing = err != nil; o.failing {
		f.storage.failures.Add(1)
	}
}
