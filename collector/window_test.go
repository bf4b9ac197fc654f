package collector

import (
	"testing"
	"time"

	"greenapi_exporter/internal/ledger"
)

// windowWith returns a reading with pending and delivered rows, and the age of the oldest pending
// row.
func windowWith(pending, delivered int, age time.Duration) *ledger.Summary {
	now := time.Unix(1_800_000_000, 0)
	rows := func(typ, word string, n int) ledger.Type {
		return ledger.Type{Word: typ, Statuses: []ledger.Status{{Word: word, Rows: n}}}
	}
	return &ledger.Summary{
		RequestedAt:   now,
		OldestPending: ledger.Timestamp{Seconds: float64(now.Add(-age).Unix()), Known: true},
		Types: []ledger.Type{
			rows("textMessage", "pending", pending), rows("imageMessage", "delivered", delivered),
			rows("deletedMessage", "pending", 1000), rows("reactionMessage", "delivered", 1000),
		},
	}
}

func TestPendingMessagesOfTheWindow(t *testing.T) {
	for name, c := range map[string]struct {
		pending, delivered int
		age                time.Duration
		high               bool
	}{
		"a few for hours":                   {4, 0, 7 * time.Hour, false},
		"all for hours":                     {40, 0, 7 * time.Hour, true},
		"more than 1 %":                     {20, 800, 5 * time.Hour, true},
		"less than 1 %":                     {20, 1600, 5 * time.Hour, false},
		"many for at most 10 minutes":       {100, 0, 10 * time.Minute, false},
		"many for more than 10 minutes":     {100, 0, 10*time.Minute + time.Second, true},
		"many, and the clock is behind":     {100, 0, -time.Hour, false},
		"many, and a time from long before": {100, 0, 20 * 365 * 24 * time.Hour, true},
	} {
		s := windowWith(c.pending, c.delivered, c.age)
		got := WindowOf(s)
		want := Window{
			Messages: c.pending + c.delivered, Pending: c.pending,
			PendingSince: s.RequestedAt.Add(-c.age), PendingHigh: c.high,
		}
		if got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	untimed := windowWith(100, 0, 0)
	untimed.OldestPending = ledger.Timestamp{}
	if got := WindowOf(untimed); got != (Window{Messages: 100, Pending: 100}) {
		t.Errorf("without times: %+v", got)
	}
	if got := WindowOf(nil); got != (Window{}) {
		t.Errorf("no reading: %+v", got)
	}
}

func TestRowsWithoutIDOfTheWindow(t *testing.T) {
	for noID, want := range map[int32]bool{4: false, 14: false, 15: true, 60: true} {
		s := windowWith(0, 100, 0)
		s.Malformed[ledger.NoID] = noID
		if got := WindowOf(s); got.NoID != int(noID) || got.NoIDHigh != want {
			t.Errorf("%d rows: %+v", noID, got)
		}
	}
}
