// Package collector exposes the metrics of an instance. A collector reads one method of the API. Each
// has its own file and a line in factories. Each has its own poller, so a collector that fails or
// hangs does not affect the others.
package collector

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/poll"
)

// Info describes a collector, for flags and documentation.
type Info struct {
	Name    string // the last part of --collector.NAME, and the value of the label collector
	Method  string // the API method that it calls
	Help    string // what it exports, in a few words
	Default bool   // whether it is on by default
}

// All returns every collector.
func All() []Info {
	var all []Info
	for _, f := range factories() {
		all = append(all, f.info())
	}
	return all
}

func factories() []factory {
	return []factory{
		newOutgoing(), newState(), newQueue(), newWebhooks(), newSettings(), newAccount(), newIncoming(),
	}
}

// factory opens one kind of collector. It has the descriptors, which all instances share.
type factory interface {
	info() Info
	describe(chan<- *prometheus.Desc)
	open(*env) (collector, error)
}

// collector reads one API method of one instance. It is safe for concurrent use.
type collector interface {
	// collect gets the latest reading, waiting until ctx ends at most, and emits its metrics.
	collect(ctx context.Context, e emitter) health
	// peek adds the latest reading to the status. It makes no call.
	peek(*Status) health
	// configure applies the configuration of the env to the next call. If invalidate is true,
	// earlier results do not predict the result of that call.
	configure(invalidate bool)
	// close cancels the call in flight and saves what must be kept. The collector must not be
	// used any more.
	close()
}

// health describes the latest reading of a collector.
type health struct {
	err      error         // nil if the latest call succeeded
	success  time.Time     // when the latest successful call began; zero before the first
	called   time.Time     // when the latest call began; zero before the first
	took     time.Duration // how long the latest call took
	timedOut bool          // whether the scrape stopped waiting before the call ended
	stats    *requestStats
}

// polled is a collector whose readings have the type T. As a factory it has no poller; open copies
// it for one instance.
type polled[T any] struct {
	Info
	descs []*prometheus.Desc
	// connect sets interval, poller and, if needed, save.
	connect func(*polled[T]) error
	// render emits the metrics of the latest reading.
	render func(emitter, poll.Outcome[T])
	// fillStatus adds a reading to the status. Not called before the first reading.
	fillStatus func(*Status, poll.Outcome[T])

	env      *env
	stats    *requestStats
	interval func() time.Duration // minimum time between two successful calls
	poller   *poll.Poller[T]
	save     func() // called last by close; may be nil
}

func (p *polled[T]) info() Info { return p.Info }

func (p *polled[T]) describe(ch chan<- *prometheus.Desc) {
	for _, d := range p.descs {
		ch <- d
	}
}

func (p *polled[T]) open(e *env) (collector, error) {
	c := *p
	c.env, c.stats = e, newRequestStats(e, p.Info)
	return &c, p.connect(&c)
}

func (p *polled[T]) collect(ctx context.Context, e emitter) health {
	latest := p.poller.Get(ctx)
	p.render(e, latest)
	return p.health(latest)
}

func (p *polled[T]) peek(s *Status) health {
	latest := p.poller.Peek()
	if !latest.Success.IsZero() {
		p.fillStatus(s, latest)
	}
	return p.health(latest)
}

func (p *polled[T]) health(o poll.Outcome[T]) health {
	return health{o.Err, o.Success, o.Called, o.Took, o.TimedOut, p.stats}
}

func (p *polled[T]) configure(invalidate bool) {
	p.poller.Reconfigure(p.interval(), p.env.config().Timeout(), invalidate)
}

func (p *polled[T]) close() {
	p.poller.Stop()
	if p.save != nil {
		p.save()
	}
}

// periodic connects a collector to an API method that it calls at most once per interval.
func periodic[T any](
	interval time.Duration, call func(*greenapi.Client, context.Context) (T, error),
) func(*polled[T]) error {
	return func(p *polled[T]) error {
		p.interval = func() time.Duration { return interval }
		p.poller = newPoller(p.stats, poll.Options{Interval: interval},
			func(ctx context.Context, _ time.Time) (T, error) { return call(p.env.client(), ctx) })
		return nil
	}
}

// renderLatest renders the latest good reading, even if a later call failed.
// greenapi_collector_success and greenapi_collector_last_success_timestamp_seconds tell how
// current it is.
func renderLatest[T any](render func(emitter, T)) func(emitter, poll.Outcome[T]) {
	return func(e emitter, latest poll.Outcome[T]) {
		if !latest.Success.IsZero() {
			render(e, latest.Reading)
		}
	}
}

// desc describes a metric of an instance. Its first label is id_instance.
func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, append([]string{"id_instance"}, labels...), nil)
}

// emitter emits the metrics of one instance in one scrape. It is safe for concurrent use.
type emitter struct {
	ch chan<- prometheus.Metric
	config.Instance
}

// gauge emits a gauge. The label values are in the order of desc, without id_instance.
func (e emitter) gauge(d *prometheus.Desc, value float64, labels ...string) {
	e.ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, e.values(labels)...)
}

// counter emits a counter that was 0 at created.
func (e emitter) counter(d *prometheus.Desc, value float64, created time.Time, labels ...string) {
	e.ch <- prometheus.MustNewConstMetricWithCreatedTimestamp(
		d, prometheus.CounterValue, value, created, e.values(labels)...)
}

func (e emitter) values(labels []string) []string { return append([]string{e.ID()}, labels...) }

func boolFloat(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// unixSeconds returns t as UNIX seconds, to the millisecond.
func unixSeconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1e3 }
