package integration

import (
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"greenapi_exporter/internal/simulator"
)

// limitFiles limits the size of the files that the process can write, like a full disk.
func limitFiles(t *testing.T, p *process, bytes uint64) {
	t.Helper()
	limit := &unix.Rlimit{Cur: bytes, Max: math.MaxUint64}
	if err := unix.Prlimit(p.Process.Pid, unix.RLIMIT_FSIZE, limit, nil); err != nil {
		t.Fatal(err)
	}
}

// TestFullDiskLosesNoCounts fills the disk before the baseline or later. All scrapes succeed and
// count, and the next write after the disk has space again saves everything.
func TestFullDiskLosesNoCounts(t *testing.T) {
	for name, scrapes := range map[string]int{"before the baseline": 0, "later": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testFullDisk(t, scrapes)
		})
	}
}

func testFullDisk(t *testing.T, scrapesBefore int) {
	s, a := serveSimulator(t, simulator.Config{
		Start: time.Now().Add(-time.Hour), MessagesPerHour: 36000, NoRateLimit: true,
	})
	directory := t.TempDir()
	path := filepath.Join(directory, testID+".ledger")
	args := []string{"--storage.path=" + directory, "--greenapi.min-interval=0s"}
	p := startInstance(t, a.URL, args...)
	var counters counterRecorder
	for range scrapesBefore {
		counters.record(t, scrape(t, p.url+"/metrics"))
	}
	warning := func() bool {
		_, page := request(t, "GET", p.url+"/")
		return strings.Contains(page, "counters cannot be written")
	}

	limitFiles(t, p, uint64(max(0, size(path)))+100)
	var got metrics
	for range 6 {
		got = scrape(t, p.url+"/metrics")
		counters.record(t, got)
		got.assert(t, 1, "greenapi_up")
	}
	if n, _ := got.value("greenapi_exporter_storage_failures_total"); n < 12 {
		t.Errorf("%v failures in six scrapes", n)
	}
	text := p.output.String()
	if strings.Count(text, "level=error") != 1 || !strings.Contains(text, "advice=") {
		t.Errorf("the log must have one error, with advice:\n%s", text)
	}
	if !warning() {
		t.Error("the page does not warn of the disk")
	}
	if size(path+".new") >= 0 {
		t.Error("an incomplete snapshot exists")
	}

	limitFiles(t, p, math.MaxUint64)
	counters.record(t, scrape(t, p.url+"/metrics"))
	text = p.output.String()
	if strings.Count(text, "writing the ledger works again") != 1 {
		t.Errorf("the log must report the recovery once:\n%s", text)
	}
	if warning() {
		t.Error("the page still warns of the disk")
	}
	p.kill()
	s.SetFault(simulator.FaultUnauthorized) // the counters now come from the file
	p = startInstance(t, a.URL, args...)
	got = scrape(t, p.url+"/metrics")
	counters.record(t, got)
	got.assert(t, 0, "greenapi_exporter_storage_damaged_files_total")
}
