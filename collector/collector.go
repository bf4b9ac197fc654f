// Package collector exports the metrics of instances. Each collector calls one method of the API.
// It has its own file, and an entry in factories. It also has its own poller, so a collector that
// fails or hangs does not affect the others.
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
		newOutgoing(), newState(), newQueue(), newWebhooks(),
		newSettings(), newAccount(), newIncoming(),
	}
}

// factory opens collectors of one kind. All instances share its descriptors.
type factory interface {
	info() Info
	describe(chan<- *prometheus.Desc)
	open(*env) (collector, error)
}

// collector reads one API method of one instance. It is safe for concurrent use.
type collector interface {
	// collect emits the metrics of the latest reading. It waits for a reading until ctx ends.
	collect(ctx context.Context, e emitter) health
	// peek adds the latest reading to the status. It makes no call.
	peek(*Status) health
	// configure applies the configuration of the env to the next call.
	configure()
	// close cancels the call in flight, and saves and closes the ledger. Before reopen, callers may
	// only use waiting.
	close()
	// reopen opens the ledger again after close. The next call waits as if the collector had not
	// been closed.
	reopen() error
	// waiting reports whether it is too early for the next call.
	waiting() bool
}

// health describes the latest call of a collector.
type health struct {
	err      error         // nil if the latest call succeeded
	success  time.Time     // when the latest successful call began; zero before the first
	called   time.Time     // when the latest call began; zero before the first
	took     time.Duration // how long the latest call took
	next     time.Time     // earliest time of the next call if the latest failed; else zero
	inFlight time.Time     // when the call in progress began; zero if there is none
	timedOut bool          // whether the scrape ended before the call
	stats    *requestStats
}

// polled is a collector whose readings have the type T. As a factory it has no poller; open copies
// it for one instance.
type polled[T any] struct {
	Info
	descs descs
	// connect sets interval, poller and, if there is a ledger, openLedger and closeLedger.
	connect func(*polled[T]) error
	// renderCall emits the metrics that do not need a reading. It may be nil.
	renderCall func(e emitter, succeeded bool)
	// render emits the metrics of the latest reading. current reports whether no later call failed.
	// It is not called before the first reading.
	render func(e emitter, reading T, current bool)
	// fillStatus adds the latest reading to the status, with the same arguments.
	fillStatus func(s *Status, reading T, current bool)

	env         *env
	stats       *requestStats
	interval    func() time.Duration // minimum time between two successful calls
	poller      *poll.Poller[T]
	openLedger  func() error // may be nil, as closeLedger
	closeLedger func()
}

func (p *polled[T]) info() Info { return p.Info }

func (p *polled[T]) describe(ch chan<- *prometheus.Desc) { p.descs.describe(ch) }

func (p *polled[T]) open(e *env) (collector, error) {
	c := *p
	c.env, c.stats = e, newRequestStats(e, p.Info)
	return &c, p.connect(&c)
}

func (p *polled[T]) collect(ctx context.Context, e emitter) health {
	latest := p.poller.Get(ctx)
	if p.renderCall != nil {
		p.renderCall(e, latest.Err == nil)
	}
	if !latest.Success.IsZero() {
		p.render(e, latest.Reading, latest.Err == nil)
	}
	return p.health(latest)
}

func (p *polled[T]) peek(s *Status) health {
	latest := p.poller.Peek()
	if !latest.Success.IsZero() {
		p.fillStatus(s, latest.Reading, latest.Err == nil)
	}
	return p.health(latest)
}

func (p *polled[T]) health(o poll.Outcome[T]) health {
	return health{
		o.Err, o.Success, o.Called, o.Took, o.Next, p.poller.InFlight(), o.TimedOut, p.stats,
	}
}

func (p *polled[T]) configure() {
	p.poller.Reconfigure(p.interval(), p.env.config().Timeout(), p.env.requestKey())
}

func (p *polled[T]) close() {
	p.poller.Stop()
	if p.closeLedger != nil {
		p.closeLedger()
	}
}

func (p *polled[T]) reopen() error {
	if p.openLedger != nil {
		if err := p.openLedger(); err != nil {
			return err
		}
	}
	p.poller.Start()
	return nil
}

func (p *polled[T]) waiting() bool { return p.poller.Waiting() }

// periodic connects a collector to an API method that it calls at most once per interval.
func periodic[T any](
	interval time.Duration, call func(*greenapi.Client, context.Context) (T, error),
) func(*polled[T]) error {
	return func(p *polled[T]) error {
		p.interval = func() time.Duration { return interval }
		p.poller = newPoller(p.stats, poll.Options{Interval: interval},
			func(ctx context.Context, _ time.Time) (T, error) {
				return call(p.stats.client(), ctx)
			})
		return nil
	}
}

// descs are the descriptors of a collector.
type descs []*prometheus.Desc

// add returns a new descriptor. Its first label is id_instance.
func (d *descs) add(name, help string, labels ...string) *prometheus.Desc {
	desc := prometheus.NewDesc(name, help, append([]string{"id_instance"}, labels...), nil)
	*d = append(*d, desc)
	return desc
}

func (d descs) describe(ch chan<- *prometheus.Desc) {
	for _, desc := range d {
		ch <- desc
	}
}

// emitter emits the metrics of one instance in one scrape. It is safe for concurrent use.
type emitter struct {
	ch chan<- prometheus.Metric
	config.Instance
}

// gauge emits a gauge. The label values are in the order of the descriptor, without id_instance.
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

// unixSeconds returns t in seconds, with a precision of milliseconds.
func unixSeconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1e3 }
