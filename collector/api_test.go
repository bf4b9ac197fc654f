package collector

import (
	"bytes"
	"context"
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

// reply is how a method is answered.
type reply struct {
	status int
	header http.Header
	body   string
	took   time.Duration
	deaf   bool // it does not hear that it is canceled, as if the program stood still
}

func (r *reply) answer(status int, body string) { r.status, r.body = status, body }

// fakeAPI is a transport that answers by itself, so that it can be called in a bubble of testing/synctest.
type fakeAPI struct {
	reply                    // of the outgoing journal
	others map[string]*reply // by method

	unreachable bool // no connection comes about

	mu      sync.Mutex
	minutes []int          // asked of the outgoing journal
	calls   map[string]int // by method
}

func newFakeAPI() *fakeAPI {
	a := &fakeAPI{reply: reply{status: 200, body: "[]", took: 250 * time.Millisecond}, others: make(map[string]*reply), calls: make(map[string]int)}
	for method, body := range map[string]string{
		greenapi.LastIncomingMessages: "[]",
		greenapi.GetStateInstance:     `{"stateInstance":"authorized"}`,
		greenapi.GetMessagesCount:     `{"count":0}`,
		greenapi.GetWebhooksCount:     `{"count":0}`,
		greenapi.GetSettings:          `{"wid":"11005550100@c.us","webhookUrlToken":"` + webhookToken + `","delaySendMessagesMilliseconds":500,"outgoingWebhook":"yes","incomingWebhook":"no"}`,
		greenapi.GetWaSettings:        `{"avatar":"","phone":"11005550100","stateInstance":"authorized","deviceId":"11005550100:1@s.whatsapp.net"}`,
	} {
		a.others[method] = &reply{status: 200, body: body, took: 100 * time.Millisecond}
	}
	return a
}

func (a *fakeAPI) RoundTrip(r *http.Request) (*http.Response, error) {
	method := strings.Split(r.URL.Path, "/")[2]
	reply := a.others[method]
	a.mu.Lock()
	a.calls[method]++
	if method == greenapi.LastOutgoingMessages {
		reply = &a.reply
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
	hangUp := r.Context().Done()
	if reply.deaf {
		hangUp = nil
	}
	select {
	case <-time.After(reply.took):
	case <-hangUp:
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	header := reply.header.Clone()
	if header == nil {
		header = make(http.Header)
	}
	header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	return &http.Response{StatusCode: reply.status, Header: header, Body: io.NopCloser(strings.NewReader(reply.body)), ContentLength: -1}, nil
}

// exporter is all that a scrape needs, over a fake API.
type exporter struct {
	api       *fakeAPI
	flags     config.Flags
	directory string // where it keeps its ledger; empty: in memory
	storage   *ledger.Storage
	own       *selfmetrics.Metrics
	set       *Set
	instance  *Instance
	log       *lines
}

// lines is a log that several runs write to.
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

// newExporter has the collectors that are named, or that of the outgoing journal alone.
func newExporter(t *testing.T, collectors ...string) *exporter {
	t.Helper()
	if len(collectors) == 0 {
		collectors = []string{"outgoing"}
	}
	e := &exporter{
		api: newFakeAPI(),
		flags: config.Flags{IDInstance: id, Token: secret, Settings: config.Settings{
			URL: "https://api.example", Minutes: 60, Retention: 360 * time.Hour, MinInterval: time.Second,
			Timeout: 30 * time.Second, Collectors: collectors,
		}},
		set: NewSet(),
		log: new(lines),
	}
	e.start(t)
	return e
}

// kept gives it a directory.
func (e *exporter) kept(t *testing.T) *exporter {
	t.Helper()
	e.directory = t.TempDir()
	e.restart(t)
	return e
}

// restart kills it, which puts nothing on file, and starts it again as the flags say.
func (e *exporter) restart(t *testing.T) {
	t.Helper()
	synctest.Wait()                           // a snapshot that is being written is not of the next run
	if err := e.storage.Close(); err != nil { // the lock goes with the process
		t.Fatal(err)
	}
	e.start(t)
}

// start starts it as the flags say.
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
	e.own = selfmetrics.New(e.storage, methods)
	instance, err := e.set.NewInstance(e.config(t), e.resources())
	if err != nil {
		t.Fatal(err)
	}
	e.instance = instance
	t.Cleanup(instance.Close) // before its directory is removed
}

// config is what the flags say.
func (e *exporter) config(t *testing.T) config.Instance {
	t.Helper()
	instance, err := e.flags.Validate(log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	return instance.WithExpiry(time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC))
}

func (e *exporter) resources() Resources {
	service := &greenapi.Backend{Transport: e.api, Limiter: greenapi.NewLimiter(20), OnResponse: e.own.Observe}
	return Resources{Backend: service, Storage: e.storage, Logger: log.NewLogfmtLogger(e.log)}
}

// scrape returns what one scrape gathers, with a pedantic look at whether it was described.
func (e *exporter) scrape(ctx context.Context, collectors ...string) prometheus.Gatherer {
	scrape, err := e.set.Scrape(ctx, []*Instance{e.instance}, collectors)
	if err != nil {
		panic(err) // a slip of the test's
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(scrape)
	return prometheus.Gatherers{registry, e.own.Gatherer()}
}

// everything is the names of all collectors.
func everything() []string {
	var names []string
	for _, info := range All() {
		names = append(names, info.Name)
	}
	return names
}

// logged is the log, once all goroutines of the bubble have come to rest.
func (e *exporter) logged() string {
	synctest.Wait()
	return e.log.String()
}
