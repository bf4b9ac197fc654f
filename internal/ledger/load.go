package ledger

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/go-kit/log/level"
)

// readChunk is how much of a file one operation reads. Large files take longer than loadTimeout.
const readChunk = 4 << 20

// readFile returns the contents of a ledger's file, or only the beginning of a file that is not a
// ledger. It opens only regular files, because opening others can block.
func (s *Storage) readFile(path string) ([]byte, error) {
	// After an error, an operation may still run and use these variables.
	var file *os.File
	var data []byte
	valid := 0 // length of the part that has been read
	err := s.do(path, loadTimeout, func() error {
		_ = os.Remove(path + tmpSuffix) // left by a killed run
		info, err := os.Stat(path)
		if err == nil && !info.Mode().IsRegular() {
			err = &fs.PathError{Op: "read", Path: path, Err: errors.New("not a regular file")}
		}
		if err != nil {
			return err
		}
		if file, err = os.Open(path); err != nil {
			return err
		}
		start := make([]byte, maxHeader)
		valid, err = readFull(file, start)
		data = start[:valid]
		if _, headerErr := parseFileHeader(data); headerErr == nil {
			data = append(data, make([]byte, max(0, info.Size()-int64(valid)))...)
		}
		return err
	})
	for err == nil && valid < len(data) {
		err = s.do(path, loadTimeout, func() error {
			n, err := readFull(file, data[valid:min(valid+readChunk, len(data))])
			if valid += n; n == 0 { // the file was truncated in the meantime
				data = data[:valid]
			}
			return err
		})
	}
	if err != nil {
		return nil, err
	}
	return data, file.Close()
}

// readFull is like io.ReadFull, but the end of the file is not an error.
func readFull(r io.Reader, data []byte) (int, error) {
	n, err := io.ReadFull(r, data)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return n, err
}

// load applies the valid records of a file to a new ledger. It returns an error if the file has no
// valid snapshot with this name. The caller must then discard the ledger.
func load(data []byte, name string, l *Ledger) (valid extent, _ error) {
	header, err := parseFileHeader(data)
	if err != nil {
		return extent{}, err
	}
	sum := newChecksum(data[:header.length])
	var snapshotClock seconds
	for offset := header.length; offset < len(data); {
		r, err := parseRecord(data[offset:], header.messageLength, &sum)
		if err != nil || valid.size == 0 && r.State == nil {
			break
		}
		if r.State != nil {
			l.restore(r)
		}
		if r.PollState != nil {
			l.pollState = *r.PollState
		}
		offset += r.length
		valid.size, valid.sum = int64(offset), sum
		if valid.snapshot == 0 {
			valid.snapshot, snapshotClock = valid.size, l.windowClock()
		}
	}
	if valid.size == 0 {
		return extent{}, errDamaged
	}
	if header.name != name {
		return extent{}, fmt.Errorf("the file belongs to %.50q", header.name)
	}
	valid.outdated = header.messageLength != messageLength
	// Records omit messages that the journal showed without a change. A message that the window
	// contained at the snapshot may have been there ever since.
	for i := range l.messages.list {
		m := &l.messages.list[i]
		if m.lastSeen >= snapshotClock {
			m.lastSeen = max(m.lastSeen, inSeconds(l.clock))
		}
	}
	return valid, nil
}

// resume prepares a ledger from an earlier run. Stored times in the future become now, and
// timestamps of rows in the future are dropped. Earlier releases trusted the server's clock, so
// they can have stored a time of coverage far in the future.
func (l *Ledger) resume(now time.Time) {
	l.coveredSince = min(l.coveredSince, unixSeconds(l.countingSince.Add(maxAhead)))
	latest := unixSeconds(now) + maxTimestampAhead
	l.newest = l.newest.plausible(latest)
	l.window.oldestPending = l.window.oldestPending.plausible(latest)
	if l.countingSince.After(now) {
		l.countingSince = now
	}
	clampCreated := func(c *counterState) { c[1] = min(c[1], uint64(nanoseconds(now))) }
	for typ := range l.totals {
		t := &l.totals[typ]
		clampCreated(&t.Messages)
		for i := range t.Statuses {
			clampCreated(&t.Statuses[i])
		}
	}
	l.delays.Created = min(l.delays.Created, nanoseconds(now))
	l.pollState.clampFuture(now)
	l.lookback.resume(now)
}

// quarantine renames an unusable file instead of deleting it.
func (f *file) quarantine(reason error, now time.Time) error {
	path := fmt.Sprintf("%s.set-aside-%s", f.path, now.UTC().Format("20060102T150405.000Z"))
	err := f.storage.do(f.path, loadTimeout, func() error { return os.Rename(f.path, path) })
	if err != nil {
		return err
	}
	f.storage.damaged.Add(1)
	level.Error(f.logger).Log("msg", "set aside the ledger's unusable file, counting starts again",
		"reason", reason, "set_aside", path,
		"advice", "to restore a good copy, stop the exporter first")
	return nil
}

// adopt takes over the valid part of an existing file of the given size, and truncates the rest.
// The first write replaces a file of an earlier version.
func (f *file) adopt(valid extent, size int64, hasBaseline bool) error {
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
	}
	return f.storage.do(f.path, loadTimeout, func() error {
		if size > f.size {
			_ = os.Truncate(f.path, f.size) // if this fails, the next write replaces the file
		}
		if info, err := os.Stat(f.path); err == nil && info.Size() == f.size && !valid.outdated {
			f.lastStat = info
		}
		return nil
	})
}
