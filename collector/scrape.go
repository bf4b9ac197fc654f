package collector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/poll"
)

// Scrape is one scrape of some instances. It is served as a Gatherer; as a Collector a registry can look at what it shows.
type Scrape interface {
	prometheus.Collector
	prometheus.Gatherer
}

// Scrape returns one scrape of the instances, which lasts no longer than ctx: of the collectors that are
// named, or of all if none is. What is scraped stays at work until it has been collected or ctx ends, even where an
// instance is closed meanwhile. It is an error, which says what to do, to name a collector that no instance has.
func (s *Set) Scrape(ctx context.Context, instances []*Instance, names []string) (Scrape, error) {
	c := &scrape{set: s, ctx: ctx, names: names}
	var leaves []func()
	for _, i := range instances {
		parts, leave := i.scrape()
		leaves = append(leaves, leave)
		c.instances = append(c.instances, scraped{i.Config(), parts})
	}
	c.leave = sync.OnceFunc(func() {
		for _, leave := range leaves {
			leave()
		}
	})
	if err := c.check(); err != nil {
		c.leave()
		return nil, err
	}
	context.AfterFunc(ctx, c.leave)
	return c, nil
}

type scrape struct {
	set       *Set
	ctx       context.Context
	instances []scraped
	names     []string // empty: all
	leave     func()
}

// scraped is an instance as a scrape meets it.
type scraped struct {
	config.Instance
	parts []*activeCollector
}

// check tells of a name that is none of a collector that some instance has.
func (s *scrape) check() error {
	if len(s.names) == 0 {
		return nil
	}
	var on []string
	for _, k := range s.set.kinds {
		name := k.info().Name
		if slices.ContainsFunc(s.instances, func(i scraped) bool { return i.Collects(name) }) {
			on = append(on, name)
		}
	}
	for _, name := range s.names {
		if !slices.Contains(on, name) {
			return fmt.Errorf("there is no collector %.40q switched on; these are: %s", name, cmp.Or(strings.Join(on, ", "), "none"))
		}
	}
	return nil
}

// Describe implements prometheus.Collector.
func (s *scrape) Describe(ch chan<- *prometheus.Desc) {
	for _, k := range s.set.kinds {
		k.describe(ch)
	}
	ch <- s.set.success.Desc
	ch <- s.set.failing.Desc
	ch <- s.set.duration.Desc
	ch <- s.set.lastSuccess.Desc
	ch <- s.set.requests.Desc
	ch <- s.set.expiration.Desc
}

// Collect implements prometheus.Collector. All collectors of all instances are read side by side.
func (s *scrape) Collect(ch chan<- prometheus.Metric) {
	defer s.leave()
	var all sync.WaitGroup
	for _, instance := range s.instances {
		m := emitter{ch, instance.Instance}
		for n, p := range instance.parts {
			if len(s.names) > 0 && !slices.Contains(s.names, p.Name) {
				continue
			}
			all.Go(func() { s.set.collect(s.ctx, m, p) })
			if n == 0 { // so that of several jobs that have no collector in common one has it
				s.set.collectExpiration(m)
			}
		}
	}
	all.Wait()
}

// Gather implements prometheus.Gatherer. It makes of what Collect sends what a prometheus.Registry does, but does not look
// whether each series is well formed and there only once, which takes a quarter of the time. That follows from how they are
// made, and the tests have a registry look.
func (s *scrape) Gather() ([]*dto.MetricFamily, error) {
	ch := make(chan prometheus.Metric, 1000)
	go func() {
		defer close(ch)
		s.Collect(ch)
	}()
	series := make(map[*metricDesc][]*dto.Metric)
	for sent := range ch {
		m := sent.(*metric)
		series[m.family] = append(series[m.family], &m.dto)
	}
	var families []*dto.MetricFamily
	for f, all := range series {
		families = append(families, f.of(all))
	}
	slices.SortFunc(families, func(a, b *dto.MetricFamily) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return families, nil
}

// collect has one collector show what it has, and then says how it fared.
func (s *Set) collect(ctx context.Context, m emitter, p *activeCollector) {
	h := p.collector.collect(ctx, m)
	m.gauge(s.success, boolFloat(h.err == nil), p.Name)
	if h.err != nil && !errors.Is(h.err, poll.ErrInterrupted) {
		m.gauge(s.failing, 1, p.Name, string(greenapi.ResultOf(h.err)))
	}
	if h.took > 0 {
		m.gauge(s.duration, h.took.Seconds(), p.Name)
	}
	if h.gaveUp && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		p.calls.logTimeout()
	}
	if !h.success.IsZero() {
		m.gauge(s.lastSuccess, unixSeconds(h.success), p.Name)
	}
	for result, n := range p.calls.byResult() {
		m.counter(s.requests, float64(n), p.calls.created, p.Method, string(result))
	}
}

func (s *Set) collectExpiration(m emitter) {
	if at := m.Expires(); !at.IsZero() {
		m.gauge(s.expiration, unixSeconds(at))
	}
}
