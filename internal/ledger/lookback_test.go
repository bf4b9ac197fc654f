package ledger

import (
	"testing"
	"time"
	"unsafe"
)

func TestCallsBeforeBaselineRequestWindow(t *testing.T) {
	l := newTestLedger(60)
	for _, minute := range []float64{0, 1, 500} {
		if got := nextMinutes(l, minute); got != 60 {
			t.Errorf("at minute %v: got %d, want 60", minute, got)
		}
		l.NewBatch(at(minute)).Shrink()
	}
}

func TestRequestedMinutes(t *testing.T) {
	for _, c := range []struct {
		window int
		gap    float64
		want   int
	}{
		// The window covers a short gap.
		{1440, 0.25, 1440}, {1440, 5, 1440},
		// The window is too short for the gap.
		{1, 0.25, 6}, {5, 0.25, 6}, {6, 0.25, 6}, {1, 4, 9}, {1, 5, 10},
		// After a pause.
		{60, 5.01, 60 + 6 + 5}, {1440, 60, 1440 + 60 + 5}, {1, 6, 1 + 6 + 5},
		// At most MaxMinutes.
		{1440, 13 * 1440, 14 * 1440}, {1440, 100 * 1440, 14 * 1440},
	} {
		l := newTestLedger(c.window)
		commit(l, 0)
		if got := nextMinutes(l, c.gap); got != c.want {
			t.Errorf("window %d, gap %v: got %d, want %d", c.window, c.gap, got, c.want)
		}
	}
}

func TestWindowEqualToMaxMinutes(t *testing.T) {
	l := New(Options{Minutes: 1440, MaxMinutes: 1440, Retention: 48 * time.Hour})
	commit(l, 0)
	if got := nextMinutes(l, 60); got != 1440 {
		t.Errorf("got %d, want 1440", got)
	}
}

func TestShrinkHalvesExtraMinutes(t *testing.T) {
	l := newTestLedger(60)
	commit(l, 0)
	for i, want := range []int{160, 110, 85, 72, 66, 63, 61, 60} {
		b := l.NewBatch(at(95))
		if b.Minutes() != want {
			t.Fatalf("call %d: got %d, want %d", i, b.Minutes(), want)
		}
		b.Shrink()
	}
	commit(l, 95)
	if got := nextMinutes(l, 195); got != 165 {
		t.Errorf("after a good reading: got %d, want 165", got)
	}
}

// If calls time out whatever they request, size is not the cause. The first good reading after the
// outage then covers the whole pause.
func TestOutageDoesNotReduceCoverage(t *testing.T) {
	l := newTestLedger(60)
	commit(l, 0)
	most := 0
	for range 50 {
		b := l.NewBatch(at(95))
		most = max(most, b.Minutes())
		b.Shrink()
		if got := nextMinutes(l, 95); b.Minutes() == 60 && got != 160 {
			t.Fatalf("after a failed call for the window: got %d, want 160", got)
		}
	}
	if most != 160 {
		t.Errorf("largest request: got %d, want 160", most)
	}
}

// The monotonic clock stops while the machine sleeps.
func TestGapIsLargerOfWallAndMonotonicClock(t *testing.T) {
	for _, c := range []struct {
		gap, wallAhead time.Duration
		want           int
	}{
		{10 * time.Second, 8 * time.Hour, 60 + 480 + 1 + 5},
		{10 * time.Second, -8 * time.Hour, 60},
		{2 * time.Hour, -time.Hour, 60 + 120 + 5},
	} {
		l := newTestLedger(60)
		now := time.Now()
		b := l.NewBatch(now)
		b.SetServerTime(now, now, 0)
		b.Commit()
		later := advanceWallClock(t, now.Add(c.gap), c.wallAhead)
		b = l.NewBatch(later)
		if b.Minutes() != c.want {
			t.Errorf("gap %s, wall clock ahead by %s: got %d, want %d",
				c.gap, c.wallAhead, b.Minutes(), c.want)
		}
		b.SetServerTime(later, later, 0)
		if s := b.Commit(); s.Uncovered != 0 || l.clock != c.gap {
			t.Errorf("Uncovered = %s, ledger's clock = %s, want 0 and %s",
				s.Uncovered, l.clock, c.gap)
		}
	}
}

// advanceWallClock returns now with a wall clock that is ahead of the monotonic clock.
func advanceWallClock(t *testing.T, now time.Time, ahead time.Duration) time.Time {
	t.Helper()
	moved := now.Add(ahead)
	monotonic := (*int64)(unsafe.Add(unsafe.Pointer(&moved), unsafe.Sizeof(uint64(0)))) // Time.ext
	*monotonic -= int64(ahead)
	if moved.Sub(now) != 0 || moved.Round(0).Sub(now.Round(0)) != ahead {
		t.Fatal("the layout of time.Time has changed")
	}
	return moved
}

// A time without a monotonic clock reading can go backwards during a run.
func TestClockSetBackRequestsMaxMinutes(t *testing.T) {
	l := newTestLedger(60)
	commit(l, 0)
	if got, want := nextMinutes(l, -1), l.options.MaxMinutes; got != want {
		t.Errorf("got %d, want %d", got, want)
	}
	now := time.Now()
	b := l.NewBatch(now)
	b.SetServerTime(now, now, 0)
	b.Commit()
	if got := l.NewBatch(time.Now()).Minutes(); got != 60 {
		t.Errorf("a moment later by the monotonic clock: got %d, want 60", got)
	}
}

func TestUncoveredTimeAccumulates(t *testing.T) {
	l := newTestLedger(60)
	assertUncovered := func(minute float64, want time.Duration) {
		t.Helper()
		if s := commit(l, minute); s.Uncovered != want {
			t.Errorf("at minute %v: Uncovered = %s, want %s", minute, s.Uncovered, want)
		}
	}
	assertUncovered(0, 0)
	assertUncovered(1000, 0) // the call covers the pause
	for nextMinutes(l, 3000) > 60 {
		l.NewBatch(at(3000)).Shrink()
	}
	assertUncovered(3000, (2000-60)*time.Minute)
	assertUncovered(3001, (2000-60)*time.Minute)
}
