package e2e

import (
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"greenapi_exporter/internal/simulator"
)

// clock is the clock of an account. It runs from start to stop. Before start, Now returns the time
// of its first call. It is safe for concurrent use.
type clock struct {
	mu               sync.Mutex // guards the fields below
	base             time.Time
	started, stopped time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.base.IsZero() {
		c.base = time.Now()
	}
	switch {
	case c.started.IsZero():
		return c.base
	case c.stopped.IsZero():
		return c.base.Add(time.Since(c.started))
	default:
		return c.base.Add(c.stopped.Sub(c.started))
	}
}

func (c *clock) start() { c.set(&c.started) }
func (c *clock) stop()  { c.set(&c.stopped) }

func (c *clock) set(field *time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*field = time.Now()
}

// waitFor waits until an expression has a result.
func (s *stack) waitFor(t *testing.T, expression string) {
	t.Helper()
	eventually(t, func() (bool, string) {
		value, _, _, err := s.api.Query(t.Context(), expression, time.Now())
		if err != nil {
			return false, fmt.Sprintf("%s: %v", expression, err)
		}
		return len(value.(model.Vector)) > 0, expression + " has no result"
	})
}

// assertCountersMatchTruth lets the account send messages, and kills and restarts its exporter in
// between. The raw increase of the counters in Prometheus must equal the truth, and no counter may
// decrease.
func assertCountersMatchTruth(t *testing.T, s *stack, r *testRun, clock *clock) {
	of := func(metric string) string { return fmt.Sprintf("%s{id_instance=%q}", metric, r.id) }
	up, messages := of("greenapi_up"), of("greenapi_outgoing_messages_total")
	s.waitFor(t, up+" == 1")
	baseline := r.Messages(clock.Now())
	if len(baseline) < 3000 {
		t.Errorf("%d messages at the baseline", len(baseline))
	}
	baselineTime := model.Now()
	clock.start()
	s.waitFor(t, fmt.Sprintf("sum(%s) > 20", messages))
	r.restart(t)
	s.waitFor(t, fmt.Sprintf("sum(%s) > 60", messages))
	clock.stop()
	// The second call from now on starts after the clock stopped. Wait for a scrape after its
	// response.
	calls := r.Calls(journal)
	eventually(t, func() (bool, string) {
		return r.Calls(journal) >= calls+2, "the journal is not requested"
	})
	since := float64(time.Now().Add(time.Second).UnixMilli()) / 1e3
	s.waitFor(t, fmt.Sprintf("timestamp(%[1]s) > %[2]f and %[1]s == 1", up, since))

	truth := simulator.Between(baseline, r.Messages(clock.Now()))
	want := make(map[string]float64)
	for kind, n := range truth.Messages {
		want["messages "+kind] = float64(n)
	}
	for key, n := range truth.Statuses {
		want[key.Status+" "+key.Type] = float64(n)
	}
	if len(want) < 20 {
		t.Errorf("only %d counters changed: %v", len(want), want)
	}
	got := s.growth(t, messages+"[10m]", "messages", baselineTime)
	statuses := of("greenapi_outgoing_message_statuses_total")
	maps.Copy(got, s.growth(t, statuses+"[10m]", "", baselineTime))
	for key := range got {
		if got[key] != want[key] {
			t.Errorf("%s: Prometheus has %v, want %v", key, got[key], want[key])
		}
		delete(want, key)
	}
	if len(want) > 0 {
		t.Errorf("Prometheus has no counters for %v", want)
	}
}

// growth returns the increase of counters in a range, by status and type. If status is not empty,
// it replaces the label. The counters must be 0 until since.
func (s *stack) growth(
	t *testing.T, selector, status string, since model.Time,
) map[string]float64 {
	t.Helper()
	value, _, _, err := s.api.Query(t.Context(), selector, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	increases := make(map[string]float64)
	for _, series := range value.(model.Matrix) {
		last := 0.0
		for _, sample := range series.Values {
			if float64(sample.Value) < last {
				t.Errorf("%s decreased from %v to %v", series.Metric, last, sample.Value)
			}
			if last = float64(sample.Value); last > 0 && sample.Timestamp.Before(since) {
				t.Errorf("%s is %v before the baseline", series.Metric, last)
			}
		}
		label := status
		if label == "" {
			label = string(series.Metric["status"])
		}
		if last > 0 {
			increases[label+" "+string(series.Metric["type"])] = last
		}
	}
	return increases
}
