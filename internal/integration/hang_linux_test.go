package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"greenapi_exporter/internal/simulator"
)

// TestHangingDiskDelaysNoScrape replaces the ledger by a FIFO, which hangs when it is opened.
func TestHangingDiskDelaysNoScrape(t *testing.T) {
	t.Parallel()
	_, a := serveSimulator(t, simulator.Config{
		Start: time.Now().Add(-time.Hour), MessagesPerHour: 360, NoRateLimit: true,
	})
	directory := t.TempDir()
	path := filepath.Join(directory, testID+".ledger")
	p := startInstance(t, a.URL, "--storage.path="+directory, "--greenapi.min-interval=0s")
	var counters counterRecorder
	counters.record(t, scrape(t, p.url+"/metrics"))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	scrapeAgain := func() metrics {
		t.Helper()
		got := scrape(t, p.url+"/metrics")
		got.assert(t, 1, "greenapi_up")
		counters.record(t, got)
		return got
	}
	first := scrapeAgain()
	first.assert(t, 1, "greenapi_exporter_storage_hanging_writes")
	var last metrics
	// A leak adds at least one per scrape. Idle connections to the API add a few.
	const scrapes = 50
	begin := time.Now()
	for range scrapes {
		last = scrapeAgain()
	}
	// A scrape that waits for the disk takes a second.
	if took := time.Since(begin); took > scrapes*time.Second {
		t.Errorf("%d scrapes took %s", scrapes, took)
	}
	last.assert(t, 1, "greenapi_exporter_storage_hanging_writes")
	for _, name := range []string{"go_goroutines", "go_threads"} {
		before, after := first.mustValue(t, name), last.mustValue(t, name)
		if after > before+scrapes/2 {
			t.Errorf("%s rose from %v to %v in %d scrapes", name, before, after, scrapes)
		}
	}
	if n, _ := last.value("greenapi_exporter_storage_failures_total"); n < scrapes {
		t.Errorf("%v failures in %d scrapes", n, scrapes+1)
	}
	if n := strings.Count(p.output.String(), "the disk hangs"); n != 1 {
		t.Errorf("the log mentions the disk %d times, want once:\n%s", n, p.output)
	}
	if took := p.terminate(t); took > 20*time.Second {
		t.Errorf("the exporter exited after %s", took)
	}
}

// TestReloadWithHangingLedger removes an instance whose ledger hangs, adds another one, and adds
// the first one again.
func TestReloadWithHangingLedger(t *testing.T) {
	t.Parallel()
	const hanging, other = "1101000001", "1101000002"
	server := serveAccounts(t, hanging, other)
	config := configFile(t, fleetConfig(server, hanging))
	directory := t.TempDir()
	path := filepath.Join(directory, hanging+".ledger")
	p := startExporter(t, nil, "--config.file="+config, "--storage.path="+directory,
		"--web.enable-lifecycle", "--greenapi.min-interval=0s")
	probe := func(id string) { scrape(t, p.url+"/probe?target="+id).assert(t, 1, "greenapi_up") }
	reload := func(wantStatus int, ids ...string) (body string) {
		t.Helper()
		writeFile(t, config, fleetConfig(server, ids...))
		begin := time.Now()
		status, body := request(t, "POST", p.url+"/-/reload")
		if took := time.Since(begin); status != wantStatus || took > 20*time.Second {
			t.Errorf("the reload of %v took %s: status %d: %s", ids, took, status, body)
		}
		return body
	}
	probe(hanging)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	probe(hanging)

	reload(200, other)
	probe(other)
	body := reload(500, other, hanging)
	if !strings.Contains(body, path+": the disk does not respond") {
		t.Errorf("the error does not name the file: %s", body)
	}
	probe(other)
	if took := p.terminate(t); took > 20*time.Second {
		t.Errorf("the exporter exited after %s", took)
	}
}
