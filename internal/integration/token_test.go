package integration

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/simulator"
)

// TestTokenNeverLeavesTheExporter causes every fault of every method at log level debug, and
// searches the log, the pages and the command line. Phone numbers and the token of the webhooks
// must not occur, either.
func TestTokenNeverLeavesTheExporter(t *testing.T) {
	t.Parallel()
	formats := []string{"logfmt", "json"}
	for n, fault := range simulator.Faults() {
		for i, format := range formats {
			if !thorough && (n+i)%len(formats) != 0 {
				continue
			}
			t.Run(format+"/"+fault.String(), func(t *testing.T) {
				testTokenStaysSecret(t, fault, format)
			})
		}
	}
}

func testTokenStaysSecret(t *testing.T, fault simulator.Fault, format string) {
	s, a := serveSimulator(t, simulator.Config{
		Start: time.Now().Add(-time.Hour), MessagesPerHour: 100, IncomingPerHour: 100,
	})
	s.SetFault(fault)
	args := append(allCollectors(), "--log.level=debug", "--log.format="+format)
	slow := slices.Contains([]simulator.Fault{
		simulator.FaultHang, simulator.FaultHangInBody, simulator.FaultDrip, simulator.FaultEndless,
		simulator.FaultEndlessGzip,
	}, fault)
	if slow {
		args = append(args, "--greenapi.timeout=400ms")
	}
	p := startInstance(t, a.URL, args...)
	var pages strings.Builder
	for _, path := range []string{"/metrics", "/", "/-/healthy", "/nowhere"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Header.Write(&pages)
		_, _ = io.Copy(&pages, response.Body)
		response.Body.Close()
	}
	// On a busy machine, the timeout of a slow fault can end a call before it is sent.
	calls, want := s.Calls(""), len(collector.All())
	if calls > want || calls < want && !slow || len(s.Followed()) > 0 {
		t.Errorf("%d calls, want %d; redirects followed: %v", calls, want, s.Followed())
	}
	commandLine, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.Process.Pid))
	if err != nil && runtime.GOOS == "linux" {
		t.Error(err)
	}
	log := p.output.String()
	if !strings.Contains(log, "result") {
		t.Errorf("the log has no result of a call:\n%s", log)
	}
	for where, text := range map[string]string{
		"the log": log, "a page": pages.String(), "the command line": string(commandLine),
	} {
		for _, private := range []string{
			secret, simulator.WebhookToken, simulator.Phone, "1100555",
		} {
			if at := strings.Index(text, private); at >= 0 {
				t.Errorf("%.5s… is in %s: %s", private, where, text[max(0, at-200):at])
			}
		}
	}
}

// TestNewTokenInTheFileEndsTheBackoff scrapes with a rejected token until the exporter backs off.
func TestNewTokenInTheFileEndsTheBackoff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	writeFile(t, path, "an-old-token\n")
	s, a := serveSimulator(t, simulator.Config{NoRateLimit: true})
	p := startExporter(t, nil, "--greenapi.url="+a.URL, "--greenapi.id-instance="+testID,
		"--greenapi.token-file="+path)
	for range 3 {
		scrape(t, p.url+"/metrics").assert(t, 0, "greenapi_up")
	}
	rejected := s.Calls(journalMethod) // more than one on a busy machine
	writeFile(t, path, secret)
	got := scrape(t, p.url+"/metrics")
	got.assert(t, 1, "greenapi_up")
	got.assert(t, float64(rejected), "greenapi_api_requests_total",
		"method", journalMethod, "result", "unauthorized")
	if n := s.Calls(journalMethod); n != rejected+1 {
		t.Errorf("%d calls, %d of them before the new token; want one more", n, rejected)
	}
}
