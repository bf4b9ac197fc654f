package ledger

import (
	"testing"
	"time"
	"unsafe"
)

// asks is what the next call would ask for.
func asks(l *Ledger, minutes float64) int { return l.NewBatch(at(minutes)).Minutes() }

func TestTheFirstCallsAskForTheWindow(t *testing.T) {
	l := newTestLedger(60)
	for _, minute := range []float64{0, 1, 500} {
		if got := asks(l, minute); got != 60 {
			t.Errorf("before the baseline, at %v: %d", minute, got)
		}
		l.NewBatch(at(minute)).Shrink()
	}
}

func TestWhatACallAsksFor(t *testing.T) {
	for _, c := range []struct {
		window int
		gap    float64
		want   int
	}{
		{1440, 0.25, 1440}, {1440, 5, 1440}, // soon: the window covers it
		{1, 0.25, 6}, {5, 0.25, 6}, {6, 0.25, 6}, {1, 4, 9}, {1, 5, 10}, // soon, but the window is too short
		{60, 5.01, 60 + 6 + 5}, {1440, 60, 1440 + 60 + 5}, {1, 6, 1 + 6 + 5}, // after a pause
		{1440, 13 * 1440, 14 * 1440}, {1440, 100 * 1440, 14 * 1440}, // never more than the retention less a day
	} {
		l := newTestLedger(c.window)
		takeReading(l, 0)
		if got := asks(l, c.gap); got != c.want {
			t.Errorf("a window of %d, %v minutes later: asks for %d, want %d", c.window, c.gap, got, c.want)
		}
	}
}

func TestAWindowAsLongAsTheRetentionIsAskedFor(t *testing.T) {
	l := New(Options{Minutes: 1440, MaxMinutes: 1440, Retention: 48 * time.Hour})
	takeReading(l, 0)
	if got := asks(l, 60); got != 1440 {
		t.Errorf("asks for %d, want 1440", got)
	}
}

func TestAWiderCallThatFailsAsksForLess(t *testing.T) {
	l := newTestLedger(60)
	takeReading(l, 0)
	var asked []int
	for range 8 {
		count := l.NewBatch(at(95))
		asked = append(asked, count.Minutes())
		count.Shrink()
	}
	want := []int{160, 110, 85, 72, 66, 63, 61, 60}
	for i := range want {
		if asked[i] != want[i] {
			t.Fatalf("asked for %v, want %v", asked, want)
		}
	}
	takeReading(l, 95)
	if got := asks(l, 195); got != 165 {
		t.Errorf("after a good reading it asks for %d, want 165 again", got)
	}
}

// TestAPauseIsAskedForByWhicheverClockSaysMore: the monotonic one stands still where the machine sleeps.
func TestAPauseIsAskedForByWhicheverClockSaysMore(t *testing.T) {
	for _, c := range []struct {
		gap, ahead time.Duration
		want       int
	}{
		{10 * time.Second, 8 * time.Hour, 60 + 480 + 1 + 5},
		{10 * time.Second, -8 * time.Hour, 60},
		{2 * time.Hour, -time.Hour, 60 + 120 + 5},
	} {
		l := newTestLedger(60)
		now := time.Now()
		count := l.NewBatch(now)
		count.SetServerTime(now)
		count.Commit()
		later := wallAhead(t, now.Add(c.gap), c.ahead)
		count = l.NewBatch(later)
		if count.Minutes() != c.want {
			t.Errorf("%s later, the wall clock %s ahead of the monotonic one: asks for %d, want %d", c.gap, c.ahead, count.Minutes(), c.want)
		}
		count.SetServerTime(later)
		if r := count.Commit(); r.Uncovered != 0 || l.clock != c.gap {
			t.Errorf("%s unread, the ledger's clock is at %s", r.Uncovered, l.clock)
		}
	}
}

// wallAhead returns t with a wall clock that has run ahead of the monotonic one.
func wallAhead(t *testing.T, at time.Time, ahead time.Duration) time.Time {
	t.Helper()
	moved := at.Add(ahead)
	monotonic := (*int64)(unsafe.Add(unsafe.Pointer(&moved), unsafe.Sizeof(uint64(0)))) // the field ext of time.Time
	*monotonic -= int64(ahead)
	if moved.Sub(at) != 0 || moved.Round(0).Sub(at.Round(0)) != ahead {
		t.Fatal("a Time is not what it was")
	}
	return moved
}

// TestAnOutageLosesNothing: calls that time out whatever they ask for have not failed by their size, so the first good
// one after them asks for the whole pause.
func TestAnOutageLosesNothing(t *testing.T) {
	l := newTestLedger(60)
	takeReading(l, 0)
	most := 0
	for range 50 {
		count := l.NewBatch(at(95))
		most = max(most, count.Minutes())
		count.Shrink()
		if count.Minutes() == 60 && asks(l, 95) != 160 {
			t.Fatalf("after a failure of the window alone it asks for %d, want 160", asks(l, 95))
		}
	}
	if most != 160 {
		t.Errorf("asked for %d at most, want 160", most)
	}
}

func TestTimeThatNoCallCoveredIsUnread(t *testing.T) {
	l := newTestLedger(60)
	if r := takeReading(l, 0); r.Uncovered != 0 {
		t.Errorf("the baseline has %s unread", r.Uncovered)
	}
	if r := takeReading(l, 1000); r.Uncovered != 0 {
		t.Errorf("a pause that was covered has %s unread", r.Uncovered)
	}
	for asks(l, 3000) > 60 {
		l.NewBatch(at(3000)).Shrink()
	}
	if r := takeReading(l, 3000); r.Uncovered != (2000-60)*time.Minute {
		t.Errorf("%s unread, want %s", r.Uncovered, (2000-60)*time.Minute)
	}
	if r := takeReading(l, 3001); r.Uncovered != (2000-60)*time.Minute {
		t.Errorf("%s unread after a good reading, want as much as before", r.Uncovered)
	}
}

func TestRowsOfAWiderAnswerAreNotInTheWindow(t *testing.T) {
	l := newTestLedger(60)
	takeReading(l, 0, messageRow(1, "text", "pending", -1))
	count := l.NewBatch(at(100))
	// The API's clock is an hour behind ours, and it took half a minute to answer.
	count.SetServerTime(at(40.5))
	count.Add(messageRow(1, "text", "read", -21))      // out by half a minute
	count.Add(messageRow(2, "text", "pending", -19.5)) // in, just so
	count.Add(messageRow(3, "text", "pending", -25))   // out, and not the oldest pending
	count.Add(Row{Key: 4, Type: []byte("text"), Status: []byte("sent")})
	r := count.Commit()
	expect(t, "window", windowRows(r), map[string]int{"pending/text": 1, "sent/text": 1})
	if r.OldestPending.Seconds != unixSeconds(at(-19.5)) {
		t.Errorf("oldest pending %+v", r.OldestPending)
	}
	expect(t, "totals", totals(r), map[string]uint64{"text": 3, "pending/text": 3, "sent/text": 2, "delivered/text": 1, "read/text": 1})
}

func TestAnAnswerToTheWindowIsShownAsItIs(t *testing.T) {
	l := newTestLedger(60)
	r := takeReading(l, 0, messageRow(1, "text", "read", -5000))
	expect(t, "window", windowRows(r), map[string]int{"read/text": 1})
}

// TestSetMinutes: another window holds from the next reading on, and changes nothing of what was counted.
func TestSetMinutes(t *testing.T) {
	l := New(Options{Minutes: 60, MaxMinutes: 48 * 60, Retention: 72 * time.Hour})
	now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	read := func(want int, rows ...Row) *Summary {
		t.Helper()
		count := l.NewBatch(now)
		if count.Minutes() != want {
			t.Errorf("asks for %d minutes, want %d", count.Minutes(), want)
		}
		count.SetServerTime(now)
		for _, r := range rows {
			count.Add(r)
		}
		return count.Commit()
	}
	row := func(key uint64) Row { return Row{Key: key, Type: []byte("textMessage"), Status: []byte("sent")} }
	read(60, row(1))
	now = now.Add(time.Minute)
	read(60, row(1), row(2))
	l.SetMinutes(30)
	now = now.Add(time.Minute)
	if r := read(30, row(2), row(3)); r.Types[0].Messages.Count != 2 || r.Messages != 3 {
		t.Errorf("counted %d of %d", r.Types[0].Messages.Count, r.Messages)
	}
	l.SetMinutes(600)
	now = now.Add(time.Hour)
	read(600+60+visibilityDelay, row(2))
	now = now.Add(100 * time.Hour)
	if count := l.NewBatch(now); count.Minutes() != 48*60 {
		t.Errorf("asks for %d minutes, more than is remembered less a day", count.Minutes())
	}
}
