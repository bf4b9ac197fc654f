package ledger

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// observed is the number of delays of a status, and their sum in seconds.
type observed struct {
	count uint64
	sum   float64
}

// delaysOf returns the delays by status, except for statuses without delays.
func delaysOf(s *Summary) map[string]observed {
	m := make(map[string]observed)
	for _, d := range s.Delays {
		if d.Count > 0 {
			m[d.Word] = observed{d.Count, d.Sum}
		}
	}
	return m
}

// assertDelays checks the delays of sent, delivered and read.
func assertDelays(t *testing.T, what string, s *Summary, want ...observed) {
	t.Helper()
	words := make(map[string]observed)
	for i, w := range want {
		words[[]string{"sent", "delivered", "read"}[i]] = w
	}
	assertEqual(t, what, delaysOf(s), words)
}

// untimed returns a row without a timestamp.
func untimed(key uint64, status string) Row {
	row := testRow(key, "textMessage", status, 0)
	row.Timestamp, row.Timed = 0, false
	return row
}

func TestDelaysAreObservedOncePerStatus(t *testing.T) {
	s := newTestStorage(t)
	l := s.restart(t, 0)
	text := func(key uint64, status string, minute float64) Row {
		return testRow(key, "textMessage", status, minute)
	}
	commit(l, 0)
	assertDelays(t, "pending", commit(l, 1, text(1, "pending", 0.5)))
	assertDelays(t, "sent", commit(l, 2, text(1, "sent", 0.5)), observed{1, 90})
	// The journal may change the timestamp. The delay begins at the first timestamp.
	want := []observed{{1, 90}, {1, 150}, {1, 150}}
	assertDelays(t, "read", commit(l, 3, text(1, "read", 2.9)), want...)
	assertDelays(t, "again", commit(l, 4, text(1, "delivered", 3)), want...)
	l = s.restart(t, 4)
	assertDelays(t, "after a restart", l.Summary(), want...)
	want = []observed{{2, 120}, {2, 180}, {2, 180}}
	assertDelays(t, "first shown as read", commit(l, 5, text(2, "read", 4.5)), want...)
	assertDelays(t, "not accepted", commit(l, 6, text(3, "noAccount", 5), text(4, "failed", 5),
		text(5, "", 5), text(6, "odd", 5), Row{Type: []byte("textMessage")}), want...)
	startBatch(l, 7, text(3, "read", 5)) // fails
	assertDelays(t, "a failed call", l.Summary(), want...)
	want = []observed{{3, 300}, {3, 360}, {3, 360}}
	assertDelays(t, "read in spite of noAccount", commit(l, 8, text(3, "read", 5)), want...)
}

func TestBucketsOfDelaysAreCumulative(t *testing.T) {
	l := newTestLedger(3000)
	commit(l, 0)
	l.coveredSince = unixSeconds(at(-3000))
	var rows []Row
	for i, bound := range DelayBounds() {
		rows = append(rows, testRow(uint64(2*i+1), "textMessage", "sent", 1-bound/60),
			testRow(uint64(2*i+2), "textMessage", "sent", 1-(bound+1)/60))
	}
	sent := commit(l, 1, rows...).Delays[0]
	want := [...]uint64{1, 3, 5, 7, 9, 11, 13, 15, 17, 19}
	if sent.Word != "sent" || sent.Buckets != want || sent.Count != 20 {
		t.Errorf("got %+v, want buckets %v and count 20", sent, want)
	}
}

func TestDelaysOfSomeMessagesAreNotObserved(t *testing.T) {
	for name, first := range map[string]func(*Ledger){
		"baseline": func(l *Ledger) { commit(l, 0, testRow(1, "textMessage", "pending", -1)) },
		"two baseline": func(l *Ledger) {
			commit(l, 0, testRow(1, "textMessage", "pending", -1),
				testRow(1, "extendedTextMessage", "pending", -1))
		},
		"old": func(l *Ledger) {
			commit(l, 0)
			commit(l, 1, testRow(1, "textMessage", "sent", -61))
		},
		"without time": func(l *Ledger) { commit(l, 0); commit(l, 1, untimed(1, "pending")) },
	} {
		t.Run(name, func(t *testing.T) {
			l := newTestLedger(60)
			first(l)
			commit(l, 2, testRow(1, "textMessage", "delivered", 1.5)) // now with a time
			s := commit(l, 3, testRow(1, "textMessage", "read", 1.5))
			assertDelays(t, "delays", s)
			if got := totals(s)["read/textMessage"]; got != 1 {
				t.Errorf("read counts %d times, want 1", got)
			}
		})
	}
}

// The first reading after a pause shows statuses that can be much older. Later readings do not.
func TestReadingAfterPauseShowsNoDelays(t *testing.T) {
	for _, c := range []struct {
		gap         float64 // minutes
		minInterval time.Duration
		isPause     bool
	}{
		{5, time.Second, false},
		{5.02, time.Second, true},
		{5.02, 150 * time.Second, true},
		{5.02, 3 * time.Minute, false},
		{120, time.Hour, false},
		{120.02, time.Hour, true},
	} {
		t.Run(fmt.Sprintf("%v minutes, %s", c.gap, c.minInterval), func(t *testing.T) {
			l := newTestLedger(60)
			l.options.MinInterval = c.minInterval
			commit(l, 0)
			commit(l, 1, testRow(1, "textMessage", "pending", 0.5))
			minute := 1 + c.gap
			startBatch(l, minute-0.01) // a failure does not end the pause
			rows := []Row{testRow(1, "textMessage", "sent", 0.5),
				testRow(2, "textMessage", "pending", minute-0.5)}
			got := commit(l, minute, rows...).Delays[0].Count
			if want := map[bool]uint64{true: 0, false: 1}[c.isPause]; got != want {
				t.Errorf("%d delays, want %d", got, want)
			}
			rows[0].Status, rows[1].Status = []byte("read"), []byte("sent")
			s := commit(l, minute+1, rows...)
			if s.Delays[0].Count != got+1 || s.Delays[2].Count != 1 {
				t.Errorf("after the next reading: %+v, want one more sent and read", s.Delays)
			}
		})
	}
}

func TestPauseAcrossRestartShowsNoDelays(t *testing.T) {
	for minute, want := range map[float64]uint64{2: 1, 7: 0, -1: 0} {
		s := newTestStorage(t)
		l := s.restart(t, 0)
		commit(l, 0)
		commit(l, 1, testRow(1, "textMessage", "pending", -1.5))
		l = s.restart(t, minute)
		got := commit(l, minute, testRow(1, "textMessage", "sent", -1.5)).Delays[0].Count
		if got != want {
			t.Errorf("reading at minute %v: %d delays, want %d", minute, got, want)
		}
	}
}

// The times are in minutes. If the Date and the local clock differ, the newest row decides which of
// them is right.
func TestWrongDateDoesNotDistortDelays(t *testing.T) {
	for name, c := range map[string]struct {
		date, local, message, newest float64
		want                         []observed
	}{
		"equal clocks":             {3, 3, 2, 2, []observed{{1, 60}}},
		"a minute apart":           {4, 3, 2, 2, []observed{{1, 120}}},
		"row ahead of both":        {3, 3, 2, 50, []observed{{1, 60}}},
		"message ahead of both":    {3, 3, 3.5, 2, []observed{{1, 0}}},
		"Date ahead":               {1e6, 3, 2, 2, nil},
		"Date an hour ahead":       {63, 3, 2, 4, nil},
		"local clock behind":       {63, 3, 62, 62, []observed{{1, 60}}},
		"local clock behind, idle": {63, 3, 2, 2, nil},
		"Date behind":              {-60, 3, 2, 2, nil},
		"Date of 1970":             {-unixSeconds(testNow) / 60, 3, 2, 2, nil},
		"local clock ahead":        {3, 1e6, 2, 2, []observed{{1, 60}}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newTestLedger(60)
			readAt(l, c.local-1, c.date-1)
			l.coveredSince = unixSeconds(at(-60))
			s := readAt(l, c.local, c.date, testRow(1, "textMessage", "sent", c.message),
				testRow(2, "textMessage", "noAccount", c.newest))
			assertDelays(t, "delays", s, c.want...)
			if got := totals(s)["sent/textMessage"]; got != 1 {
				t.Errorf("sent counts %d times, want 1", got)
			}
		})
	}
}

// The delay includes the time that the API takes to respond.
func TestDelayEndsWithResponse(t *testing.T) {
	l := newTestLedger(60)
	commit(l, 0)
	b := l.NewBatch(at(1))
	b.SetServerTime(at(1.5), at(1.5), 30*time.Second)
	b.Add(testRow(1, "textMessage", "sent", 1.25))
	assertDelays(t, "delays", b.Commit(), observed{1, 15})
}

func TestDelaysExistFromBaselineOn(t *testing.T) {
	l := newTestLedger(60)
	for minute := range 3 {
		for i, d := range commit(l, float64(minute)).Delays {
			if d.Word != []string{"sent", "delivered", "read"}[i] || !d.Created.Equal(at(0)) {
				t.Errorf("series %d is %+v, want created at the baseline", i, d)
			}
		}
	}
}

func TestTimestampsOutOfRangeHaveNoDelay(t *testing.T) {
	for _, seconds := range []float64{0, 0.5, 1 << 32, 1e18} {
		l := newTestLedger(60)
		commit(l, 0)
		l.coveredSince = 0
		row := testRow(1, "textMessage", "sent", 0)
		row.Timestamp = seconds
		commit(l, 1, row)
		row.Status = []byte("read")
		assertDelays(t, fmt.Sprint(seconds), commit(l, 2, row))
	}
}

// The type of a text can change between two readings.
func TestStatusesCountForFirstType(t *testing.T) {
	s := newTestStorage(t)
	l := s.restart(t, 0)
	commit(l, 0, testRow(2, "quotedMessage", "sent", -1))
	commit(l, 1, testRow(1, "textMessage", "sent", 0.5))
	l = s.restart(t, 1)
	commit(l, 2, testRow(1, "extendedTextMessage", "delivered", 0.5))
	summary := commit(l, 3, testRow(1, "extendedTextMessage", "read", 0.5),
		testRow(2, "textMessage", "delivered", -1))
	assertEqual(t, "totals", totals(summary), map[string]uint64{
		"textMessage": 1, "pending/textMessage": 1, "sent/textMessage": 1,
		"delivered/textMessage": 1, "read/textMessage": 1, "delivered/quotedMessage": 1,
	})
	assertEqual(t, "window", windowRows(summary),
		map[string]int{"read/extendedTextMessage": 1, "delivered/textMessage": 1})
}

// TestLatestRowIsStored checks what the gauges need if a call shows only a part of the window.
func TestLatestRowIsStored(t *testing.T) {
	s := newTestStorage(t)
	l := s.restart(t, 0)
	commit(l, 0, untimed(1, "sent"), testRow(2, "textMessage", "sent", -2))
	for i, rows := range [][]Row{
		{testRow(1, "extendedTextMessage", "read", -1), testRow(2, "textMessage", "odd", -1)},
		{testRow(1, "textMessage", "delivered", 1), testRow(2, "textMessage", "", -1)}, // goes back
	} {
		commit(l, float64(i+1), rows...)
		l = s.restart(t, float64(i+1))
		for j, row := range rows {
			m := l.messages.get(row.Key)
			status, typ := l.statuses.words[m.latestStatus], l.types.words[m.latestType]
			wantStatus := string(row.Status)
			if wantStatus == "" {
				wantStatus = "unknown"
			}
			if status != wantStatus || typ != string(row.Type) ||
				l.types.words[m.firstType] != "textMessage" ||
				m.time != uint32(unixSeconds(at(-float64(j+1)))) {
				t.Errorf("reading %d: %+v is %s %s, want %s", i, *m, status, typ, row.Status)
			}
		}
	}
}

// A message whose rows do not change adds nothing to the file.
func TestRepeatedMessageIsNotDirty(t *testing.T) {
	s := newTestStorage(t)
	l := s.restart(t, 0)
	rows := []Row{testRow(1, "textMessage", "sent", -1), untimed(2, ""), untimed(3, "read"),
		{Key: 4, Type: []byte("textMessage"), Timestamp: 0.5, Timed: true}}
	for minute := range 5 {
		b := startBatch(l, float64(minute), rows...)
		b.Commit()
		if minute > 0 && len(l.dirtyKeys) > 0 {
			t.Errorf("reading %d: %d messages to write", minute, len(l.dirtyKeys))
		}
		l.Persist(PollState{})
	}
}

// The messages of a file of version 1 have neither a time nor a type. The first write replaces the
// file, and the next row sets both.
func TestFileOfVersion1IsUpgraded(t *testing.T) {
	s, l := restartFrom(t, "v1.ledger")
	for _, d := range l.Summary().Delays {
		if !d.Created.Equal(at(1)) || d.Count > 0 {
			t.Errorf("got delays %+v, want none since the last reading", d)
		}
	}
	before := l.Summary()
	l.Persist(PollState{Called: at(2)})
	header, err := parseFileHeader(s.read(t))
	if err != nil || header.messageLength != messageLength {
		t.Fatalf("after a write: header %+v, error %v, want the latest version", header, err)
	}
	s.assertWarnings(t)
	l = s.restart(t, 2)
	if got := l.Summary(); !equalSummaries(got, before) {
		t.Errorf("in the latest version: got %+v, want %+v", got, before)
	}
	for _, m := range l.messages.list {
		if m.time != 0 || m.latestStatus != 0 || m.latestType != 0 || m.firstType != 0 ||
			m.flags != 0 {
			t.Errorf("stored %+v, want a message without time and type", m)
		}
	}
	want := totals(before)
	commit(l, 2, testRow(2, "textMessage", "pending", 0), testRow(5, "textMessage", "sent", 1.5))
	if m := l.messages.get(2); m.time != uint32(unixSeconds(at(0))) || m.flags != 0 {
		t.Errorf("after a reading: %+v, want a message with a time", *m)
	}
	summary := commit(l, 3, testRow(2, "extendedTextMessage", "sent", 0))
	for _, series := range []string{
		"textMessage", "pending/textMessage", "sent/textMessage", "sent/textMessage",
	} {
		want[series]++ // message 5, and the status sent of message 2
	}
	assertEqual(t, "totals", totals(summary), want)
	assertDelays(t, "delays", summary, observed{1, 30})
}

func TestDelaysAreClampedToNow(t *testing.T) {
	s := newTestStorage(t)
	commit(s.restart(t, 0), 0)
	if got := s.restart(t, -100).Summary().Delays; !slices.ContainsFunc(got,
		func(d StatusDelay) bool { return d.Created.Equal(at(-100)) }) {
		t.Errorf("created at %s, want %s", got[0].Created, at(-100))
	}
}
