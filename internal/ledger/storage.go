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
)

// Storage is the directory where ledgers are kept, one file each. It is safe for concurrent use.
type Storage struct {
	directory string // empty: in memory
	logger    log.Logger
	words     vocabularies // that ledgers begin with
	holding   sync.Mutex
	lock      *flock.Flock
	failures  atomic.Uint64
	behind    atomic.Int64 // how many files lack what their ledgers have counted
	damaged   atomic.Uint64
	read      atomic.Int64
	begun     atomic.Int64
}

// OpenStorage locks the directory, which it makes if need be, so that no other program keeps ledgers there until Close.
// Without a directory ledgers are kept in memory alone. An error says in one line what is wrong with the directory; a
// full disk is none, since counting goes on without.
func OpenStorage(directory string, logger log.Logger) (*Storage, error) {
	s := &Storage{directory: directory, logger: logger, words: documentedWords()}
	if directory == "" {
		return s, nil
	}
	err := s.ensureLock()
	if err == nil {
		err = s.checkWritable()
	}
	switch {
	case errors.Is(err, errLocked):
		return nil, err
	case isFull(err):
		level.Warn(logger).Log("msg", "the disk is full; counting goes on in memory until there is room", "directory", directory, "err", err)
	case err != nil:
		_ = s.Close()
		return nil, fmt.Errorf("%w; give the exporter a directory that it may write (it runs as user %d)", err, os.Getuid())
	}
	return s, nil
}

// errLocked is that the directory belongs to another program.
var errLocked = errors.New("is in use by another exporter; stop that one or use another directory")

// ensureLock makes sure that the directory is there and the lock is ours. Both can be taken away while the program runs, and
// then another one could take them.
func (s *Storage) ensureLock() error {
	s.holding.Lock()
	defer s.holding.Unlock()
	path := filepath.Join(s.directory, "lock")
	if s.lock != nil {
		ours, err := s.lock.Stat()
		there, missing := os.Stat(path)
		if err == nil && missing == nil && os.SameFile(ours, there) {
			return nil
		}
		_ = s.lock.Close()
		s.lock = nil
	}
	if err := os.MkdirAll(s.directory, 0o700); err != nil {
		return err
	}
	lock := flock.New(path)
	locked, err := lock.TryLock()
	if err == nil && !locked {
		err = fmt.Errorf("%s %w", s.directory, errLocked)
	}
	if err == nil {
		s.lock = lock
	}
	return err
}

// checkWritable finds out whether files can be made in the directory, before it is too late to say so at the start.
func (s *Storage) checkWritable() error {
	file, err := os.OpenFile(filepath.Join(s.directory, ".try"), os.O_WRONLY|os.O_CREATE, 0o600)
	var inner *fs.PathError
	if errors.As(err, &inner) {
		return &fs.PathError{Op: "write", Path: s.directory, Err: inner.Err}
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// Close lets others use the directory. The ledgers are to be closed before.
func (s *Storage) Close() error {
	s.holding.Lock()
	defer s.holding.Unlock()
	if s.lock == nil {
		return nil
	}
	return s.lock.Close()
}

// Failures is how often something could not be written.
func (s *Storage) Failures() uint64 { return s.failures.Load() }

// Failing reports whether counters cannot be written for the time being, so that a restart would lose some.
func (s *Storage) Failing() bool { return s.behind.Load() > 0 }

// Damaged is how many files were found damaged, or not to be the ledger that they should be, and were cut or set aside.
func (s *Storage) Damaged() uint64 { return s.damaged.Load() }

// LoadStats is how many ledgers went on from what was on file, and how many began anew since there was nothing that could be
// used.
func (s *Storage) LoadStats() (read, begun int64) { return s.read.Load(), s.begun.Load() }

// Ledger returns the ledger of that name as its file has it at now, or one without a baseline. The name is the idInstance,
// and behind a dot which of its journals where that is not the outgoing one. A file that cannot be used is set aside under
// another name. It is an error if the file cannot be read, though it is there.
func (s *Storage) Ledger(name string, options Options, now time.Time) (*Ledger, error) {
	if s.directory == "" {
		return newLedgerOf(s.words, options), nil
	}
	path := filepath.Join(s.directory, name+".ledger")
	f := newFile(s, path, name)
	_ = os.Remove(path + tmpSuffix) // of a run that was killed
	data, err := readLedger(path)
	if errors.Is(err, fs.ErrNotExist) {
		s.begun.Add(1)
		level.Debug(f.logger).Log("msg", "there is no ledger on file: the first reading will be the baseline")
		return withFile(f, newLedgerOf(s.words, options)), nil
	}
	if errors.Is(err, errNoFile) {
		return nil, fmt.Errorf("%w; move it away to begin anew", err)
	} else if err != nil {
		return nil, fmt.Errorf("%w; make it readable for the exporter (it runs as user %d), or move it away to begin anew", err, os.Getuid())
	}
	l := newLedgerOf(s.words, options)
	sound, err := load(data, name, l)
	if err != nil {
		if err := f.quarantine(err, now); err != nil {
			return nil, err
		}
		s.begun.Add(1)
		return withFile(f, newLedgerOf(s.words, options)), nil
	}
	f.size, f.snapshot, f.sum = sound.length, sound.snapshot, sound.sum
	if cut := int64(len(data)) - f.size; cut > 0 {
		f.truncateDamaged(cut, !l.birth.IsZero())
	}
	if left, err := os.Stat(path); err == nil && left.Size() == f.size {
		f.lastStat = left
	}
	l.resume(now)
	if l.birth.IsZero() {
		s.begun.Add(1)
		level.Debug(f.logger).Log("msg", "there is no reading on file: the first will be the baseline")
		return withFile(f, l), nil
	}
	s.read.Add(1)
	level.Debug(f.logger).Log("msg", "the ledger was read from its file", "messages", l.messages.len(),
		"counting_since", l.birth.UTC().Format(time.RFC3339), "last_reading", l.lookback.lastGood.UTC().Format(time.RFC3339))
	return withFile(f, l), nil
}

func withFile(f *file, l *Ledger) *Ledger {
	f.due = f.nextSnapshotSize(f.snapshot)
	l.persister = &persister{file: f}
	return l
}
