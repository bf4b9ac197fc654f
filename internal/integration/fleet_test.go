package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"greenapi_exporter/internal/simulator"
)

// accounts serves simulated accounts of these ids, which have been sending for an hour.
func accounts(t *testing.T, ids ...string) *httptest.Server {
	t.Helper()
	all := simulator.FleetConfig{PartnerToken: partnerSecret}
	for n, id := range ids {
		all.Accounts = append(all.Accounts, simulator.Config{
			IDInstance: id, Token: tokenOf(id), Seed: uint64(n), Start: time.Now().Add(-time.Hour), MessagesPerHour: 60, NoRateLimit: true,
		})
	}
	fleet := simulator.NewFleet(all)
	for _, id := range ids {
		fleet.Subscribe(id, simulator.Subscription{Expires: time.Now().Add(240 * time.Hour)})
	}
	server := httptest.NewServer(fleet)
	t.Cleanup(server.Close)
	return server
}

const partnerSecret = "secret-of-the-partner"

func tokenOf(id string) string { return "secret-of-" + id }

// configFile is a file with that text.
func configFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "greenapi.yml")
	rewrite(t, path, text)
	return path
}

func rewrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// listing is a configuration of these instances of the server.
func listing(server *httptest.Server, ids ...string) string {
	text := "url: " + server.URL + "\ninstances:\n"
	for _, id := range ids {
		text += fmt.Sprintf("  - {id_instance: %q, token: %s, labels: {shop: s%s}}\n", id, tokenOf(id), id)
	}
	return text
}

// until waits until something is so that the process says in its own time, and fails with its log if it never is.
func (p *process) until(t *testing.T, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it was waited for in vain; the log:\n%s", p.output)
		}
	}
}

// ask returns the status and the body.
func ask(t *testing.T, method, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
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

func TestConfigCheck(t *testing.T) {
	for _, c := range []struct {
		text, says string
		code       int
	}{
		{oneInstance, "OK: 1 instance\n", 0},
		{"instances: []\npartner: {token: x}", "OK: 0 instances and those of the Partner API\n", 0},
		{"instances: [{id_instance: 1}]", "greenapi.yml:1: instance 1 has no token", 1},
	} {
		storage := filepath.Join(t.TempDir(), "none")
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), []string{"--config.file=" + configFile(t, c.text), "--config.check", "--storage.path=" + storage}, &stdout, &stderr)
		said := stdout.String() + stderr.String()
		if code != c.code || !strings.Contains(said, c.says) || strings.Count(said, "\n") != 1 {
			t.Errorf("%s: code %d, %q; want %d, %q", c.text, code, said, c.code, c.says)
		}
		if _, err := os.Stat(storage); err == nil {
			t.Error("a check has made a directory")
		}
	}
}

// valueOf is that of the one sample of a family, as of a gauge.
func valueOf(t testing.TB, families map[string]*dto.MetricFamily, name string) float64 {
	t.Helper()
	got, ok := sampleOf(families[name])
	if !ok {
		t.Errorf("there is no %s", name)
	}
	return got
}

// TestManyInstances: each is at /probe, all are in /sd, and /metrics has the exporter alone.
func TestManyInstances(t *testing.T) {
	server := accounts(t, "1101000001", "1101000002", "1101000003")
	p := startProcessWith(t, nil, "--config.file="+configFile(t, listing(server, "1101000002", "1101000001")))

	for id, has := range map[string]int{"1101000001": 200, "1101000002": 200, "1101000003": 404, "": 400} {
		if status, body := ask(t, "GET", p.base+"/probe?target="+id); status != has {
			t.Errorf("%s: status %d, want %d: %s", id, status, has, body)
		}
	}
	probe := families(t, p.base+"/probe?target=1101000001")
	assertValue(t, probe, 1, "greenapi_up", "id_instance", "1101000001")
	for name, f := range probe {
		if strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_") || strings.HasPrefix(name, "promhttp_") ||
			strings.HasPrefix(name, "greenapi_exporter_") || strings.HasPrefix(name, "greenapi_api_response") {
			t.Errorf("/probe has %s, which is the exporter's", name)
		}
		for _, m := range f.Metric {
			if !slices.ContainsFunc(m.Label, func(l *dto.LabelPair) bool { return l.GetName() == "id_instance" && l.GetValue() == "1101000001" }) {
				t.Errorf("%s is of %v", name, m.Label)
			}
		}
	}
	own := families(t, p.base+"/metrics")
	assertValue(t, own, 1, "greenapi_exporter_config_last_reload_successful")
	assertValue(t, own, 2, "greenapi_exporter_instances")
	if own["greenapi_up"] != nil {
		t.Error("/metrics has the instances of a file")
	}
	if status, body := ask(t, "GET", p.base+"/metrics?collect[]=state"); status != 400 || !strings.Contains(body, "/probe?target=ID") {
		t.Errorf("/metrics?collect[]=state: %d, %s", status, body)
	}
	for query, want := range map[string]int{"collect[]=state": 200, "collect[]=incoming": 400} {
		if status, body := ask(t, "GET", p.base+"/probe?target=1101000001&"+query); status != want {
			t.Errorf("%s: %d, %s", query, status, body)
		}
	}

	host := strings.TrimPrefix(p.base, "http://")
	group := func(id string) any {
		return map[string]any{"targets": []any{host}, "labels": map[string]any{
			"__metrics_path__": "/probe", "__param_target": id, "instance": id,
			"__meta_greenapi_url": server.URL, "__meta_greenapi_label_shop": "s" + id,
		}}
	}
	var got any
	response, err := http.Get(p.base + "/sd")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&got); err != nil || response.Header.Get("Content-Type") != "application/json" {
		t.Errorf("/sd: %v, %v", err, response.Header)
	}
	if want := []any{group("1101000002"), group("1101000001")}; !reflect.DeepEqual(got, want) {
		t.Errorf("/sd: got %v, want %v", got, want)
	}
	stopWith(t, p, nil)
}

// TestMetricsScope: what /metrics has can be chosen.
func TestMetricsScope(t *testing.T) {
	server := accounts(t, "1101000001", "1101000002")
	p := startProcessWith(t, nil, "--config.file="+configFile(t, listing(server, "1101000001", "1101000002")), "--web.metrics-scope=all")
	all := families(t, p.base+"/metrics")
	assertValue(t, all, 1, "greenapi_up", "id_instance", "1101000001")
	assertValue(t, all, 1, "greenapi_up", "id_instance", "1101000002")
	assertValue(t, all, 2, "greenapi_exporter_instances")

	_, a := serveSimulator(t, simulator.Config{})
	p = startProcess(t, a.URL, "--web.metrics-scope=exporter")
	if families(t, p.base+"/metrics")["greenapi_up"] != nil {
		t.Error("/metrics has the instance")
	}
	assertValue(t, families(t, p.base+"/probe?target="+testID), 1, "greenapi_up")
}

// TestReloads: by a request and by a signal; a bad file changes nothing.
func TestReloads(t *testing.T) {
	server := accounts(t, "1101000001", "1101000002", "1101000003")
	path := configFile(t, listing(server, "1101000001", "1101000002"))
	p := startProcessWith(t, nil, "--config.file="+path, "--web.enable-lifecycle", "--storage.path="+t.TempDir())
	has := func(ids ...string) {
		t.Helper()
		_, body := ask(t, "GET", p.base+"/sd")
		if n := strings.Count(body, `"instance"`); n != len(ids) {
			t.Errorf("there are %d instances, want %v", n, ids)
		}
		for _, id := range ids {
			if status, _ := ask(t, "GET", p.base+"/probe?target="+id); status != 200 {
				t.Errorf("%s: status %d", id, status)
			}
		}
	}
	has("1101000001", "1101000002")
	first := valueOf(t, families(t, p.base+"/metrics"), "greenapi_exporter_config_last_reload_success_timestamp_seconds")

	rewrite(t, path, listing(server, "1101000002", "1101000003"))
	for _, method := range []string{"GET", "DELETE"} {
		if status, _ := ask(t, method, p.base+"/-/reload"); status != 405 {
			t.Errorf("%s: status %d", method, status)
		}
	}
	has("1101000001", "1101000002")
	if status, body := ask(t, "POST", p.base+"/-/reload"); status != 200 {
		t.Errorf("status %d: %s", status, body)
	}
	has("1101000002", "1101000003")
	second := valueOf(t, families(t, p.base+"/metrics"), "greenapi_exporter_config_last_reload_success_timestamp_seconds")
	if second <= first {
		t.Errorf("loaded at %v, then at %v", first, second)
	}

	rewrite(t, path, listing(server, "1101000002", "1101000002"))
	if status, body := ask(t, "PUT", p.base+"/-/reload"); status != 500 || !strings.Contains(body, "keeping the previous configuration: ") || !strings.Contains(body, "greenapi.yml:4: instance 1101000002 is given twice, first in line 3") {
		t.Errorf("a bad file: status %d, %s", status, body)
	}
	has("1101000002", "1101000003")
	own := families(t, p.base+"/metrics")
	assertValue(t, own, 0, "greenapi_exporter_config_last_reload_successful")
	assertValue(t, own, second, "greenapi_exporter_config_last_reload_success_timestamp_seconds")

	rewrite(t, path, listing(server, "1101000003"))
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.until(t, func() bool {
		return valueOf(t, families(t, p.base+"/metrics"), "greenapi_exporter_config_last_reload_successful") == 1
	})
	has("1101000003")
	rewrite(t, path, "nonsense")
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.until(t, func() bool {
		return valueOf(t, families(t, p.base+"/metrics"), "greenapi_exporter_config_last_reload_successful") == 0
	})
	has("1101000003")
	stopWith(t, p, nil)
	if text := p.output.String(); strings.Count(text, "reloaded the configuration") != 2 || strings.Contains(text, "secret-of") {
		t.Errorf("the log:\n%s", text)
	}
}

// TestAReloadIsOffUnlessAllowed, but the signal is always heard, also where there is no file.
func TestAReloadIsOffUnlessAllowed(t *testing.T) {
	_, a := serveSimulator(t, simulator.Config{})
	p := startProcess(t, a.URL)
	for method, want := range map[string]int{"POST": 403, "PUT": 403, "GET": 405} {
		if status, _ := ask(t, method, p.base+"/-/reload"); status != want {
			t.Errorf("%s: status %d, want %d", method, status, want)
		}
	}
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.until(t, func() bool { return strings.Contains(p.output.String(), "reloaded the configuration") })
	assertValue(t, families(t, p.base+"/metrics"), 1, "greenapi_up")
	stopWith(t, p, nil)
}

// TestPartner: instances come from the Partner API with their tokens and the end of their subscriptions, and no secret
// leaves the process.
func TestPartner(t *testing.T) {
	server := accounts(t, "1101000001", "1101000002", "2201000001")
	file := configFile(t, "url: "+server.URL+"\npartner: {token: "+partnerSecret+", refresh: 1s, include: \"^11\"}\n")
	p := startProcessWith(t, nil, "--config.file="+file, "--log.level=debug")
	var seen strings.Builder
	var listed string
	p.until(t, func() bool {
		status, body := ask(t, "GET", p.base+"/sd")
		seen.WriteString(body)
		if status != 200 && status != 503 {
			t.Fatalf("status %d: %s", status, body)
		}
		listed = body
		return status == 200
	})
	if n := strings.Count(listed, `"instance"`); n != 2 {
		t.Errorf("there are %d instances: %s", n, listed)
	}
	probe := families(t, p.base+"/probe?target=1101000002")
	assertValue(t, probe, 1, "greenapi_up", "id_instance", "1101000002")
	if ends := valueOf(t, probe, "greenapi_instance_expiration_timestamp_seconds"); ends < float64(time.Now().Unix()) {
		t.Errorf("the subscription ends at %v", ends)
	}
	if at := valueOf(t, families(t, p.base+"/metrics"), "greenapi_exporter_partner_last_success_timestamp_seconds"); at < float64(time.Now().Add(-time.Minute).Unix()) {
		t.Errorf("listed at %v", at)
	}
	for _, path := range []string{"/", "/metrics", "/sd", "/probe?target=1101000001", "/?id_instance=1101000001"} {
		_, body := ask(t, "GET", p.base+path)
		seen.WriteString(body)
	}
	stopWith(t, p, nil)
	if all := seen.String() + p.output.String(); strings.Contains(all, "secret-of") {
		t.Errorf("a secret is out: %s", all)
	}
}
