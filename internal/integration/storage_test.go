package integration

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"greenapi_exporter/internal/simulator"
)

// assertTruth compares the counters with what became of the messages since the baseline.
func assertTruth(t *testing.T, got map[string]*dto.MetricFamily, baseline, messages []simulator.Message) {
	t.Helper()
	assertTotals(t, got, truth(baseline, messages))
}

// assertIncomingTruth does the same with messages received, which have no statuses.
func assertIncomingTruth(t *testing.T, got map[string]*dto.MetricFamily, baseline, messages []simulator.Message) {
	t.Helper()
	assertTotals(t, got, map[string]map[string]float64{
		"greenapi_incoming_messages_total": truth(baseline, messages)["greenapi_outgoing_messages_total"],
	})
}

// assertTotals compares the counters of the families with those wanted, by their labels.
func assertTotals(t *testing.T, got map[string]*dto.MetricFamily, want map[string]map[string]float64) {
	t.Helper()
	for name := range want {
		if len(want[name]) == 0 {
			t.Fatalf("no truth for %s", name)
		}
		for labels, v := range counters(got[name]) {
			if v != want[name][labels] {
				t.Errorf("%s{%s}: got %v, want %v", name, labels, v, want[name][labels])
			}
			delete(want[name], labels)
		}
		if len(want[name]) > 0 {
			t.Errorf("%s lacks %v", name, want[name])
		}
	}
}

// counters are the values of a family by its labels, but for the instance's.
func counters(f *dto.MetricFamily) map[string]float64 {
	values := make(map[string]float64)
	for _, m := range f.GetMetric() {
		labels := ""
		for _, l := range m.Label {
			if l.GetName() != "id_instance" {
				labels += l.GetValue() + " "
			}
		}
		values[labels] = m.GetCounter().GetValue()
	}
	return values
}

// watcher looks at every scrape of an instance, whatever run of the exporter it is of.
type watcher struct {
	scrapes int
	last    map[string]float64
}

func (w *watcher) see(t *testing.T, got map[string]*dto.MetricFamily) {
	t.Helper()
	w.scrapes++
	seen := make(map[string]float64)
	for _, name := range []string{"greenapi_outgoing_messages_total", "greenapi_outgoing_message_statuses_total", "greenapi_outgoing_unread_seconds_total", "greenapi_incoming_messages_total"} {
		for labels, v := range counters(got[name]) {
			seen[name+" "+labels] = v
		}
	}
	seen["birth"], _ = sampleOf(got["greenapi_outgoing_ledger_birth_timestamp_seconds"])
	for series, v := range w.last {
		if now, ok := seen[series]; !ok || now < v || series == "birth" && now != v {
			t.Fatalf("scrape %d: %s is %v (there: %t), and was %v", w.scrapes, series, now, ok, v)
		}
	}
	w.last = seen
}

// TestKillsLoseNothing kills the exporter 30 times, at random moments and when it has just begun to write, while the
// account lives on. No scrape shows a counter below an earlier one, and at the end each equals the truth.
func TestKillsLoseNothing(t *testing.T) {
	t.Parallel()
	const kills = 30
	start := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	var alive, frozen atomic.Int64 // since when the account lives on, and when it stopped: UNIX nanoseconds, 0 for never
	account := func() time.Time {
		now := start.Add(10 * time.Minute)
		if since := alive.Load(); since > 0 {
			until := time.Now().UnixNano()
			if at := frozen.Load(); at > 0 {
				until = at
			}
			now = now.Add(600 * time.Duration(until-since)) // ten minutes a second
		}
		return now
	}
	s, a := serveSimulator(t, simulator.Config{Seed: 7, Start: start, MessagesPerHour: 1500, IncomingPerHour: 1000, NoRateLimit: true, Now: account})
	directory := t.TempDir()
	path := filepath.Join(directory, testID+".ledger")
	run := func() *process {
		return startProcess(t, a.URL, "--storage.path="+directory, "--greenapi.min-interval=0s", "--greenapi.minutes=14400", "--collector.incoming")
	}
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	var w watcher
	p := run()
	w.see(t, families(t, p.base+"/metrics"))
	baseline, incomingBaseline := s.Messages(account()), s.IncomingMessages(account())
	alive.Store(time.Now().UnixNano())
	inWrites, inSnapshots := 0, 0
	for i := range kills {
		killed := make(chan struct{})
		go func() {
			defer close(killed)
			end := time.Now().Add(5 * time.Second)
			switch {
			case i%6 == 5: // in the snapshot with which it ends
				time.Sleep(time.Duration(random.IntN(100)) * time.Millisecond)
				if err := p.Process.Signal(syscall.SIGTERM); err != nil {
					t.Error(err)
				}
				for size(path+".new") < 0 && time.Now().Before(end) {
				}
				if time.Now().Before(end) {
					inSnapshots++
				}
			case i%2 == 0:
				time.Sleep(time.Duration(random.IntN(400)) * time.Millisecond)
			default:
				for range 1 + random.IntN(12) {
					for before := size(path); size(path) == before && time.Now().Before(end); {
					}
				}
				if time.Now().Before(end) {
					inWrites++
				}
			}
			if err := p.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
				t.Error(err)
			}
			_ = p.Wait()
		}()
		for {
			got, err := tryFamilies(t.Context(), p.base+"/metrics")
			if err != nil {
				break
			}
			w.see(t, got)
		}
		<-killed
		p = run()
		if text := p.output.String(); strings.Contains(text, "set aside") {
			t.Fatalf("after kill %d: %s", i, text)
		}
		w.see(t, families(t, p.base+"/metrics"))
	}
	frozen.Store(time.Now().UnixNano())
	got := upFamilies(t, p)
	w.see(t, got)
	assertTruth(t, got, baseline, s.Messages(account()))
	assertIncomingTruth(t, got, incomingBaseline, s.IncomingMessages(account()))
	t.Logf("%d kills, %d when it wrote, %d when it wrote a snapshot, %d scrapes, %d messages", kills, inWrites, inSnapshots, w.scrapes, len(s.Messages(account())))
	if inWrites < kills/4 || inSnapshots == 0 {
		t.Errorf("of %d kills %d came when it wrote, %d when it wrote a snapshot", kills, inWrites, inSnapshots)
	}
}

// size is that of the file, -1 without one.
func size(path string) int64 {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return -1
	}
	return info.Size()
}

// upFamilies scrapes until the readings of the journals are new ones: right after a kill in a call the one before may still serve.
func upFamilies(t *testing.T, p *process) map[string]*dto.MetricFamily {
	t.Helper()
	begin := float64(time.Now().UnixMilli()) / 1e3
	for {
		got := families(t, p.base+"/metrics")
		fresh := true
		for _, collector := range []string{"outgoing", "incoming"} {
			if success, on := sampleOf(got["greenapi_collector_success"], "collector", collector); on {
				at, _ := sampleOf(got["greenapi_collector_last_success_timestamp_seconds"], "collector", collector)
				fresh = fresh && success == 1 && at >= begin
			}
		}
		if fresh {
			return got
		}
	}
}

// TestRestartsMakeNoCall under an interval of an hour, by processes that are killed.
func TestRestartsMakeNoCall(t *testing.T) {
	s, a := serveSimulator(t, simulator.Config{Start: time.Now().Add(-time.Hour), MessagesPerHour: 100, IncomingPerHour: 100})
	directory := t.TempDir()
	var first map[string]*dto.MetricFamily
	for i := range 11 {
		p := startProcess(t, a.URL, "--storage.path="+directory, "--greenapi.min-interval=60m", "--collector.disable-defaults", "--collector.outgoing", "--collector.incoming")
		got := families(t, p.base+"/metrics")
		if first == nil {
			first = got
		}
		for _, name := range []string{"greenapi_up", "greenapi_outgoing_window_messages", "greenapi_collector_last_success_timestamp_seconds", "greenapi_outgoing_last_message_timestamp_seconds", "greenapi_incoming_window_messages"} {
			if fmt.Sprint(got[name]) != fmt.Sprint(first[name]) || got[name] == nil {
				t.Errorf("run %d: %s is\n%v\nand was\n%v", i, name, got[name], first[name])
			}
		}
		if i%2 == 0 {
			_ = p.Process.Kill()
			_ = p.Wait()
		} else {
			stopWith(t, p, nil)
		}
	}
	for _, method := range []string{journalMethod, "lastIncomingMessages"} {
		if s.Calls(method) != 1 {
			t.Errorf("%d calls of %s", s.Calls(method), method)
		}
	}
}

// TestSIGTERMTakesASnapshot: after a proper end the file is no longer than it must be.
func TestSIGTERMTakesASnapshot(t *testing.T) {
	_, a := serveSimulator(t, simulator.Config{Start: time.Now().Add(-time.Hour), MessagesPerHour: 100, NoRateLimit: true})
	directory := t.TempDir()
	path := filepath.Join(directory, testID+".ledger")
	p := startProcess(t, a.URL, "--storage.path="+directory, "--greenapi.min-interval=0s")
	for range 20 {
		families(t, p.base+"/metrics")
	}
	before := size(path)
	stopWith(t, p, nil)
	if after := size(path); after < 0 || after > before/5 {
		t.Errorf("%d bytes, and %d at the end", before, after)
	}
}

func TestASecondExporterIsKeptOff(t *testing.T) {
	_, a := serveSimulator(t, simulator.Config{})
	directory := t.TempDir()
	p := startProcess(t, a.URL, "--storage.path="+directory)
	var stderr logged
	for name, value := range map[string]string{"GREENAPI_ID_INSTANCE": testID, tokenVariable: secret, "GREENAPI_STORAGE_PATH": directory} {
		t.Setenv(name, value)
	}
	if code := run(t.Context(), []string{"--web.listen-address=127.0.0.1:0"}, &stderr, &stderr); code != 1 || strings.Count(stderr.String(), "\n") != 1 || !strings.Contains(stderr.String(), "in use by another exporter") {
		t.Errorf("code %d: %s", code, &stderr)
	}
	assertValue(t, families(t, p.base+"/metrics"), 1, "greenapi_up")
}

func TestTheDemoKeepsNothing(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "ledgers")
	t.Setenv("GREENAPI_STORAGE_PATH", directory) // as in a container
	p := startDemoProcess(t)
	families(t, p.base+"/metrics")
	if _, err := os.Stat(directory); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s: %v", directory, err)
	}
}
