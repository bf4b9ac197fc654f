package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/gofrs/flock"

	"greenapi_exporter/internal/osuser"
)

// Storage is a directory of ledgers, each in a file of its own. It is safe for concurrent use.
type Storage struct {
	directory string // empty if ledgers are in memory only
	logger    log.Logger
	words     vocabularies // of new ledgers

	disk      disk // for all operations except snapshots, which take longer
	snapshots disk

	mu   sync.Mutex   // guards lock; held during file operations, which can hang
	lock *flock.Flock // nil if not locked

	busyMu sync.Mutex     // guards busy
	busy   map[string]int // number of operations in the background by path

	failures atomic.Uint64
	behind   atomic.Int64 // number of ledgers with counts that are not in their files
	damaged  atomic.Uint64
	loaded   atomic.Int64
	created  atomic.Int64
}

const (
	// openTimeout limits the first access to the directory. A disk may have to spin up. A signal
	// during the start takes effect after this time, so it is less than the 7 s of a shutdown.
	openTimeout = 6 * time.Second
	// loadTimeout limits each operation that loads a ledger, so that a disk that hangs blocks a
	// reload for seconds only.
	loadTimeout = 2 * time.Second
	// maxOperations and maxSnapshots limit the threads that a disk that hangs can block.
	maxOperations = 32
	maxSnapshots  = 16
)

// OpenStorage creates the directory if necessary and locks it against other exporters until Close.
// If directory is empty, ledgers are in memory only. A full disk is not an error: ledgers count in
// memory until there is space. Other errors are a single line with advice.
func OpenStorage(directory string, logger log.Logger) (*Storage, error) {
	s := newStorage(directory, logger)
	if directory == "" {
		return s, nil
	}
	if err := checkDirectory(directory); err != nil {
		return nil, err
	}
	err := s.do(directory, openTimeout, func() error {
		if err := s.ensureLock(); err != nil {
			return err
		}
		return s.checkWritable()
	})
	switch {
	case errors.Is(err, errLocked), errors.Is(err, errHangs):
		return nil, err
	case isFull(err):
		level.Warn(logger).Log("msg", "the disk is full, counting continues in memory",
			"directory", directory, "err", err, "advice", "free disk space")
	case err != nil:
		_ = s.Close()
		return nil, explain(err)
	}
	return s, nil
}

func newStorage(directory string, logger log.Logger) *Storage {
	return &Storage{
		directory: directory, logger: logger, words: documentedWords(),
		disk:      disk{slots: make(chan struct{}, maxOperations), stalled: make(chan struct{})},
		snapshots: disk{slots: make(chan struct{}, maxSnapshots), stalled: make(chan struct{})},
		busy:      make(map[string]int),
	}
}

// begin marks a path as busy until the caller calls end.
func (s *Storage) begin(path string) (end func()) {
	s.busyMu.Lock()
	defer s.busyMu.Unlock()
	s.busy[path]++
	return func() {
		s.busyMu.Lock()
		defer s.busyMu.Unlock()
		if s.busy[path]--; s.busy[path] == 0 {
			delete(s.busy, path)
		}
	}
}

func (s *Storage) isBusy(path string) bool {
	s.busyMu.Lock()
	defer s.busyMu.Unlock()
	return s.busy[path] > 0
}

// do runs a file operation that is not a write of a ledger. If the operation, or an earlier one on
// the same path, does not end in time, do returns errHangs with advice. The operation may then
// still run.
func (s *Storage) do(path string, timeout time.Duration, operation func() error) error {
	errTimeout := fmt.Errorf("%s: %w; check the disk or the network file system", path, errHangs)
	if s.Hanging() > 0 {
		timeout = min(timeout, hangTime)
	}
	expired := time.After(timeout)
	for s.isBusy(path) {
		select {
		case <-expired:
			return errTimeout
		case <-time.After(10 * time.Millisecond):
		}
	}
	result := make(chan error, 1)
	end := s.begin(path)
	go func() {
		_, err := s.disk.run(operation, func() {})
		end()
		result <- err
	}()
	select {
	case err := <-result:
		if errors.Is(err, errHangs) {
			return errTimeout
		}
		return err
	case <-expired:
		return errTimeout
	}
}

// errLocked reports that another program has locked the directory.
var errLocked = errors.New("is in use by another exporter; stop it or use another directory")

// ensureLock locks the directory unless it is still locked. It creates a removed directory or lock
// file again. It returns errLocked if another exporter has locked the directory since.
func (s *Storage) ensureLock() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := filepath.Join(s.directory, "lock")
	if s.lock != nil {
		held, heldErr := s.lock.Stat()
		current, currentErr := os.Stat(path)
		if heldErr == nil && currentErr == nil && os.SameFile(held, current) {
			return nil
		}
		_ = s.lock.Close()
		s.lock = nil
	}
	if err := makeDirectory(s.directory); err != nil {
		return err
	}
	lock := flock.New(path)
	locked, err := lock.TryLock()
	if err != nil {
		return err
	}
	if !locked {
		return fmt.Errorf("%s %w", s.directory, errLocked)
	}
	s.lock = lock
	if info, err := lock.Stat(); err == nil && info.Mode().Perm() == privateMode {
		_ = os.Chmod(path, modeIn(s.directory)) // so that another user of the group can lock it
	}
	return nil
}

func (s *Storage) checkWritable() error {
	path := filepath.Join(s.directory, ".try")
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, privateMode)
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return &fs.PathError{Op: "write", Path: s.directory, Err: pathErr.Err}
	}
	return errors.Join(file.Close(), os.Remove(path))
}

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) ||
		errors.Is(err, syscall.EFBIG)
}

// Close unlocks the directory, unless the disk hangs. The caller must close the ledgers first.
func (s *Storage) Close() error {
	if s.directory == "" {
		return nil
	}
	return s.do(s.directory, hangTime, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.lock == nil {
			return nil
		}
		return s.lock.Close()
	})
}

// Failures returns the number of failed writes.
func (s *Storage) Failures() uint64 { return s.failures.Load() }

// Failing reports whether some counts cannot be written at present, so that a restart would lose
// them.
func (s *Storage) Failing() bool { return s.behind.Load() > 0 }

// Hanging returns the number of file operations that have taken longer than a second and have not
// ended.
func (s *Storage) Hanging() int { return s.disk.count() + s.snapshots.count() }

// Damaged returns the number of files that were damaged or unusable, and were truncated or set
// aside.
func (s *Storage) Damaged() uint64 { return s.damaged.Load() }

// LoadStats returns how many ledgers were loaded from a file, and how many were created without a
// baseline.
func (s *Storage) LoadStats() (loaded, created int64) { return s.loaded.Load(), s.created.Load() }

// Ledger loads the ledger with the given name from its file, or creates one without a baseline. The
// name is the idInstance, plus a dot and the journal's name if it is not the outgoing journal.
// Ledger renames an unusable file. It returns an error if the file cannot be read or renamed, or if
// the disk hangs.
func (s *Storage) Ledger(name string, options Options, now time.Time) (*Ledger, error) {
	l := newLedger(s.words, options)
	if s.directory == "" {
		return l, nil
	}
	f := newFile(s, filepath.Join(s.directory, name+".ledger"), name)
	data, err := s.readFile(f.path)
	if err == nil {
		valid, loadErr := load(data, name, l)
		if loadErr == nil {
			err = f.adopt(valid, int64(len(data)), !l.countingSince.IsZero())
			l.resume(now)
		} else {
			l = newLedger(s.words, options) // load may have changed the first one
			err = f.quarantine(loadErr, now)
		}
	}
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist):
	case errors.Is(err, errHangs):
		return nil, err
	case errors.Is(err, fs.ErrPermission):
		return nil, explain(err)
	default:
		return nil, fmt.Errorf("%w; make it a file that %s may read, or move it away",
			err, osuser.Current())
	}
	l.file = f
	if l.countingSince.IsZero() {
		s.created.Add(1)
		level.Debug(f.logger).Log("msg", "started a ledger, the first reading will be the baseline")
		return l, nil
	}
	s.loaded.Add(1)
	level.Debug(f.logger).Log("msg", "loaded the ledger from its file",
		"messages", len(l.messages.list),
		"counting_since", l.countingSince.UTC().Format(time.RFC3339),
		"last_reading", l.lookback.lastReading.UTC().Format(time.RFC3339))
	return l, nil
}
