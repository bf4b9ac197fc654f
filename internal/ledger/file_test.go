package ledger

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestFailingDiskLosesNothing(t *testing.T) {
	for name, before := range map[string]int{"from the baseline on": 0, "after two readings": 2} {
		t.Run(name, func(t *testing.T) {
			s := newTestStorage(t)
			l := s.restart(t, 0)
			minute := 0.0
			next := func(status string) *Summary {
				minute++
				return commit(l, minute, testRow(1, "text", "pending", -1),
					testRow(uint64(minute)+1, "text", status, minute-0.5))
			}
			for range before {
				next("sent")
			}
			s.fail(t)
			for i := range 5 {
				if summary := next("delivered"); summary.Messages != before+i+2 {
					t.Errorf("Messages = %d, want %d", summary.Messages, before+i+2)
				}
				l.Persist(PollState{Called: at(minute)})
			}
			s.assertWarnings(t, "cannot write the ledger")
			s.repair(t)
			last := next("read")
			if !strings.Contains(s.log.String(), "level=info") || s.storage.Failures() != 10 {
				t.Errorf("%d failures, want 10; logged %s", s.storage.Failures(), &s.log)
			}
			s.assertStored(t, minute, last)
		})
	}
}

func TestCloseDuringOutage(t *testing.T) {
	for _, isRepaired := range []bool{false, true} {
		s := newTestStorage(t)
		l := s.restart(t, 0)
		baseline := commit(l, 0, testRow(1, "text", "sent", -5))
		s.fail(t)
		last := commit(l, 1, testRow(2, "text", "sent", 0.5))
		if !s.storage.Failing() {
			t.Error("Failing() = false during the outage")
		}
		warnings := []string{"cannot write the ledger", "changes older than the journal are lost"}
		stored := baseline
		if isRepaired {
			s.repair(t)
			warnings, stored = warnings[:1], last
		}
		l.Close()
		if s.storage.Failing() {
			t.Errorf("repaired %t: Failing() = true after Close", isRepaired)
		}
		s.assertWarnings(t, warnings...)
		if !isRepaired {
			s.repair(t)
		}
		s.assertStored(t, 1, stored)
	}
}

func TestCloseWritesMissingPollState(t *testing.T) {
	s := newTestStorage(t)
	l := s.restart(t, 0)
	commit(l, 0, testRow(1, "text", "sent", -5))
	s.fail(t)
	l.Persist(PollState{Called: at(1), Next: at(100)})
	s.repair(t)
	l.Close()
	if state := s.restart(t, 1).LastPollState(); !state.Next.Equal(at(100)) {
		t.Errorf("stored %+v, want Next = %s", state, at(100))
	}
}

func TestDirtyKeysAreBounded(t *testing.T) {
	s := newTestStorage(t)
	l := s.restart(t, 0)
	commit(l, 0, manyRows(100)...)
	s.fail(t)
	for i := range 100 {
		commit(l, float64(2*i+1))
		commit(l, float64(2*i+2), manyRows(100)...) // the messages return
	}
	if n, limit := len(l.dirtyKeys), 2*len(l.messages.list)+1000; n > limit {
		t.Errorf("%d dirty keys, want at most %d", n, limit)
	}
	s.repair(t)
	s.assertStored(t, 3000, commit(l, 3000))
}

func TestPersistWithoutChangesAppendsLittle(t *testing.T) {
	s := newTestStorage(t)
	l := s.restart(t, 0)
	commit(l, 0, manyRows(100)...)
	s.wait()
	before := s.size(t)
	l.Persist(PollState{Called: at(1), Next: at(2), Result: "timeout", Took: time.Minute,
		Settings: "0123456789abcdef"})
	if n := s.size(t) - before; n > 300 {
		t.Errorf("appended %d bytes, want at most 300", n)
	}
}

func TestChangedFileIsReplaced(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"removed":   os.Remove,
		"truncated": func(path string) error { return os.Truncate(path, 100) },
		"replaced by a copy with the same time": func(path string) error {
			data, err := os.ReadFile(path)
			info, statErr := os.Stat(path)
			if err = errors.Join(err, statErr); err != nil {
				return err
			}
			data[len(data)-1] ^= 1
			return errors.Join(os.WriteFile(path+".copy", data, 0o600),
				os.Chtimes(path+".copy", time.Now(), info.ModTime()), os.Rename(path+".copy", path))
		},
		"overwritten": func(path string) error {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			data[len(data)-1] ^= 1
			return errors.Join(os.WriteFile(path, data, 0o600),
				os.Chtimes(path, time.Now(), time.Now().Add(time.Second)))
		},
		"longer": func(path string) error {
			file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
			if err != nil {
				return err
			}
			_, err = file.WriteString("something")
			return errors.Join(err, file.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTestStorage(t)
			l := s.restart(t, 0)
			commit(l, 0, testRow(1, "text", "sent", -5))
			if err := change(s.path()); err != nil {
				t.Fatal(err)
			}
			s.assertStored(t, 2, commit(l, 1, testRow(2, "text", "sent", 0.5)))
			if n := s.storage.Damaged(); n > 0 {
				t.Errorf("%d damaged files:\n%s", n, &s.log)
			}
		})
	}
}

func TestBaselineIsInSnapshot(t *testing.T) {
	s := newTestStorage(t)
	l := s.restart(t, 0)
	l.Persist(PollState{Called: at(0)})
	baseline := commit(l, 0, manyRows(100)...)
	s.wait()
	if f := l.file; f.size > f.snapshot {
		t.Error("the file contains records after the snapshot")
	}
	commit(l, 1, manyRows(100)...)
	data := s.read(t)
	s.write(t, data[:len(data)-1])
	if summary := s.reload(t).Summary(); summary == nil || summary.Messages != baseline.Messages {
		t.Errorf("after truncation: got %+v, want the baseline", summary)
	}
}

func TestSnapshotsBoundFileSize(t *testing.T) {
	s := newTestStorage(t)
	l := s.restart(t, 0)
	longest, snapshots := 0, 0
	var last *Summary
	for i := range 3000 {
		before := l.file.snapshot
		status := []string{"sent", "read"}[i/500%2]
		last = commit(l, float64(i), testRow(uint64(i%500+1), "text", status, float64(i)))
		s.wait()
		if l.file.snapshot > before {
			snapshots++
		}
		longest = max(longest, s.size(t))
	}
	if snapshots < 2 || longest > minAppended+100<<10 {
		t.Errorf("%d snapshots, longest file %d bytes", snapshots, longest)
	}
	s.assertStored(t, 3000, last)
	if paths := s.glob(t, tmpSuffix); len(paths) > 0 {
		t.Errorf("files %v remain", paths)
	}
}

// Each run appends less than minAppended, and no run writes a snapshot at its end.
func TestKillsDoNotPreventSnapshots(t *testing.T) {
	s := newTestStorage(t)
	longest := 0
	for run := range 20 {
		l := s.restart(t, float64(run*100))
		for i := range 100 {
			commit(l, float64(run*100+i), testRow(1, "text", "sent", 0))
		}
		s.wait()
		longest = max(longest, s.size(t))
	}
	if longest < minAppended/2 || longest > minAppended+minAppended/2 {
		t.Errorf("longest file %d bytes", longest)
	}
}

func TestAppendDuringSnapshot(t *testing.T) {
	s := newTestStorage(t)
	l := s.restart(t, 0)
	commit(l, 0, testRow(1, "text", "sent", -5))
	commit(l, 0.5, testRow(1, "text", "read", -5))
	s.wait()
	f := l.file
	f.requestSnapshot()
	if !f.snapshotDue() || f.snapshotDue() {
		t.Fatal("a requested snapshot is not due exactly once")
	}
	// The second snapshot must not contain the first tail.
	for minute := 1.0; minute < 7; minute += 3 {
		f.snapshotting = true
		snapshot, err := l.snapshotRecord()
		if err != nil {
			t.Fatal(err)
		}
		commit(l, minute, testRow(uint64(minute)+1, "text", "sent", 0.5))
		last := commit(l, minute+1, testRow(uint64(minute)+1, "text", "read", 0.5))
		before := s.read(t)
		if err := f.replace(snapshot); err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(before, s.read(t)) || len(f.tail) > 0 {
			t.Errorf("the file is unchanged, or %d records remain in the tail", len(f.tail))
		}
		if got := s.stored(t).Summary(); !equalSummaries(got, last) {
			t.Errorf("after the snapshot: got %+v, want %+v", got, last)
		}
		last = commit(l, minute+2, testRow(uint64(minute)+2, "text", "sent", 2.5))
		if got := s.stored(t).Summary(); !equalSummaries(got, last) {
			t.Errorf("after another reading: got %+v, want %+v", got, last)
		}
	}
}

func TestFailedSnapshotLosesNothing(t *testing.T) {
	s := newTestStorage(t)
	l := s.restart(t, 0)
	commit(l, 0, testRow(1, "text", "sent", -5))
	s.wait()
	// A directory that is not empty prevents the creation of the temporary file.
	if err := os.MkdirAll(filepath.Join(s.path()+tmpSuffix, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	var last *Summary
	for i := range 3 {
		l.file.requestSnapshot()
		last = commit(l, float64(i+1), testRow(uint64(i+2), "text", "sent", float64(i)))
		s.wait()
		if l.file.dueSize < minAppended {
			t.Error("the next reading would try again")
		}
	}
	if n := s.storage.Failures(); n != 3 {
		t.Errorf("%d failures, want 3", n)
	}
	s.assertWarnings(t, "cannot write a snapshot of the ledger")
	s.assertStored(t, 4, last)
}

func TestSnapshotWithoutLockDiscardsTail(t *testing.T) {
	s := newTestStorage(t)
	l := s.restart(t, 0)
	commit(l, 0, testRow(1, "text", "sent", -5))
	s.wait()
	f := l.file
	f.requestSnapshot()
	if !f.snapshotDue() {
		t.Fatal("the snapshot is not due")
	}
	s.fail(t)
	w := write{replaces: true, outage: &f.writes}
	if err := l.writeRecord(l.snapshotRecord, w); err == nil {
		t.Fatal("replacing the file succeeded without the directory")
	}
	s.repair(t)
	commit(l, 1, testRow(2, "text", "sent", 0.5))
	if len(f.tail) > 0 {
		t.Errorf("%d records in the tail, want 0", len(f.tail))
	}
	f.requestSnapshot()
	last := commit(l, 2, testRow(3, "text", "sent", 1.5))
	s.wait()
	if f.size > f.snapshot {
		t.Error("no further snapshot was written")
	}
	s.assertStored(t, 2, last)
}

func TestSnapshotTakesAtMost29BytesPerMessage(t *testing.T) {
	const n = 100_000
	s := newTestStorage(t)
	l := s.restart(t, 0)
	commit(l, 0, manyRows(n)...)
	l.Close()
	if each := float64(s.size(t)) / n; each > 29 {
		t.Errorf("%.1f bytes per message", each)
	}
	if got := s.restart(t, 0).Summary().Messages; got != n {
		t.Errorf("Messages = %d, want %d", got, n)
	}
}
