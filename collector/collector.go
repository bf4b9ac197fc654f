// Package collector is what the exporter exposes of an instance. A collector is one method of the API: how its answer
// is read, and how the reading becomes metrics; each has a file of its own and a line in kinds. What they have in
// common is here and in method.go: each has its own poller, so that one which fails or hangs costs the others nothing,
// and for each the same metrics say how it fares.
package collector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"greenapi_exporter/config"
	"greenapi_exporter/greenapi"
	"greenapi_exporter/ledger"
	"greenapi_exporter/poll"
)

// Info tells what a collector is, for flags and documentation.
type Info struct {
	Name    string // the last part of --collector.NAME, and the value of the label
	Method  string // the method of the API that it calls
	Help    string // what it shows, in a few words
	Default bool   // whether it is on unless switched off
}

// All returns the collectors there are.
func All() []Info {
	var all []Info
	for _, k := range kinds() {
		all = append(all, k.info())
	}
	return all
}

func kinds() []kind {
	return []kind{newOutgoing(), newState(), newQueue(), newWebhooks(), newSettings(), newAccount(), newIncoming()}
}

// kind is a collector for all instances, with its descriptors: a method[T], whatever its T.
type kind interface {
	info() Info
	describe(chan<- *prometheus.Desc)
	bind(Target, *calls) (collector, error)
}

// collector is a kind at work for one instance. It is safe for concurrent use.
type collector interface {
	// collect waits for the latest reading, no longer than ctx, and sends what there is to show.
	collect(ctx context.Context, m metrics) health
	// peek tells of the latest reading without a call.
	peek(*Status) health
	// close ends the call that runs, and puts on file what is to be kept. Nothing is collected after it.
	close()
}

// health is how a collector fared.
type health struct {
	err     error         // nil if what is shown is the latest reading
	success time.Time     // when the last good call began; zero before the first
	called  time.Time     // when the latest call began; zero before the first
	took    time.Duration // how long it took
	gaveUp  bool          // whether this scrape could not wait for the latest reading
}

// Target is an instance as collectors see it.
type Target struct {
	config.Instance
	Client  *greenapi.Client
	Storage *ledger.Storage
	Logger  log.Logger
}

// Set is the collectors that are switched on, with all descriptors built once. It is immutable.
type Set struct {
	kinds       []kind
	success     *prometheus.Desc
	failing     *prometheus.Desc
	duration    *prometheus.Desc
	lastSuccess *prometheus.Desc
	requests    *prometheus.Desc
}

// NewSet returns the collectors for which enabled is true.
func NewSet(enabled func(name string) bool) *Set {
	s := &Set{
		success: desc("greenapi_collector_success",
			"Whether the collector's latest reading succeeded (1) or not (0).",
			"collector"),
		failing: desc("greenapi_collector_failing",
			"1 while the collector's latest reading is a failure, by its result; absent while it succeeds.",
			"collector", "result"),
		duration: desc("greenapi_collector_duration_seconds",
			"How long the collector's latest call of the API took; calls are shared by scrapes and spaced.",
			"collector"),
		lastSuccess: desc("greenapi_collector_last_success_timestamp_seconds",
			"When the API was last read with success, as UNIX time; absent before the first success.",
			"collector"),
		requests: desc("greenapi_api_requests_total",
			"Calls of the API by method and result; the README says what each result means and what to do.",
			"method", "result"),
	}
	for _, k := range kinds() {
		if enabled(k.info().Name) {
			s.kinds = append(s.kinds, k)
		}
	}
	return s
}

// Instance is the collectors of a Set at work for one instance, with what they remember. It is safe for concurrent use.
type Instance struct {
	config.Instance
	parts []part
}

// part is one of its collectors.
type part struct {
	Info
	collector collector
	calls     *calls
}

// Bind puts the collectors to work for an instance. No call is made before the first scrape. It is an error if what an
// earlier run has kept of the instance is there but cannot be read.
func (s *Set) Bind(target Target) (*Instance, error) {
	i := &Instance{Instance: target.Instance}
	for _, k := range s.kinds {
		calls := newCalls(target, k.info())
		c, err := k.bind(target, calls)
		if err != nil {
			i.Close()
			return nil, err
		}
		i.parts = append(i.parts, part{k.info(), c, calls})
	}
	return i, nil
}

// Close ends the calls that run and puts on file what is to be kept. The Instance is not to be scraped any more.
func (i *Instance) Close() {
	for _, p := range i.parts {
		p.collector.close()
	}
}

// Scrape returns a Collector of the instances for one scrape, which lasts no longer than ctx: of the collectors that are
// named, or of all if none is. It is an error, which says what to do, to name one that is not switched on.
func (s *Set) Scrape(ctx context.Context, instances []*Instance, names []string) (prometheus.Collector, error) {
	for _, name := range names {
		if !slices.Contains(s.Names(), name) {
			return nil, fmt.Errorf("there is no collector %.40q switched on; these are: %s", name, cmp.Or(strings.Join(s.Names(), ", "), "none"))
		}
	}
	return &scrape{set: s, ctx: ctx, instances: instances, names: names}, nil
}

// Names are those of the collectors that are switched on.
func (s *Set) Names() []string {
	var names []string
	for _, k := range s.kinds {
		names = append(names, k.info().Name)
	}
	return names
}

type scrape struct {
	set       *Set
	ctx       context.Context
	instances []*Instance
	names     []string // empty: all
}

// Describe implements prometheus.Collector.
func (s *scrape) Describe(ch chan<- *prometheus.Desc) {
	for _, k := range s.set.kinds {
		k.describe(ch)
	}
	ch <- s.set.success
	ch <- s.set.failing
	ch <- s.set.duration
	ch <- s.set.lastSuccess
	ch <- s.set.requests
}

// Collect implements prometheus.Collector. All collectors of all instances are read side by side.
func (s *scrape) Collect(ch chan<- prometheus.Metric) {
	var all sync.WaitGroup
	for _, instance := range s.instances {
		m := metrics{ch, instance.Instance}
		for _, p := range instance.parts {
			if len(s.names) == 0 || slices.Contains(s.names, p.Name) {
				all.Go(func() { s.set.collect(s.ctx, m, p) })
			}
		}
	}
	all.Wait()
}

// collect has one collector show what it has, and then says how it fared.
func (s *Set) collect(ctx context.Context, m metrics, p part) {
	h := p.collector.collect(ctx, m)
	m.gauge(s.success, oneIf(h.err == nil), p.Name)
	if h.err != nil && !errors.Is(h.err, poll.ErrUnfinished) {
		m.gauge(s.failing, 1, p.Name, string(greenapi.ResultOf(h.err)))
	}
	if h.took > 0 {
		m.gauge(s.duration, h.took.Seconds(), p.Name)
	}
	if h.gaveUp && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		p.calls.gaveUp()
	}
	if !h.success.IsZero() {
		m.gauge(s.lastSuccess, unix(h.success), p.Name)
	}
	for result, n := range p.calls.counts() {
		m.counter(s.requests, float64(n), p.calls.created, p.Method, string(result))
	}
}
