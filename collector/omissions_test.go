package collector

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"greenapi_exporter/internal/greenapi"
)

const (
	malformedRows     = "greenapi_outgoing_window_malformed_rows"
	uncountedMessages = "greenapi_outgoing_uncounted_messages_total"
)

func TestMalformedRowsAreExportedByReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t).persistent(t)
		assertRows := func(when string, want map[string]float64) {
			t.Helper()
			families := gather(t, e.scrape(t.Context()))
			if n := len(families[malformedRows].GetMetric()); n != len(want) {
				t.Errorf("%s: %d series, want %d", when, n, len(want))
			}
			for reason, rows := range want {
				got, ok := valueOf(families, malformedRows, "reason", reason)
				if got != rows || !ok {
					t.Errorf("%s: %s is %v, want %v", when, reason, got, rows)
				}
			}
		}
		none := map[string]float64{"no_id": 0, "bad_timestamp": 0, "not_a_row": 0}
		some := map[string]float64{"no_id": 2, "bad_timestamp": 3, "not_a_row": 4}
		assertRows("empty journal", none)
		time.Sleep(time.Minute)
		e.api.body = journalOf(
			`{"type":"outgoing","typeMessage":""}`,
			`{"idMessage":"A1","timestamp":"","typeMessage":{},"statusMessage":"sent"}`,
			`{"idMessage":"A2","timestamp":0,"typeMessage":"textMessage","statusMessage":"sent"}`,
			`{"idMessage":"A3","timestamp":4102444800,"typeMessage":"textMessage"}`,
			`{"idMessage":"A4","timestamp":null,"typeMessage":"textMessage"}`,
			"null", "[]", "1", `"row"`, row("A5", "textMessage", "sent", 1))
		assertRows("malformed rows", some)
		e.restart(t)
		assertRows("after a restart", some)
		time.Sleep(time.Minute)
		e.api.answer(500, "")
		assertRows("failure", nil)
		time.Sleep(time.Minute)
		e.api.answer(200, "[]")
		assertRows("another empty journal", none)
	})
}

func TestUncountedMessagesAreExported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t).persistent(t)
		began := time.Now()
		assertUncounted := func(want float64) {
			t.Helper()
			families := gather(t, e.scrape(t.Context()))
			got, ok := valueOf(families, uncountedMessages, "reason", "before_counting")
			if got != want || !ok {
				t.Errorf("%v, want %v", got, want)
			}
			created := families[uncountedMessages].Metric[0].Counter.CreatedTimestamp.AsTime()
			if !created.Equal(began) {
				t.Errorf("created %v, want %v", created, began)
			}
		}
		assertUncounted(0)
		time.Sleep(30 * time.Minute)
		e.api.body = journalOf(row("A1", "textMessage", "sent", 95),
			row("A1", "textMessage", "read", 95), row("A2", "textMessage", "sent", 85))
		assertUncounted(1)
		e.api.answer(500, "")
		time.Sleep(time.Minute)
		assertUncounted(1)
		e.restart(t)
		assertUncounted(1)
	})
}

// TestOmissionsAreLoggedOnce checks that there is one line per reason, instance and journal.
func TestOmissionsAreLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, "outgoing", "incoming").persistent(t)
		in := e.replyOf(greenapi.LastIncomingMessages)
		gather(t, e.scrape(t.Context()))
		if text := e.logged(); strings.Contains(text, "reason=") {
			t.Errorf("logged without a reason: %s", text)
		}
		time.Sleep(30 * time.Minute)
		e.api.body = journalOf(`{"type":"outgoing","typeMessage":""}`, "null", "1",
			`{"idMessage":"A2","timestamp":"soon","typeMessage":"textMessage"}`,
			row("A1", "textMessage", "sent", 95))
		in.body = journalOf("{}", incoming("B1", "textMessage", 95))
		for range 3 {
			gather(t, e.scrape(t.Context()))
			time.Sleep(time.Minute)
		}
		var logged []string
		for line := range strings.Lines(e.logged()) {
			if strings.Contains(line, "reason=") {
				level, _, _ := strings.Cut(line, " ")
				logged = append(logged, line[strings.Index(line, "collector="):]+level)
			}
		}
		slices.Sort(logged)
		assertLines(t, logged, [][]string{
			{"level=info", "collector=incoming", "reason=no_id", "rows=1", "effect="},
			{"level=info", "collector=incoming", "reason=before_counting", "messages=1", "effect="},
			{"level=warn", "collector=outgoing", "reason=bad_timestamp", "rows=1", "effect="},
			{"level=info", "collector=outgoing", "reason=no_id", "rows=1", "effect="},
			{"level=warn", "collector=outgoing", "reason=not_a_row", "rows=2", "effect="},
			{"level=info", "collector=outgoing", "reason=before_counting", "messages=1", "effect="},
		})
		e.log.Reset()
		e.restart(t)
		time.Sleep(time.Minute)
		gather(t, e.scrape(t.Context()))
		if text := e.logged(); strings.Contains(text, "reason=before_counting") {
			t.Errorf("logged again after a restart: %s", text)
		}
	})
}
