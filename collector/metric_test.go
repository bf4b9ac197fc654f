package collector

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"
)

// TestMetricsAreAsConstMetrics of client_golang, wherever the id is among the labels.
func TestMetricsAreAsConstMetrics(t *testing.T) {
	ch := make(chan prometheus.Metric, 1)
	m := emitter{ch, newExporter(t).instance.Config()}
	created := time.Date(2030, 1, 2, 3, 4, 5, 678, time.UTC)
	for _, labels := range [][]string{{}, {"type"}, {"collector"}, {"status", "type"}, {"type", "status"}, {"result", "method"}, {"z", "b", "a"}} {
		f := desc("greenapi_tests_total", "Help.", labels...)
		var values []string
		for _, label := range labels {
			values = append(values, "value of "+label)
		}
		all := append([]string{id}, values...)
		m.gauge(f, -1.5, values...)
		assertSame(t, <-ch, prometheus.MustNewConstMetric(f.Desc, prometheus.GaugeValue, -1.5, all...))
		m.counter(f, 3, created, values...)
		assertSame(t, <-ch, prometheus.MustNewConstMetricWithCreatedTimestamp(f.Desc, prometheus.CounterValue, 3, created, all...))
	}
}

func assertSame(t *testing.T, got, want prometheus.Metric) {
	t.Helper()
	var a, b dto.Metric
	if err := got.Write(&a); err != nil {
		t.Fatal(err)
	}
	if err := want.Write(&b); err != nil {
		t.Fatal(err)
	}
	if got.Desc() != want.Desc() || !proto.Equal(&a, &b) {
		t.Errorf("got %s of %s, want %s of %s", &a, got.Desc(), &b, want.Desc())
	}
}

// TestGatherIsAsARegistry, which sorts and finds nothing wrong, whatever the order of the instances.
func TestGatherIsAsARegistry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, everything()...)
		e.live(t)
		instances := []*Instance{e.instance}
		for _, n := range []int{3, 9, 2, 10} {
			e.flags.IDInstance = fmt.Sprint(n)
			e.start(t)
			instances = append(instances, e.instance)
		}
		var got [2][]*dto.MetricFamily
		for n := range got {
			scrape, err := e.set.Scrape(t.Context(), instances, nil)
			if err != nil {
				t.Fatal(err)
			}
			g := prometheus.Gatherer(scrape)
			if n == 0 { // which makes the calls
				registry := prometheus.NewPedanticRegistry()
				registry.MustRegister(scrape)
				g = registry
			}
			if got[n], err = g.Gather(); err != nil {
				t.Fatal(err)
			}
		}
		if len(got[0]) != len(got[1]) || len(got[0]) < 20 {
			t.Fatalf("%d families, want %d", len(got[1]), len(got[0]))
		}
		for n, want := range got[0] {
			if !proto.Equal(got[1][n], want) {
				t.Errorf("got\n%s\nwant\n%s", got[1][n], want)
			}
		}
	})
}
