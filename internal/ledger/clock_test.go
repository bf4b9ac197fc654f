package ledger

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// readAt reads rows in a response whose Date is the given minute of the server's clock.
func readAt(l *Ledger, minute, date float64, rows ...Row) *Summary {
	b := l.NewBatch(at(minute))
	b.SetServerTime(at(date), at(minute), 0)
	for _, row := range rows {
		b.Add(row)
	}
	s := b.Commit()
	l.Persist(l.LastPollState())
	return s
}

// A message that is sent after the baseline counts, however far ahead the baseline's Date is.
func TestDateAheadAtBaselineDoesNotStopCounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		window := rapid.SampledFrom([]int{1, 2, 60, 1440}).Draw(t, "window")
		ahead := rapid.Float64Range(0, 140*365*1440).Draw(t, "ahead")
		l := newTestLedger(window)
		readAt(l, 0, ahead)
		s := readAt(l, 2, 2, testRow(1, "textMessage", "sent", 1.1))
		if got := totals(s)["textMessage"]; got != 1 {
			t.Fatalf("counted %d messages, want 1", got)
		}
	})
}

func TestDateOfYear9999DoesNotStopCounting(t *testing.T) {
	l := newTestLedger(60)
	b := l.NewBatch(at(0))
	b.SetServerTime(time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), at(0), 0)
	b.Commit()
	s := readAt(l, 30, 30, testRow(1, "textMessage", "sent", -58),
		testRow(2, "textMessage", "sent", -60))
	if got := totals(s)["textMessage"]; got != 1 {
		t.Errorf("counted %d messages, want the one after the reach", got)
	}
}

// Messages older than the baseline's window do not count, however far behind its Date is, if a row
// shows that the Date is wrong.
func TestDateFarBehindAtBaselineDoesNotCountOldMessages(t *testing.T) {
	const day = 1440
	for _, date := range []float64{-1.1 * day, -30 * day, -unixSeconds(at(0)) / 60, -1e8} {
		l := newTestLedger(60)
		readAt(l, 0, date, testRow(1, "textMessage", "sent", -10))
		s := readAt(l, 2, 2, testRow(2, "textMessage", "sent", -5*day),
			testRow(3, "textMessage", "sent", -61), testRow(4, "textMessage", "sent", -59))
		if got := totals(s)["textMessage"]; got != 1 || s.Uncounted != 2 {
			t.Errorf("Date at minute %v: counted %d messages and not %d, want 1 and 2",
				date, got, s.Uncounted)
		}
	}
}

// If the local clock is days ahead, the Date and the rows agree. A message that is sent after the
// baseline counts.
func TestLocalClockAheadAtBaselineDoesNotStopCounting(t *testing.T) {
	for _, behind := range []float64{-30, -1500, -1e5, -1e7} {
		l := newTestLedger(60)
		readAt(l, 0, behind, testRow(1, "textMessage", "sent", behind-10))
		s := readAt(l, 2, behind+2, testRow(2, "textMessage", "sent", behind+1))
		if got := totals(s)["textMessage"]; got != 1 {
			t.Errorf("Date at minute %v: counted %d messages, want 1", behind, got)
		}
		l = newTestLedger(60)
		readAt(l, 0, behind)
		s = readAt(l, 2, behind+2, testRow(2, "textMessage", "sent", behind+1))
		if got := totals(s)["textMessage"]; got != 1 {
			t.Errorf("Date at minute %v, no rows: counted %d messages, want 1", behind, got)
		}
	}
}

// The limit is one minute, so two correct clocks can differ a little.
func TestDateCountsAsAtMostAMinuteAhead(t *testing.T) {
	for date, want := range map[float64]float64{-3: -63, 0: -60, 0.5: -59.5, 1: -59, 5: -59} {
		l := newTestLedger(60)
		readAt(l, 0, date)
		if got := l.coveredSince - dateResolution; got != unixSeconds(at(want)) {
			t.Errorf("Date at minute %v: reach differs by %v s", date, got-unixSeconds(at(want)))
		}
	}
}

// The server selects the rows when the request arrives, and writes the Date when it responds.
func TestMessagesSentDuringSlowBaselineCount(t *testing.T) {
	l := newTestLedger(1)
	b := l.NewBatch(at(0))
	b.SetServerTime(at(4.5), at(4.5), 4*time.Minute) // the request was sent after half a minute
	b.Commit()
	s := readAt(l, 5, 5, testRow(1, "textMessage", "sent", 0.75),
		testRow(2, "textMessage", "sent", -0.75))
	if got := totals(s)["textMessage"]; got != 1 || s.Uncounted != 1 {
		t.Errorf("counted %d messages and not %d, want one of each", got, s.Uncounted)
	}
}

func TestDateAheadDoesNotEmptyWindow(t *testing.T) {
	l := newTestLedger(60)
	readAt(l, 0, 0)
	s := readAt(l, 30, 1e6, // requests more than the window
		testRow(1, "textMessage", "sent", 29), testRow(2, "textMessage", "sent", -40))
	assertEqual(t, "window", windowRows(s), map[string]int{"sent/textMessage": 1})
}

// Earlier releases stored a coveredSince in the future.
func TestStoredReachInFutureIsRepaired(t *testing.T) {
	for _, ahead := range []float64{2, 61, 1e7} {
		t.Run(fmt.Sprint(ahead), func(t *testing.T) {
			s := newTestStorage(t)
			l := s.restart(t, 0)
			commit(l, 0)
			l.coveredSince = unixSeconds(at(ahead))
			commit(l, 1)
			for run := range 3 {
				minute := float64(2 + run)
				l = s.restart(t, minute)
				row := testRow(uint64(run+1), "textMessage", "sent", 1.5+float64(run))
				if got := totals(commit(l, minute, row))["textMessage"]; got != uint64(run+1) {
					t.Errorf("run %d: counted %d messages, want %d", run, got, run+1)
				}
			}
		})
	}
}

// A clock that was set back between two runs does not change coveredSince. Otherwise, older
// messages would count.
func TestClockSetBackDoesNotMoveStoredReach(t *testing.T) {
	s := newTestStorage(t)
	l := s.restart(t, 0)
	commit(l, 0)
	want := l.coveredSince
	if got := s.restart(t, -1e6).coveredSince; got != want {
		t.Errorf("the reach moved by %v s", got-want)
	}
}

// A timestamp from a wrong clock does not remain the newest.
func TestLastMessageInFutureIsDropped(t *testing.T) {
	want := Timestamp{unixSeconds(at(1)), true}
	assertNewest := func(t *testing.T, s *Summary, want Timestamp) {
		t.Helper()
		if s.LastMessage != want {
			t.Errorf("LastMessage = %+v, want %+v", s.LastMessage, want)
		}
	}
	t.Run("after a Date ahead", func(t *testing.T) {
		l := newTestLedger(60)
		readAt(l, 0, 1e7, testRow(1, "textMessage", "sent", 1e7))
		assertNewest(t, readAt(l, 2, 2, testRow(2, "textMessage", "sent", 1)), want)
	})
	t.Run("after a restart", func(t *testing.T) {
		plausible := map[float64]bool{-5: true, 62: true, 64: false, 1e7: false}
		for minute, isPlausible := range plausible {
			s := newTestStorage(t)
			l := s.restart(t, 0)
			row := testRow(1, "textMessage", "pending", minute)
			commit(l, 0, row)
			l = s.restart(t, 3)
			wantStored := Timestamp{row.Timestamp, true}
			if !isPlausible {
				wantStored = Timestamp{}
			}
			assertNewest(t, l.Summary(), wantStored)
			if got := l.Summary().OldestPending; got != wantStored {
				t.Errorf("OldestPending = %+v, want %+v", got, wantStored)
			}
		}
	})
	t.Run("before 1970", func(t *testing.T) {
		s := newTestStorage(t)
		commit(s.restart(t, 0), 0, Row{
			Key: 1, Type: []byte("textMessage"), Status: []byte("pending"), Timed: true,
		})
		assertNewest(t, s.restart(t, 1).Summary(), Timestamp{})
	})
}

// A response from a server whose clock is ahead may have rows of the same clock.
func TestLastMessageMayBeAheadWithDate(t *testing.T) {
	l := newTestLedger(60)
	row := testRow(1, "textMessage", "sent", 300)
	for minute := range 3 {
		ahead := float64(minute) + 300
		if s := readAt(l, float64(minute), ahead, row); s.LastMessage.Seconds != row.Timestamp {
			t.Errorf("LastMessage = %+v, want %v", s.LastMessage, row.Timestamp)
		}
	}
	if s := readAt(l, 3, 303); s.LastMessage.Seconds != row.Timestamp {
		t.Errorf("without the row: LastMessage = %+v, want %v", s.LastMessage, row.Timestamp)
	}
}
