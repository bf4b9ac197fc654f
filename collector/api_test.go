package collector

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"greenapi_exporter/config"
	"greenapi_exporter/greenapi"
	"greenapi_exporter/ledger"
)

const (
	secret = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345"
	id     = "1101000001"
)

// fakeAPI is a transport that answers by itself, so that it can be called in a bubble of testing/synctest.
type fakeAPI struct {
	status  int
	header  http.Header
	body    string
	took    time.Duration
	deaf    bool  // it does not hear that it is canceled, as if the program stood still
	minutes []int // asked for
}

func (a *fakeAPI) RoundTrip(r *http.Request) (*http.Response, error) {
	minutes, err := strconv.Atoi(r.URL.Query().Get("minutes"))
	if err != nil {
		return nil, err
	}
	a.minutes = append(a.minutes, minutes)
	hangUp := r.Context().Done()
	if a.deaf {
		hangUp = nil
	}
	select {
	case <-time.After(a.took):
	case <-hangUp:
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	header := a.header.Clone()
	if header == nil {
		header = make(http.Header)
	}
	header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	return &http.Response{StatusCode: a.status, Header: header, Body: io.NopCloser(strings.NewReader(a.body)), ContentLength: -1}, nil
}

func (a *fakeAPI) answer(status int, body string) { a.status, a.body = status, body }

// exporter is all that a scrape needs, over a fake API.
type exporter struct {
	api       *fakeAPI
	flags     config.Flags
	directory string // where it keeps its ledger; empty: in memory
	storage   *ledger.Storage
	own       *Own
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

func newExporter(t *testing.T) *exporter {
	t.Helper()
	e := &exporter{
		api: &fakeAPI{status: 200, body: "[]", took: 250 * time.Millisecond},
		flags: config.Flags{
			URL: "https://api.example", IDInstance: id, Token: secret,
			Minutes: 60, Retention: 360 * time.Hour, MinInterval: time.Second, Timeout: 30 * time.Second,
		},
		set: NewSet(func(string) bool { return true }),
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
	e.own = NewOwn(e.storage)
	instance, err := e.set.Bind(e.target(t))
	if err != nil {
		t.Fatal(err)
	}
	e.instance = instance
	t.Cleanup(instance.Close) // before its directory is removed
}

func (e *exporter) target(t *testing.T) Target {
	t.Helper()
	instance, err := e.flags.Validate(log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	service := &greenapi.Service{Transport: e.api, Places: greenapi.NewPlaces(2), Observe: e.own.Observe}
	return Target{
		Instance: instance,
		Client:   greenapi.NewClient(service, instance.URL(), id, instance.Token()),
		Storage:  e.storage,
		Logger:   log.NewLogfmtLogger(e.log),
	}
}

// scrape returns what one scrape gathers, with a pedantic look at whether it was described.
func (e *exporter) scrape(ctx context.Context) prometheus.Gatherer {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(e.set.Scrape(ctx, []*Instance{e.instance}))
	return prometheus.Gatherers{registry, e.own}
}

// logged is the log, once all goroutines of the bubble have come to rest.
func (e *exporter) logged() string {
	synctest.Wait()
	return e.log.String()
}
