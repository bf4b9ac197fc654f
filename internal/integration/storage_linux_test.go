package integration

import (
	"io"
	"math"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"greenapi_exporter/internal/simulator"
)

// limitFiles lets the process write no file beyond so many bytes, which is like a disk that is full.
func limitFiles(t *testing.T, p *process, bytes uint64) {
	t.Helper()
	if err := unix.Prlimit(p.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: bytes, Max: math.MaxUint64}, nil); err != nil {
		t.Fatal(err)
	}
}

// thePageSays reports whether the page for people has the words.
func thePageSays(t *testing.T, p *process, words string) bool {
	t.Helper()
	response, err := http.Get(p.base + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(page), words)
}

// TestAFullDiskCostsNothing at the baseline and in mid-run: every scrape succeeds and counts on, the failures are counted
// and logged once, and when there is room everything is written.
func TestAFullDiskCostsNothing(t *testing.T) {
	for name, before := range map[string]int{"at the baseline": 0, "in mid-run": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now().Add(-time.Hour)
			s, a := serveSimulator(t, simulator.Config{Start: start, MessagesPerHour: 36000, NoRateLimit: true})
			directory := t.TempDir()
			path := filepath.Join(directory, testID+".ledger")
			args := []string{"--storage.path=" + directory, "--greenapi.min-interval=0s"}
			p := startProcess(t, a.URL, args...)
			var w watcher
			for range before {
				w.see(t, families(t, p.base+"/metrics"))
			}
			limitFiles(t, p, uint64(max(0, size(path)))+100)
			for range 5 {
				got := families(t, p.base+"/metrics")
				w.see(t, got)
				assertValue(t, got, 1, "greenapi_up")
			}
			got := families(t, p.base+"/metrics")
			if n, _ := sampleOf(got["greenapi_exporter_storage_failures_total"]); n < 12 {
				t.Errorf("%v failures in six scrapes", n)
			}
			if text := p.output.String(); strings.Count(text, "level=error") != 1 || !strings.Contains(text, "cannot write the ledger") || !strings.Contains(text, "advice=") {
				t.Errorf("the log:\n%s", text)
			}
			if !thePageSays(t, p, "counters cannot be written") {
				t.Error("the page does not tell of the disk")
			}
			if size(path+".new") >= 0 {
				t.Error("half a snapshot is left")
			}
			limitFiles(t, p, math.MaxUint64)
			w.see(t, families(t, p.base+"/metrics"))
			if text := p.output.String(); strings.Count(text, "writing the ledger works again") != 1 {
				t.Errorf("the log:\n%s", text)
			}
			if thePageSays(t, p, "counters cannot be written") {
				t.Error("the page still tells of the disk")
			}
			_ = p.Process.Kill()
			_ = p.Wait()
			s.SetFault(simulator.FaultUnauthorized) // what is shown now was on file
			p = startProcess(t, a.URL, args...)
			got = families(t, p.base+"/metrics")
			w.see(t, got)
			assertValue(t, got, 0, "greenapi_exporter_storage_damaged_files_total")
		})
	}
}
