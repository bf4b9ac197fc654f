package web

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"

	"greenapi_exporter/internal/config"
)

// TestTargetsHaveAddressOfClient also checks that the targets do not contain the token.
func TestTargetsHaveAddressOfClient(t *testing.T) {
	instance, err := config.Flags{IDInstance: knownID, Token: "secret", Settings: config.Settings{
		URL: "https://3100.api.green-api.com/v3", Minutes: 60, Timeout: time.Second,
		Retention: 360 * time.Hour, Lookback: config.Full,
	}}.Validate(log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	complete := true
	fleet := newFakeFleet(sendValue(1))
	fleet.targets = func() ([]config.Instance, bool) {
		return []config.Instance{instance}, complete
	}
	handler := newHandler(fleet, nil)
	for name, c := range map[string]struct {
		host           string
		tls            *tls.ConnectionState
		target, scheme string // in the response
	}{
		"HTTP":            {"exporter:10466", nil, `exporter:10466`, ""},
		"TLS":             {"a:1", new(tls.ConnectionState), `a:1`, `"__scheme__":"https",`},
		"host with quote": {`"a<b`, nil, `\"a\u003cb`, ""},
	} {
		r := httptest.NewRequest(http.MethodGet, "/sd", nil)
		r.Host, r.TLS = c.host, c.tls
		want := `[{"targets":["` + c.target + `"],"labels":{` +
			`"__meta_greenapi_url":"https://3100.api.green-api.com/v3",` +
			`"__metrics_path__":"/probe","__param_target":"1101000001",` + c.scheme +
			`"instance":"1101000001"}}]` + "\n"
		w := serve(handler, r)
		got, contentType := w.Body.String(), w.Header().Get("Content-Type")
		if w.Code != 200 || got != want || contentType != "application/json" {
			t.Errorf("%s: %d, %s, got\n%s\nwant\n%s", name, w.Code, contentType, got, want)
		}
	}
	complete = false
	if w := get(handler, "/sd"); w.Code != 503 || strings.Contains(w.Body.String(), "targets") {
		t.Errorf("incomplete: %d, %s", w.Code, w.Body)
	}
}

// TestUnknownInstanceIsUnavailableDuringDiscovery checks that probes get 503, not 404, before the
// first list of the Partner API.
func TestUnknownInstanceIsUnavailableDuringDiscovery(t *testing.T) {
	complete := false
	fleet := newFakeFleet(sendValue(1))
	fleet.targets = func() ([]config.Instance, bool) { return nil, complete }
	handler := newHandler(fleet, nil)
	for path, want := range map[string]int{
		"/sd": 503, "/probe?target=1101000002": 503,
		"/probe?target=" + knownID: 200, "/-/ready": 200,
	} {
		w := get(handler, path)
		if w.Code != want || want == 503 && strings.TrimSpace(w.Body.String()) != discoveryPending {
			t.Errorf("%s: status %d, want %d: %s", path, w.Code, want, w.Body)
		}
	}
	complete = true
	if w := get(handler, "/probe?target=1101000002"); w.Code != 404 {
		t.Errorf("an unknown instance after discovery: status %d, want 404", w.Code)
	}
}
