package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"greenapi_exporter/internal/simulator"
)

// serveAccounts serves simulated accounts that have been sending for an hour.
func serveAccounts(t *testing.T, ids ...string) *httptest.Server {
	t.Helper()
	all := simulator.FleetConfig{PartnerToken: partnerSecret}
	for n, id := range ids {
		all.Accounts = append(all.Accounts, simulator.Config{
			IDInstance: id, Token: tokenOf(id), Seed: uint64(n), Start: time.Now().Add(-time.Hour),
			MessagesPerHour: 60, NoRateLimit: true,
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

// fleetConfig returns a configuration with these instances of the server.
func fleetConfig(server *httptest.Server, ids ...string) string {
	text := "url: " + server.URL + "\ninstances:\n"
	for _, id := range ids {
		text += fmt.Sprintf("  - {id_instance: %q, token: %s, labels: {shop: s%s}}\n",
			id, tokenOf(id), id)
	}
	return text
}

func startFleet(t *testing.T) (_ *process, apiURL string) {
	t.Helper()
	server := serveAccounts(t, "1101000001", "1101000002", "1101000003")
	file := configFile(t, fleetConfig(server, "1101000002", "1101000001"))
	return startExporter(t, nil, "--config.file="+file), server.URL
}

func TestProbeServesOneInstance(t *testing.T) {
	p, _ := startFleet(t)
	for query, want := range map[string]int{
		"1101000001": 200, "1101000002": 200, "1101000003": 404, "": 400,
		"1101000001&collect[]=state": 200, "1101000001&collect[]=incoming": 400,
	} {
		if status, body := request(t, "GET", p.url+"/probe?target="+query); status != want {
			t.Errorf("%s: status %d, want %d: %s", query, status, want, body)
		}
	}
	probe := scrape(t, p.url+"/probe?target=1101000001")
	probe.assert(t, 1, "greenapi_up", "id_instance", "1101000001")
	own := regexp.MustCompile(`^(go_|process_|promhttp_|greenapi_exporter_|greenapi_api_response)`)
	ofInstance := func(l *dto.LabelPair) bool {
		return l.GetName() == "id_instance" && l.GetValue() == "1101000001"
	}
	for name, f := range probe {
		if own.MatchString(name) {
			t.Errorf("/probe has %s, which is a metric of the exporter", name)
		}
		for _, m := range f.Metric {
			if !slices.ContainsFunc(m.Label, ofInstance) {
				t.Errorf("%s has the labels %v", name, m.Label)
			}
		}
	}
}

func TestMetricsOfAFleetAreOfTheExporterOnly(t *testing.T) {
	p, _ := startFleet(t)
	own := scrape(t, p.url+"/metrics")
	own.assert(t, 1, "greenapi_exporter_config_last_reload_successful")
	own.assert(t, 2, "greenapi_exporter_instances")
	if own["greenapi_up"] != nil {
		t.Error("/metrics has the instances of a file")
	}
	status, body := request(t, "GET", p.url+"/metrics?collect[]=state")
	if status != 400 || !strings.Contains(body, "/probe?target=ID") {
		t.Errorf("/metrics?collect[]=state: %d, %s", status, body)
	}
}

func TestServiceDiscoveryListsTheFile(t *testing.T) {
	p, apiURL := startFleet(t)
	host := strings.TrimPrefix(p.url, "http://")
	group := func(id string) any {
		return map[string]any{"targets": []any{host}, "labels": map[string]any{
			"__metrics_path__": "/probe", "__param_target": id, "instance": id,
			"__meta_greenapi_url": apiURL, "__meta_greenapi_label_shop": "s" + id,
		}}
	}
	var got any
	response, err := http.Get(p.url + "/sd")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&got); err != nil {
		t.Error(err)
	}
	if got := response.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("/sd: the type is %s", got)
	}
	if want := []any{group("1101000002"), group("1101000001")}; !reflect.DeepEqual(got, want) {
		t.Errorf("/sd: got %v, want %v", got, want)
	}
	p.terminate(t)
}

// TestPartnerInstancesAreScraped also checks that no token leaves the process.
func TestPartnerInstancesAreScraped(t *testing.T) {
	server := serveAccounts(t, "1101000001", "1101000002", "2201000001")
	file := configFile(t, fmt.Sprintf("url: %s\npartner: {token: %s, refresh: 1s, include: ^11}\n",
		server.URL, partnerSecret))
	begin := time.Now()
	p := startExporter(t, nil, "--config.file="+file, "--log.level=debug")
	var pages strings.Builder
	var listed string
	p.eventually(t, func() bool {
		status, body := request(t, "GET", p.url+"/sd")
		pages.WriteString(body)
		if status != 200 && status != 503 {
			t.Fatalf("status %d: %s", status, body)
		}
		listed = body
		return status == 200
	})
	if n := strings.Count(listed, `"instance"`); n != 2 {
		t.Errorf("there are %d instances: %s", n, listed)
	}
	probe := scrape(t, p.url+"/probe?target=1101000002")
	probe.assert(t, 1, "greenapi_up", "id_instance", "1101000002")
	expires := probe.mustValue(t, "greenapi_instance_expiration_timestamp_seconds")
	if expires < float64(time.Now().Unix()) {
		t.Errorf("the subscription expires at %v", expires)
	}
	scraped := scrape(t, p.url+"/metrics")
	refreshed := scraped.mustValue(t, "greenapi_exporter_partner_last_success_timestamp_seconds")
	if refreshed < float64(begin.Unix()) {
		t.Errorf("the instances were listed at %v", refreshed)
	}
	for reason, want := range map[string]float64{
		"no_token": 0, "bad_id": 0, "excluded": 1, "deleted": 0, "expired": 0,
	} {
		scraped.assert(t, want, "greenapi_exporter_partner_unwatched_instances", "reason", reason)
	}
	for _, path := range []string{
		"/", "/metrics", "/sd", "/probe?target=1101000001", "/?id_instance=1101000001",
	} {
		_, body := request(t, "GET", p.url+path)
		pages.WriteString(body)
	}
	if !strings.Contains(pages.String(), "2201000001") {
		t.Error("the page does not show the excluded instance")
	}
	p.terminate(t)
	if all := pages.String() + p.output.String(); strings.Contains(all, "secret-of") {
		t.Errorf("a token has left the process: %s", all)
	}
}
