package integration

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestJournalOf400000RowsFitsIn128MB serves rows of 1.2 KB and reads the peak of the resident
// memory.
func TestJournalOf400000RowsFitsIn128MB(t *testing.T) {
	if testing.Short() {
		t.Skip("a journal of 500 MB takes seconds")
	}
	rows := 400_000
	if raceDetector {
		rows = 4_000
	}
	text := strings.Repeat("Your order has been sent. ", 40)
	a := serveAPI(t, func(w http.ResponseWriter, _ *http.Request) {
		separator := "["
		for i := range rows {
			fmt.Fprintf(w, `%s{"type":"outgoing","idMessage":"BAE5%012X","timestamp":%d,`+
				`"typeMessage":"extendedTextMessage","chatId":"11001234567@c.us",`+
				`"textMessage":"%s","statusMessage":"delivered","sendByApi":true}`,
				separator, i, 1_700_000_000+i, text)
			separator = ","
		}
		fmt.Fprint(w, "]")
	})
	p := startInstance(t, a.URL, "--greenapi.timeout=5m", "--greenapi.min-interval=0s",
		"--storage.path="+t.TempDir())
	for range 2 {
		got := scrape(t, p.url+"/metrics")
		got.assert(t, float64(rows), "greenapi_outgoing_window_messages",
			"status", "delivered", "type", "extendedTextMessage")
		got.assert(t, float64(rows), "greenapi_outgoing_ledger_messages")
	}
	u, err := usageOf(p.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rows: the peak of the resident memory is %.0f MB", rows, u.peak/1e6)
	if !raceDetector && u.peak > 128<<20 {
		t.Errorf("the peak of the resident memory is %.0f bytes", u.peak)
	}
}
