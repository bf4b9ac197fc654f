package integration

import (
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"greenapi_exporter/internal/simulator"
)

// TestReloadAppliesTheFile reloads by requests and by signals. An invalid file changes nothing.
func TestReloadAppliesTheFile(t *testing.T) {
	server := serveAccounts(t, "1101000001", "1101000002", "1101000003")
	path := configFile(t, fleetConfig(server, "1101000001", "1101000002"))
	p := startExporter(t, nil, "--config.file="+path, "--web.enable-lifecycle",
		"--storage.path="+t.TempDir())
	const (
		successful = "greenapi_exporter_config_last_reload_successful"
		timestamp  = "greenapi_exporter_config_last_reload_success_timestamp_seconds"
	)
	has := func(ids ...string) {
		t.Helper()
		_, body := request(t, "GET", p.url+"/sd")
		if n := strings.Count(body, `"instance"`); n != len(ids) {
			t.Errorf("there are %d instances, want %v", n, ids)
		}
		for _, id := range ids {
			if status, _ := request(t, "GET", p.url+"/probe?target="+id); status != 200 {
				t.Errorf("%s: status %d", id, status)
			}
		}
	}
	has("1101000001", "1101000002")
	first := scrape(t, p.url+"/metrics").mustValue(t, timestamp)

	writeFile(t, path, fleetConfig(server, "1101000002", "1101000003"))
	for _, method := range []string{"GET", "DELETE"} {
		if status, _ := request(t, method, p.url+"/-/reload"); status != 405 {
			t.Errorf("%s: status %d", method, status)
		}
	}
	has("1101000001", "1101000002")
	if status, body := request(t, "POST", p.url+"/-/reload"); status != 200 {
		t.Errorf("status %d: %s", status, body)
	}
	has("1101000002", "1101000003")
	second := scrape(t, p.url+"/metrics").mustValue(t, timestamp)
	if second <= first {
		t.Errorf("the first load is at %v, the second at %v", first, second)
	}

	writeFile(t, path, fleetConfig(server, "1101000002", "1101000002"))
	status, body := request(t, "PUT", p.url+"/-/reload")
	if status != 500 || !strings.Contains(body, "keeping the previous configuration: ") ||
		!strings.Contains(body, "greenapi.yml:4: ") {
		t.Errorf("an invalid file: status %d, %s", status, body)
	}
	has("1101000002", "1101000003")
	assertCard := func(want bool) {
		t.Helper()
		_, page := request(t, "GET", p.url+"/")
		if got := strings.Contains(page, "the previous configuration is in use"); got != want {
			t.Errorf("the page shows a failed reload: %t, want %t", got, want)
		}
	}
	assertCard(true)
	own := scrape(t, p.url+"/metrics")
	own.assert(t, 0, successful)
	own.assert(t, second, timestamp)

	writeFile(t, path, fleetConfig(server, "1101000003"))
	p.signal(t, syscall.SIGHUP)
	p.eventually(t, func() bool {
		return scrape(t, p.url+"/metrics").mustValue(t, successful) == 1
	})
	has("1101000003")
	assertCard(false)
	writeFile(t, path, "invalid")
	p.signal(t, syscall.SIGHUP)
	p.eventually(t, func() bool {
		return scrape(t, p.url+"/metrics").mustValue(t, successful) == 0
	})
	has("1101000003")
	p.terminate(t)
	text := p.output.String()
	reloads := strings.Count(text, "reloaded the configuration")
	if reloads != 2 || strings.Contains(text, "secret-of") {
		t.Errorf("the log must report two reloads and no secret:\n%s", text)
	}
}

// TestReloadsMakeNoCallEarly removes an instance and adds it again, in memory.
func TestReloadsMakeNoCallEarly(t *testing.T) {
	t.Parallel()
	a := serveAPI(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "[]") })
	with := fleetConfig(a.Server, testID)
	path := configFile(t, with)
	p := startExporter(t, nil, "--config.file="+path, "--web.enable-lifecycle",
		"--greenapi.min-interval=1h")
	for range 5 {
		scrape(t, p.url+"/probe?target="+testID).assert(t, 1, "greenapi_up")
		for _, text := range []string{fleetConfig(a.Server, "1101000002"), with} {
			writeFile(t, path, text)
			if status, body := request(t, "POST", p.url+"/-/reload"); status != 200 {
				t.Fatalf("status %d: %s", status, body)
			}
		}
	}
	if n := a.calls(); n != 1 {
		t.Errorf("the exporter made %d calls within the interval", n)
	}
}

// TestReloadRequestsNeedTheLifecycleFlag also checks that SIGHUP without a file reloads nothing.
func TestReloadRequestsNeedTheLifecycleFlag(t *testing.T) {
	_, a := serveSimulator(t, simulator.Config{})
	p := startInstance(t, a.URL)
	for method, want := range map[string]int{"POST": 403, "PUT": 403, "GET": 405} {
		if status, _ := request(t, method, p.url+"/-/reload"); status != want {
			t.Errorf("%s: status %d, want %d", method, status, want)
		}
	}
	p.signal(t, syscall.SIGHUP)
	p.eventually(t, func() bool {
		return strings.Contains(p.output.String(), "there is nothing to reload")
	})
	if strings.Contains(p.output.String(), "reloaded the configuration") {
		t.Error("a reload without a file is logged")
	}
	scrape(t, p.url+"/metrics").assert(t, 1, "greenapi_up")
	p.terminate(t)
}
