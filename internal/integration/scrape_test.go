package integration

import (
	"fmt"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"time"

	"greenapi_exporter/internal/simulator"
)

// TestSixtyConcurrentScrapesShareOneCall answers the call once all scrapes have been sent. The
// interval makes later requests, on a busy machine, use the same reading.
func TestSixtyConcurrentScrapesShareOneCall(t *testing.T) {
	var sent sync.WaitGroup
	sent.Add(60)
	a := serveAPI(t, func(w http.ResponseWriter, _ *http.Request) {
		sent.Wait()
		fmt.Fprint(w, "[]")
	})
	p := startInstance(t, a.URL, "--greenapi.min-interval=1h")
	trace := &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { sent.Done() }}
	var scrapes sync.WaitGroup
	for range 60 {
		scrapes.Go(func() {
			ctx := httptrace.WithClientTrace(t.Context(), trace)
			scrapeContext(ctx, t, p.url+"/metrics", "").assert(t, 1, "greenapi_up")
		})
	}
	scrapes.Wait()
	if n := a.calls(); n != 1 {
		t.Errorf("the exporter made %d calls", n)
	}
}

// TestCallsAreASecondApart compares the number of calls with the time that they took in all. The
// time between two arrivals also depends on the load of the machine.
func TestCallsAreASecondApart(t *testing.T) {
	t.Parallel()
	a := serveAPI(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "[]") })
	p := startInstance(t, a.URL)
	begin := time.Now()
	for calls := 0; calls < 3; {
		scrape(t, p.url+"/metrics")
		calls = a.calls()
		if elapsed := time.Since(begin); time.Duration(calls-1)*time.Second > elapsed {
			t.Fatalf("the exporter made %d calls in %s", calls, elapsed)
		}
	}
}

// TestSlowResponseServesTheNextScrape checks a response that is sent after the scrape has ended.
func TestSlowResponseServesTheNextScrape(t *testing.T) {
	t.Parallel()
	respond := make(chan struct{})
	a := serveAPI(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-respond:
			fmt.Fprint(w, "[]")
		case <-r.Context().Done():
			t.Error("the call was canceled")
		}
	})
	p := startInstance(t, a.URL, "--greenapi.min-interval=1h")
	scrapeContext(t.Context(), t, p.url+"/metrics", "1").assert(t, 0, "greenapi_up")
	close(respond)
	got := scrape(t, p.url+"/metrics")
	got.assert(t, 1, "greenapi_up")
	got.assert(t, 1, "greenapi_api_requests_total", "method", journalMethod, "result", "ok")
	if n := a.calls(); n != 1 {
		t.Errorf("the exporter made %d calls", n)
	}
}

func TestScrapeOfAHangingAPIEndsAtTheTimeout(t *testing.T) {
	t.Parallel()
	s, a := serveSimulator(t, simulator.Config{})
	s.SetFault(simulator.FaultHang)
	p := startInstance(t, a.URL)
	begin := time.Now()
	got := scrapeContext(t.Context(), t, p.url+"/metrics", "3")
	if took := time.Since(begin); took > 20*time.Second { // 2.5 s, or 30 s if the header is ignored
		t.Errorf("the scrape took %s", took)
	}
	got.assert(t, 0, "greenapi_up")
	got.assert(t, 1, "greenapi_collector_failing", "collector", "outgoing", "result", "timeout")
	if got["greenapi_outgoing_window_messages"] != nil {
		t.Error("the scrape has a window")
	}
}

func TestTimeoutOffsetIsSubtracted(t *testing.T) {
	s, a := serveSimulator(t, simulator.Config{})
	s.SetFault(simulator.FaultHang)
	p := startInstance(t, a.URL, "--web.timeout-offset=19.9s")
	begin := time.Now()
	scrapeContext(t.Context(), t, p.url+"/metrics", "20").assert(t, 0, "greenapi_up")
	if took := time.Since(begin); took > 15*time.Second {
		t.Errorf("the scrape took %s", took)
	}
}

func TestScrapesAboveTheLimitAreRejected(t *testing.T) {
	called, answer := make(chan struct{}), make(chan struct{})
	a := serveAPI(t, func(w http.ResponseWriter, _ *http.Request) {
		close(called)
		<-answer
		fmt.Fprint(w, "[]")
	})
	p := startInstance(t, a.URL, "--web.max-requests=1")
	var scrapes sync.WaitGroup
	scrapes.Go(func() { scrape(t, p.url+"/metrics").assert(t, 1, "greenapi_up") })
	<-called
	_, err := tryScrape(t.Context(), p.url+"/metrics", "1") // the timeout ends an accepted scrape
	if err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("a scrape above the limit: %v", err)
	}
	close(answer)
	scrapes.Wait()
}

func TestMetricsScopeSelectsInstances(t *testing.T) {
	server := serveAccounts(t, "1101000001", "1101000002")
	file := configFile(t, fleetConfig(server, "1101000001", "1101000002"))
	p := startExporter(t, nil, "--config.file="+file, "--web.metrics-scope=all")
	all := scrape(t, p.url+"/metrics")
	all.assert(t, 1, "greenapi_up", "id_instance", "1101000001")
	all.assert(t, 1, "greenapi_up", "id_instance", "1101000002")
	all.assert(t, 2, "greenapi_exporter_instances")

	_, a := serveSimulator(t, simulator.Config{})
	p = startInstance(t, a.URL, "--web.metrics-scope=exporter")
	if scrape(t, p.url+"/metrics")["greenapi_up"] != nil {
		t.Error("/metrics has the instance")
	}
	scrape(t, p.url+"/probe?target="+testID).assert(t, 1, "greenapi_up")
}

func TestCollectCallsTheSelectedMethodsOnly(t *testing.T) {
	s, a := serveSimulator(t, simulator.Config{})
	p := startInstance(t, a.URL)
	for query, want := range map[string]int{
		"collect[]=webhooks": 400, "collect[]=stat": 400, "collect[]=": 400, "collect[]=%zz": 400,
		"collect[]=state": 200,
	} {
		if status, _ := request(t, "GET", p.url+"/metrics?"+query); status != want {
			t.Errorf("%s: status %d, want %d", query, status, want)
		}
	}
	if all, state := s.Calls(""), s.Calls("getStateInstance"); all != 1 || state != 1 {
		t.Errorf("%d calls, %d of them of getStateInstance; want one", all, state)
	}
}
