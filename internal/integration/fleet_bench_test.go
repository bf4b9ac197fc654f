package integration

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// fleetSize is the size of the fleet that BenchmarkFleet measures. The default is small.
type fleetSize struct {
	instances, messages int
	text                bool          // all messages are texts, instead of all kinds
	interval            time.Duration // between two scrapes of an instance
	rounds              int           // of measured scrapes, after one that is not measured
	dead                int           // further instances, whose host does not answer
	maxCalls            int
	latency             time.Duration // of the API
}

// fleetSizeFromEnv reads the size from environment variables, such as FLEET_INSTANCES.
func fleetSizeFromEnv(b *testing.B) fleetSize {
	b.Helper()
	number := func(name string, byDefault int) int { return envNumber(b, "FLEET_"+name, byDefault) }
	return fleetSize{
		instances: number("INSTANCES", 100),
		messages:  number("MESSAGES", 100),
		text:      os.Getenv("FLEET_KIND") != "mixed",
		interval:  time.Duration(number("SECONDS", 3)) * time.Second,
		rounds:    number("ROUNDS", 2),
		dead:      number("DEAD", 20),
		maxCalls:  number("MAX_CALLS", 16),
		latency:   time.Duration(number("AWAY_MS", 20)) * time.Millisecond,
	}
}

func envNumber(b *testing.B, variable string, byDefault int) int {
	b.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return byDefault
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatalf("%s: %v", variable, err)
	}
	return n
}

// fleetID returns the id of the n-th instance. Those of the dead host are the last.
func fleetID(n int) string { return strconv.Itoa(1_101_000_000 + n) }

// BenchmarkFleet measures an exporter with many instances. The exporter and the simulated API are
// processes. Like Prometheus, the benchmark scrapes each instance through /probe once per interval
// and spreads the scrapes over the interval. Only the outgoing collector is on.
func BenchmarkFleet(b *testing.B) {
	s := fleetSizeFromEnv(b)
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
	// A host gets half of the calls, and a method three quarters of those.
	limit := max(1, s.maxCalls/2*3/4)
	if ended.most > limit || s.instances <= maxBurst && ended.most < limit {
		b.Errorf("%d calls were in flight, want %d", ended.most, limit)
	}
	resident := end.resident / float64(s.instances)
	if s.instances >= 1000 && s.messages <= 1000 && resident > 100e3 {
		b.Errorf("an instance takes %.0f bytes, want at most 100 KB", resident)
	}
	// Calls must share connections.
	if opened := ended.connections; opened > ended.calls/4+ended.most {
		b.Errorf("the exporter opened %d connections for %d calls", opened, ended.calls)
	}
}

// maxBurst is the largest fleet that is scraped at once first, so that calls reach the limit.
const maxBurst = 200

// fleetExporter is the measured exporter.
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
	p := startExporter(b, nil,
		"--config.file="+file, "--storage.path="+filepath.Join(dir, "ledgers"),
		fmt.Sprintf("--greenapi.max-calls=%d", s.maxCalls))
	return &fleetExporter{p, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1000}}}
}

// scrapeAtOnce scrapes every instance whose host answers, concurrently.
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

// scrapeAll scrapes every instance once per interval. It returns the sorted durations of the
// scrapes whose host answers.
func (e *fleetExporter) scrapeAll(b *testing.B, s fleetSize, rounds int) []time.Duration {
	b.Helper()
	var mu sync.Mutex
	var took []time.Duration
	var all sync.WaitGroup
	n := s.instances + s.dead
	begin := time.Now()
	for i := range n * rounds {
		// The instances of the dead host are spread among the others.
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

// probe scrapes an instance with Prometheus's default timeout, and returns the size of the
// response.
func (e *fleetExporter) probe(id string, interval time.Duration) (size int64, _ error) {
	timeout := min(10*time.Second, interval)
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url+"/probe?target="+id, nil)
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
		return 0, fmt.Errorf("the instance is not up: %.2000s", body)
	}
	return int64(len(body)), nil
}

// consumed is the CPU time in seconds and the memory in bytes that the exporter has used.
type consumed struct{ cpu, resident, heap float64 }

func (e *fleetExporter) sample(b *testing.B) consumed {
	b.Helper()
	own := scrape(b, e.url+"/metrics")
	return consumed{
		own.mustValue(b, "process_cpu_seconds_total"),
		own.mustValue(b, "process_resident_memory_bytes"),
		own.mustValue(b, "go_memstats_heap_alloc_bytes"),
	}
}

func quantile(sorted []time.Duration, p float64) time.Duration {
	return sorted[min(int(p*float64(len(sorted))), len(sorted)-1)]
}

// deadHost returns a listener that accepts connections and never answers.
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
