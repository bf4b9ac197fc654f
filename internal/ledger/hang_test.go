package ledger

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// hang makes all writes of the storage hang until the returned function is called. Each write
// begins with a look at the lock file.
func (s *testStorage) hang() (respond func()) {
	s.storage.mu.Lock()
	return sync.OnceFunc(s.storage.mu.Unlock)
}

// waitIdle waits until the writes of a ledger have ended.
func waitIdle(t *testing.T, l *Ledger) {
	t.Helper()
	waitUntil(t, func() bool {
		l.file.mu.Lock()
		defer l.file.mu.Unlock()
		return !l.file.working
	})
}

func waitUntil(t *testing.T, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the condition does not hold after 10 s")
		}
	}
}

// assertTakes checks how long do takes. Slow machines have some tolerance.
func assertTakes(t *testing.T, what string, limit time.Duration, do func()) {
	t.Helper()
	begin := time.Now()
	do()
	if took := time.Since(begin); took > limit+4*time.Second {
		t.Errorf("%s took %s, want at most %s", what, took, limit)
	}
}

func TestHangingDiskDelaysOnlyTheFirstWrite(t *testing.T) {
	s := newTestStorage(t)
	l := s.restart(t, 0)
	commit(l, 0, testRow(1, "text", "sent", -5))
	s.wait()
	respond := s.hang()
	defer respond()
	before, dropped := runtime.NumGoroutine(), s.storage.Failures()
	assertTakes(t, "the first write", time.Second, func() {
		commit(l, 1, testRow(2, "text", "sent", 0.5))
	})
	var last *Summary
	assertTakes(t, "50 further writes", 0, func() {
		for i := range 50 {
			last = commit(l, float64(i+2), testRow(uint64(i+3), "text", "sent", float64(i)+1.5))
		}
	})
	if last.Messages != 52 {
		t.Errorf("Messages = %d, want 52", last.Messages)
	}
	if n := runtime.NumGoroutine() - before; n > 1 {
		t.Errorf("%d more goroutines, want 1", n)
	}
	if n := s.storage.Hanging(); n != 1 || !s.storage.Failing() {
		t.Errorf("Hanging() = %d, Failing() = %t, want 1 and true", n, s.storage.Failing())
	}
	if n := s.storage.Failures() - dropped; n != 51 {
		t.Errorf("%d failures in 51 writes", n)
	}
	s.assertWarnings(t, "the disk hangs")

	// When the disk responds, the file gets everything without a further call.
	respond()
	waitIdle(t, l)
	if strings.Count(s.log.String(), "writing the ledger works again") != 1 {
		t.Errorf("the log does not report the recovery once: %s", &s.log)
	}
	if n := s.storage.Hanging(); n != 0 || s.storage.Failing() {
		t.Errorf("Hanging() = %d, Failing() = %t, want 0 and false", n, s.storage.Failing())
	}
	if got := s.stored(t).Summary(); !equalSummaries(got, last) {
		t.Errorf("the file has %+v, want %+v", got, last)
	}
	s.assertStored(t, 60, commit(l, 60, testRow(60, "text", "sent", 60)))
	s.assertWarnings(t)
}

// A single write hung, so no later one shows that the disk works.
func TestEndOfSingleHangIsReported(t *testing.T) {
	s := newTestStorage(t)
	l := s.restart(t, 0)
	commit(l, 0, testRow(1, "text", "sent", -5))
	s.wait()
	respond := s.hang()
	last := commit(l, 1, testRow(2, "text", "sent", 0.5))
	respond()
	waitIdle(t, l)
	if s.storage.Failing() || !strings.Contains(s.log.String(), "works again") {
		t.Errorf("Failing() = %t, logged %s", s.storage.Failing(), &s.log)
	}
	s.assertStored(t, 1, last)
}

// If each write takes longer than a second but ends, only the first one delays a reading.
func TestSlowDiskDelaysOnlyTheFirstWrite(t *testing.T) {
	s := newTestStorage(t)
	l := s.restart(t, 0)
	commit(l, 0, testRow(1, "text", "sent", -5))
	s.wait()
	l.file.slow = true // as after a write that took longer
	respond := s.hang()
	defer respond()
	var last *Summary
	assertTakes(t, "a write", 0, func() {
		last = commit(l, 1, testRow(2, "text", "sent", 0.5))
	})
	waitUntil(t, func() bool { return s.storage.Hanging() == 1 })
	respond()
	waitIdle(t, l)
	s.assertWarnings(t, "the disk hangs")
	s.assertStored(t, 1, last)
}

func TestHangingDiskBlocksBoundedThreads(t *testing.T) {
	const n = 4 * maxOperations
	s := newTestStorage(t)
	s.open(t)
	var ledgers []*Ledger
	for i := range n {
		l, err := s.storage.Ledger(fmt.Sprint(1101000000+i), testOptions(60), at(0))
		if err != nil {
			t.Fatal(err)
		}
		ledgers = append(ledgers, l)
	}
	each := func(do func(*Ledger)) func() {
		return func() {
			var group sync.WaitGroup
			for _, l := range ledgers {
				group.Go(func() { do(l) })
			}
			group.Wait()
		}
	}
	persist := each(func(l *Ledger) { l.Persist(PollState{Called: at(0)}) })
	persist()
	respond := s.hang()
	defer respond()
	before := runtime.NumGoroutine()
	assertTakes(t, "the first writes", hangTime, persist)
	for range 3 {
		assertTakes(t, "the next writes", 0, persist)
	}
	if h := s.storage.Hanging(); h != maxOperations {
		t.Errorf("Hanging() = %d, want %d", h, maxOperations)
	}
	if g := runtime.NumGoroutine() - before; g > maxOperations+5 {
		t.Errorf("%d more goroutines, want %d", g, maxOperations)
	}
	assertTakes(t, "closing", hangTime, each((*Ledger).Close))
	respond()
	each(func(l *Ledger) { waitIdle(t, l) })()
	if h := s.storage.Hanging(); h != 0 {
		t.Errorf("Hanging() = %d after the recovery", h)
	}
	l, err := s.storage.Ledger("1101000000", testOptions(60), at(0))
	if err != nil {
		t.Fatal(err)
	}
	l.Persist(PollState{Called: at(1)})
	if l.dirty {
		t.Error("the disk responds, but a write fails")
	}
}

func TestOtherLedgersWriteWhileOneHangs(t *testing.T) {
	s := newTestStorage(t)
	l := s.restart(t, 0)
	commit(l, 0, testRow(1, "text", "sent", -5))
	s.wait()
	l.file.io.Lock() // as if a write of this file only did not end
	defer l.file.io.Unlock()
	commit(l, 1, testRow(2, "text", "sent", 0.5))
	other, err := s.storage.Ledger("1101000002", testOptions(60), at(0))
	if err != nil {
		t.Fatal(err)
	}
	other.Persist(PollState{Called: at(1)}) // may take longer than shortWait
	waitIdle(t, other)
	other.Persist(PollState{Called: at(2)})
	if other.dirty || !l.dirty {
		t.Errorf("other.dirty = %t, l.dirty = %t, want false and true", other.dirty, l.dirty)
	}
}

// A ledger is closed while its write hangs, and opened again by a reload.
func TestLedgerDoesNotOpenDuringWrite(t *testing.T) {
	t.Parallel()
	s := newTestStorage(t)
	l := s.restart(t, 0)
	commit(l, 0, testRow(1, "text", "sent", -5))
	s.wait()
	respond := s.hang()
	defer respond()
	last := commit(l, 1, testRow(2, "text", "sent", 0.5))
	assertTakes(t, "Close", 0, l.Close)
	if s.storage.Failing() {
		t.Error("Failing() = true after Close")
	}
	s.assertWarnings(t, "the disk hangs", "closed the ledger with changes")
	assertTakes(t, "Ledger", hangTime, func() {
		_, err := s.storage.Ledger(testID, testOptions(60), at(1))
		if !errors.Is(err, errHangs) || !strings.Contains(err.Error(), s.path()) {
			t.Errorf("got error %v, want errHangs with the path", err)
		}
	})
	respond()
	waitIdle(t, l)
	s.assertStored(t, 2, last)
	if s.storage.Failing() {
		t.Error("Failing() = true after the recovery")
	}
}

func TestHangingDiskDoesNotBlockLoad(t *testing.T) {
	t.Parallel()
	s := newTestStorage(t)
	commit(s.restart(t, 0), 0, testRow(1, "text", "sent", -5))
	s.wait()
	for range maxOperations {
		s.storage.disk.slots <- struct{}{}
	}
	assertTakes(t, "Ledger", loadTimeout, func() {
		_, err := s.storage.Ledger(testID, testOptions(60), at(1))
		if !errors.Is(err, errHangs) || !strings.Contains(err.Error(), "; check the disk") {
			t.Errorf("got error %v, want errHangs with advice", err)
		}
	})
	assertTakes(t, "Close", hangTime, func() { _ = s.storage.Close() })
}

// TestLoadRunsAfterItsTimeout can fail only with the race detector: an operation that runs after
// its timeout must not share memory with Ledger, which has returned.
func TestLoadRunsAfterItsTimeout(t *testing.T) {
	t.Parallel()
	s := newTestStorage(t)
	last := commit(s.restart(t, 0), 0, testRow(1, "text", "sent", -5))
	s.wait()
	for range maxOperations {
		s.storage.disk.slots <- struct{}{}
	}
	time.AfterFunc(loadTimeout+hangTime, func() {
		for range maxOperations {
			<-s.storage.disk.slots
		}
	})
	if _, err := s.storage.Ledger(testID, testOptions(60), at(1)); !errors.Is(err, errHangs) {
		t.Errorf("got error %v, want errHangs", err)
	}
	waitUntil(t, func() bool { return !s.storage.isBusy(s.path()) })
	s.assertStored(t, 2, last)
}
