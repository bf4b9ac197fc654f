package collector

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/poll"
)

// method is the kind of a method of the API, whose answers are read as Ts.
type method[T any] struct {
	Info
	descs []*metricDesc
	// open returns where the readings of an instance come from.
	open func(*env, *requestStats) (source[T], error)
	// render sends what there is to show.
	render func(emitter, poll.Outcome[T])
	// fillStatus puts what a page for people says of a reading into the status; it is not called before the first. It may be
	// nil.
	fillStatus func(*Status, poll.Outcome[T])
}

// source is where readings come from; configure and close are as those of a collector.
type source[T any] struct {
	*poll.Poller[T]
	configure func(renewed bool)
	close     func()
}

// periodic opens sources of call. Two good calls of an instance begin interval apart at the least.
func periodic[T any](interval time.Duration, call func(*greenapi.Client, context.Context) (T, error)) func(*env, *requestStats) (source[T], error) {
	return func(t *env, c *requestStats) (source[T], error) {
		poller := newPoller(c, poll.Options{Interval: interval}, func(ctx context.Context) (T, error) {
			return call(t.client(), ctx)
		})
		configure := func(renewed bool) { poller.Reconfigure(interval, t.config().Timeout(), renewed) }
		return source[T]{poller, configure, poller.Stop}, nil
	}
}

// renderLatest renders the latest good reading, also when a later one has failed: greenapi_collector_success and
// greenapi_collector_last_success_timestamp_seconds say what it is worth.
func renderLatest[T any](render func(emitter, T)) func(emitter, poll.Outcome[T]) {
	return func(m emitter, latest poll.Outcome[T]) {
		if !latest.Success.IsZero() {
			render(m, latest.Reading)
		}
	}
}

func (m *method[T]) info() Info { return m.Info }

func (m *method[T]) describe(ch chan<- *prometheus.Desc) {
	for _, d := range m.descs {
		ch <- d.Desc
	}
}

func (m *method[T]) bind(t *env, c *requestStats) (collector, error) {
	s, err := m.open(t, c)
	return &bound[T]{m, s}, err
}

// bound is a method of one instance.
type bound[T any] struct {
	*method[T]
	source source[T]
}

func (b *bound[T]) collect(ctx context.Context, m emitter) health {
	latest := b.source.Get(ctx)
	b.render(m, latest)
	return healthOf(latest)
}

func (b *bound[T]) peek(s *Status) health {
	latest := b.source.Peek()
	if b.fillStatus != nil && !latest.Success.IsZero() {
		b.fillStatus(s, latest)
	}
	return healthOf(latest)
}

func healthOf[T any](l poll.Outcome[T]) health {
	return health{l.Err, l.Success, l.Called, l.Took, l.TimedOut}
}

func (b *bound[T]) configure(renewed bool) { b.source.configure(renewed) }

func (b *bound[T]) close() { b.source.close() }

func boolFloat(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// unixSeconds is a time by our clock as it is exposed, good to the millisecond.
func unixSeconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1e3 }
