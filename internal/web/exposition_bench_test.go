package web

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/fleet"
	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
	"greenapi_exporter/internal/selfmetrics"
)

// acceptHeaders has a header for each format. Prometheus sends the first two.
var acceptHeaders = map[string]string{
	"openmetrics": "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5," +
		"application/openmetrics-text;version=0.0.1;q=0.4," +
		"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3," +
		"text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
	"protobuf": "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;" +
		"encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1",
	"text": "text/plain;version=0.0.4",
}

// oneMessage is an API whose journals have one message.
type oneMessage struct{}

func (oneMessage) RoundTrip(*http.Request) (*http.Response, error) {
	const journal = `[{"idMessage":"A","typeMessage":"textMessage","statusMessage":"sent"}]`
	return &http.Response{
		StatusCode: 200, Header: make(http.Header), ContentLength: -1,
		Body: io.NopCloser(strings.NewReader(journal)),
	}, nil
}

// fleetHandler returns the handler of a fleet with the outgoing collector. It calls oneMessage once
// for each instance.
func fleetHandler(t testing.TB, instances int) http.Handler {
	t.Helper()
	storage, err := ledger.OpenStorage("", log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	self := selfmetrics.New(storage, noDrops, []string{greenapi.LastOutgoingMessages})
	backend := &greenapi.Backend{
		Transport: oneMessage{}, Limiter: greenapi.NewLimiter(20), OnResponse: self.Observe,
	}
	f := fleet.New(collector.NewSet(), collector.Resources{
		Backend: backend, Storage: storage, Logger: log.NewNopLogger(),
	})
	t.Cleanup(f.Close)
	flags := config.Flags{Token: "token", Settings: config.Settings{
		URL: "https://api.example", Minutes: 60, Timeout: time.Minute,
		MinInterval: time.Hour, Retention: 360 * time.Hour, Collectors: []string{"outgoing"},
		Lookback: config.Full,
	}}
	all := make([]config.Instance, instances)
	for n := range all {
		flags.IDInstance = fmt.Sprint(1101000001 + n)
		if all[n], err = flags.Validate(log.NewNopLogger()); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.ApplyConfig(all); err != nil {
		t.Fatal(err)
	}
	return newHandler(managedFleet{f}, func(o *Options) { o.Self = self })
}

// managedFleet is a fleet without service discovery.
type managedFleet struct{ *fleet.Manager }

func (f managedFleet) Targets() ([]config.Instance, bool) { return f.Instances(), true }

// discarded is an http.ResponseWriter that only counts the bytes of the body.
type discarded struct {
	header http.Header
	status int
	size   int64
}

func (d *discarded) Header() http.Header    { return d.header }
func (d *discarded) WriteHeader(status int) { d.status = status }
func (d *discarded) Write(p []byte) (int, error) {
	d.size += int64(len(p))
	return len(p), nil
}

// BenchmarkExposition measures scrapes that only encode cached readings, of a thousand instances at
// once and of one. Each instance has about 200 series. With -cpu 1, the time is CPU time.
func BenchmarkExposition(b *testing.B) {
	for instances, path := range map[int]string{1000: "/metrics", 1: "/probe?target=" + knownID} {
		b.Run(fmt.Sprintf("instances=%d", instances), func(b *testing.B) {
			handler := fleetHandler(b, instances)
			for format, accept := range acceptHeaders {
				for _, encoding := range []string{"identity", "gzip"} {
					r := httptest.NewRequest(http.MethodGet, path, nil)
					r.Header.Set("Accept", accept)
					r.Header.Set("Accept-Encoding", encoding)
					name := format + "/" + encoding
					b.Run(name, func(b *testing.B) { benchmarkScrape(b, handler, r) })
				}
			}
		})
	}
}

func benchmarkScrape(b *testing.B, handler http.Handler, r *http.Request) {
	series := strings.Count(string(unzipped(b, serve(handler, r).Result())), "id_instance")
	b.ReportAllocs()
	response := new(discarded)
	for b.Loop() {
		*response = discarded{header: make(http.Header), status: http.StatusOK}
		if handler.ServeHTTP(response, r); response.status != http.StatusOK {
			b.Fatalf("status %d", response.status)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(series), "ns/series")
	b.ReportMetric(float64(response.size)/float64(series), "bytes/series")
}

// unzipped returns the decompressed body of a response.
func unzipped(t testing.TB, r *http.Response) []byte {
	t.Helper()
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		var err error
		if body, err = gzip.NewReader(body); err != nil {
			t.Fatal(err)
		}
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
