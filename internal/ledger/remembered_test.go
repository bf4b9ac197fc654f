package ledger

import (
	"maps"
	"testing"
)

// listedRow is a row and the time that the API filters it by.
type listedRow struct {
	Row
	listed float64 // minute
}

// readTiered reads the rows that the API returns for the minutes of the next call.
func readTiered(l *Ledger, minute float64, journal ...listedRow) *Summary {
	b := startBatch(l, minute)
	for _, row := range journal {
		if row.listed >= minute-float64(b.Minutes()) {
			b.Add(row.Row)
		}
	}
	s := b.Commit()
	l.Persist(l.LastPollState())
	return s
}

func listed(key uint64, status string, sent, listed float64) listedRow {
	return listedRow{testRow(key, "text", status, sent), listed}
}

// readUntil reads the journal once a minute, at the minutes from (inclusive) to to (exclusive).
func readUntil(l *Ledger, from, to int, journal ...listedRow) {
	for minute := from; minute < to; minute++ {
		readTiered(l, float64(minute), journal...)
	}
}

func assertRows(t *testing.T, when string, s *Summary, want map[string]int) {
	t.Helper()
	if got := windowRows(s); !maps.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", when, got, want)
	}
}

// Most calls do not request older messages. These remain in the gauges with their latest statuses
// until they are older than the window.
func TestTieredGaugesShowRememberedMessages(t *testing.T) {
	l := newTieredLedger(120)
	older, newer := listed(1, "pending", 1, 1), listed(2, "sent", 30, 30)
	readUntil(l, 1, 32, older, newer)
	s := readTiered(l, 32, older, newer)
	assertRows(t, "both", s, map[string]int{"pending/text": 1, "sent/text": 1})
	if want := (Timestamp{unixSeconds(at(1)), true}); s.OldestPending != want {
		t.Errorf("OldestPending = %v, want %v", s.OldestPending, want)
	}
	readUntil(l, 33, 121, older, newer)
	s = readTiered(l, 121, older, newer)
	assertRows(t, "at the end of the window", s, map[string]int{"pending/text": 1, "sent/text": 1})
	s = readTiered(l, 121.5, older, newer)
	assertRows(t, "after the end of the window", s, map[string]int{"sent/text": 1})
	if s.OldestPending.Known || totals(s)["text"] != 2 {
		t.Errorf("got %+v, want no pending message and 2 messages", s)
	}
}

// The ages of recent messages advance although no reading shows them.
func TestRememberedMessagesGrowOlder(t *testing.T) {
	l := newTieredLedger(600)
	for minute := 1; minute < 80; minute++ {
		s := readTiered(l, float64(minute), listed(1, "failed", 1, 1))
		want := [3]int{1, 0, 0}
		if minute > 60 {
			want = [3]int{0, 0, 1}
		} else if minute > 15 {
			want = [3]int{0, 1, 0}
		}
		if len(s.Recent) != 1 || s.Recent[0].Rows != want {
			t.Fatalf("at minute %d: got %v, want %v", minute, s.Recent, want)
		}
	}
}

// A message leaves once a reading requests its time and does not show it, although it shows a row
// of that time or before.
func TestVanishedMessagesLeaveTieredGauges(t *testing.T) {
	l := newTieredLedger(120)
	const sent, tolerance = 1, 4
	earlier := listed(2, "read", sent, sent)
	readUntil(l, 1, 40, earlier, listed(1, "pending", sent, sent))
	for minute := 40.0; ; minute++ {
		minutes := nextMinutes(l, minute)
		s := readTiered(l, minute, earlier)
		if minute-float64(minutes) <= sent-tolerance {
			assertRows(t, "requested", s, map[string]int{"read/text": 1})
			return
		}
		assertRows(t, "not requested", s, map[string]int{"read/text": 1, "pending/text": 1})
	}
}

// If timestamps move but the API filters by the time of sending, a reading can lack a message
// although it requests the message's timestamp. Once the message returns, only readings of the
// whole window remove it.
func TestReturnedMessagesRemainInTieredGauges(t *testing.T) {
	l := newTieredLedger(120)
	commit(l, 1, testRow(2, "text", "sent", 1))
	message := listed(1, "read", 30, -60) // first shown after a pause
	earlier := listed(3, "sent", 29, 29)
	commit(l, 31, message.Row, earlier.Row)
	removed := 0
	for minute := 32; minute < 60; minute++ {
		if len(windowRows(readTiered(l, float64(minute), message, earlier))) == 1 {
			removed = minute
		}
	}
	if removed < 33 || removed > 53 { // minute 53 reads the whole window
		t.Errorf("last removed at minute %d, want before the whole window is read", removed)
	}
	readUntil(l, 60, 90, message, earlier)
	assertRows(t, "outside the window", readTiered(l, 90, message, earlier),
		map[string]int{"sent/text": 1})
}

// If the API filters by the last action, a new status returns a message to the window.
func TestLastActionsReturnMessagesToTieredGauges(t *testing.T) {
	for name, timestamp := range map[string]float64{"fixed": 1, "moving": 150} {
		t.Run(name, func(t *testing.T) {
			l := newTieredLedger(120)
			readUntil(l, 1, 150, listed(1, "sent", 1, 1))
			assertRows(t, "before", readTiered(l, 150), map[string]int{})
			message := listed(1, "read", timestamp, 150)
			for minute := 151; minute < 270; minute++ {
				s := readTiered(l, float64(minute), message)
				if windowRows(s)["read/text"] != 1 {
					t.Fatalf("at minute %d: got %v", minute, windowRows(s))
				}
			}
			assertRows(t, "at the end", readTiered(l, 272, message), map[string]int{})
		})
	}
}

// A later action can be just inside the window although the timestamp of the message is just
// outside.
func TestRowsOfExactReadingsAreInWindow(t *testing.T) {
	l, message := newTieredLedger(120), listed(1, "sent", 2, 3.5)
	readTiered(l, 122, message)
	assertRows(t, "exact reading", readTiered(l, 123, message), map[string]int{"sent/text": 1})
}

// Rows without a key cannot be recognized in later readings. Their number is that of the last
// reading of exactly the window, or of the latest reading of fewer minutes if it has more.
func TestRowsWithoutKeyInTiers(t *testing.T) {
	l := newTieredLedger(120)
	rows := make([]listedRow, 5)
	for i := range rows {
		rows[i] = listedRow{Row{Status: []byte("noAccount")}, float64(i)}
	}
	for _, c := range []struct {
		minute float64
		rows   int
		want   int32
	}{
		{1, 1, 1}, {2, 3, 3}, {3, 0, 0}, {4, 5, 5}, // more than the baseline
		{25, 5, 0}, // more than the window
		{26, 4, 4}, // exactly the window
		{27, 1, 4}, {28, 0, 4}, {29, 5, 5}, {30, 0, 4},
	} {
		for i := range rows {
			rows[i].listed = c.minute - 1
		}
		s := readTiered(l, c.minute, rows[:c.rows]...)
		if got := s.Malformed[NoID]; got != c.want {
			t.Errorf("at minute %v: %d rows without an id, want %d", c.minute, got, c.want)
		}
		if got := windowRows(s)["noAccount/unknown"]; got != int(c.want) {
			t.Errorf("at minute %v: %d rows with noAccount, want %d", c.minute, got, c.want)
		}
	}
}

// A kill between two readings of the window changes no gauge, and does not return a message that a
// reading has removed.
func TestTieredGaugesSurviveKills(t *testing.T) {
	options := testOptions(120)
	options.Tiered = true
	s := newTestStorage(t)
	l := s.restartWith(t, options, 0)
	older, newer := listed(1, "read", 1, 1), listed(2, "sent", 30, 30)
	readUntil(l, 0, 32, older, newer)
	before := readTiered(l, 32, older, newer)
	l = s.restartWith(t, options, 33)
	if got := l.Summary(); !equalSummaries(got, before) {
		t.Errorf("after a restart: got %+v, want %+v", normalize(got), normalize(before))
	}
	readTiered(l, 33, older)
	readTiered(l, 34, older) // requests exactly the window
	l = s.restartWith(t, options, 35)
	assertRows(t, "one has vanished", readTiered(l, 35, older), map[string]int{"read/text": 1})
}

// A wrong clock removes no messages, because the reading shows no row that is as old as they are.
func TestWrongClocksRemoveNoMessages(t *testing.T) {
	for name, c := range map[string]struct{ date, local float64 }{
		"local clock behind": {0, -60}, "local clock ahead": {0, 60},
		"Date behind": {-60, 0}, "Date ahead": {60, 0},
	} {
		t.Run(name, func(t *testing.T) {
			l := newTieredLedger(120)
			var journal []listedRow
			for minute := 1.0; minute < 60; minute++ {
				journal = append(journal, listed(uint64(minute), "sent", minute-0.5, minute-0.5))
				b := l.NewBatch(at(minute + c.local))
				b.SetServerTime(at(minute+c.date), at(minute+c.local), 0)
				for _, row := range journal {
					if row.listed >= minute-float64(b.Minutes()) {
						b.Add(row.Row)
					}
				}
				if got := windowRows(b.Commit())["sent/text"]; got != int(minute) {
					t.Fatalf("at minute %v: %d messages, want %d", minute, got, int(minute))
				}
			}
		})
	}
}

// A response that lacks rows does not stop the observation of delays.
func TestReturnedMessagesHaveDelays(t *testing.T) {
	l := newTieredLedger(120)
	oldest := listed(2, "sent", 1, 1)
	readTiered(l, 2, oldest, listed(1, "pending", 1.5, 1.5))
	assertRows(t, "incomplete", readTiered(l, 3, oldest), map[string]int{"sent/text": 1})
	s := readTiered(l, 4, oldest, listed(1, "sent", 1.5, 1.5))
	assertRows(t, "complete", s, map[string]int{"sent/text": 2})
	if got := s.Delays[0].Count; got != 2 {
		t.Errorf("observed %d delays of sent, want 2", got)
	}
}

// If a reading of the window lacks most messages, the next call requests the window again.
func TestEmptyResponseIsCheckedAgain(t *testing.T) {
	l := newTieredLedger(120)
	journal := []listedRow{listed(1, "sent", 1, 1), listed(2, "sent", 2, 2)}
	readUntil(l, 1, 22, journal...)
	assertRows(t, "empty", readTiered(l, 22), map[string]int{})
	assertRows(t, "next", readTiered(l, 23, journal...), map[string]int{"sent/text": 2})
	readTiered(l, 24, journal...)
	if got := nextMinutes(l, 25); got != 8 {
		t.Errorf("after complete responses: got %d minutes, want 8", got)
	}
}

// No call requests exactly a window that is shorter than the time between two calls.
func TestRowsWithoutKeyOfShortWindows(t *testing.T) {
	for _, minutes := range []int{1, 5, 10, 60} {
		l := newTieredLedger(minutes)
		for i, want := range []int32{1, 1, 1, 3, 3, 3, 0, 0, 0} {
			gap := float64(max(1, minutes))
			b := startBatch(l, gap*float64(i+1))
			for range want {
				b.Add(Row{Status: []byte("noAccount")})
			}
			s := b.Commit()
			if got := s.Malformed[NoID]; got != want && (i+1)%3 == 0 {
				t.Errorf("window %d, reading %d: %d rows, want %d", minutes, i, got, want)
			}
		}
	}
}

// A longer window contains messages that have left the shorter one.
func TestLongerWindowRestoresMessages(t *testing.T) {
	l := newTieredLedger(60)
	message := listed(1, "sent", 1, 1)
	readUntil(l, 1, 100, message)
	options := l.options
	options.Minutes = 240
	l.Configure(options)
	for minute := 100.0; minute < 103; minute++ {
		assertRows(t, "longer", readTiered(l, minute, message), map[string]int{"sent/text": 1})
	}
}
