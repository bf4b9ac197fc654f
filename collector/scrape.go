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

	"github.com/prometheus/client_golang/prometheus"

	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/poll"
)

// Set has the factories of all collectors, and the descriptors of metrics that are not specific to
// one. It is immutable.
type Set struct {
	factories []factory
	descs     descs

	success, failing, duration, lastSuccess, nextCall, requests, expiration, skew *prometheus.Desc
}

// NewSet returns the Set of all collectors.
func NewSet() *Set {
	var d descs
	s := &Set{
		factories: factories(),
		success: d.add("greenapi_collector_success",
			"Whether the collector's latest reading succeeded (1) or not (0).",
			"collector"),
		failing: d.add("greenapi_collector_failing",
			"1 while the collector's latest reading fails, by result; absent while it succeeds.",
			"collector", "result"),
		duration: d.add("greenapi_collector_duration_seconds",
			"Duration of the collector's latest API call. Scrapes share calls.",
			"collector"),
		lastSuccess: d.add("greenapi_collector_last_success_timestamp_seconds",
			"When the collector's latest successful call began, as UNIX time; "+
				"absent before the first.",
			"collector"),
		nextCall: d.add("greenapi_collector_next_call_timestamp_seconds",
			"Earliest time of the collector's next API call if the latest failed, as UNIX time; "+
				"absent otherwise.",
			"collector"),
		requests: d.add("greenapi_api_requests_total",
			"API calls by method and result. docs/metrics.md explains each result and what to do.",
			"method", "result"),
		expiration: d.add("greenapi_instance_expiration_timestamp_seconds",
			"When the instance's subscription ends according to the Partner API, as UNIX time; "+
				"absent if unknown."),
		skew: d.add("greenapi_api_clock_skew_seconds",
			"Date of the latest response minus the local time; absent without a Date."),
	}
	s.descs = d
	return s
}

// Scrape returns a Collector for one scrape of the instances. The Collector waits for readings
// until ctx ends, and can be collected once. If names is not empty, only those collectors run.
// Scrape returns an error if one of them is not enabled for any instance. The collectors stay open
// until the scrape is collected or ctx ends, even if their instance drains in between.
func (s *Set) Scrape(
	ctx context.Context, instances []*Instance, names []string,
) (prometheus.Collector, error) {
	c := &scrape{set: s, ctx: ctx, names: names}
	var releases []func()
	for _, i := range instances {
		collectors, release := i.scrape()
		releases = append(releases, release)
		c.instances = append(c.instances, scrapedInstance{i.Config(), i.env, collectors})
	}
	c.done = sync.OnceFunc(func() {
		for _, release := range releases {
			release()
		}
	})
	if err := c.checkNames(); err != nil {
		c.done()
		return nil, err
	}
	context.AfterFunc(ctx, c.done)
	now := time.Now()
	for _, i := range c.instances {
		i.env.scraped.Store(&now)
	}
	return c, nil
}

type scrape struct {
	set       *Set
	ctx       context.Context
	instances []scrapedInstance
	names     []string // empty for all
	done      func()   // releases the collectors
}

// scrapedInstance is an instance as it was when the scrape began.
type scrapedInstance struct {
	config.Instance
	env        *env
	collectors []*activeCollector
}

func (s *scrape) checkNames() error {
	if len(s.names) == 0 {
		return nil
	}
	var enabled []string
	for _, f := range s.set.factories {
		name := f.info().Name
		collects := func(i scrapedInstance) bool { return i.Collects(name) }
		if slices.ContainsFunc(s.instances, collects) {
			enabled = append(enabled, name)
		}
	}
	for _, name := range s.names {
		if !slices.Contains(enabled, name) {
			return fmt.Errorf("collector %.40q is not enabled; enabled collectors: %s",
				name, cmp.Or(strings.Join(enabled, ", "), "none"))
		}
	}
	return nil
}

// Describe implements prometheus.Collector.
func (s *scrape) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range s.set.factories {
		f.describe(ch)
	}
	s.set.descs.describe(ch)
}

// Collect implements prometheus.Collector. It runs all collectors of all instances concurrently.
func (s *scrape) Collect(ch chan<- prometheus.Metric) {
	defer s.done()
	var all sync.WaitGroup
	for _, instance := range s.instances {
		e := emitter{ch, instance.Instance}
		for _, c := range instance.collectors {
			if s.runs(c) {
				all.Go(func() { s.set.collect(s.ctx, e, c) })
			}
		}
	}
	all.Wait()
	for _, i := range s.instances {
		// Only once, even if several jobs scrape different collectors of the instance.
		if len(i.collectors) > 0 && s.runs(i.collectors[0]) {
			s.set.collectInstance(emitter{ch, i.Instance}, i.env)
		}
	}
}

func (s *scrape) runs(c *activeCollector) bool {
	return len(s.names) == 0 || slices.Contains(s.names, c.Name)
}

// collect runs one collector, and emits the result and the duration of its latest call.
func (s *Set) collect(ctx context.Context, e emitter, c *activeCollector) {
	h := c.collector.collect(ctx, e)
	e.gauge(s.success, boolFloat(h.err == nil), c.Name)
	if h.err != nil && !errors.Is(h.err, poll.ErrInterrupted) {
		e.gauge(s.failing, 1, c.Name, string(greenapi.ResultOf(h.err)))
	}
	if h.took > 0 {
		e.gauge(s.duration, h.took.Seconds(), c.Name)
	}
	if h.timedOut && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		h.stats.logTimeout()
	}
	if !h.success.IsZero() {
		e.gauge(s.lastSuccess, unixSeconds(h.success), c.Name)
	}
	if !h.next.IsZero() {
		e.gauge(s.nextCall, unixSeconds(h.next), c.Name)
	}
	for n, result := range h.stats.results {
		count := float64(h.stats.counts[n].Load())
		e.counter(s.requests, count, h.stats.created, c.Method, string(result))
	}
}

// collectInstance emits the metrics that do not belong to one collector.
func (s *Set) collectInstance(e emitter, instance *env) {
	if at := e.Expires(); !at.IsZero() {
		e.gauge(s.expiration, unixSeconds(at))
	}
	if skew := instance.skew.Load(); skew != nil {
		e.gauge(s.skew, *skew)
	}
}
