package integration

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/simulator"
)

// serveSimulator serves a simulated account whose clock the test sets.
func serveSimulator(t *testing.T, config simulator.Config) (*simulator.Simulator, *httptest.Server) {
	config.IDInstance, config.Token = testID, secret
	s := simulator.New(config)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, server
}

// TestCountersEqualTheTruth scrapes the account of 3000 messages on random schedules of its own time, with rows up to 2
// minutes late, and compares every counter with the truth at the end. In between the account sleeps, and is suspended.
// Where the journal filters by the last action, the window slides over the messages; by the time of sending, it must hold
// them until they are read.
func TestCountersEqualTheTruth(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			start := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
			var now atomic.Int64
			s, a := serveSimulator(t, simulator.Config{
				Seed: seed, Start: start, Messages: 3000, MessagesPerHour: 1500, IncomingPerHour: 200, ByLastAction: seed%2 == 1, NoRateLimit: true,
				SendDelay: time.Second, States: []simulator.StateChange{
					{After: 80 * time.Minute, State: "sleepMode"}, {After: 2 * time.Hour, State: "authorized"},
					{After: 150 * time.Minute, State: "suspended"}, {After: 4 * time.Hour, State: "authorized"},
				},
				Now: func() time.Time { return start.Add(time.Duration(now.Load())) },
			})
			minutes := 24 * 60
			if seed%2 == 1 {
				minutes = 60
			}
			p := startProcess(t, a.URL, "--greenapi.min-interval=0s", fmt.Sprintf("--greenapi.minutes=%d", minutes), "--collector.incoming")
			random := rand.New(rand.NewPCG(seed, 1))
			now.Store(int64(10 * time.Minute))
			families(t, p.base+"/metrics") // the baseline
			baseline, incomingBaseline := s.Messages(start.Add(10*time.Minute)), s.IncomingMessages(start.Add(10*time.Minute))
			for time.Duration(now.Load()) < 12*time.Hour {
				now.Add(int64(time.Duration(1+random.IntN(40)) * time.Minute))
				families(t, p.base+"/metrics")
			}
			got := upFamilies(t, p)
			end := start.Add(time.Duration(now.Load()))
			assertTruth(t, got, baseline, s.Messages(end))
			assertIncomingTruth(t, got, incomingBaseline, s.IncomingMessages(end))
		})
	}
}

// truth is what the counters must show of the messages that lived on since the baseline, by "status type ".
func truth(baseline, messages []simulator.Message) map[string]map[string]float64 {
	change := simulator.Between(baseline, messages)
	totals := map[string]map[string]float64{"greenapi_outgoing_messages_total": {}, "greenapi_outgoing_message_statuses_total": {}}
	for kind, n := range change.Messages {
		totals["greenapi_outgoing_messages_total"][kind+" "] = float64(n)
	}
	for key, n := range change.Statuses {
		totals["greenapi_outgoing_message_statuses_total"][key.Status+" "+key.Type+" "] = float64(n)
	}
	return totals
}

func TestSixtyScrapesAtOnceAreOneCall(t *testing.T) {
	var asked sync.WaitGroup // until all sixty have sent their requests
	asked.Add(60)
	a := serveAPI(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Wait()
		fmt.Fprint(w, "[]")
	})
	p := startProcess(t, a.URL, "--greenapi.min-interval=1h") // for the last to be served, on a machine that is busy
	var all sync.WaitGroup
	for range 60 {
		all.Go(func() {
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { asked.Done() }})
			assertValue(t, familiesWithin(ctx, t, p.base+"/metrics"), 1, "greenapi_up")
		})
	}
	all.Wait()
	if a.calls != 1 {
		t.Fatalf("%d calls", a.calls)
	}
}

func TestCallsAreASecondApart(t *testing.T) {
	var mu sync.Mutex
	var calls []time.Time
	a := serveAPI(t, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		calls = append(calls, time.Now())
		fmt.Fprint(w, "[]")
	})
	p := startProcess(t, a.URL)
	for end := time.Now().Add(2500 * time.Millisecond); time.Now().Before(end); {
		families(t, p.base+"/metrics")
	}
	mu.Lock()
	defer mu.Unlock()
	if len(calls) < 2 {
		t.Errorf("%d calls", len(calls))
	}
	for i := 1; i < len(calls); i++ {
		if apart := calls[i].Sub(calls[i-1]); apart < time.Second {
			t.Errorf("calls %s apart", apart)
		}
	}
}

func TestAScrapeOfAStuckAPIEndsInTime(t *testing.T) {
	s, a := serveSimulator(t, simulator.Config{})
	s.SetFault(simulator.FaultHang)
	p := startProcess(t, a.URL)
	begin := time.Now()
	got := families(t, p.base+"/metrics", "X-Prometheus-Scrape-Timeout-Seconds", "3")
	if took := time.Since(begin); took > 10*time.Second { // 2.5 s on a machine that is not busy, 30 s without the header
		t.Errorf("it took %s", took)
	}
	assertValue(t, got, 0, "greenapi_up")
	assertValue(t, got, 1, "greenapi_api_requests_total", "method", journalMethod, "result", "timeout")
	if got["greenapi_outgoing_window_messages"] != nil {
		t.Error("the window is shown")
	}
}

func TestTheTimeoutOffsetIsTakenOff(t *testing.T) {
	s, a := serveSimulator(t, simulator.Config{})
	s.SetFault(simulator.FaultHang)
	p := startProcess(t, a.URL, "--web.timeout-offset=19.9s")
	begin := time.Now()
	assertValue(t, families(t, p.base+"/metrics", "X-Prometheus-Scrape-Timeout-Seconds", "20"), 0, "greenapi_up")
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestScrapesBeyondTheLimitAreRefused(t *testing.T) {
	called, answer := make(chan struct{}), make(chan struct{})
	a := serveAPI(t, func(w http.ResponseWriter, _ *http.Request) {
		close(called)
		<-answer
		fmt.Fprint(w, "[]")
	})
	p := startProcess(t, a.URL, "--web.max-requests=1")
	var all sync.WaitGroup
	all.Go(func() { assertValue(t, families(t, p.base+"/metrics"), 1, "greenapi_up") })
	<-called
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.base+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "1") // for a limit that is not kept
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a scrape beyond the limit: %s", response.Status)
	}
	close(answer)
	all.Wait()
}

// TestTheTokenIsNowhere provokes every fault of every method at debug and looks at all that leaves the process. Phone
// numbers and the token of the webhooks must not be there either.
func TestTheTokenIsNowhere(t *testing.T) {
	t.Parallel()
	client := &http.Client{Timeout: 20 * time.Second}
	for _, format := range []string{"logfmt", "json"} {
		for _, fault := range simulator.Faults() {
			t.Run(format+"/"+fault.String(), func(t *testing.T) {
				s, a := serveSimulator(t, simulator.Config{Start: time.Now().Add(-time.Hour), MessagesPerHour: 100, IncomingPerHour: 100})
				s.SetFault(fault)
				p := startProcess(t, a.URL, append(withEverything(), "--log.level=debug", "--log.format="+format)...)
				var seen strings.Builder
				for _, path := range []string{"/metrics", "/", "/-/healthy", "/nowhere"} {
					request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.base+path, nil)
					if err != nil {
						t.Fatal(err)
					}
					request.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "0.4")
					response, err := client.Do(request)
					if err != nil {
						t.Fatal(err)
					}
					_ = response.Header.Write(&seen)
					_, _ = io.Copy(&seen, response.Body)
					response.Body.Close()
				}
				if s.Calls("") != len(collector.All()) || len(s.Followed()) > 0 {
					t.Errorf("%d calls, redirects followed: %v", s.Calls(""), s.Followed())
				}
				commandLine, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.Process.Pid))
				if err != nil && runtime.GOOS == "linux" {
					t.Error(err)
				}
				log := p.output.String()
				if !strings.Contains(log, "result") {
					t.Errorf("the log does not say how the call ended:\n%s", log)
				}
				for where, text := range map[string]string{"the log": log, "the pages": seen.String(), "the command line": string(commandLine)} {
					for _, private := range []string{secret, simulator.WebhookToken, simulator.Phone, "1100555"} {
						if at := strings.Index(text, private); at >= 0 {
							t.Errorf("%.5s… is in %s: %s", private, where, text[max(0, at-200):at])
						}
					}
				}
			})
		}
	}
}

// waitFor waits until the program that run is has done something, or fails with its log when it has ended instead.
func waitFor(t *testing.T, ended <-chan int, log fmt.Stringer, done func() bool) {
	t.Helper()
	for !done() {
		select {
		case code := <-ended:
			t.Fatalf("it ended with code %d: %s", code, log)
		default:
			runtime.Gosched()
		}
	}
}

func TestANewTokenInItsFileEndsTheWaiting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("an-old-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, a := serveSimulator(t, simulator.Config{NoRateLimit: true})
	var stderr logged
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan int)
	go func() {
		ended <- run(ctx, []string{"--web.listen-address=127.0.0.1:0", "--greenapi.url=" + a.URL, "--greenapi.id-instance=" + testID,
			"--greenapi.token-file=" + path}, io.Discard, &stderr)
	}()
	var base string
	waitFor(t, ended, &stderr, func() bool {
		match := address.FindStringSubmatch(stderr.String())
		if match != nil {
			base = "http://" + match[1] + match[2]
		}
		return match != nil
	})
	for range 3 {
		assertValue(t, families(t, base+"/metrics"), 0, "greenapi_up")
	}
	if err := os.WriteFile(path, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	got := families(t, base+"/metrics")
	assertValue(t, got, 1, "greenapi_up")
	assertValue(t, got, 1, "greenapi_api_requests_total", "method", journalMethod, "result", "unauthorized")
	if s.Calls(journalMethod) != 2 {
		t.Errorf("%d calls", s.Calls(journalMethod))
	}
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("code %d: %s", code, &stderr)
	}
}

// stopWith sends SIGTERM once the API has been called, and returns how long the process took to end with code 0.
func stopWith(t *testing.T, p *process, called <-chan struct{}) time.Duration {
	t.Helper()
	if called != nil {
		<-called
	}
	begin := time.Now()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("it ended with %v:\n%s", err, p.output)
	}
	return time.Since(begin)
}

func TestSIGTERMEndsAnIdleProcess(t *testing.T) {
	_, a := serveSimulator(t, simulator.Config{})
	p := startProcess(t, a.URL)
	families(t, p.base+"/metrics")
	stopWith(t, p, nil)
	if !strings.Contains(p.output.String(), "stopped") {
		t.Errorf("the log does not say so:\n%s", p.output)
	}
}

func TestSIGTERMLetsScrapesInFlightEnd(t *testing.T) {
	called, answer := make(chan struct{}), make(chan struct{})
	a := serveAPI(t, func(w http.ResponseWriter, _ *http.Request) {
		close(called)
		<-answer
		fmt.Fprint(w, "[]")
	})
	p := startProcess(t, a.URL)
	var all sync.WaitGroup
	all.Go(func() { assertValue(t, families(t, p.base+"/metrics"), 1, "greenapi_up") })
	all.Go(func() {
		<-called
		if err := p.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		for { // until it takes no more connections
			response, err := http.Get(p.base + "/-/ready")
			if err != nil {
				break
			}
			response.Body.Close()
		}
		close(answer)
		if err := p.Wait(); err != nil {
			t.Errorf("it ended with %v:\n%s", err, p.output)
		}
	})
	all.Wait()
}

func TestSIGTERMCancelsCallsAfterFiveSeconds(t *testing.T) {
	called := make(chan struct{})
	a := serveAPI(t, func(_ http.ResponseWriter, r *http.Request) {
		close(called)
		<-r.Context().Done()
	})
	p := startProcess(t, a.URL)
	var all sync.WaitGroup
	all.Go(func() { assertValue(t, families(t, p.base+"/metrics"), 0, "greenapi_up") })
	if took := stopWith(t, p, called); took < 5*time.Second {
		t.Errorf("it ended after %s", took)
	}
	all.Wait()
}

// TestAJournalOf400000RowsFitsIn128MB streams them, 1.2 KB each, and asks the kernel for the most that was resident.
func TestAJournalOf400000RowsFitsIn128MB(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the most that was resident is read from /proc")
	}
	rows := 400_000
	if raceDetector {
		rows = 4_000
	}
	text := strings.Repeat("Your order has been sent. ", 40)
	a := serveAPI(t, func(w http.ResponseWriter, _ *http.Request) {
		separator := "["
		for i := range rows {
			fmt.Fprintf(w, `%s{"type":"outgoing","idMessage":"BAE5%012X","timestamp":%d,"typeMessage":"extendedTextMessage","chatId":"11001234567@c.us",`+
				`"textMessage":"%s","statusMessage":"delivered","sendByApi":true}`, separator, i, 1_700_000_000+i, text)
			separator = ","
		}
		fmt.Fprint(w, "]")
	})
	p := startProcess(t, a.URL, "--greenapi.timeout=5m", "--greenapi.min-interval=0s", "--storage.path="+t.TempDir())
	for range 2 {
		got := families(t, p.base+"/metrics")
		assertValue(t, got, float64(rows), "greenapi_outgoing_window_messages", "status", "delivered", "type", "extendedTextMessage")
		assertValue(t, got, float64(rows), "greenapi_outgoing_ledger_messages")
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	var kilobytes int
	for line := range strings.Lines(string(status)) {
		_, _ = fmt.Sscanf(line, "VmHWM: %d kB", &kilobytes)
	}
	t.Logf("%d rows: at most %d MB were resident", rows, kilobytes/1024)
	if !raceDetector && (kilobytes == 0 || kilobytes > 128*1024) {
		t.Errorf("%d kB were resident", kilobytes)
	}
}

func TestDemo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout, stderr logged
	ended := make(chan int)
	go func() { ended <- run(ctx, []string{"--demo", "--web.listen-address=127.0.0.1:0"}, &stdout, &stderr) }()
	waitFor(t, ended, &stderr, func() bool { return strings.Count(stdout.String(), "\n") >= 2 })
	_, url, _ := strings.Cut(stdout.String(), "open ")
	url, _, _ = strings.Cut(url, " ")
	got := families(t, url)
	assertValue(t, got, 1, "greenapi_up")
	assertValue(t, got, 1, "greenapi_instance_state", "state", "authorized")
	for _, c := range collector.All() {
		assertValue(t, got, 1, "greenapi_collector_success", "collector", c.Name)
	}
	if n, _ := sampleOf(got["greenapi_incoming_window_messages"], "type", "extendedTextMessage"); n < 100 {
		t.Errorf("%v texts were received in a day of the demo", n)
	}
	if n, _ := sampleOf(got["greenapi_outgoing_ledger_messages"]); n < 100 {
		t.Errorf("%v messages in a day of the demo", n)
	}
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("code %d: %s", code, &stderr)
	}
}
