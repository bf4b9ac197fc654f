package integration

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// betweenRounds is how long after one round the next begins: the exporter calls a method at most once a second, and would
// answer sooner from what it has. Meanwhile the others, too, collect what garbage they have left.
const betweenRounds = 1050 * time.Millisecond

// peersSize is how large a journal BenchmarkPeers has read and how often, by variables of the environment.
type peersSize struct {
	rows, rounds int
	kind         string // mixed or text
}

func peersSizeOf(b *testing.B) peersSize {
	b.Helper()
	s := peersSize{numberOf(b, "PEERS_ROWS", 1000), numberOf(b, "PEERS_ROUNDS", 3), cmp.Or(os.Getenv("PEERS_KIND"), "mixed")}
	if s.rows < 1 || s.rounds < 1 || s.kind != "mixed" && s.kind != "text" {
		b.Fatal("PEERS_ROWS and PEERS_ROUNDS must be at least 1, PEERS_KIND mixed or text")
	}
	return s
}

// peer is a program that reads the journal, as a process of its own.
type peer struct {
	*exec.Cmd
	name    string
	url     string  // that Prometheus would scrape
	counts  string  // the metric whose samples add up to
	want    float64 // this, lest it be fast by doing nothing
	took    []time.Duration
	exposed int
	cpu     time.Duration // for a reading
	peak    float64       // bytes of memory, with the first reading
}

// BenchmarkPeers measures the whole program beside others that read the same journal from the same server: one that
// throws it away, which is the floor, one that is made of encoding/json and client_golang in an afternoon, and those of
// json_exporter and Telegraf that are on PATH. In each round every one is scraped once, one after the other, so that
// what else the machine does hits all of them. The first round is not measured: of it is the exporter's baseline. What
// is printed and reported are ratios to the floor; nothing of it is a test, except that all count what there is.
func BenchmarkPeers(b *testing.B) {
	s := peersSizeOf(b)
	if _, err := usageOf(os.Getpid()); err != nil {
		b.Skip(err)
	}
	api := startRecordedAPI(b, s)
	body := startBody(b, api, "the body alone", "body")
	exporter := startExporterPeer(b, api, "greenapi_exporter")
	peers := []*peer{body, startBody(b, api, "… by io.Copy to io.Discard", "copy"), exporter, startExporterPeer(b, api, "… with --storage.path", "--storage.path="+b.TempDir()), startEncodingJSON(b, api)}
	if p := startJSONExporter(b, api); p != nil {
		peers = append(peers, p)
	}

	scrapeInTurn(b, peers, 1)
	begin := make([]usage, len(peers))
	for i, p := range peers {
		begin[i] = p.usage(b)
		p.took = nil
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
	fmt.Printf("\n%d %s rows, %.1f MB, %d rounds\n", api.rows, s.kind, float64(api.bytes)/1e6, s.rounds)
	printPeers(os.Stdout, peers)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(exporter.wallRatio(body), "wall/body")
	b.ReportMetric(exporter.cpuRatio(body), "cpu/body")
	b.ReportMetric(exporter.peak/1e6, "peak-MB")
}

func scrapeInTurn(b *testing.B, peers []*peer, rounds int) {
	b.Helper()
	for range rounds {
		for _, p := range peers {
			p.scrape(b)
		}
		time.Sleep(betweenRounds)
	}
}

// peersClient asks as Prometheus does, but for the compression, which would be a measure of its own.
var peersClient = http.Client{Transport: &http.Transport{DisableCompression: true}, Timeout: 5 * time.Minute}

// scrape scrapes the peer, and has it fail the benchmark if it has not counted all rows.
func (p *peer) scrape(b *testing.B) {
	b.Helper()
	begin := time.Now()
	text, err := p.read()
	p.took = append(p.took, time.Since(begin))
	p.exposed = len(text)
	if err != nil {
		b.Fatalf("%s: %v", p.name, err)
	}
	if got := sumOf(text, p.counts); got != p.want {
		b.Errorf("%s: %s is %v in all, want %v", p.name, p.counts, got, p.want)
	}
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

// sumOf adds up the samples of a metric in Prometheus's text format.
func sumOf(text, metric string) (sum float64) {
	for line := range strings.Lines(text) {
		rest, found := strings.CutPrefix(line, metric)
		if !found || rest[0] != '{' && rest[0] != ' ' {
			continue
		}
		if n, err := strconv.ParseFloat(strings.TrimSpace(rest[strings.LastIndexByte(rest, ' '):]), 64); err == nil {
			sum += n
		}
	}
	return sum
}

// usage is what a process has used since its start: CPU of user and system, and the most memory that was resident.
type usage struct {
	cpu  time.Duration
	peak float64
}

func (p *peer) usage(b *testing.B) usage {
	b.Helper()
	u, err := usageOf(p.Process.Pid)
	if err != nil {
		b.Fatalf("%s: %v", p.name, err)
	}
	return u
}

// wallRatio is the median of the ratios round by round: of two scrapes in a row the machine was alike.
func (p *peer) wallRatio(floor *peer) float64 {
	ratios := make([]float64, len(p.took))
	for i := range ratios {
		ratios[i] = float64(p.took[i]) / float64(floor.took[i])
	}
	return median(ratios)
}

func (p *peer) cpuRatio(floor *peer) float64 { return float64(p.cpu) / float64(floor.cpu) }

// median is the middle one, or the mean of the two in the middle.
func median[T time.Duration | float64](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// printPeers writes a row a peer; the first is the floor of the others.
func printPeers(w io.Writer, peers []*peer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "wall ms\tCPU ms\tpeak MB\texposed B\t× wall\t× CPU\t× peak\t")
	for _, p := range peers {
		wall, ratio := "-", "-"
		if len(p.took) > 0 {
			wall, ratio = fmt.Sprintf("%.2f", ms(median(p.took))), fmt.Sprintf("%.2f", p.wallRatio(peers[0]))
		}
		fmt.Fprintf(table, "%s\t%.2f\t%.1f\t%d\t%s\t%.2f\t%.2f\t %s\n", wall, ms(p.cpu), p.peak/1e6, p.exposed,
			ratio, p.cpuRatio(peers[0]), p.peak/peers[0].peak, p.name)
	}
	_ = table.Flush()
}

func ms(d time.Duration) float64 { return d.Seconds() * 1e3 }
