package simulator_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"greenapi_exporter/internal/simulator"
)

func TestMinutesAndBytesOfCallsAreRecorded(t *testing.T) {
	cfg := busy()
	cfg.IncomingPerHour = 20
	s, _ := newAccount(cfg, 10*time.Hour)
	want := map[string]int64{}
	send := func(method, query string) {
		r := httptest.NewRequest(http.MethodGet, pathOf(method)+query, nil)
		r.Header.Set("Accept-Encoding", "gzip")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		want[method] += int64(w.Body.Len())
	}
	for _, query := range []string{"?minutes=5", "", "?minutes=x", "?minutes=600"} {
		send(outgoing, query)
	}
	for _, fault := range []simulator.Fault{simulator.FaultGzip, simulator.FaultServerError} {
		s.SetFault(fault)
		send(outgoing, "?minutes=7")
		send(incoming, "?minutes=8")
	}
	send("getSettings", "?minutes=9")
	for method, minutes := range map[string][]int{
		outgoing: {5, 1440, 0, 600, 7, 7}, incoming: {8, 8}, "getSettings": nil, "getNothing": nil,
	} {
		if got := s.Minutes(method); !slices.Equal(got, minutes) {
			t.Errorf("%s: minutes %v, want %v", method, got, minutes)
		}
		if got := s.Bytes(method); got != want[method] {
			t.Errorf("%s: %d bytes, want %d", method, got, want[method])
		}
	}
}

func TestRecordedMinutesAreLimited(t *testing.T) {
	const limit = 10_000
	s, _ := newAccount(simulator.Config{}, 0)
	send := func(calls, minutes int) {
		r := httptest.NewRequest(http.MethodGet, journalPath(minutes), nil)
		w := &discard{header: http.Header{}}
		for range calls {
			s.ServeHTTP(w, r)
		}
	}
	send(limit, 1)
	send(3, 2)
	minutes := s.Minutes(outgoing)
	if len(minutes) != limit || !slices.Equal(minutes[limit-4:], []int{1, 2, 2, 2}) {
		t.Errorf("%d calls are recorded, the latest with %v", len(minutes), minutes[limit-4:])
	}
}
