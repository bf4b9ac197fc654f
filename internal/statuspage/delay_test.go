package statuspage

import (
	"slices"
	"testing"

	"greenapi_exporter/internal/ledger"
)

func TestDelaysOfStatuses(t *testing.T) {
	s := healthyStatus("1")
	s.Outgoing.Delays = []ledger.StatusDelay{
		{Word: "sent", Count: 1000, Buckets: [...]uint64{
			500, 940, 950, 999, 1000, 1000, 1000, 1000, 1000, 1000,
		}},
		{Word: "delivered", Count: 20, Buckets: [...]uint64{0, 0, 0, 5, 9, 10, 18, 18, 18, 18}},
		{Word: "read"},
	}
	want := []delayView{
		{"sent", "within 30 s", "within 2 min", "> 99 %", "1,000 messages"},
		{"delivered", "within 30 min", "in more than 24 h", "25 %", "20 messages"},
	}
	if got := newDelayViews(s.Outgoing); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	page := renderPage(t, query{}, s)
	if lines := page.find("ul.delays")[0].find("li"); len(lines) != len(want) {
		t.Errorf("the page shows %d statuses", len(lines))
	}
	s.Outgoing.Delays = []ledger.StatusDelay{{Word: "sent"}}
	if len(renderPage(t, query{}, s).find("ul.delays")) > 0 {
		t.Error("the page shows delays before the first one")
	}
}
