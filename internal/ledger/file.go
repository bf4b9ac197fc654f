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

// minAppended is the least size of the appended records that causes a snapshot. It corresponds to a
// few hundred readings.
const minAppended = 1 << 20

// tmpSuffix is the suffix of a snapshot's file before the rename.
const tmpSuffix = ".new"

// errFileChanged reports that the file is missing or that another program has changed it.
var errFileChanged = errors.New("the file has changed since the last write")

// file is the file of one ledger. It is open only during a write: a fleet has thousands of ledgers,
// and a write must notice if the file was removed. It is safe for concurrent use.
type file struct {
	path      string
	name      string // in the header line
	storage   *Storage
	logger    log.Logger
	snapshots sync.WaitGroup // the snapshot that is being written, if any

	mu           sync.Mutex  // guards the fields below; never held together with Storage.mu
	extent                   // as written by this program
	lastStat     fs.FileInfo // after the last write; nil if there is no usable file
	dueSize      int64       // size from which a snapshot is due
	snapshotting bool        // whether a snapshot is being written
	tail         [][]byte    // records appended since that snapshot was taken
	writes       outage
	replaces     outage
}

// extent describes the valid part of a file.
type extent struct {
	size     int64
	snapshot int64         // size up to the end of the snapshot
	sum      xxhash.Digest // of the valid part
}

func newFile(s *Storage, path, name string) *file {
	instance, _, _ := strings.Cut(name, ".")
	return &file{
		path:    path,
		name:    name,
		storage: s,
		logger:  log.With(s.logger, "id_instance", instance, "file", path),
		dueSize: minAppended,
		writes: outage{lossy: 1, what: "the ledger",
			advice: "free disk space or make the directory writable; counting continues in memory"},
		replaces: outage{what: "a snapshot of the ledger",
			advice: "free disk space for a second copy of the file; until then, the file grows"},
	}
}

// append appends a record to the file without syncing it. It returns errFileChanged if the caller
// must replace the file instead.
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
		return errFileChanged // a writable directory suffices to replace the file
	} else if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(info, f.lastStat) || info.Size() != f.lastStat.Size() ||
		!info.ModTime().Equal(f.lastStat.ModTime()) {
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
	f.size += int64(len(sealed))
	f.sum = sum
	if f.snapshotting {
		f.tail = append(f.tail, record)
	}
	return nil
}

// snapshotDue reports whether a snapshot was requested, or the appended records are larger than the
// last snapshot. If so, the caller must take a snapshot before the next append and call replace.
func (f *file) snapshotDue() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.snapshotting || f.size < f.dueSize {
		return false
	}
	f.snapshotting = true
	return true
}

func (f *file) requestSnapshot() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dueSize = 0
}

// replace replaces the file with a snapshot and the records appended since it was taken. The
// snapshot is on disk before the rename, so the file is complete after a crash at any moment.
func (f *file) replace(snapshot []byte) error {
	err := f.storage.ensureLock()
	if err == nil {
		err = f.writeAndRename(f.path+tmpSuffix, snapshot)
	}
	f.mu.Lock()
	f.snapshotting, f.tail = false, nil
	f.dueSize = f.size + max(f.snapshot, minAppended)
	f.mu.Unlock()
	if err != nil {
		return err
	}
	// Sync the rename. If this fails, a power cut can restore the previous file, which is complete
	// too.
	if directory, err := os.Open(filepath.Dir(f.path)); err == nil {
		_ = directory.Sync()
		_ = directory.Close()
	}
	return nil
}

// writeAndRename writes the snapshot and the tail to a temporary path and renames it to f.path.
func (f *file) writeAndRename(tmp string, snapshot []byte) error {
	file, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	var written extent
	write := func(data []byte) {
		if err == nil {
			_, err = file.Write(data)
		}
		written.size += int64(len(data))
	}
	header := fileHeader(f.name)
	written.sum = newChecksum(header)
	write(header)
	write(appendChecksum(snapshot, &written.sum))
	written.snapshot = written.size
	if err == nil {
		err = file.Sync()
	}

	f.mu.Lock()
	defer f.mu.Unlock()
	for _, record := range f.tail {
		write(appendChecksum(record, &written.sum))
	}
	info, statErr := file.Stat()
	if err = errors.Join(err, statErr, file.Close()); err == nil {
		err = os.Rename(tmp, f.path)
	}
	if err != nil {
		_ = os.Remove(tmp)
		return err
	}
	f.extent, f.lastStat = written, info
	return nil
}

// quarantine renames an unusable file instead of deleting it.
func (f *file) quarantine(reason error, now time.Time) error {
	path := fmt.Sprintf("%s.set-aside-%s", f.path, now.UTC().Format("20060102T150405.000Z"))
	if err := os.Rename(f.path, path); err != nil {
		return err
	}
	f.storage.damaged.Add(1)
	level.Error(f.logger).Log("msg", "set aside the ledger's unusable file, counting starts again",
		"reason", reason, "set_aside", path,
		"advice", "to restore a good copy, stop the exporter first")
	return nil
}

// adopt takes over the valid part of an existing file of the given size, and truncates the rest.
func (f *file) adopt(valid extent, size int64, hasBaseline bool) {
	f.extent = valid
	f.dueSize = f.snapshot + max(f.snapshot, minAppended)
	if size > f.size {
		f.storage.damaged.Add(1)
		next := "the next call reads that part of the journal again"
		if !hasBaseline {
			next = "it has no complete reading, counting starts again"
		}
		level.Warn(f.logger).Log("msg", "removed the damaged end of the ledger's file, "+next,
			"bytes", size-f.size,
			"advice", "this is normal after a crash or a power cut; otherwise check the disk")
		_ = os.Truncate(f.path, f.size) // if this fails, the next write replaces the file
	}
	if info, err := os.Stat(f.path); err == nil && info.Size() == f.size {
		f.lastStat = info
	}
}
