package collector

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"

	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
)

// TestTimeoutShrinksTheWindow checks that a timeout shrinks the window unless the process was
// suspended during the call.
func TestTimeoutShrinksTheWindow(t *testing.T) {
	for name, c := range map[string]struct {
		took   time.Duration
		frozen bool
		want   int
	}{
		"timeout":      {time.Hour, false, 60 + 20},
		"late timeout": {32 * time.Second, true, 60 + 20},
		"suspension":   {time.Hour, true, 60 + 95 + 1 + 5},
	} {
		synctest.Test(t, func(t *testing.T) {
			e := newExporter(t)
			gather(t, e.scrape(t.Context()))
			time.Sleep(35 * time.Minute)
			e.api.took, e.api.frozen = c.took, c.frozen
			gather(t, e.scrape(t.Context()))
			e.api.took, e.api.frozen = 0, false
			time.Sleep(2 * time.Second)
			gather(t, e.scrape(t.Context()))
			if want := []int{60, 60 + 35 + 1 + 5, c.want}; !slices.Equal(e.api.minutes, want) {
				t.Errorf("%s: requested %v minutes, want %v", name, e.api.minutes, want)
			}
		})
	}
}

func TestFailuresShrinkALongWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t)
		gather(t, e.scrape(t.Context()))
		time.Sleep(35 * time.Minute)
		e.api.answer(400, "minutes is too large")
		gather(t, e.scrape(t.Context()))
		time.Sleep(2 * time.Second)
		gather(t, e.scrape(t.Context()))
		time.Sleep(4 * time.Second)
		e.api.answer(200, "[]")
		gather(t, e.scrape(t.Context()))
		want := []int{60, 60 + 35 + 1 + 5, 60 + 20, 60 + 10}
		if !slices.Equal(e.api.minutes, want) {
			t.Errorf("requested %v minutes, want %v", e.api.minutes, want)
		}
	})
}

func TestUnsentCallDoesNotShrinkTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t)
		gather(t, e.scrape(t.Context()))
		time.Sleep(48 * time.Hour)
		e.api.unreachable = true
		gather(t, e.scrape(t.Context()))
		e.api.unreachable = false
		time.Sleep(time.Minute)
		families := gather(t, e.scrape(t.Context()))
		if want := 60 + 48*60 + 1 + 1 + 5; e.api.minutes[len(e.api.minutes)-1] < want-1 {
			t.Errorf("requested %v minutes, want %d in the latest call", e.api.minutes, want)
		}
		if unread, _ := valueOf(families, "greenapi_outgoing_unread_seconds_total"); unread != 0 {
			t.Errorf("%v s are not covered", unread)
		}
	})
}

func TestMessagesSentDuringASlowFirstCallAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t)
		e.flags.Minutes, e.flags.Timeout = 1, 5*time.Minute
		e.restart(t)
		e.api.took = 3 * time.Minute
		gather(t, e.scrape(t.Context()))
		time.Sleep(time.Second)
		e.api.took, e.api.body = 0, journalOf(row("A1", "textMessage", "sent", 2))
		families := gather(t, e.scrape(t.Context()))
		n, _ := valueOf(families, "greenapi_outgoing_messages_total", "type", "textMessage")
		if n != 1 {
			t.Errorf("%v messages are counted, want 1", n)
		}
	})
}

// TestIncomingMessagesAreCountedOnce checks the counters across restarts, and that they do not
// affect those of the outgoing journal.
func TestIncomingMessagesAreCountedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, "outgoing", "incoming").persistent(t)
		in := e.replyOf(greenapi.LastIncomingMessages)
		e.api.body = journalOf(row("B1", "textMessage", "sent", 1))
		in.body = journalOf(incoming("B0", "textMessage", 1))
		gather(t, e.scrape(t.Context()))
		for round := range 3 {
			time.Sleep(time.Minute)
			in.body = journalOf(
				incoming("B1", "textMessage", 1), incoming("B1", "imageMessage", 1),
				incoming("B2", "textMessage", 1), incoming("B0", "textMessage", 2+round))
			families := gather(t, e.scrape(t.Context()))
			for kind, want := range map[string][2]float64{
				"textMessage": {2, 3}, "imageMessage": {1, 1}, "videoMessage": {0, 0},
			} {
				total, _ := valueOf(families, "greenapi_incoming_messages_total", "type", kind)
				rows, _ := valueOf(families, "greenapi_incoming_window_messages", "type", kind)
				if total != want[0] || rows != want[1] {
					t.Errorf("round %d, %s: %v counted, %v in the window, want %v",
						round, kind, total, rows, want)
				}
			}
			n, _ := valueOf(families, "greenapi_outgoing_messages_total", "type", "textMessage")
			if n != 0 {
				t.Errorf("%v messages are counted as outgoing", n)
			}
			e.restart(t)
		}
	})
}

// TestLedgerOfTheOtherJournalIsRejected exchanges the files of two ledgers. Otherwise, their
// messages would be counted twice.
func TestLedgerOfTheOtherJournalIsRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, "outgoing", "incoming").persistent(t)
		gather(t, e.scrape(t.Context()))
		e.instance.Close()
		outgoing, incoming := e.directory+"/"+id+".ledger", e.directory+"/"+id+".incoming.ledger"
		swap(t, outgoing, incoming)
		e.restart(t)
		if damaged := e.storage.Damaged(); damaged != 2 {
			t.Errorf("%d files were rejected, want 2", damaged)
		}
		text, instance := e.logged(), "id_instance="+id
		if !strings.Contains(text, instance+" ") || strings.Contains(text, instance+".") {
			t.Errorf("logged:\n%s", text)
		}
	})
}

// swap exchanges the names of two files.
func swap(t *testing.T, a, b string) {
	t.Helper()
	for _, step := range [][2]string{{a, a + ".x"}, {b, a}, {a + ".x", b}} {
		if err := os.Rename(step[0], step[1]); err != nil {
			t.Fatal(err)
		}
	}
}

// fixedResponse is a transport that returns this body, with as few allocations as possible.
type fixedResponse []byte

func (r fixedResponse) RoundTrip(*http.Request) (*http.Response, error) {
	body := io.NopCloser(bytes.NewReader(r))
	return &http.Response{
		StatusCode: http.StatusOK, ContentLength: int64(len(r)), Body: body,
	}, nil
}

// TestReadingAllocatesLittle checks that the number of allocations does not depend on the number of
// rows.
func TestReadingAllocatesLittle(t *testing.T) {
	instance := newExporter(t).config(t)
	types := []string{"textMessage", "imageMessage", "pollMessage"}
	statuses := []string{"sent", "read"}
	allocations := func(rows int) float64 {
		body := []byte("[")
		for i := range rows {
			body = fmt.Appendf(body, `{"type":"outgoing","idMessage":"BAE5%d","timestamp":%d,`+
				`"typeMessage":"%s","textMessage":"Hello","statusMessage":"%s"},`,
				i, time.Now().Unix(), types[i%3], statuses[i%2])
		}
		backend := &greenapi.Backend{
			Transport: fixedResponse(append(body, ']')), Limiter: greenapi.NewLimiter(1),
		}
		e := &env{Resources: Resources{Backend: backend, Logger: log.NewNopLogger()}}
		e.current.Store(&instance)
		l := ledger.New(ledger.Options{Minutes: 60, Retention: 360 * time.Hour})
		j := journal{
			stats: newRequestStats(e, Info{}), ledger: l, call: (*greenapi.Client).OutgoingMessages,
		}
		return testing.AllocsPerRun(10, func() {
			if r, err := j.read(t.Context(), time.Now()); err != nil || r.Messages != rows {
				t.Fatal(r, err)
			}
		})
	}
	few, many := allocations(1000), allocations(10_000)
	t.Logf("a reading of 1,000 known rows allocates %v times", few)
	// The request allocates 31 times; see TestJournalsAllocateLittle.
	if few > 31+20 || many > few {
		t.Errorf("%v allocations for 1,000 rows, %v for 10,000", few, many)
	}
}

// TestReloadChangesTheLookback also checks that the counters continue.
func TestReloadChangesTheLookback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t)
		gather(t, e.scrape(t.Context())) // the baseline
		e.api.body = journalOf(row("A1", "textMessage", "sent", 0))
		for _, lookback := range []string{config.Full, config.Tiered, config.Full} {
			e.flags.Lookback = lookback
			if err := e.instance.ApplyConfig(e.config(t)); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				time.Sleep(time.Minute)
				families := gather(t, e.scrape(t.Context()))
				if n, _ := valueOf(families, "greenapi_outgoing_messages_total",
					"type", "textMessage"); n != 1 {
					t.Errorf("%s: %v messages, want 1", lookback, n)
				}
			}
		}
		want := []int{60, 60, 60, 60, 60, 7 + 2, 7 + 2, 60, 60, 60}
		if !slices.Equal(e.api.minutes, want) {
			t.Errorf("requested %v minutes, want %v", e.api.minutes, want)
		}
	})
}
