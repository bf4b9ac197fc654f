package fleet

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
)

// apis answers for each instance by its id, and counts.
type apis struct {
	mu      sync.Mutex
	answers map[string]string
	calls   map[string]int
}

func (a *apis) RoundTrip(r *http.Request) (*http.Response, error) {
	id, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/waInstance"), "/")
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls[id]++
	status, body, _ := strings.Cut(a.answers[id], " ")
	response := &http.Response{Header: make(http.Header), Body: io.NopCloser(strings.NewReader(body)), ContentLength: -1}
	_, err := fmt.Sscan(status, &response.StatusCode)
	return response, err
}

func instance(t *testing.T, id string) config.Instance {
	t.Helper()
	i, err := config.Flags{IDInstance: id, Token: "token-of-" + id, Settings: config.Settings{
		URL: "https://api.example", Minutes: 60, Timeout: time.Second, MinInterval: time.Hour,
		Retention: 360 * time.Hour, Collectors: []string{"outgoing"},
	}}.Validate(log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// TestInstancesAreReadApart: each by calls of its own, none before the first scrape, and one that fails costs the
// others nothing.
func TestInstancesAreReadApart(t *testing.T) {
	api := &apis{calls: make(map[string]int), answers: map[string]string{
		"1101000001": `200 [{"idMessage":"A","typeMessage":"textMessage","statusMessage":"sent"}]`,
		"1101000002": `400 Instance is not authorized`,
	}}
	service := &greenapi.Backend{Transport: api, Limiter: greenapi.NewLimiter(4)}
	storage, err := ledger.OpenStorage("", log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	f := New(collector.NewSet(), collector.Resources{Service: service, Storage: storage, Logger: log.NewNopLogger()})
	defer f.Close()
	if err := f.ApplyConfig([]config.Instance{instance(t, "1101000001"), instance(t, "1101000002")}); err != nil {
		t.Fatal(err)
	}
	if len(api.calls) > 0 {
		t.Errorf("called before the first scrape: %v", api.calls)
	}
	for range 2 {
		registry := prometheus.NewPedanticRegistry()
		scrape, err := f.Scrape(t.Context(), "", nil)
		if err != nil {
			t.Fatal(err)
		}
		registry.MustRegister(scrape)
		const want = `
# HELP greenapi_outgoing_ledger_messages Messages that the ledger remembers, so as to count none twice.
# TYPE greenapi_outgoing_ledger_messages gauge
greenapi_outgoing_ledger_messages{id_instance="1101000001"} 1
# HELP greenapi_up Whether the latest reading of the outgoing journal succeeded (1) or not (0).
# TYPE greenapi_up gauge
greenapi_up{id_instance="1101000001"} 1
greenapi_up{id_instance="1101000002"} 0
`
		if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "greenapi_up", "greenapi_outgoing_ledger_messages"); err != nil {
			t.Error(err)
		}
	}
	for i, want := range []greenapi.Result{greenapi.OK, greenapi.InstanceLoggedOut} {
		s := f.Statuses()[i]
		if got := s.Collectors[0].Result; got != want || s.ID != fmt.Sprint(1101000001+i) {
			t.Errorf("the status of %s is %q, want %q", s.ID, got, want)
		}
	}
	if _, err := f.Scrape(t.Context(), "", []string{"queue"}); err == nil {
		t.Error("a collector that is not on was picked")
	}
	if api.calls["1101000001"] != 1 || api.calls["1101000002"] != 1 {
		t.Errorf("calls: %v, want one of each", api.calls)
	}
}
