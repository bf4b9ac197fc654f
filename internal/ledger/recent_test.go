package ledger

import (
	"slices"
	"testing"
)

func TestRecentRowsAreCountedByStatusAndAge(t *testing.T) {
	s := newTestStorage(t)
	rows := []Row{
		testRow(1, "textMessage", "failed", 1), // 1 minute in the future
		testRow(2, "textMessage", "failed", -14.9),
		testRow(3, "imageMessage", "failed", -15),
		testRow(4, "textMessage", "failed", -59.9),
		testRow(5, "textMessage", "odd", -60),
		testRow(6, "textMessage", "odd", -359.9),
		testRow(7, "textMessage", "odd", -360),
		testRow(8, "reactionMessage", "read", -1),
		testRow(9, "deletedMessage", "read", -1),
		testRow(0, "textMessage", "noAccount", -1),
		{Key: 10, Type: []byte("textMessage"), Status: []byte("pending")},
	}
	want := []RecentStatus{
		{"noAccount", [3]int{1, 0, 0}}, {"failed", [3]int{2, 2, 0}}, {"odd", [3]int{0, 0, 2}},
	}
	summary := commit(s.restart(t, 0), 0, rows...)
	if !slices.Equal(summary.Recent, want) {
		t.Errorf("got %v, want %v", summary.Recent, want)
	}
	l := s.restart(t, 3)
	if got := l.Summary().Recent; !slices.Equal(got, want) {
		t.Errorf("after a restart: got %v, want %v", got, want)
	}
	startBatch(l, 4, rows...) // fails
	if got := l.Summary().Recent; !slices.Equal(got, want) {
		t.Errorf("after a failed call: got %v, want %v", got, want)
	}
	want = []RecentStatus{{"failed", [3]int{0, 1, 0}}}
	if got := commit(l, 20, rows[1]).Recent; !slices.Equal(got, want) {
		t.Errorf("after the next reading: got %v, want %v", got, want)
	}
}

// A Date ahead of the local clock counts as at most a minute ahead.
func TestDateAheadDoesNotAgeRecentRows(t *testing.T) {
	s := readAt(newTestLedger(60), 0, 1e6, testRow(1, "textMessage", "failed", -13))
	if want := []RecentStatus{{"failed", [3]int{1, 0, 0}}}; !slices.Equal(s.Recent, want) {
		t.Errorf("got %v, want %v", s.Recent, want)
	}
}
