package collector

import (
	"testing"

	"greenapi_exporter/internal/ledger"
)

func TestMessagesNotDelivered(t *testing.T) {
	recent := func(sent, delivered, read int) []ledger.RecentStatus {
		return []ledger.RecentStatus{
			{Word: "sent", Rows: [3]int{50, 50, sent}},
			{Word: "delivered", Rows: [3]int{50, 50, delivered}},
			{Word: "read", Rows: [3]int{50, 50, read}},
			{Word: "failed", Rows: [3]int{50, 50, 50}},
		}
	}
	delivers := func(s ledger.Status) []ledger.Type {
		return []ledger.Type{{Word: "textMessage", Statuses: []ledger.Status{s}}}
	}
	inWindow := delivers(ledger.Status{Word: "read", Rows: 1})
	counted := delivers(ledger.Status{Word: "delivered", Reached: ledger.Counter{Count: 1}})
	for name, c := range map[string]struct {
		summary *ledger.Summary
		want    Delivery
	}{
		"no reading": {nil, Delivery{}},
		"none":       {&ledger.Summary{Recent: recent(0, 1, 1), Types: inWindow}, Delivery{}},
		"few": {
			&ledger.Summary{Recent: recent(37, 60, 3), Types: inWindow}, Delivery{100, 37, false, false},
		},
		"many": {
			&ledger.Summary{Recent: recent(38, 60, 2), Types: counted}, Delivery{100, 38, false, true},
		},
		"many of the last hour": {
			&ledger.Summary{Types: counted, Recent: []ledger.RecentStatus{
				{Word: "sent", Rows: [3]int{90, 38, 10}},
				{Word: "read", Rows: [3]int{10, 62, 90}},
			}},
			Delivery{100, 38, true, true},
		},
		"never delivered": {&ledger.Summary{Recent: recent(100, 0, 0)}, Delivery{}},
	} {
		if got := DeliveryOf(c.summary); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
