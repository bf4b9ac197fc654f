package selfmetrics

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"greenapi_exporter/internal/ledger"
)

// gather returns the metric families of a scrape by name.
func gather(t *testing.T, m *Metrics) map[string]*dto.MetricFamily {
	t.Helper()
	families, err := m.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	byName := make(map[string]*dto.MetricFamily)
	for _, f := range families {
		if byName[f.GetName()] != nil {
			t.Errorf("%s occurs twice", f.GetName())
		}
		byName[f.GetName()] = f
	}
	return byName
}

func TestMethodsStartAtZero(t *testing.T) {
	m := New(new(ledger.Storage), func() uint64 { return 7 }, []string{"a"})
	m.Observe("b", time.Second, 10)
	families := gather(t, m)
	for i, want := range []struct {
		method string
		calls  uint64
		bytes  float64
	}{{"a", 0, 0}, {"b", 1, 10}} {
		durations := families["greenapi_api_request_duration_seconds"].Metric[i]
		bytes := families["greenapi_api_response_bytes_total"].Metric[i]
		if durations.Label[0].GetValue() != want.method ||
			durations.Histogram.GetSampleCount() != want.calls ||
			bytes.Label[0].GetValue() != want.method || bytes.Counter.GetValue() != want.bytes {
			t.Errorf("got %v and %v, want %+v", durations, bytes, want)
		}
	}
}

func TestHistogramsAreBothNativeAndClassic(t *testing.T) {
	m := New(new(ledger.Storage), func() uint64 { return 7 }, nil)
	m.Observe("a", time.Second, 10)
	h := gather(t, m)["greenapi_api_request_duration_seconds"].Metric[0].Histogram
	if len(h.PositiveSpan) == 0 || len(h.Bucket) == 0 {
		t.Errorf("got %v", h)
	}
}

func TestStorageCountersCarryCreatedTimestamps(t *testing.T) {
	families := gather(t, New(new(ledger.Storage), func() uint64 { return 7 }, nil))
	for _, name := range []string{
		"greenapi_exporter_storage_failures_total", "greenapi_exporter_storage_damaged_files_total",
	} {
		created := families[name].GetMetric()[0].Counter.CreatedTimestamp.AsTime()
		if age := time.Since(created); age < 0 || age > time.Minute {
			t.Errorf("%s was created at %s", name, created)
		}
	}
}

func TestLint(t *testing.T) {
	m := New(new(ledger.Storage), func() uint64 { return 7 }, []string{"a"})
	problems, err := testutil.GatherAndLint(m.Registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("problems %v, error %v", problems, err)
	}
	for _, name := range []string{
		"go_goroutines", "go_memstats_alloc_bytes_total", "process_cpu_seconds_total",
	} {
		if gather(t, m)[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
}
