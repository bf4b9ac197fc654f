package collector

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"

	"greenapi_exporter/internal/config"
)

// metricDesc describes a metric of an instance. It is a prometheus.Desc and what that keeps to itself.
type metricDesc struct {
	*prometheus.Desc
	name, help string
	labels     []string // sorted, as they are exposed
	places     []int    // of each of them, where its value is among those that a series is given; 0 is the id's
}

// desc describes a metric of an instance.
func desc(name, help string, labels ...string) *metricDesc {
	labels = append([]string{"id_instance"}, labels...)
	f := &metricDesc{Desc: prometheus.NewDesc(name, help, labels, nil), name: name, help: help, labels: slices.Sorted(slices.Values(labels))}
	for _, label := range f.labels {
		f.places = append(f.places, slices.Index(labels, label))
	}
	return f
}

// metric is a series in one scrape. It is what prometheus.MustNewConstMetric makes, for a third of the allocations, since
// a scrape of a thousand instances has some 200,000: the names of the labels and their order are the family's, and the
// labels of a series lie in one piece.
type metric struct {
	family *metricDesc
	dto    dto.Metric
}

// Desc implements prometheus.Metric.
func (m *metric) Desc() *prometheus.Desc { return m.family.Desc }

// Write implements prometheus.Metric.
func (m *metric) Write(out *dto.Metric) error {
	out.Label, out.Gauge, out.Counter = m.dto.Label, m.dto.Gauge, m.dto.Counter
	return nil
}

// emitter takes the metrics of an instance in one scrape. It is safe for concurrent use.
type emitter struct {
	ch chan<- prometheus.Metric
	config.Instance
}

func (m emitter) gauge(f *metricDesc, value float64, labels ...string) {
	series := m.series(f, labels)
	series.dto.Gauge = &dto.Gauge{Value: &value}
	m.ch <- series
}

func (m emitter) counter(f *metricDesc, value float64, created time.Time, labels ...string) {
	series := m.series(f, labels)
	series.dto.Counter = &dto.Counter{Value: &value, CreatedTimestamp: timestamppb.New(created)}
	m.ch <- series
}

// series is one of the family, without a value yet. The labels are in the order of desc.
func (m emitter) series(f *metricDesc, labels []string) *metric {
	if len(labels)+1 != len(f.labels) {
		panic(fmt.Sprintf("%s has %d labels of its own, not %d", f.name, len(f.labels)-1, len(labels))) // a slip in this package
	}
	series := &metric{family: f, dto: dto.Metric{Label: make([]*dto.LabelPair, len(f.labels))}}
	pairs := make([]struct {
		dto.LabelPair
		value string
	}, len(f.labels))
	for i, place := range f.places {
		pair := &pairs[i]
		if place == 0 {
			pair.value = m.ID()
		} else {
			pair.value = labels[place-1]
		}
		pair.Name, pair.Value = &f.labels[i], &pair.value
		series.dto.Label[i] = &pair.LabelPair
	}
	return series
}

// of is the family with all of its series of a scrape, in the order of a prometheus.Registry.
func (f *metricDesc) of(series []*dto.Metric) *dto.MetricFamily {
	slices.SortFunc(series, func(a, b *dto.Metric) int {
		for i := range a.Label {
			if c := cmp.Compare(a.Label[i].GetValue(), b.Label[i].GetValue()); c != 0 {
				return c
			}
		}
		return 0
	})
	kind := dto.MetricType_GAUGE
	if series[0].Counter != nil {
		kind = dto.MetricType_COUNTER
	}
	return &dto.MetricFamily{Name: &f.name, Help: &f.help, Type: &kind, Metric: series}
}
