package integration

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"greenapi_exporter/internal/simulator"
)

func TestSIGTERMStopsAnIdleExporter(t *testing.T) {
	_, a := serveSimulator(t, simulator.Config{})
	p := startInstance(t, a.URL)
	scrape(t, p.url+"/metrics")
	p.terminate(t)
	if !strings.Contains(p.output.String(), "stopped greenapi_exporter") {
		t.Errorf("the log does not report the shutdown:\n%s", p.output)
	}
}

func TestSIGTERMWaitsForScrapesInFlight(t *testing.T) {
	called, answer := make(chan struct{}), make(chan struct{})
	a := serveAPI(t, func(w http.ResponseWriter, _ *http.Request) {
		close(called)
		<-answer
		fmt.Fprint(w, "[]")
	})
	p := startInstance(t, a.URL)
	var scrapes sync.WaitGroup
	scrapes.Go(func() { scrape(t, p.url+"/metrics").assert(t, 1, "greenapi_up") })
	<-called
	p.signal(t, syscall.SIGTERM)
	p.eventually(t, func() bool { // the listener is closed
		response, err := http.Get(p.url + "/-/ready")
		if err == nil {
			response.Body.Close()
		}
		return err != nil
	})
	close(answer)
	scrapes.Wait()
	if err := p.Wait(); err != nil {
		t.Errorf("the exporter exited with %v:\n%s", err, p.output)
	}
}

func TestSIGTERMCancelsCallsAfterFiveSeconds(t *testing.T) {
	t.Parallel()
	called := make(chan struct{})
	a := serveAPI(t, func(_ http.ResponseWriter, r *http.Request) {
		close(called)
		<-r.Context().Done()
	})
	p := startInstance(t, a.URL)
	var scrapes sync.WaitGroup
	scrapes.Go(func() { scrape(t, p.url+"/metrics").assert(t, 0, "greenapi_up") })
	<-called
	if took := p.terminate(t); took < 5*time.Second {
		t.Errorf("the exporter exited after %s", took)
	}
	scrapes.Wait()
}

// TestClosedLogDoesNotStopTheExporter closes the pipe of the log, so that writes cause SIGPIPE.
func TestClosedLogDoesNotStopTheExporter(t *testing.T) {
	s, a := serveSimulator(t, simulator.Config{})
	s.SetFault(simulator.FaultUnauthorized)
	p := startInstance(t, a.URL)
	if err := p.log.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		scrape(t, p.url+"/metrics").assert(t, 0, "greenapi_up")
	}
	p.terminate(t)
}
