package fleet

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
)

// fakeAPI answers each request for a journal with one more message than the previous one.
type fakeAPI struct {
	mu       sync.Mutex
	messages map[string]int // by instance
	calls    []string       // id, method, token, host and minutes; see takeCalls
	gate     chan struct{}  // if not nil, calls block until it is closed
}

func (a *fakeAPI) RoundTrip(r *http.Request) (*http.Response, error) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/waInstance"), "/")
	id, method := parts[0], parts[1]
	a.mu.Lock()
	call := append(parts, r.URL.Host, r.URL.Query().Get("minutes"))
	a.calls = append(a.calls, strings.Join(call, " "))
	gate := a.gate
	a.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	body := `{"stateInstance":"authorized","count":3}`
	if method == greenapi.LastOutgoingMessages {
		a.mu.Lock()
		a.messages[id]++
		var rows []string
		for n := range a.messages[id] {
			rows = append(rows, fmt.Sprintf(
				`{"idMessage":"%d","typeMessage":"textMessage","statusMessage":"sent"}`, n))
		}
		a.mu.Unlock()
		body = "[" + strings.Join(rows, ",") + "]"
	}
	return newResponse(200, body), nil
}

func newResponse(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: make(http.Header), ContentLength: -1,
		Body: io.NopCloser(strings.NewReader(body)),
	}
}

// takeCalls returns the calls since the previous takeCalls.
func (a *fakeAPI) takeCalls() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	calls := a.calls
	a.calls = nil
	return calls
}

// block makes calls block until release is called.
func (a *fakeAPI) block() (release func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	gate := make(chan struct{})
	a.gate = gate
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		close(gate)
		a.gate = nil
	}
}

// testFleet is a Manager with the API, the storage and the flags of its instances.
type testFleet struct {
	*Manager
	api     *fakeAPI
	storage *ledger.Storage
	flags   config.Flags
}

// newTestFleet returns a fleet that calls a new fakeAPI, or the transport if it is not nil.
// The ledgers are in memory if directory is "".
func newTestFleet(t *testing.T, directory string, transport http.RoundTripper) *testFleet {
	t.Helper()
	storage, err := ledger.OpenStorage(directory, log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	f := &testFleet{storage: storage, flags: config.Flags{Token: "token", Settings: config.Settings{
		URL: "https://api.example", Minutes: 60, Timeout: 30 * time.Second, MinInterval: time.Hour,
		Retention: 360 * time.Hour, Collectors: []string{"outgoing", "state"},
		Lookback: config.Full,
	}}}
	if transport == nil {
		f.api = &fakeAPI{messages: make(map[string]int)}
		transport = f.api
	}
	backend := &greenapi.Backend{Transport: transport, Limiter: greenapi.NewLimiter(256)}
	f.Manager = New(collector.NewSet(), collector.Resources{
		Backend: backend, Storage: storage, Logger: log.NewNopLogger(),
	})
	return f
}

// close closes the manager and then the storage, as the program does.
func (f *testFleet) close(t *testing.T) {
	t.Helper()
	f.Close()
	if err := f.storage.Close(); err != nil {
		t.Error(err)
	}
}

// instance returns an instance with the settings of the flags.
func (f *testFleet) instance(t *testing.T, id string) config.Instance {
	t.Helper()
	flags := f.flags
	flags.IDInstance = id
	i, err := flags.Validate(log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// apply makes the manager watch the instances with these ids.
func (f *testFleet) apply(t *testing.T, ids ...string) {
	t.Helper()
	if err := f.tryApply(t, ids...); err != nil {
		t.Fatal(err)
	}
}

// tryApply is apply for tests in which the reload may fail.
func (f *testFleet) tryApply(t *testing.T, ids ...string) error {
	t.Helper()
	var all []config.Instance
	for _, id := range ids {
		all = append(all, f.instance(t, id))
	}
	return f.ApplyConfig(all)
}

// scrape returns the values of an instance by metric name: those of series whose only label is the
// instance, and the number of text messages.
func (f *testFleet) scrape(ctx context.Context, id string) (map[string]float64, error) {
	scrape, err := f.Scrape(ctx, id, nil)
	if err != nil {
		return nil, err
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(scrape)
	families, err := registry.Gather()
	if err != nil {
		return nil, err
	}
	values := make(map[string]float64)
	for _, family := range families {
		for _, m := range family.Metric {
			text := slices.ContainsFunc(m.Label, func(l *dto.LabelPair) bool {
				return l.GetName() == "type" && l.GetValue() == "textMessage"
			})
			if len(m.Label) == 1 || text && family.GetName() == messagesMetric {
				values[family.GetName()] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	return values, nil
}

func (f *testFleet) mustScrape(t *testing.T, id string) map[string]float64 {
	t.Helper()
	values, err := f.scrape(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

const (
	upMetric       = "greenapi_up"
	messagesMetric = "greenapi_outgoing_messages_total"
	birthMetric    = "greenapi_outgoing_ledger_birth_timestamp_seconds"
)
