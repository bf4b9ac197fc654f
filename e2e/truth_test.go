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

// clock is that of an account: it stands still, runs, and stands still again. The zero clock is of now. It is safe for
// concurrent use.
type clock struct {
	mu               sync.Mutex
	base             time.Time
	started, stopped time.Time
}

// Now is the time of the clock.
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

func (c *clock) set(moment *time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*moment = time.Now()
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

// assertCountersAreTrue lets the account live for a while, and its exporter be killed in the middle of it. What the counters
// grew by in Prometheus, in raw differences, must be what happened, and none may ever have gone back.
func assertCountersAreTrue(t *testing.T, s *stack, p *patient, clock *clock) {
	up := fmt.Sprintf("greenapi_up{id_instance=%q}", p.id)
	s.waitFor(t, up+" == 1")
	baseline := p.Messages(clock.Now())
	if len(baseline) < 3000 {
		t.Errorf("%d messages at the baseline", len(baseline))
	}
	began := model.Now()
	clock.start()
	s.waitFor(t, fmt.Sprintf("sum(greenapi_outgoing_messages_total{id_instance=%q}) > 20", p.id))
	p.restart(t)
	s.waitFor(t, fmt.Sprintf("sum(greenapi_outgoing_messages_total{id_instance=%q}) > 60", p.id))
	clock.stop()
	// Two calls later one has been answered that began after that, and one more scrape later Prometheus has it.
	calls := p.Calls(journal)
	eventually(t, func() (bool, string) { return p.Calls(journal) >= calls+2, "the journal is not read any more" })
	s.waitFor(t, fmt.Sprintf("timestamp(%[1]s) > %[2]f and %[1]s == 1", up, float64(time.Now().Add(time.Second).UnixMilli())/1e3))

	truth := simulator.Between(baseline, p.Messages(clock.Now()))
	want := make(map[string]float64)
	for kind, n := range truth.Messages {
		want["messages "+kind] = float64(n)
	}
	for key, n := range truth.Statuses {
		want[key.Status+" "+key.Type] = float64(n)
	}
	if len(want) < 20 {
		t.Errorf("little has happened: %v", want)
	}
	got := s.growth(t, fmt.Sprintf("greenapi_outgoing_messages_total{id_instance=%q}[10m]", p.id), "messages", began)
	maps.Copy(got, s.growth(t, fmt.Sprintf("greenapi_outgoing_message_statuses_total{id_instance=%q}[10m]", p.id), "", began))
	for key := range got {
		if got[key] != want[key] {
			t.Errorf("%s: Prometheus has %v, the truth is %v", key, got[key], want[key])
		}
		delete(want, key)
	}
	if len(want) > 0 {
		t.Errorf("Prometheus has nothing of %v", want)
	}
}

// growth is by how much counters have grown in a range since a moment within it, by status, or what stands for it, and
// type. Up to then they must be 0, as they are at the baseline and where a series begins later.
func (s *stack) growth(t *testing.T, selector, status string, since model.Time) map[string]float64 {
	t.Helper()
	value, _, _, err := s.api.Query(t.Context(), selector, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	grown := make(map[string]float64)
	for _, series := range value.(model.Matrix) {
		last := 0.0
		for _, sample := range series.Values {
			if float64(sample.Value) < last {
				t.Errorf("%s went back from %v to %v", series.Metric, last, sample.Value)
			}
			if last = float64(sample.Value); last > 0 && sample.Timestamp.Before(since) {
				t.Errorf("%s is %v at the baseline", series.Metric, last)
			}
		}
		word := status
		if word == "" {
			word = string(series.Metric["status"])
		}
		if last > 0 {
			grown[word+" "+string(series.Metric["type"])] = last
		}
	}
	return grown
}
