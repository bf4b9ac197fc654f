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

// Syncer keeps the instances of a Manager in sync with the configuration and the Partner API.
// It is safe for concurrent use, and is a prometheus.Collector of metrics about itself.
type Syncer struct {
	manager *Manager
	backend *greenapi.Backend
	logger  log.Logger

	instancesDesc, lastSuccessDesc, unwatchedDesc *prometheus.Desc

	// applyMu serializes changes to the instances, and guards closed and cancel.
	// Lock order: applyMu, then mu or the locks of the manager.
	applyMu sync.Mutex
	closed  bool
	cancel  func() // stops polling; nil if the Partner API is not polled
	polling sync.WaitGroup

	// mu guards the fields below. Except for the last two, a writer must hold applyMu, too. mu is
	// not held while instances change, so reads do not wait for that.
	mu          sync.Mutex
	config      *config.Config
	list        greenapi.PartnerList // the latest list that was applied
	unwatched   []config.Unwatched   // instances of list
	heldList    string               // see HeldList
	lastSuccess time.Time            // start of the call that returned list, or zero
	lastAttempt time.Time            // start of the latest call
	failed      failedCall           // the latest one
}

// NewSyncer returns a Syncer for the manager. Only the Syncer may change the manager's instances.
func NewSyncer(manager *Manager, backend *greenapi.Backend, logger log.Logger) *Syncer {
	return &Syncer{
		manager: manager, backend: backend, logger: logger,
		instancesDesc: prometheus.NewDesc("greenapi_exporter_instances",
			"Number of instances that the exporter watches.", nil, nil),
		lastSuccessDesc: prometheus.NewDesc(
			"greenapi_exporter_partner_last_success_timestamp_seconds",
			"UNIX time of the latest list of instances from the Partner API, 0 before the first; "+
				"absent if the Partner API is not used.", nil, nil),
		unwatchedDesc: prometheus.NewDesc("greenapi_exporter_partner_unwatched_instances",
			"Number of instances in the list of the Partner API that the exporter does not watch, "+
				"by reason; absent before the first list.", []string{"reason"}, nil),
	}
}

// ApplyConfig applies a configuration. The latest list of the Partner API remains in use. Polling
// restarts if the host, the token or the timing has changed. The errors are those of
// Manager.ApplyConfig.
func (s *Syncer) ApplyConfig(cfg *config.Config) error {
	s.applyMu.Lock()
	defer s.applyMu.Unlock()
	if s.closed {
		return errors.New("the exporter is shutting down")
	}
	partner := cfg.Partner()
	s.mu.Lock()
	previous := s.config
	s.config = cfg
	if partner == nil {
		s.list, s.lastSuccess, s.heldList = greenapi.PartnerList{}, time.Time{}, ""
	}
	s.mu.Unlock()
	err := s.apply(s.list)
	if s.cancel != nil && partner.SameSource(previous.Partner()) {
		return err
	}
	s.stopPolling()
	if partner != nil {
		ctx, cancel := context.WithCancel(context.Background())
		s.cancel = cancel
		s.polling.Go(func() { s.poll(ctx) })
	}
	return err
}

// apply applies the configured and the listed instances to the manager.
// The caller must hold applyMu.
func (s *Syncer) apply(list greenapi.PartnerList) error {
	instances := s.config.Instances()
	var unwatched []config.Unwatched
	if partner := s.config.Partner(); partner != nil {
		instances, unwatched = partner.Instances(list, instances)
	}
	err := s.manager.ApplyConfig(instances)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unwatched = unwatched
	return err
}

// stopPolling cancels the poller and does not wait for it. The caller must hold applyMu.
func (s *Syncer) stopPolling() {
	if s.cancel != nil {
		s.cancel()
		s.cancel = nil
	}
}

// Targets returns the instances to scrape in the order of the configuration. They are not complete
// before the first list of the Partner API.
func (s *Syncer) Targets() (targets []config.Instance, complete bool) {
	s.mu.Lock()
	complete = s.config != nil && (s.config.Partner() == nil || !s.lastSuccess.IsZero())
	s.mu.Unlock()
	return s.manager.Instances(), complete
}

// Unwatched returns the instances that the Partner API lists but the exporter does not watch, with
// an element for each reason. It returns nil before the first list, and without a Partner API.
func (s *Syncer) Unwatched() []config.Unwatched {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lastSuccess.IsZero() {
		return nil
	}
	return s.unwatched
}

// HeldList describes the latest list of the Partner API if it is not applied, because the next list
// must confirm it. Otherwise it returns an empty string.
func (s *Syncer) HeldList() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.heldList
}

// Close stops polling and waits for the poller. After Close, the instances do not change.
func (s *Syncer) Close() {
	s.applyMu.Lock()
	s.closed = true
	s.stopPolling()
	s.applyMu.Unlock()
	s.polling.Wait()
}

// Describe implements prometheus.Collector.
func (s *Syncer) Describe(ch chan<- *prometheus.Desc) {
	ch <- s.instancesDesc
	ch <- s.lastSuccessDesc
	ch <- s.unwatchedDesc
}

// Collect implements prometheus.Collector.
func (s *Syncer) Collect(ch chan<- prometheus.Metric) {
	instances := float64(len(s.manager.instances()))
	ch <- prometheus.MustNewConstMetric(s.instancesDesc, prometheus.GaugeValue, instances)
	for _, u := range s.Unwatched() {
		ch <- prometheus.MustNewConstMetric(s.unwatchedDesc, prometheus.GaugeValue,
			float64(u.Count), string(u.Reason))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.config == nil || s.config.Partner() == nil {
		return
	}
	timestamp := 0.0
	if !s.lastSuccess.IsZero() {
		timestamp = float64(s.lastSuccess.UnixMilli()) / 1e3
	}
	ch <- prometheus.MustNewConstMetric(s.lastSuccessDesc, prometheus.GaugeValue, timestamp)
}
