package collector

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

// SelfMetrics is what the exporter exposes about itself: its build, process and runtime, and the calls of all instances
// together. It is safe for concurrent use.
type SelfMetrics struct {
	// Registry has these metrics but for those of the process, and those of whoever registers more.
	Registry *prometheus.Registry

	process   *prometheus.Registry
	durations *prometheus.HistogramVec
	bytes     *prometheus.CounterVec
}

// NewSelfMetrics returns the exporter's own metrics, with the series of these methods at 0; those of others come with their first
// calls.
func NewSelfMetrics(storage *ledger.Storage, methods []string) *SelfMetrics {
	o := &SelfMetrics{
		Registry: prometheus.NewRegistry(),
		process:  prometheus.NewRegistry(),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "greenapi_api_request_duration_seconds",
			Help:    "How long calls of the API took, to the last byte of the answer.",
			Buckets: []float64{0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60},

			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  100,
			NativeHistogramMinResetDuration: time.Hour,
		}, []string{"method"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "greenapi_api_response_bytes_total",
			Help: "Bytes of the API's answers as they were read, after decompression.",
		}, []string{"method"}),
	}
	for _, method := range methods {
		o.durations.WithLabelValues(method)
		o.bytes.WithLabelValues(method)
	}
	o.process.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	o.Registry.MustRegister(
		version.NewCollector("greenapi_exporter"),
		o.durations,
		o.bytes,
		&storageMetrics{
			storage: storage,
			created: time.Now(),
			failures: prometheus.NewDesc("greenapi_exporter_storage_failures_total",
				"Writes of ledgers that failed, up to three for each call; counting goes on in memory, and what is missing is written as soon as it can be.", nil, nil),
			damaged: prometheus.NewDesc("greenapi_exporter_storage_damaged_files_total",
				"Files of ledgers that were damaged, or not what they should be (empty, of another instance or version), and were cut or set aside; the log names them.", nil, nil),
		},
	)
	return o
}

// Observe counts a call; it is for greenapi.Service.
func (o *SelfMetrics) Observe(method string, took time.Duration, bytes int64) {
	o.durations.WithLabelValues(method).Observe(took.Seconds())
	o.bytes.WithLabelValues(method).Add(float64(bytes))
}

// Gatherer returns the Gatherer for a scrape that begins now. What the operating system has to say of the process takes
// longer to find out than a thousand rows take to read, and is found out meanwhile; so it is as old as the scrape takes.
//
// It leaves out the gauge go_memstats_alloc_bytes, which with the counter go_memstats_alloc_bytes_total makes one
// OpenMetrics family declared twice; go_memstats_heap_alloc_bytes is the same number.
func (o *SelfMetrics) Gatherer() prometheus.Gatherer {
	process := sync.OnceValues(o.process.Gather)
	go func() { _, _ = process() }()
	return prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		families, err := o.Registry.Gather()
		more, failed := process()
		families = slices.DeleteFunc(slices.Concat(families, more), func(f *dto.MetricFamily) bool {
			return f.GetName() == "go_memstats_alloc_bytes"
		})
		return families, errors.Join(err, failed)
	})
}

// storageMetrics shows how the storage fares.
type storageMetrics struct {
	storage           *ledger.Storage
	created           time.Time
	failures, damaged *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (m *storageMetrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- m.failures
	ch <- m.damaged
}

// Collect implements prometheus.Collector.
func (m *storageMetrics) Collect(ch chan<- prometheus.Metric) {
	counter := func(desc *prometheus.Desc, n uint64) {
		ch <- prometheus.MustNewConstMetricWithCreatedTimestamp(desc, prometheus.CounterValue, float64(n), m.created)
	}
	counter(m.failures, m.storage.Failures())
	counter(m.damaged, m.storage.Damaged())
}
