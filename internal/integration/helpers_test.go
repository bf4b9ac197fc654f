// Package integration tests and measures the program as a process, against simulated APIs.
package integration

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/app"
	"greenapi_exporter/internal/simulator"
)

const (
	testID        = "1101000001"
	secret        = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345" // the token of testID
	journalMethod = "lastOutgoingMessages"
	tokenVariable = "GREENAPI_API_TOKEN_INSTANCE"
)

var (
	embedded = app.Embedded{Version: "0.0.0-test", Docs: fstest.MapFS{}}

	// thorough reports whether tests take the time to cover everything. The Makefile sets it.
	thorough = os.Getenv("TEST_THOROUGH") == "1"
	// raceDetector reports whether the race detector is on, which multiplies the memory usage.
	raceDetector = func() bool {
		info, _ := debug.ReadBuildInfo()
		return slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
	}()
)

// TestMain runs the tests, or the program that testBinary specifies.
func TestMain(m *testing.M) {
	switch role, argument, _ := strings.Cut(os.Getenv("TEST_RUN"), " "); role {
	case "exporter":
		os.Exit(app.Main(embedded))
	case "simulator":
		panic(serveFleetSimulator(argument))
	case "peer":
		panic(servePeer(argument))
	}
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "GREENAPI_") {
			os.Unsetenv(name)
		}
	}
	code := m.Run()
	_ = os.RemoveAll(programDirectory)
	os.Exit(code)
}

// programDirectory contains the program that movedExporter has built. TestMain removes it.
var programDirectory string

// testBinary returns a command that runs this test binary as another program: the exporter, the
// simulator of BenchmarkFleet or a peer of BenchmarkPeers. The words after that are its argument.
func testBinary(role string, args ...string) *exec.Cmd {
	command := exec.Command(os.Args[0], args...)
	command.Env = append(os.Environ(), "TEST_RUN="+role)
	return command
}

// process is a running program.
type process struct {
	*exec.Cmd
	url    string      // where it serves HTTP
	log    io.Closer   // the end of the pipe that the output is read from
	output *syncBuffer // stdout and stderr
	copied chan struct{}
}

// start starts the command and returns once a line of its output matches ready. The first group
// that matches is the process's address; start also returns the text after the match.
func start(tb testing.TB, command *exec.Cmd, ready *regexp.Regexp) (_ *process, rest string) {
	tb.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		tb.Fatal(err)
	}
	p := &process{Cmd: command, log: read, output: new(syncBuffer), copied: make(chan struct{})}
	command.Stdout, command.Stderr = write, write
	err = command.Start()
	write.Close()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = p.Process.Kill()
		_ = p.Wait()
		read.Close()
	})
	started := make(chan []string, 1)
	go func() {
		defer close(p.copied)
		for lines := bufio.NewReader(read); ; {
			line, err := lines.ReadString('\n')
			_, _ = io.WriteString(p.output, line)
			match := ready.FindStringSubmatchIndex(line)
			if match != nil && len(started) < cap(started) {
				address := ready.ExpandString(nil, "$1$2", line, match)
				started <- []string{string(address), line[match[1]:]}
			}
			if err != nil {
				return
			}
		}
	}()
	select {
	case match := <-started:
		p.url = "http://" + match[0]
		return p, match[1]
	case <-p.copied:
	case <-time.After(time.Minute):
	}
	tb.Fatalf("%s did not start: %s", command, p.output)
	return nil, ""
}

// Wait waits for the process to exit and for the end of its output.
func (p *process) Wait() error {
	err := p.Cmd.Wait()
	<-p.copied
	return err
}

// terminate sends SIGTERM, expects exit code 0 and returns how long the process took to exit.
func (p *process) terminate(t *testing.T) time.Duration {
	t.Helper()
	begin := time.Now()
	p.signal(t, syscall.SIGTERM)
	if err := p.Wait(); err != nil {
		t.Errorf("the exporter exited with %v:\n%s", err, p.output)
	}
	return time.Since(begin)
}

func (p *process) kill() {
	_ = p.Process.Kill()
	_ = p.Wait()
}

func (p *process) signal(t *testing.T, signal os.Signal) {
	t.Helper()
	if err := p.Process.Signal(signal); err != nil {
		t.Error(err)
	}
}

// eventually waits until condition holds.
func (p *process) eventually(t *testing.T, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for ; !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the condition does not hold after 30 s; the log:\n%s", p.output)
		}
	}
}

// exporterReady matches the log line of the start in logfmt, and in JSON with its sorted keys.
var exporterReady = regexp.MustCompile(
	`started greenapi_exporter.* address=([0-9.:]+)` +
		`|"address":"([0-9.:]+)".*started greenapi_exporter`)

// startExporter starts the exporter on a free port with these additional variables and arguments.
func startExporter(tb testing.TB, env []string, args ...string) *process {
	tb.Helper()
	args = append([]string{"--web.listen-address=127.0.0.1:0"}, args...)
	command := testBinary("exporter", args...)
	command.Env = append(command.Env, env...)
	p, _ := start(tb, command, exporterReady)
	return p
}

// startInstance starts the exporter with the instance testID of the API at url.
func startInstance(tb testing.TB, url string, args ...string) *process {
	tb.Helper()
	return startExporter(tb, instanceEnv(url), args...)
}

func instanceEnv(url string) []string {
	return []string{
		"GREENAPI_URL=" + url, "GREENAPI_ID_INSTANCE=" + testID, tokenVariable + "=" + secret,
	}
}

// allCollectors returns flags that enable all collectors.
func allCollectors() []string {
	var flags []string
	for _, c := range collector.All() {
		flags = append(flags, "--collector."+c.Name)
	}
	return flags
}

// runMain runs the program inside the test's process.
func runMain(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return app.Run(ctx, args, embedded, stdout, stderr)
}

// syncBuffer is a bytes.Buffer that is safe for concurrent use.
type syncBuffer struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// fakeAPI answers the calls of the outgoing journal with a handler, and those of the other default
// collectors with success.
type fakeAPI struct {
	*httptest.Server
	calls func() int // of the journal
}

func serveAPI(t *testing.T, handler http.HandlerFunc) fakeAPI {
	t.Helper()
	var mu sync.Mutex
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(r.URL.Path, "/getStateInstance/"):
			fmt.Fprint(w, `{"stateInstance":"authorized"}`)
		case strings.Contains(r.URL.Path, "/getMessagesCount/"):
			fmt.Fprint(w, `{"count":0}`)
		default:
			mu.Lock()
			calls++
			mu.Unlock()
			handler(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return fakeAPI{server, func() int { mu.Lock(); defer mu.Unlock(); return calls }}
}

// serveSimulator serves a simulated account of the instance testID.
func serveSimulator(t *testing.T, cfg simulator.Config) (*simulator.Simulator, *httptest.Server) {
	t.Helper()
	cfg.IDInstance, cfg.Token = testID, secret
	s := simulator.New(cfg)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, server
}

// request returns the status and the body of the response.
func request(t *testing.T, method, url string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// metrics are the families of a scrape by their names.
type metrics map[string]*dto.MetricFamily

func scrape(tb testing.TB, url string) metrics {
	tb.Helper()
	return scrapeContext(tb.Context(), tb, url, "")
}

// scrapeContext scrapes with the timeout in seconds that Prometheus would announce, if any.
func scrapeContext(ctx context.Context, tb testing.TB, url, timeout string) metrics {
	tb.Helper()
	got, err := tryScrape(ctx, url, timeout)
	if err != nil {
		tb.Fatal(err)
	}
	return got
}

func tryScrape(ctx context.Context, url, timeout string) (metrics, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	if timeout != "" {
		r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", timeout)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, response.Status)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(bytes.NewReader(body))
}

// value returns the value of the first sample that has the labels, which are names and values in
// turn, and whether there is one.
func (m metrics) value(name string, labels ...string) (v float64, ok bool) {
	for _, sample := range m[name].GetMetric() {
		has := make(map[string]string)
		for _, l := range sample.Label {
			has[l.GetName()] = l.GetValue()
		}
		matches := true
		for i := 0; i < len(labels); i += 2 {
			matches = matches && has[labels[i]] == labels[i+1]
		}
		if matches {
			return sample.GetGauge().GetValue() + sample.GetCounter().GetValue(), true
		}
	}
	return 0, false
}

// mustValue returns the value of the first sample, which must exist.
func (m metrics) mustValue(tb testing.TB, name string) float64 {
	tb.Helper()
	v, ok := m.value(name)
	if !ok {
		tb.Errorf("there is no sample of %s", name)
	}
	return v
}

func (m metrics) assert(tb testing.TB, want float64, name string, labels ...string) {
	tb.Helper()
	if got, ok := m.value(name, labels...); !ok || got != want {
		tb.Errorf("%s %v: got %v (exists: %t), want %v", name, labels, got, ok, want)
	}
}

// configFile writes a configuration file and returns its path.
func configFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "greenapi.yml")
	writeFile(t, path, text)
	return path
}

func writeFile(tb testing.TB, path, text string) {
	tb.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}
