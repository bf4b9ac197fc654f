package ledger

import "testing"

func TestMalformedRowsAreOfTheLatestWindow(t *testing.T) {
	s := newTestStorage(t)
	l := s.restart(t, 0)
	badTime := Row{Key: 1, Type: []byte("text"), Status: []byte("sent"), BadTimestamp: true}
	noType := testRow(0, "", "sent", -1)
	old := testRow(0, "", "", -61)
	read := func(minute float64, notRows int, rows ...Row) *Summary {
		t.Helper()
		b := startBatch(l, minute, rows...)
		b.SetNotRows(notRows)
		summary := b.Commit()
		l.Persist(PollState{})
		s.assertStored(t, minute, summary)
		l = s.ledger
		return summary
	}
	for minute, c := range []struct {
		notRows int
		rows    []Row
		want    MalformedRows
	}{
		{0, nil, MalformedRows{}},
		{3, []Row{noType, badTime, {}, {BadTimestamp: true}, testRow(2, "text", "sent", -1)},
			MalformedRows{NoID: 3, BadTimestamp: 2, NotARow: 3}},
		{0, []Row{old, badTime}, MalformedRows{BadTimestamp: 1}}, // requests more than the window
		{0, []Row{testRow(1, "text", "sent", -1)}, MalformedRows{}},
	} {
		if got := read(float64(minute), c.notRows, c.rows...).Malformed; got != c.want {
			t.Errorf("reading %d: got %v, want %v", minute, got, c.want)
		}
	}
}

// A row with an unusable timestamp has no time, so it counts, and it is in the window.
func TestRowWithBadTimestampCounts(t *testing.T) {
	l := newTestLedger(60)
	commit(l, 0)
	s := commit(l, 30, Row{Key: 1, Type: []byte("text"), Status: []byte("pending"),
		BadTimestamp: true})
	assertEqual(t, "totals", totals(s), map[string]uint64{"text": 1, "pending/text": 1})
	assertEqual(t, "window", windowRows(s), map[string]int{"pending/text": 1})
	if s.LastMessage.Known || s.OldestPending.Known || s.Uncounted != 0 {
		t.Errorf("LastMessage = %+v, OldestPending = %+v, Uncounted = %d, want none",
			s.LastMessage, s.OldestPending, s.Uncounted)
	}
}
