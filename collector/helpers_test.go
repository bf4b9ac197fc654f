package collector

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
	"greenapi_exporter/internal/selfmetrics"
)

const (
	secret = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345"
	id     = "1101000001"

	webhookToken = "secret-of-the-webhook"
)

var (
	plainText   = expfmt.NewFormat(expfmt.TypeTextPlain)
	openMetrics = expfmt.NewFormat(expfmt.TypeOpenMetrics)
)

// reply is the response of an API method.
type reply struct {
	status int
	header http.Header
	body   string
	took   time.Duration
	frozen bool // ignores cancellation, as if the process were suspended
	skew   time.Duration
	noDate bool
}

func (r *reply) answer(status int, body string) { r.status, r.body = status, body }

// fakeAPI is a transport that works in a bubble of testing/synctest.
type fakeAPI struct {
	*reply                        // of the outgoing journal
	replies     map[string]*reply // by method
	unreachable bool              // requests wait for a connection until they are canceled

	mu      sync.Mutex     // guards the fields below
	minutes []int          // windows of calls of the outgoing journal
	calls   map[string]int // by method
}

func newFakeAPI() *fakeAPI {
	a := &fakeAPI{replies: make(map[string]*reply), calls: make(map[string]int)}
	for method, body := range map[string]string{
		greenapi.LastOutgoingMessages: "[]",
		greenapi.LastIncomingMessages: "[]",
		greenapi.GetStateInstance:     `{"stateInstance":"authorized"}`,
		greenapi.GetMessagesCount:     `{"count":0}`,
		greenapi.GetWebhooksCount:     `{"count":0}`,
		greenapi.GetSettings: `{"wid":"11005550100@c.us","webhookUrlToken":"` + webhookToken + `",
			"delaySendMessagesMilliseconds":500,"outgoingWebhook":"yes","incomingWebhook":"no"}`,
		greenapi.GetWaSettings: `{"avatar":"","phone":"11005550100","stateInstance":"authorized",
			"deviceId":"11005550100:1@s.whatsapp.net"}`,
	} {
		a.replies[method] = &reply{status: 200, body: body, took: 100 * time.Millisecond}
	}
	a.reply = a.replies[greenapi.LastOutgoingMessages]
	a.took = 250 * time.Millisecond
	return a
}

func (a *fakeAPI) RoundTrip(r *http.Request) (*http.Response, error) {
	method := strings.Split(r.URL.Path, "/")[2]
	reply := a.replies[method]
	a.mu.Lock()
	a.calls[method]++
	if method == greenapi.LastOutgoingMessages {
		minutes, err := strconv.Atoi(r.URL.Query().Get("minutes"))
		if err != nil {
			return nil, err
		}
		a.minutes = append(a.minutes, minutes)
	}
	a.mu.Unlock()
	if a.unreachable {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	httptrace.ContextClientTrace(r.Context()).GotConn(httptrace.GotConnInfo{})
	canceled := r.Context().Done()
	if reply.frozen {
		canceled = nil
	}
	if reply.took > 0 { // as in poll.Poller, an expired timer is not used
		select {
		case <-time.After(reply.took):
		case <-canceled:
		}
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	header := reply.header.Clone()
	if header == nil {
		header = make(http.Header)
	}
	if !reply.noDate {
		header.Set("Date", time.Now().Add(reply.skew).UTC().Format(http.TimeFormat))
	}
	body := io.NopCloser(strings.NewReader(reply.body))
	return &http.Response{
		StatusCode: reply.status, Header: header, Body: body, ContentLength: -1,
	}, nil
}

// lines is the log of all runs of an exporter. It is safe for concurrent use.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *lines) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Reset()
}

// exporter has an Instance over a fake API, and all that a scrape of it needs.
type exporter struct {
	api       *fakeAPI
	flags     config.Flags
	directory string // of the ledgers; empty for memory only
	storage   *ledger.Storage
	self      *selfmetrics.Metrics
	set       *Set
	instance  *Instance
	log       *lines
}

// newExporter returns an exporter with these collectors, or with outgoing only.
func newExporter(t *testing.T, collectors ...string) *exporter {
	t.Helper()
	if len(collectors) == 0 {
		collectors = []string{"outgoing"}
	}
	e := &exporter{
		api: newFakeAPI(),
		flags: config.Flags{IDInstance: id, Token: secret, Settings: config.Settings{
			URL: "https://api.example", Minutes: 60, Retention: 360 * time.Hour,
			MinInterval: time.Second, Timeout: 30 * time.Second, Collectors: collectors,
			Lookback: config.Full,
		}},
		set: NewSet(),
		log: new(lines),
	}
	e.start(t)
	return e
}

// everyCollector returns an exporter with all collectors. The account is suspended, so each of them
// exports a metric.
func everyCollector(t *testing.T) *exporter {
	e := newExporter(t, allNames()...)
	e.replyOf(greenapi.GetWaSettings).body =
		`{"stateInstance":"suspended","suspendedUntil":4000000000}`
	return e
}

// persistent restarts the exporter with a directory for its ledgers.
func (e *exporter) persistent(t *testing.T) *exporter {
	t.Helper()
	e.directory = t.TempDir()
	e.restart(t)
	return e
}

func (e *exporter) start(t *testing.T) {
	t.Helper()
	var err error
	if e.storage, err = ledger.OpenStorage(e.directory, log.NewLogfmtLogger(e.log)); err != nil {
		t.Fatal(err)
	}
	var methods []string
	for _, info := range All() {
		if slices.Contains(e.flags.Collectors, info.Name) {
			methods = append(methods, info.Method)
		}
	}
	e.self = selfmetrics.New(e.storage, func() uint64 { return 0 }, methods)
	instance, err := e.set.NewInstance(e.config(t), e.resources())
	if err != nil {
		t.Fatal(err)
	}
	e.instance = instance
	t.Cleanup(instance.Close) // before the removal of its directory
}

// restart simulates a crash, after which nothing is saved, and a restart with the current flags.
func (e *exporter) restart(t *testing.T) {
	t.Helper()
	synctest.Wait()                           // for snapshots in progress
	if err := e.storage.Close(); err != nil { // releases the lock
		t.Fatal(err)
	}
	e.start(t)
}

func (e *exporter) config(t *testing.T) config.Instance {
	t.Helper()
	instance, err := e.flags.Validate(log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	return instance.WithExpiry(time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC))
}

func (e *exporter) resources() Resources {
	backend := &greenapi.Backend{
		Transport: e.api, Limiter: greenapi.NewLimiter(20), OnResponse: e.self.Observe,
	}
	return Resources{Backend: backend, Storage: e.storage, Logger: log.NewLogfmtLogger(e.log)}
}

func (e *exporter) replyOf(method string) *reply { return e.api.replies[method] }

// scrape returns the Gatherer of one scrape. Its registry checks that all metrics are described.
func (e *exporter) scrape(ctx context.Context, collectors ...string) prometheus.Gatherer {
	scrape, err := e.set.Scrape(ctx, []*Instance{e.instance}, collectors)
	if err != nil {
		panic(err)
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(scrape)
	return prometheus.Gatherers{registry, e.self.Gatherer()}
}

// logged returns the log after all goroutines of the bubble have blocked.
func (e *exporter) logged() string {
	synctest.Wait()
	return e.log.String()
}

// allNames returns the names of all collectors.
func allNames() []string {
	var names []string
	for _, info := range All() {
		names = append(names, info.Name)
	}
	return names
}

// row returns a row of the outgoing journal for a message that was sent ago minutes before.
func row(id, kind, status string, ago int) string {
	return fmt.Sprintf(`{"type":"outgoing","idMessage":%q,"timestamp":%d,"typeMessage":%q,
		"chatId":"11001234567@c.us","statusMessage":%q}`,
		id, time.Now().Unix()-int64(ago*60), kind, status)
}

// incoming returns a row of the incoming journal.
func incoming(id, kind string, ago int) string {
	return fmt.Sprintf(`{"type":"incoming","idMessage":%q,"timestamp":%d,"typeMessage":%q,
		"chatId":"11001234567@c.us","senderId":"11001234567@c.us","senderName":"Ann"}`,
		id, time.Now().Unix()-int64(ago*60), kind)
}

func journalOf(rows ...string) string { return "[" + strings.Join(rows, ",") + "]" }

// gather returns the gathered families by name.
func gather(t *testing.T, g prometheus.Gatherer) map[string]*dto.MetricFamily {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	byName := make(map[string]*dto.MetricFamily)
	for _, f := range families {
		byName[f.GetName()] = f
	}
	return byName
}

// exposition returns the metrics of g, without those that differ between machines.
func exposition(t *testing.T, g prometheus.Gatherer, format expfmt.Format) string {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	encoder := expfmt.NewEncoder(&text, format)
	for _, f := range families {
		name := f.GetName()
		if strings.HasPrefix(name, "greenapi_") && name != "greenapi_exporter_build_info" {
			if err := encoder.Encode(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	if closer, ok := encoder.(io.Closer); ok {
		if err := closer.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return text.String()
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.Label {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

// valueOf returns the value of the first series of a family with these label names and values.
func valueOf(
	families map[string]*dto.MetricFamily, name string, labels ...string,
) (value float64, ok bool) {
	for _, m := range families[name].GetMetric() {
		matches := true
		for i := 0; i < len(labels); i += 2 {
			matches = matches && label(m, labels[i]) == labels[i+1]
		}
		if matches {
			return m.GetGauge().GetValue() + m.GetCounter().GetValue(), true
		}
	}
	return 0, false
}

// assertResult checks that the collector has made one call, with this result.
func assertResult(
	t *testing.T, families map[string]*dto.MetricFamily, c Info, want greenapi.Result,
) {
	t.Helper()
	success, ok := valueOf(families, "greenapi_collector_success", "collector", c.Name)
	if !ok || success != boolFloat(want == greenapi.OK) {
		t.Errorf("%s: success is %v, want result %s", c.Name, success, want)
	}
	for _, result := range greenapi.Results() {
		n, _ := valueOf(families, "greenapi_api_requests_total",
			"method", c.Method, "result", string(result))
		if n != boolFloat(result == want) {
			t.Errorf("%s: %v calls with result %s, want result %s", c.Name, n, result, want)
		}
	}
}

// assertLines checks that each line contains its words.
func assertLines(t *testing.T, logged []string, want [][]string) {
	t.Helper()
	if len(logged) != len(want) {
		t.Fatalf("got %d lines, want %d:\n%s", len(logged), len(want), strings.Join(logged, ""))
	}
	for i, words := range want {
		for _, word := range words {
			if !strings.Contains(logged[i], word) {
				t.Errorf("line %d does not contain %s: %s", i, word, logged[i])
			}
		}
	}
}
