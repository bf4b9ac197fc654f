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
)

// accepts is what a scraper says that it reads, by the format it gets: the first two as Prometheus does.
var accepts = map[string]string{
	"openmetrics": "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
	"protobuf":    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1",
	"text":        "text/plain;version=0.0.4",
}

// oneMessage is a transport that answers each call for a journal with the same message.
type oneMessage struct{}

func (oneMessage) RoundTrip(*http.Request) (*http.Response, error) {
	body := io.NopCloser(strings.NewReader(`[{"idMessage":"A","typeMessage":"textMessage","statusMessage":"sent"}]`))
	return &http.Response{StatusCode: 200, Header: make(http.Header), Body: body, ContentLength: -1}, nil
}

// fleetHandler serves so many instances with the outgoing collector, which call the API once.
func fleetHandler(t testing.TB, instances int, api http.RoundTripper) http.Handler {
	t.Helper()
	storage, err := ledger.OpenStorage("", log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	own := collector.NewSelfMetrics(storage, []string{greenapi.LastOutgoingMessages})
	service := &greenapi.Backend{Transport: api, Limiter: greenapi.NewLimiter(20), OnResponse: own.Observe}
	f := fleet.New(collector.NewSet(), collector.Resources{Service: service, Storage: storage, Logger: log.NewNopLogger()})
	t.Cleanup(f.Close)
	all := make([]config.Instance, instances)
	for n := range all {
		all[n], err = config.Flags{
			URL: "https://api.example", IDInstance: fmt.Sprint(1101000001 + n), Token: "token", Minutes: 60, Timeout: time.Minute,
			MinInterval: time.Hour, Retention: 360 * time.Hour, Collectors: []string{"outgoing"},
		}.Validate(log.NewNopLogger())
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := f.ApplyConfig(all); err != nil {
		t.Fatal(err)
	}
	return newHandler(t, nil, func(o *Options) { o.Self, o.Scrape, o.Timeout, o.Host = own, f.Scrape, f.Timeout, f.Host })
}

// discarded is an answer that is thrown away, but for its size.
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

// BenchmarkExposition is a scrape that finds fresh readings, so that all of it is making the answer: of a thousand
// instances at once and of one. Each has the series that it has from the start, 193. With -cpu 1 the time is the CPU's.
func BenchmarkExposition(b *testing.B) {
	for instances, path := range map[int]string{1000: "/metrics", 1: "/probe?target=" + knownID} {
		b.Run(fmt.Sprintf("instances=%d", instances), func(b *testing.B) {
			handler := fleetHandler(b, instances, oneMessage{})
			for format, accept := range accepts {
				for _, encoding := range []string{"identity", "gzip"} {
					r := httptest.NewRequest(http.MethodGet, path, nil)
					r.Header.Set("Accept", accept)
					r.Header.Set("Accept-Encoding", encoding)
					b.Run(format+"/"+encoding, func(b *testing.B) { benchmarkScrape(b, handler, r) })
				}
			}
		})
	}
}

func benchmarkScrape(b *testing.B, handler http.Handler, r *http.Request) {
	series := strings.Count(string(unzipped(b, request(handler, r).Result())), "id_instance")
	b.ReportAllocs()
	answer := new(discarded)
	for b.Loop() {
		*answer = discarded{header: make(http.Header), status: http.StatusOK}
		if handler.ServeHTTP(answer, r); answer.status != http.StatusOK {
			b.Fatalf("got %d", answer.status)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(series), "ns/series")
	b.ReportMetric(float64(answer.size)/float64(series), "bytes/series")
}

// unzipped is the body of an answer.
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
