package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// TestScrapesAtOnce are answered alike, in every format: none changes what it shares with others.
func TestScrapesAtOnce(t *testing.T) {
	handler := fleetHandler(t, 2, oneMessage{})
	get(handler, "/metrics") // so that all find the same readings
	for format, accept := range accepts {
		var answers [8]string
		var all sync.WaitGroup
		for n := range answers {
			all.Go(func() {
				r := httptest.NewRequest(http.MethodGet, "/probe?target="+knownID, nil)
				r.Header.Set("Accept", accept)
				answers[n] = request(handler, r).Body.String()
			})
		}
		all.Wait()
		for _, answer := range answers {
			if answer != answers[0] || strings.Count(answer, knownID) != 193 {
				t.Errorf("%s: got\n%s\nand\n%s", format, answer, answers[0])
			}
		}
	}
}

// TestOwnMetricsCountTheCallsOfTheScrape that shows them, and no family is there twice.
func TestOwnMetricsCountTheCallsOfTheScrape(t *testing.T) {
	text := get(fleetHandler(t, 2, oneMessage{}), "/metrics").Body.String()
	if want := `greenapi_api_request_duration_seconds_count{method="lastOutgoingMessages"} 2`; !strings.Contains(text, want) {
		t.Errorf("got no %s in\n%s", want, text)
	}
	declared := make(map[string]bool)
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); words[1] == "TYPE" {
			name := words[2]
			if declared[name] {
				t.Errorf("%s is there twice", name)
			}
			declared[name] = true
		}
	}
}
