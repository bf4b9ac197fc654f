//go:build linux

package integration

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"slices"
	"testing"
	"text/tabwriter"
	"time"
)

// roundMinutes is the number of simulated minutes in a round of BenchmarkTiers.
const roundMinutes = 10

// BenchmarkTiers compares an exporter that reads the journal in tiers with one that always reads
// the whole window. The account sends PEERS_ROWS messages a day. The benchmark scrapes the first
// exporter each minute. It measures the second one only in the last minute of each round, after a
// scrape in the minute before, because calls for the whole window have similar costs. A third
// program repeats each call and discards the body.
func BenchmarkTiers(b *testing.B) {
	s := peersSizeFromEnv(b)
	clock := newMovableClock(b)
	api := startDayAPI(b, clock, s)
	api.advance(b, 0)
	tiered := startDayPeer(b, api, "tiered", "--greenapi.lookback=tiered")
	full := startDayPeer(b, api, "full", "--greenapi.lookback=full")
	tiered.scrape(b, false) // the baselines
	full.scrape(b, false)
	for minute := range s.rounds * roundMinutes {
		api.advance(b, time.Minute)
		tiered.scrape(b, true)
		if left := roundMinutes - 1 - minute%roundMinutes; left <= 1 {
			full.scrape(b, left == 0)
		}
	}

	fmt.Printf("\n%d %s messages a day, a scrape each minute of %d; full: every %dth\n",
		s.rows, s.kind, s.rounds*roundMinutes, roundMinutes)
	printDay(b, os.Stdout, full, tiered)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(full.mean().bytes/tiered.mean().bytes, "full-bytes/tiered")
	b.ReportMetric(full.mean().wall/tiered.mean().wall, "full-wall/tiered")
	b.ReportMetric(full.mean().cpu/tiered.mean().cpu, "full-CPU/tiered")
}

// dayProcess is a process that serves dayAPI.
type dayProcess struct {
	*process
	clock movableClock
}

func startDayAPI(b *testing.B, clock movableClock, s peersSize) dayProcess {
	b.Helper()
	role := fmt.Sprintf("peer day %d %s %d", s.rows, s.kind, s.rounds*roundMinutes)
	p, _ := start(b, testBinary(role), peerReady)
	return dayProcess{p, clock}
}

// advance moves the clocks of all processes.
func (p dayProcess) advance(b *testing.B, d time.Duration) {
	b.Helper()
	p.clock.advance(d)
	p.get(b, fmt.Sprintf("/move?to=%d", p.clock.now().UnixNano()))
}

// last returns the last call of the journal that the process served.
func (p dayProcess) last(b *testing.B) (c dayCall) {
	b.Helper()
	if _, err := fmt.Sscan(p.get(b, "/last"), &c.minutes, &c.rows, &c.bytes); err != nil {
		b.Fatal(err)
	}
	return c
}

func (p dayProcess) get(b *testing.B, path string) string {
	b.Helper()
	response, err := http.Get(p.url + path)
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		b.Fatal(err)
	}
	return string(text)
}

// dayPeer is an exporter that reads from a dayProcess, or the program that repeats its calls.
type dayPeer struct {
	*peer
	api  dayProcess
	body *dayPeer // repeats the calls of an exporter

	samples []daySample
	begin   time.Duration // CPU time before the last sample, or -1 if complete has added its cost
}

// daySample is the cost of a scrape, or the mean or a percentile of several costs.
type daySample struct {
	minutes, bytes float64
	wall, cpu      float64 // milliseconds
}

func startDayPeer(b *testing.B, api dayProcess, name string, args ...string) *dayPeer {
	b.Helper()
	args = append(args, "--web.listen-address=127.0.0.1:0", "--storage.path="+b.TempDir(),
		"--no-collector.state", "--no-collector.queue")
	command := api.clock.command(b, args...)
	command.Env = append(command.Env, instanceEnv(api.url)...)
	exporter := startPeer(b, command, name, "/metrics", "greenapi_up", 1)
	body := startBody(b, recording{url: api.url}, "… the body alone", "body")
	return &dayPeer{peer: exporter, api: api, begin: -1, body: &dayPeer{peer: body, begin: -1}}
}

// scrape scrapes the exporter. Then it makes the program that discards the body repeat the call.
func (p *dayPeer) scrape(b *testing.B, measured bool) {
	b.Helper()
	p.complete(b)
	p.body.complete(b)
	begin := p.usage(b).cpu
	text := p.peer.scrape(b)
	call := p.api.last(b)
	const name = "greenapi_outgoing_window_messages"
	if got := sumOf(text, name); call.minutes == 1440 && got != float64(call.rows) {
		b.Errorf("%s: the sum of %s is %v, want %d", p.name, name, got, call.rows)
	}
	bodyBegin := p.body.usage(b).cpu
	p.body.url = fmt.Sprintf("%s/metrics?minutes=%d", p.body.process.url, call.minutes)
	p.body.want = float64(call.bytes)
	p.body.peer.scrape(b)
	if measured {
		p.add(call, begin)
		p.body.add(call, bodyBegin)
	}
}

func (p *dayPeer) add(call dayCall, begin time.Duration) {
	p.begin = begin
	p.samples = append(p.samples, daySample{
		minutes: float64(call.minutes), bytes: float64(call.bytes),
		wall: ms(p.durations[len(p.durations)-1]),
	})
}

// complete adds the CPU time of the last scrape to its sample. The time includes the work that a
// process does after its response.
func (p *dayPeer) complete(b *testing.B) {
	b.Helper()
	if p.begin >= 0 {
		p.samples[len(p.samples)-1].cpu = ms(p.usage(b).cpu - p.begin)
		p.begin = -1
	}
}

func (p *dayPeer) mean() (mean daySample) {
	n := float64(len(p.samples))
	for _, s := range p.samples {
		mean.minutes += s.minutes / n
		mean.bytes += s.bytes / n
		mean.wall += s.wall / n
		mean.cpu += s.cpu / n
	}
	return mean
}

// percentile returns the 99th percentile of each value.
func (p *dayPeer) percentile() daySample {
	of := func(value func(daySample) float64) float64 {
		values := make([]float64, 0, len(p.samples))
		for _, s := range p.samples {
			values = append(values, value(s))
		}
		slices.Sort(values)
		return values[int(math.Ceil(0.99*float64(len(values))))-1]
	}
	return daySample{
		minutes: of(func(s daySample) float64 { return s.minutes }),
		bytes:   of(func(s daySample) float64 { return s.bytes }),
		wall:    of(func(s daySample) float64 { return s.wall }),
		cpu:     of(func(s daySample) float64 { return s.cpu }),
	}
}

// printDay writes a table with the means and the 99th percentiles of each exporter and of its body
// alone.
func printDay(b *testing.B, w io.Writer, exporters ...*dayPeer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "minutes\tp99\tMB\tp99\twall ms\tp99\tCPU ms\tp99\tpeak MB\t")
	for _, e := range exporters {
		for _, p := range []*dayPeer{e, e.body} {
			p.complete(b)
			mean, p99 := p.mean(), p.percentile()
			fmt.Fprintf(table, "%.1f\t%.0f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.1f\t %s\n",
				mean.minutes, p99.minutes, mean.bytes/1e6, p99.bytes/1e6, mean.wall, p99.wall,
				mean.cpu, p99.cpu, p.usage(b).peak/1e6, p.name)
		}
	}
	_ = table.Flush()
}
