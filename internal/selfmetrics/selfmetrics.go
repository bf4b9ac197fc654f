// Package selfmetrics exports the metrics of the exporter itself: its build, process and runtime,
// its storage, and the API calls of all instances together.
package selfmetrics

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/collectors/version"
	dto "github.com/prometheus/client_model/go"

	"greenapi_exporter/internal/ledger"
)

// Metrics holds the exporter's own metrics. It is safe for concurrent use.
type Metrics struct {
	// Registry has all metrics except those of the process and the runtime. Callers can register
	// more.
	Registry *prometheus.Registry

	process   *prometheus.Registry
	durations *prometheus.HistogramVec
	bytes     *prometheus.CounterVec
}

// New returns the exporter's own metrics. droppedLines returns the number of dropped log lines. The
// series of the given API methods start at 0. Those of other methods appear with their first call.
func New(storage *ledger.Storage, droppedLines func() uint64, methods []string) *Metrics {
	m := &Metrics{
		Registry: prometheus.NewRegistry(),
		process:  prometheus.NewRegistry(),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "greenapi_api_request_duration_seconds",
			Help:    "Duration of API calls, including the transfer of the response body.",
			Buckets: []float64{0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60},

			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  100,
			NativeHistogramMinResetDuration: time.Hour,
		}, []string{"method"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "greenapi_api_response_bytes_total",
			Help: "Bytes of API responses read, after decompression.",
		}, []string{"method"}),
	}
	for _, method := range methods {
		m.durations.WithLabelValues(method)
		m.bytes.WithLabelValues(method)
	}
	m.process.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	m.Registry.MustRegister(
		version.NewCollector("greenapi_exporter"),
		m.durations,
		m.bytes,
		newCounterFunc("greenapi_exporter_storage_failures_total",
			"Failed writes of ledger files, up to three for each call. "+
				"Counting continues in memory, and the next write includes what is missing.",
			storage.Failures),
		newCounterFunc("greenapi_exporter_storage_damaged_files_total",
			"Ledger files that were damaged, empty, or written for another instance or version. "+
				"They were truncated or set aside; the log names them.",
			storage.Damaged),
		newCounterFunc("greenapi_exporter_log_lines_dropped_total",
			"Log lines dropped because stderr was not read fast enough or failed.",
			droppedLines),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "greenapi_exporter_storage_hanging_writes",
			Help: "Writes of ledger files in progress for more than a second. " +
				"Scrapes do not wait for them, and counting continues in memory.",
		}, func() float64 { return float64(storage.Hanging()) }),
	)
	return m
}

// Observe records an API call. It has the signature of greenapi.Backend.OnResponse.
func (m *Metrics) Observe(method string, took time.Duration, bytes int64) {
	m.durations.WithLabelValues(method).Observe(took.Seconds())
	m.bytes.WithLabelValues(method).Add(float64(bytes))
}

// Gatherer returns the Gatherer for a scrape that begins now. It gathers the metrics of the
// process in the background, because reading /proc takes longer than parsing a thousand rows.
// These metrics are therefore as of the start of the scrape.
//
// The Gatherer omits the gauge go_memstats_alloc_bytes. In OpenMetrics, the counter
// go_memstats_alloc_bytes_total has the same family name, and a name must not be declared twice.
// go_memstats_heap_alloc_bytes has the same value.
func (m *Metrics) Gatherer() prometheus.Gatherer {
	process := sync.OnceValues(m.process.Gather)
	go func() { _, _ = process() }()
	return prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		families, err := m.Registry.Gather()
		processFamilies, processErr := process()
		families = slices.Concat(families, processFamilies)
		families = slices.DeleteFunc(families, func(f *dto.MetricFamily) bool {
			return f.GetName() == "go_memstats_alloc_bytes"
		})
		return families, errors.Join(err, processErr)
	})
}

// counterFunc is a prometheus.CounterFunc with a created timestamp.
type counterFunc struct {
	desc    *prometheus.Desc
	value   func() uint64
	created time.Time
}

func newCounterFunc(name, help string, value func() uint64) *counterFunc {
	return &counterFunc{prometheus.NewDesc(name, help, nil, nil), value, time.Now()}
}

// Describe implements prometheus.Collector.
func (c *counterFunc) Describe(ch chan<- *prometheus.Desc) { ch <- c.desc }

// Collect implements prometheus.Collector.
func (c *counterFunc) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.MustNewConstMetricWithCreatedTimestamp(
		c.desc, prometheus.CounterValue, float64(c.value()), c.created)
}
