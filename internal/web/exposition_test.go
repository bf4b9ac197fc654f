package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// TestConcurrentScrapesGetEqualResponses checks in every format that scrapes do not change shared
// state.
func TestConcurrentScrapesGetEqualResponses(t *testing.T) {
	handler := fleetHandler(t, 2)
	get(handler, "/metrics") // the other scrapes use its readings
	for format, accept := range acceptHeaders {
		var responses [8]string
		var scrapes sync.WaitGroup
		for n := range responses {
			scrapes.Go(func() {
				r := httptest.NewRequest(http.MethodGet, "/probe?target="+knownID, nil)
				r.Header.Set("Accept", accept)
				responses[n] = serve(handler, r).Body.String()
			})
		}
		scrapes.Wait()
		for _, response := range responses {
			if response != responses[0] || strings.Count(response, knownID) < 190 {
				t.Errorf("%s: got\n%s\nand\n%s", format, response, responses[0])
			}
		}
	}
}

// TestSelfMetricsIncludeTheCallsOfTheirScrape also checks that metric families are unique.
func TestSelfMetricsIncludeTheCallsOfTheirScrape(t *testing.T) {
	text := get(fleetHandler(t, 2), "/metrics").Body.String()
	want := `greenapi_api_request_duration_seconds_count{method="lastOutgoingMessages"} 2`
	if !strings.Contains(text, want) {
		t.Errorf("no %s in\n%s", want, text)
	}
	declared := make(map[string]bool)
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); words[1] == "TYPE" {
			if declared[words[2]] {
				t.Errorf("%s is declared twice", words[2])
			}
			declared[words[2]] = true
		}
	}
}
