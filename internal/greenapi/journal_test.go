package greenapi

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"greenapi_exporter/internal/simulator"
)

func TestJournalReleasesItsSlotAtItsEnd(t *testing.T) {
	server := serve(t, respond(200, `[{"idMessage":"1","typeMessage":"a"},{},{}]`))
	for name, end := range map[string]func(*Journal){
		"read to the end": func(j *Journal) {
			for j.Next() {
			}
		},
		"closed": (*Journal).Close,
	} {
		client := newTestClient(t, server.URL)
		client.backend.Limiter = NewLimiter(1)
		responses := 0
		client.backend.OnResponse = func(string, time.Duration, int64) { responses++ }
		journal, err := client.OutgoingMessages(t.Context(), 60)
		if err != nil {
			t.Fatal(err)
		}
		if !journal.Next() || journal.Row().Key != keyOf("1", "a") {
			t.Errorf("%s: got %+v", name, journal.Row())
		}
		if client.backend.Limiter.all.TryAcquire(1) || responses != 0 {
			t.Errorf("%s: the slot is free before the end, %d responses", name, responses)
		}
		end(journal)
		journal.Close()
		if !client.backend.Limiter.all.TryAcquire(1) || responses != 1 {
			t.Errorf("%s: the slot is not free after the end, %d responses", name, responses)
		}
		if journal.Next() || journal.Err() != nil {
			t.Errorf("%s: a row after the end, %v", name, journal.Err())
		}
	}
}

// TestAnomaliesOfTheSimulatorCostNoReading reads a simulated journal with each malformation that a
// reading must survive. Its rows must be those of the journal without it.
func TestAnomaliesOfTheSimulatorCostNoReading(t *testing.T) {
	account := simulator.New(simulator.Config{
		IDInstance: "1101000001", Token: secret, NoRateLimit: true, MessagesPerHour: 100,
		Start: time.Now().Add(-10 * time.Hour),
	})
	client := newTestClient(t, serve(t, account.ServeHTTP).URL)
	want, _, err := readOutgoing(t.Context(), client)
	if err != nil || len(want) < 10 {
		t.Fatalf("%d rows, %v", len(want), err)
	}
	for fault, added := range map[simulator.Fault]int{
		simulator.FaultRowNotObject: 0, simulator.FaultNullRow: 0, simulator.FaultBadTimestamp: 1,
		simulator.FaultCommaStart: 0, simulator.FaultCommaMiddle: 0, simulator.FaultCommaEnd: 0,
		simulator.FaultCommaMembers: 0, simulator.FaultNaN: 0, simulator.FaultBOM: 0,
		simulator.FaultCached: 0, simulator.FaultGzip: 0, simulator.FaultGzipNewline: 0,
	} {
		account.SetFault(fault)
		rows, _, err := readOutgoing(t.Context(), client)
		if err != nil || len(rows) != len(want)+added {
			t.Errorf("%s: %d rows, %v; want %d", fault, len(rows), err, len(want)+added)
		}
	}
}

// TestTimestampsOfTheFutureAreBad checks the limit: an hour after the API's clock, or after the
// local clock if that is later.
func TestTimestampsOfTheFutureAreBad(t *testing.T) {
	for _, skew := range []time.Duration{-240 * time.Hour, 0, 240 * time.Hour} {
		now := time.Now()
		date := now.Add(skew)
		latest := max(now.Unix(), date.Unix()) + 3600
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", date.UTC().Format(http.TimeFormat))
			_, _ = fmt.Fprintf(w, `[{"timestamp":%d},{"timestamp":"%d"},{"timestamp":%d}]`,
				latest, latest+10, latest*1000)
		})
		rows, _, err := readOutgoing(t.Context(), newTestClient(t, server.URL))
		want := []rowValues{row("", "", "", float64(latest)), badlyTimed("", "", ""),
			badlyTimed("", "", "")}
		if err != nil || !slices.Equal(rows, want) {
			t.Errorf("skew %s: got %+v, %v; want %+v", skew, rows, err, want)
		}
	}
}

func TestNotRowsAreCounted(t *testing.T) {
	server := serve(t, respond(200, `[null,{},"a",{},[1,{}],{}]`))
	journal, err := newTestClient(t, server.URL).OutgoingMessages(t.Context(), 60)
	if err != nil {
		t.Fatal(err)
	}
	for want := range 3 {
		if !journal.Next() || journal.NotRows() != want+1 {
			t.Errorf("row %d: %d elements skipped", want, journal.NotRows())
		}
	}
	if journal.Next() || journal.Err() != nil || journal.NotRows() != 3 {
		t.Errorf("%d elements skipped, %v", journal.NotRows(), journal.Err())
	}
}
