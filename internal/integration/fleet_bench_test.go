package integration

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"greenapi_exporter/internal/simulator"
)

// fleetSize is how large a fleet BenchmarkFleet measures, by variables of the environment. Without any it is small.
type fleetSize struct {
	instances, messages int
	text                bool          // messages are texts, and not of all kinds
	interval            time.Duration // between two scrapes of an instance
	rounds              int           // that are measured, behind one that is not
	dead                int           // further instances, of a host that does not answer
	maxCalls            int
	away                time.Duration // what the API takes for an answer, beside its work
}

func sizeOf(b *testing.B) fleetSize {
	b.Helper()
	number := func(name string, usual int) int { return numberOf(b, "FLEET_"+name, usual) }
	return fleetSize{
		instances: number("INSTANCES", 100),
		messages:  number("MESSAGES", 100),
		text:      os.Getenv("FLEET_KIND") != "mixed",
		interval:  time.Duration(number("SECONDS", 3)) * time.Second,
		rounds:    number("ROUNDS", 2),
		dead:      number("DEAD", 20),
		maxCalls:  number("MAX_CALLS", 16),
		away:      time.Duration(number("AWAY_MS", 20)) * time.Millisecond,
	}
}

// numberOf is the number that the variable of the environment has, or the usual one.
func numberOf(b *testing.B, variable string, usual int) int {
	b.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatalf("%s: %v", variable, err)
	}
	return n
}

// fleetID is the id of the n-th instance. Those of the dead host come behind the others.
func fleetID(n int) string { return strconv.Itoa(1_101_000_000 + n) }

// BenchmarkFleet measures the exporter with many instances as a process of its own: each is scraped once in an interval
// through /probe, with the outgoing collector alone, from a simulated API in a further process. Prometheus's part is
// played by the benchmark, which spreads the scrapes over the interval as Prometheus does. An operation is one scrape.
func BenchmarkFleet(b *testing.B) {
	s := sizeOf(b)
	api := startFleetSimulator(b, s)
	dead := deadHost(b)
	exporter := startFleetExporter(b, s, api.url, "http://"+dead.Addr().String())

	if s.instances <= maxBurst {
		exporter.scrapeAtOnce(b, s)
	}
	warm := exporter.scrapeAll(b, s, 1)
	begin, calls := exporter.sample(b), api.sample(b)
	b.ResetTimer()
	measured := exporter.scrapeAll(b, s, s.rounds)
	b.StopTimer()
	end, ended := exporter.sample(b), api.sample(b)

	scrapes := float64(s.instances * s.rounds)
	latency := func(p float64) float64 { return quantile(measured, p).Seconds() * 1e3 }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(latency(0.5), "p50-ms")
	b.ReportMetric(latency(0.99), "p99-ms")
	b.ReportMetric(latency(1), "max-ms")
	b.ReportMetric(quantile(warm, 0.99).Seconds()*1e3, "first-p99-ms")
	b.ReportMetric((end.cpu-begin.cpu)/scrapes*1e3, "cpu-ms/scrape")
	b.ReportMetric(end.resident/1e3/float64(s.instances), "resident-KB/instance")
	b.ReportMetric(end.resident/1e6, "resident-MB")
	b.ReportMetric(end.heap/1e3/float64(s.instances), "heap-KB/instance")
	b.ReportMetric(float64(ended.calls-calls.calls)/scrapes, "calls/scrape")
	b.ReportMetric(float64(ended.connections), "connections")
	b.ReportMetric(float64(ended.most), "most-calls-at-once")
	// One host has half of the places, of which one method has three quarters.
	if most := max(1, s.maxCalls/2*3/4); ended.most > most || s.instances <= maxBurst && ended.most < most {
		b.Errorf("%d calls were in flight, and %d are allowed", ended.most, most)
	}
	if resident := end.resident / float64(s.instances); s.instances >= 1000 && s.messages <= 1000 && resident > 100e3 {
		b.Errorf("%.0f bytes are resident an instance, more than 100 KB", resident)
	}
	// Each scrape is a call, so that as many connections were opened as calls if none was used again.
	if opened := ended.connections; opened > ended.calls/4+ended.most {
		b.Errorf("%d connections were opened for %d calls", opened, ended.calls)
	}
}

// maxBurst is up to how many instances are scraped all at once to begin with, to see that calls wait for each other.
const maxBurst = 200

// scrapeAtOnce scrapes every instance whose host is alive once.
func (e *fleetExporter) scrapeAtOnce(b *testing.B, s fleetSize) {
	b.Helper()
	var all sync.WaitGroup
	for n := range s.instances {
		all.Go(func() {
			if _, err := e.probe(fleetID(n), 10*time.Second); err != nil {
				b.Errorf("%s: %v", fleetID(n), err)
			}
		})
	}
	all.Wait()
}

func quantile(sorted []time.Duration, p float64) time.Duration {
	return sorted[min(int(p*float64(len(sorted))), len(sorted)-1)]
}

// fleetExporter is the exporter that is measured.
type fleetExporter struct {
	*process
	client *http.Client
}

func startFleetExporter(b *testing.B, s fleetSize, api, dead string) *fleetExporter {
	b.Helper()
	dir := b.TempDir()
	var text strings.Builder
	fmt.Fprintf(&text, "url: %s\ncollectors: [outgoing]\ninstances:\n", api)
	for n := range s.instances + s.dead {
		fmt.Fprintf(&text, "  - {id_instance: %q, token: %s", fleetID(n), tokenOf(fleetID(n)))
		if n >= s.instances {
			fmt.Fprintf(&text, ", url: %q", dead)
		}
		text.WriteString("}\n")
	}
	file := filepath.Join(dir, "greenapi.yml")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	p := startProcessWith(b, nil, "--config.file="+file, "--storage.path="+filepath.Join(dir, "ledgers"), fmt.Sprintf("--greenapi.max-calls=%d", s.maxCalls))
	return &fleetExporter{p, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1000}}}
}

// scrapeAll scrapes every instance once in each of the intervals, and returns how long the scrapes took of those whose
// host is alive, sorted.
func (e *fleetExporter) scrapeAll(b *testing.B, s fleetSize, rounds int) []time.Duration {
	b.Helper()
	var mu sync.Mutex
	var took []time.Duration
	var all sync.WaitGroup
	n := s.instances + s.dead
	begin := time.Now()
	for i := range n * rounds {
		// The dead ones are spread among the others.
		instance := i * 7919 % n
		if n%7919 == 0 {
			instance = i % n
		}
		time.Sleep(time.Until(begin.Add(s.interval * time.Duration(i) / time.Duration(n))))
		all.Go(func() {
			start := time.Now()
			size, err := e.probe(fleetID(instance), s.interval)
			since := time.Since(start)
			if instance >= s.instances {
				return
			}
			if err != nil || size < 10_000 {
				b.Errorf("%s: %d bytes, %v", fleetID(instance), size, err)
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, since)
		})
	}
	all.Wait()
	slices.Sort(took)
	return took
}

// probe scrapes an instance as Prometheus does, with the timeout that it usually has.
func (e *fleetExporter) probe(id string, interval time.Duration) (size int64, _ error) {
	timeout := min(10*time.Second, interval)
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.base+"/probe?target="+id, nil)
	if err != nil {
		return 0, err
	}
	request.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", fmt.Sprint(timeout.Seconds()))
	response, err := e.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return 0, err
	case response.StatusCode != http.StatusOK:
		return 0, fmt.Errorf("status %d: %.200s", response.StatusCode, body)
	case !strings.Contains(string(body), "\ngreenapi_up{id_instance=\""+id+"\"} 1\n"):
		return 0, fmt.Errorf("it is not up: %.2000s", body)
	}
	return int64(len(body)), nil
}

// consumed is what the exporter has used.
type consumed struct{ cpu, resident, heap float64 }

func (e *fleetExporter) sample(b *testing.B) consumed {
	b.Helper()
	own := families(b, e.base+"/metrics")
	return consumed{
		valueOf(b, own, "process_cpu_seconds_total"), valueOf(b, own, "process_resident_memory_bytes"),
		valueOf(b, own, "go_memstats_heap_alloc_bytes"),
	}
}

// deadHost takes connections and never answers.
func deadHost(b *testing.B) net.Listener {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(io.Discard, conn) }()
		}
	}()
	return listener
}

// fleetSimulator is the simulated API, in a process of its own.
type fleetSimulator struct{ url string }

// served is what it has seen.
type served struct{ calls, connections, most int }

func startFleetSimulator(b *testing.B, s fleetSize) *fleetSimulator {
	b.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), fmt.Sprintf("BE_THE_SIMULATOR=%d %d %t %d", s.instances, s.messages, s.text, s.away))
	command.Stderr = os.Stderr
	stdout, err := command.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return &fleetSimulator{strings.TrimSpace(line)}
}

func (f *fleetSimulator) sample(b *testing.B) served {
	b.Helper()
	response, err := http.Get(f.url + "/served")
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	var s served
	if _, err := fmt.Fscan(response.Body, &s.calls, &s.connections, &s.most); err != nil {
		b.Fatal(err)
	}
	return s
}

// beTheSimulator serves the fleet that the text tells of, until the process is killed.
func beTheSimulator(text string) {
	var s fleetSize
	if _, err := fmt.Sscan(text, &s.instances, &s.messages, &s.text, &s.away); err != nil {
		panic(err)
	}
	// A day of messages, which all stand in the window for as long as anyone looks.
	start := time.Now().Add(-20 * time.Hour)
	var cfg simulator.FleetConfig
	for n := range s.instances {
		cfg.Accounts = append(cfg.Accounts, simulator.Config{
			IDInstance: fleetID(n), Token: tokenOf(fleetID(n)), Seed: 1, Start: start, Messages: s.messages,
			MessagesPerHour: float64(s.messages) / 10, TextOnly: s.text,
		})
	}
	fleet := simulator.NewFleet(cfg)
	var calls, connections, now, most atomic.Int64
	server := &http.Server{
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				connections.Add(1)
			}
		},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/served" {
				fmt.Fprintln(w, calls.Load(), connections.Load(), most.Load())
				return
			}
			calls.Add(1)
			n := now.Add(1)
			defer now.Add(-1)
			for before := most.Load(); n > before && !most.CompareAndSwap(before, n); before = most.Load() {
				runtime.Gosched()
			}
			time.Sleep(s.away)
			fleet.ServeHTTP(w, r)
		}),
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	panic(server.Serve(listener))
}
