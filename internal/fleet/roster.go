package fleet

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/greenapi"
)

// Roster keeps a fleet as it is configured: with the instances that are listed and, where that is asked for, those that the
// Partner API lists. It is safe for concurrent use, and a prometheus.Collector of its own metrics.
type Roster struct {
	fleet   *Fleet
	service *greenapi.Service
	logger  log.Logger

	instances, lastSuccess *prometheus.Desc

	changing sync.Mutex // for one change of the fleet at a time
	closed   bool
	cancel   func() // of who asks the Partner API; nil: nobody does
	asking   sync.WaitGroup

	mu      sync.Mutex // for what follows: to read it is not to wait for a change
	config  *config.Config
	listed  []greenapi.PartnerInstance // by the latest good answer of the Partner API
	success time.Time                  // when that was asked for, once it has been taken up; zero before the first
	asked   time.Time                  // when the latest call began
}

// NewRoster returns the Roster of a fleet, which has no instance before the first Configure.
func NewRoster(fleet *Fleet, service *greenapi.Service, logger log.Logger) *Roster {
	return &Roster{
		fleet: fleet, service: service, logger: logger,
		instances: prometheus.NewDesc("greenapi_exporter_instances",
			"Instances that the exporter watches.", nil, nil),
		lastSuccess: prometheus.NewDesc("greenapi_exporter_partner_last_success_timestamp_seconds",
			"When the list of instances was last taken from the Partner API, as UNIX time, 0 before the first time; absent where none is taken from there.", nil, nil),
	}
}

// Configure changes which instances there are. Those of the Partner API stay as they were listed last, and it is asked in
// the background: at once where it was not asked before, or otherwise, and then every so often. Errors are those of
// Fleet.Apply.
func (r *Roster) Configure(to *config.Config) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	if r.closed {
		return errors.New("the exporter is stopping")
	}
	partner := to.Partner()
	r.mu.Lock()
	before := r.config
	r.config = to
	if partner == nil {
		r.listed, r.success = nil, time.Time{}
	}
	listed := r.listed
	r.mu.Unlock()
	err := r.apply(to, listed)
	if r.cancel != nil && partner.AsksLike(before.Partner()) {
		return err // who asks goes on
	}
	r.stopAsking()
	if partner != nil {
		ctx, cancel := context.WithCancel(context.Background())
		r.cancel = cancel
		r.asking.Go(func() { r.ask(ctx) })
	}
	return err
}

// apply makes the fleet what is configured and listed. The lock for changes is held.
func (r *Roster) apply(configured *config.Config, listed []greenapi.PartnerInstance) error {
	instances := configured.Instances()
	if partner := configured.Partner(); partner != nil {
		instances = partner.Instances(listed, instances)
	}
	return r.fleet.Apply(instances)
}

// stopAsking has who asks change nothing any more. The lock for changes is held.
func (r *Roster) stopAsking() {
	if r.cancel != nil {
		r.cancel()
	}
	r.cancel = nil
}

// Targets are the instances to be scraped, in the order of the configuration; complete is whether all are known, since the
// Partner API has answered where it is to be asked.
func (r *Roster) Targets() (targets []config.Instance, complete bool) {
	r.mu.Lock()
	waiting := r.config == nil || r.config.Partner() != nil && r.success.IsZero()
	r.mu.Unlock()
	return r.fleet.Instances(), !waiting
}

// Close ends the asking. The fleet stays as it is, and is not changed any more.
func (r *Roster) Close() {
	r.changing.Lock()
	r.closed = true
	r.stopAsking()
	r.changing.Unlock()
	r.asking.Wait()
}

// Describe implements prometheus.Collector.
func (r *Roster) Describe(ch chan<- *prometheus.Desc) {
	ch <- r.instances
	ch <- r.lastSuccess
}

// Collect implements prometheus.Collector.
func (r *Roster) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.MustNewConstMetric(r.instances, prometheus.GaugeValue, float64(len(r.fleet.instances())))
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.config == nil || r.config.Partner() == nil {
		return
	}
	at := 0.0
	if !r.success.IsZero() {
		at = float64(r.success.UnixMilli()) / 1e3
	}
	ch <- prometheus.MustNewConstMetric(r.lastSuccess, prometheus.GaugeValue, at)
}
