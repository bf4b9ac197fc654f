package ledger

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	sys "golang.org/x/sys/unix"
)

// makeFIFO replaces a file by a FIFO. Opening it hangs until the returned function is called.
func makeFIFO(t *testing.T, path string) (respond func()) {
	t.Helper()
	_ = os.Remove(path)
	if err := sys.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	respond = func() {
		reader, err := os.OpenFile(path, os.O_RDONLY|sys.O_NONBLOCK, 0)
		if err == nil {
			time.Sleep(100 * time.Millisecond) // a writer can open it while it has a reader
			err = reader.Close()
		}
		if err != nil {
			t.Error(err)
		}
	}
	return respond
}

func TestFileThatHangs(t *testing.T) {
	s := newTestStorage(t)
	l := s.restart(t, 0)
	commit(l, 0, testRow(1, "text", "sent", -5))
	s.wait()
	respond := makeFIFO(t, s.path())
	assertTakes(t, "the first write", time.Second, func() {
		commit(l, 1, testRow(2, "text", "sent", 0.5))
	})
	assertTakes(t, "the second write", 0, func() {
		commit(l, 2, testRow(3, "text", "sent", 1.5))
	})
	s.assertWarnings(t, "the disk hangs")
	respond()
	waitIdle(t, l)
	if err := os.Remove(s.path()); err != nil {
		t.Fatal(err)
	}
	s.assertStored(t, 3, commit(l, 3, testRow(4, "text", "sent", 2.5)))
}

func TestOpenStorageGivesUpIfTheDiskHangs(t *testing.T) {
	if testing.Short() {
		t.Skip("the test takes 6 s")
	}
	t.Parallel()
	directory := t.TempDir()
	respond := makeFIFO(t, filepath.Join(directory, "lock"))
	_, err := OpenStorage(directory, log.NewNopLogger())
	if !errors.Is(err, errHangs) || !strings.Contains(err.Error(), directory+": ") {
		t.Errorf("got error %v, want errHangs with the path", err)
	}
	respond()
}

func TestSnapshotThatHangs(t *testing.T) {
	t.Parallel()
	s := newTestStorage(t)
	l := s.restart(t, 0)
	commit(l, 0, testRow(1, "text", "sent", -5))
	s.wait()
	respond := makeFIFO(t, s.path()+tmpSuffix)
	l.file.requestSnapshot()
	var last *Summary
	assertTakes(t, "writes during the snapshot", 0, func() {
		for i := range 20 {
			last = commit(l, float64(i+1), testRow(uint64(i+2), "text", "sent", float64(i)))
		}
	})
	waitUntil(t, func() bool { return s.storage.Failures() > 0 })
	if n := s.storage.Hanging(); n != 1 {
		t.Errorf("Hanging() = %d, want 1", n)
	}
	if s.storage.Failing() {
		t.Error("Failing() = true, although the changes are in the file")
	}
	assertTakes(t, "Close", 0, l.Close)
	if got := s.stored(t).Summary(); !equalSummaries(got, last) {
		t.Errorf("the file has %+v, want %+v", got, last)
	}
	respond()
	s.wait()
	waitIdle(t, l)
	s.assertWarnings(t, "the disk hangs, cannot write a snapshot")
	s.assertStored(t, 30, last)
}
