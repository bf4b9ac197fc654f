package ledger

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/cespare/xxhash/v2"
	"github.com/go-kit/log"
)

// minAppended is the minimum size of the appended records that causes a snapshot. It corresponds to
// a few hundred readings.
const minAppended = 1 << 20

// tmpSuffix is the suffix of a snapshot's file before the rename.
const tmpSuffix = ".new"

// errFileChanged reports that the file is missing or that another program has changed it.
var errFileChanged = errors.New("the file has changed since the last write")

// errTail reports that a snapshot was discarded because of maxTail.
var errTail = errors.New("the disk is too slow, or did not respond for a long time")

// maxTail limits the size of the records that are appended while a snapshot is being written. If
// they are larger, the snapshot is discarded.
const maxTail = 16 << 20

// file is the file of one ledger. It is open only during a write: a fleet has thousands of ledgers,
// and a write must notice if the file was removed. It is safe for concurrent use, except for write,
// startSnapshot and awaitSnapshot, which only the ledger calls.
type file struct {
	path         string
	name         string // in the header line
	storage      *Storage
	logger       log.Logger
	snapshots    sync.WaitGroup  // the snapshot that is being written, if any
	lastSnapshot <-chan struct{} // closed when that one has ended or hangs; nil before the first

	// io is held during file operations, which can hang. It is locked before mu, and guards
	// lastStat. The extent changes only if both are held.
	io       sync.Mutex
	lastStat fs.FileInfo // after the last write; nil if there is no usable file

	mu           sync.Mutex    // guards the fields below; not held during file operations
	extent                     // as written by this program
	dueSize      int64         // size from which a snapshot is due
	snapshotting bool          // whether a snapshot is being written
	tail         [][]byte      // records appended since that snapshot was taken
	tailSize     int           // total size of these records; if it is above maxTail, tail is nil
	next         *write        // after the current write
	working      bool          // whether a goroutine performs writes
	hangs        bool          // whether the current write hangs
	slow         bool          // whether the last write hung
	lastErr      error         // of the last write
	settled      chan struct{} // closed when all writes have ended or one hangs; may be nil
	writes       outage
	replaces     outage
}

// extent describes the valid part of a file.
type extent struct {
	size     int64
	snapshot int64         // size up to the end of the snapshot
	sum      xxhash.Digest // of the valid part
	outdated bool          // whether the file has an earlier version
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
	f.io.Lock()
	defer f.io.Unlock()
	if f.lastStat == nil {
		return errFileChanged
	}
	if err := f.storage.ensureLock(); err != nil {
		return err
	}
	file, err := os.OpenFile(f.path, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		f.lastStat = nil
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
		f.lastStat = nil
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
	f.mu.Lock()
	defer f.mu.Unlock()
	f.size += int64(len(sealed))
	f.sum = sum
	if f.snapshotting {
		if f.tailSize += len(record); f.tailSize <= maxTail {
			f.tail = append(f.tail, record)
		} else {
			f.tail = nil
		}
	}
	return nil
}

// snapshotDue reports whether a snapshot was requested, or the appended records are larger than the
// last snapshot. If so, the caller must take a snapshot before the next append and call
// startSnapshot.
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
	f.endSnapshot()
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

// endSnapshot allows the next snapshot, once enough is appended.
func (f *file) endSnapshot() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.snapshotting, f.tail, f.tailSize = false, nil, 0
	f.dueSize = f.size + max(f.snapshot, minAppended)
}

// writeAndRename writes the snapshot and the tail to a temporary path and renames it to f.path.
func (f *file) writeAndRename(tmp string, snapshot []byte) error {
	file, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, privateMode)
	if err != nil {
		return err
	}
	copyMode(file, f.path)
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

	f.io.Lock()
	defer f.io.Unlock()
	if f.tailSize > maxTail {
		err = errors.Join(err, errTail)
	}
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
	f.lastStat = info
	f.mu.Lock()
	defer f.mu.Unlock()
	f.extent = written
	return nil
}
