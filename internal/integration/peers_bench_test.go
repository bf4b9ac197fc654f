//go:build linux

package integration

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// peersSize is the size of the journal in BenchmarkPeers and how often the peers read it.
type peersSize struct {
	rows, rounds int
	kind         string // mixed or text
	mbit         int    // speed of the API's responses in Mbit/s, or 0 for no limit
}

func peersSizeFromEnv(b *testing.B) peersSize {
	b.Helper()
	s := peersSize{
		rows:   envNumber(b, "PEERS_ROWS", 1000),
		rounds: envNumber(b, "PEERS_ROUNDS", 3),
		kind:   cmp.Or(os.Getenv("PEERS_KIND"), "mixed"),
		mbit:   envNumber(b, "PEERS_MBIT", 0),
	}
	if s.rows < 1 || s.rounds < 1 || s.kind != "mixed" && s.kind != "text" || s.mbit < 0 {
		b.Fatal("PEERS_ROWS and PEERS_ROUNDS must be at least 1, PEERS_KIND mixed or text, " +
			"and PEERS_MBIT at least 0")
	}
	return s
}

// BenchmarkPeers compares the exporter with other programs that read the same journal. The floor is
// a program that discards it. The others are a minimal exporter with encoding/json and, if they are
// in PATH, json_exporter and Telegraf. Each round scrapes all programs in turn, so other load on
// the machine affects all of them. The first round is not measured, because it is the exporter's
// baseline. The results are ratios to the floor. The benchmark fails only if a program does not
// count all rows.
func BenchmarkPeers(b *testing.B) {
	s := peersSizeFromEnv(b)
	api := startRecordedAPI(b, s)
	body := startBody(b, api, "the body alone", "body")
	exporter := startExporterPeer(b, api, "greenapi_exporter")
	peers := []*peer{
		body, startBody(b, api, "… by io.Copy to io.Discard", "copy"),
		exporter,
		startExporterPeer(b, api, "… with --storage.path", "--storage.path="+b.TempDir()),
		startEncodingJSON(b, api),
	}
	if p := startJSONExporter(b, api); p != nil {
		peers = append(peers, p)
	}

	scrapeInTurn(b, peers, 1)
	begin := make([]usage, len(peers))
	for i, p := range peers {
		begin[i] = p.usage(b)
		p.durations = nil
	}
	b.ResetTimer()
	scrapeInTurn(b, peers, s.rounds)
	b.StopTimer()
	for i, p := range peers {
		end := p.usage(b)
		p.cpu, p.peak = (end.cpu-begin[i].cpu)/time.Duration(s.rounds), end.peak
	}

	if p := measureTelegraf(b, api); p != nil {
		peers = append(peers, p)
	}
	fmt.Printf("\n%d %s rows, %.1f MB, %d rounds\n",
		api.rows, s.kind, float64(api.bytes)/1e6, s.rounds)
	printPeers(os.Stdout, peers)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(exporter.wallRatio(body), "wall/body")
	b.ReportMetric(exporter.cpuRatio(body), "cpu/body")
	b.ReportMetric(exporter.peak/1e6, "peak-MB")
}

// betweenRounds is the pause between two rounds. The exporter calls a method at most once a second
// and answers earlier scrapes from memory.
const betweenRounds = 1050 * time.Millisecond

func scrapeInTurn(b *testing.B, peers []*peer, rounds int) {
	b.Helper()
	for range rounds {
		for _, p := range peers {
			p.scrape(b)
		}
		time.Sleep(betweenRounds)
	}
}

// peer is a process that reads the journal.
type peer struct {
	*process
	name   string
	url    string // for scrapes
	metric string // whose samples add up to want, as proof of the work
	want   float64

	durations []time.Duration // of the scrapes
	exposed   int             // bytes of the last scrape
	cpu       time.Duration   // of a scrape
	peak      float64         // resident memory in bytes
}

// peersClient disables compression, unlike Prometheus, to exclude its cost.
var peersClient = http.Client{
	Transport: &http.Transport{DisableCompression: true},
	Timeout:   5 * time.Minute,
}

// scrape measures a scrape and returns the exposition. The benchmark fails if the peer has not
// counted all rows.
func (p *peer) scrape(b *testing.B) (text string) {
	b.Helper()
	begin := time.Now()
	text, err := p.read()
	p.durations = append(p.durations, time.Since(begin))
	p.exposed = len(text)
	if err != nil {
		b.Fatalf("%s: %v", p.name, err)
	}
	if got := sumOf(text, p.metric); got != p.want {
		b.Errorf("%s: the sum of %s is %v, want %v", p.name, p.metric, got, p.want)
	}
	return text
}

func (p *peer) read() (string, error) {
	request, err := http.NewRequest(http.MethodGet, p.url, nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("Accept", "text/plain;version=0.0.4")
	response, err := peersClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %.500s", response.Status, text)
	}
	return string(text), err
}

// sumOf returns the sum of a metric's samples in the text format.
func sumOf(text, metric string) (sum float64) {
	for line := range strings.Lines(text) {
		rest, found := strings.CutPrefix(line, metric)
		if !found || rest[0] != '{' && rest[0] != ' ' {
			continue
		}
		value := strings.TrimSpace(rest[strings.LastIndexByte(rest, ' '):])
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			sum += n
		}
	}
	return sum
}

func (p *peer) usage(b *testing.B) usage {
	b.Helper()
	u, err := usageOf(p.Process.Pid)
	if err != nil {
		b.Fatalf("%s: %v", p.name, err)
	}
	return u
}

// wallRatio returns the median of the ratios in each round, whose scrapes run under the same load.
func (p *peer) wallRatio(floor *peer) float64 {
	ratios := make([]float64, len(p.durations))
	for i := range ratios {
		ratios[i] = float64(p.durations[i]) / float64(floor.durations[i])
	}
	return median(ratios)
}

func (p *peer) cpuRatio(floor *peer) float64 { return float64(p.cpu) / float64(floor.cpu) }

func median[T time.Duration | float64](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// printPeers writes a table with a row for each peer. The first peer is the floor.
func printPeers(w io.Writer, peers []*peer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "wall ms\tCPU ms\tpeak MB\texposed B\t× wall\t× CPU\t× peak\t")
	for _, p := range peers {
		wall, ratio := "-", "-"
		if len(p.durations) > 0 {
			wall = fmt.Sprintf("%.2f", ms(median(p.durations)))
			ratio = fmt.Sprintf("%.2f", p.wallRatio(peers[0]))
		}
		fmt.Fprintf(table, "%s\t%.2f\t%.1f\t%d\t%s\t%.2f\t%.2f\t %s\n",
			wall, ms(p.cpu), p.peak/1e6, p.exposed,
			ratio, p.cpuRatio(peers[0]), p.peak/peers[0].peak, p.name)
	}
	_ = table.Flush()
}

func ms(d time.Duration) float64 { return d.Seconds() * 1e3 }
