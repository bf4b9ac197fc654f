package greenapi

import (
	"testing"
	"time"
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
