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

// Syncer keeps a fleet as it is configured: with the instances that are listed and, where that is asked for, those that the
// Partner API lists. It is safe for concurrent use, and a prometheus.Collector of its own metrics.
type Syncer struct {
	fleet   *Manager
	service *greenapi.Backend
	logger  log.Logger

	instancesDesc, lastSuccessDesc *prometheus.Desc

	applyMu sync.Mutex // for one change of the fleet at a time
	closed  bool
	cancel  func() // of who asks the Partner API; nil: nobody does
	polling sync.WaitGroup

	mu               sync.Mutex // for what follows: to read it is not to wait for a change
	config           *config.Config
	partnerInstances []greenapi.PartnerInstance // by the latest good answer of the Partner API
	lastSuccess      time.Time                  // when that was asked for, once it has been taken up; zero before the first
	lastAttempt      time.Time                  // when the latest call began
}

// NewSyncer returns the Roster of a fleet, which has no instance before the first Configure.
func NewSyncer(fleet *Manager, service *greenapi.Backend, logger log.Logger) *Syncer {
	return &Syncer{
		fleet: fleet, service: service, logger: logger,
		instancesDesc: prometheus.NewDesc("greenapi_exporter_instances",
			"Instances that the exporter watches.", nil, nil),
		lastSuccessDesc: prometheus.NewDesc("greenapi_exporter_partner_last_success_timestamp_seconds",
			"When the list of instances was last taken from the Partner API, as UNIX time, 0 before the first time; absent where none is taken from there.", nil, nil),
	}
}

// ApplyConfig changes which instances there are. Those of the Partner API stay as they were listed last, and it is asked in
// the background: at once where it was not asked before, or otherwise, and then every so often. Errors are those of
// Fleet.Apply.
func (r *Syncer) ApplyConfig(to *config.Config) error {
	r.applyMu.Lock()
	defer r.applyMu.Unlock()
	if r.closed {
		return errors.New("the exporter is stopping")
	}
	partner := to.Partner()
	r.mu.Lock()
	before := r.config
	r.config = to
	if partner == nil {
		r.partnerInstances, r.lastSuccess = nil, time.Time{}
	}
	listed := r.partnerInstances
	r.mu.Unlock()
	err := r.apply(to, listed)
	if r.cancel != nil && partner.SameSource(before.Partner()) {
		return err // who asks goes on
	}
	r.stopPolling()
	if partner != nil {
		ctx, cancel := context.WithCancel(context.Background())
		r.cancel = cancel
		r.polling.Go(func() { r.run(ctx) })
	}
	return err
}

// apply makes the fleet what is configured and listed. The lock for changes is held.
func (r *Syncer) apply(configured *config.Config, listed []greenapi.PartnerInstance) error {
	instances := configured.Instances()
	if partner := configured.Partner(); partner != nil {
		instances = partner.Instances(listed, instances)
	}
	return r.fleet.ApplyConfig(instances)
}

// stopPolling has who asks change nothing any more. The lock for changes is held.
func (r *Syncer) stopPolling() {
	if r.cancel != nil {
		r.cancel()
	}
	r.cancel = nil
}

// Targets are the instances to be scraped, in the order of the configuration; complete is whether all are known, since the
// Partner API has answered where it is to be asked.
func (r *Syncer) Targets() (targets []config.Instance, complete bool) {
	r.mu.Lock()
	waiting := r.config == nil || r.config.Partner() != nil && r.lastSuccess.IsZero()
	r.mu.Unlock()
	return r.fleet.Instances(), !waiting
}

// Close ends the asking. The fleet stays as it is, and is not changed any more.
func (r *Syncer) Close() {
	r.applyMu.Lock()
	r.closed = true
	r.stopPolling()
	r.applyMu.Unlock()
	r.polling.Wait()
}

// Describe implements prometheus.Collector.
func (r *Syncer) Describe(ch chan<- *prometheus.Desc) {
	ch <- r.instancesDesc
	ch <- r.lastSuccessDesc
}

// Collect implements prometheus.Collector.
func (r *Syncer) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.MustNewConstMetric(r.instancesDesc, prometheus.GaugeValue, float64(len(r.fleet.instances())))
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.config == nil || r.config.Partner() == nil {
		return
	}
	at := 0.0
	if !r.lastSuccess.IsZero() {
		at = float64(r.lastSuccess.UnixMilli()) / 1e3
	}
	ch <- prometheus.MustNewConstMetric(r.lastSuccessDesc, prometheus.GaugeValue, at)
}
