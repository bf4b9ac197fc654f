package statuspage

import (
	"slices"
	"testing"

	"greenapi_exporter/collector"
)

// TestLargeReadingsAreAHint checks that the page shows the sizes and the advice, or that there are
// tiers. Neither is an issue or changes the severity.
func TestLargeReadingsAreAHint(t *testing.T) {
	s := healthyStatus("1")
	if hints := renderPage(t, query{}, s).texts("p.hint"); len(hints) > 0 {
		t.Errorf("without large readings: %q", hints)
	}
	s.Collectors[0].LargeReading = 13_049_999
	s.Collectors[6].LargeReading = 5_000_001
	want := []string{
		"Readings are large (outgoing 13.0 MB, incoming 5.0 MB): " + collector.TieredAdvice + ".",
	}
	if hints := renderPage(t, query{}, s).texts("p.hint"); !slices.Equal(hints, want) {
		t.Errorf("got %q, want %q", hints, want)
	}
	s.Tiered = true
	want = []string{"The journals are read in tiers: the data about a message can be up to a quarter " +
		"of the message's age old."}
	if hints := renderPage(t, query{}, s).texts("p.hint"); !slices.Equal(hints, want) {
		t.Errorf("in tiers: got %q, want %q", hints, want)
	}
	got := newPage(query{}, s)
	if got.Severity != healthy || len(got.Cards[0].Issues) > 0 {
		t.Errorf("severity %s, issues %+v", got.Severity.Class(), got.Cards[0].Issues)
	}
}
