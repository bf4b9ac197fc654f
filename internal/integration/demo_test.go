package integration

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"greenapi_exporter/collector"
)

func TestDemoShowsADayOfMessages(t *testing.T) {
	p := startExporter(t, nil, "--demo")
	p.eventually(t, func() bool { return strings.Count(p.output.String(), "Demo: ") == 3 })
	_, page, _ := strings.Cut(p.output.String(), "open ")
	page, _, _ = strings.Cut(page, " ")
	p.eventually(t, func() bool { // without a scrape
		_, text := request(t, "GET", page)
		return strings.Contains(text, "noAccount") && strings.Contains(text, "authorized")
	})
	got := scrape(t, page+"metrics")
	got.assert(t, 1, "greenapi_up")
	got.assert(t, 1, "greenapi_instance_state", "state", "authorized")
	for _, c := range collector.All() {
		got.assert(t, 1, "greenapi_collector_success", "collector", c.Name)
	}
	n, _ := got.value("greenapi_incoming_window_messages", "type", "extendedTextMessage")
	if n < 100 {
		t.Errorf("the demo has received %v texts in a day", n)
	}
	if n, _ := got.value("greenapi_outgoing_ledger_messages"); n < 100 {
		t.Errorf("the demo has sent %v messages in a day", n)
	}
	p.terminate(t)
}

func TestDemoWritesNoFiles(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "ledgers")
	variable := "GREENAPI_STORAGE_PATH=" + directory // as in the image
	p := startExporter(t, []string{variable}, "--demo")
	scrape(t, p.url+"/metrics")
	if _, err := os.Stat(directory); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s: %v", directory, err)
	}
}
