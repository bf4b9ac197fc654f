// Package fleet manages the instances that the exporter watches. It adds, reconfigures and removes
// them according to the configuration and the Partner API.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/config"
)

// ErrUnknown reports that no instance has the requested id.
var ErrUnknown = errors.New("no such instance is configured")

// Manager holds the watched instances. It is safe for concurrent use.
type Manager struct {
	set       *collector.Set
	resources collector.Resources

	// applyMu serializes ApplyConfig and Close. Lock order: applyMu, mu, the locks of an Instance.
	applyMu sync.Mutex

	// mu guards the fields below. Only draining is modified in place; the other maps and the slice
	// are replaced.
	mu       sync.RWMutex
	all      []*collector.Instance // in the order of the configuration
	byID     map[string]*collector.Instance
	draining map[string]*collector.Instance // removed, but not idle at the latest change
	timeout  time.Duration                  // the maximum of all instances
	hosts    map[string]int                 // number of instances by API host
}

// New returns a Manager without instances.
func New(set *collector.Set, resources collector.Resources) *Manager {
	return &Manager{set: set, resources: resources, draining: make(map[string]*collector.Instance)}
}

// ApplyConfig replaces the watched instances. The ids must be unique. It makes no API call.
//
// An instance that remains retains its ledgers and readings, even if its settings change. A removed
// instance closes in the background after the scrapes in flight. If it is added again before that,
// it retains its ledgers and readings, too. If it is added later, its calls wait as if it had
// remained, because the limits of the API apply to the instance.
//
// If ApplyConfig cannot read a ledger, it omits the instance if that is new, or else the collector.
// It applies the rest and returns an error.
func (m *Manager) ApplyConfig(configs []config.Instance) error {
	m.applyMu.Lock()
	defer m.applyMu.Unlock()
	m.mu.RLock()
	before := len(m.all)
	open := maps.Clone(m.draining)
	maps.Copy(open, m.byID)
	m.mu.RUnlock()

	instances := make([]*collector.Instance, len(configs))
	errs := make([]error, len(configs))
	inParallel(len(configs), func(n int) {
		if instances[n] = open[configs[n].ID()]; instances[n] != nil {
			errs[n] = instances[n].ApplyConfig(configs[n])
		} else {
			instances[n], errs[n] = m.set.NewInstance(configs[n], m.resources)
		}
		if errs[n] != nil {
			errs[n] = fmt.Errorf("instance %s: %w", configs[n].ID(), errs[n])
		}
	})
	instances = slices.DeleteFunc(instances, func(i *collector.Instance) bool { return i == nil })
	added, removed := m.replace(instances)
	if before > 0 && len(added)+len(removed) > 0 {
		logger := log.With(m.resources.Logger,
			"added", joinIDs(added), "gone", joinIDs(removed), "instances", len(instances))
		if len(instances) == 0 {
			level.Warn(logger).Log("msg", "the last instances were removed; no instance is watched")
		} else {
			level.Info(logger).Log("msg", "the set of instances has changed")
		}
	}
	return firstError(errs)
}

// inParallel calls do for each index below n. It runs more calls than there are CPUs, because
// opening and closing instances mostly waits for the disk.
func inParallel(n int, do func(index int)) {
	var group errgroup.Group
	group.SetLimit(4 * runtime.GOMAXPROCS(0))
	for index := range n {
		group.Go(func() error { do(index); return nil })
	}
	_ = group.Wait()
}

// joinIDs returns up to ten ids, and the number of further ids.
func joinIDs(ids []string) string {
	const limit = 10
	slices.Sort(ids)
	if len(ids) > limit {
		return fmt.Sprintf("%s and %d more", strings.Join(ids[:limit], ","), len(ids)-limit)
	}
	return strings.Join(ids, ",")
}

// firstError returns the first error, with the number of further errors, or nil.
func firstError(errs []error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) > 1 {
		return fmt.Errorf("%w (and %d more errors)", errs[0], len(errs)-1)
	}
	return errors.Join(errs...)
}

// replace sets the watched instances and drains the removed ones. It returns the ids of the added
// and removed instances. The caller must hold applyMu.
func (m *Manager) replace(all []*collector.Instance) (added, removed []string) {
	byID := make(map[string]*collector.Instance, len(all))
	hosts := make(map[string]int)
	var timeout time.Duration
	for _, i := range all {
		c := i.Config()
		byID[c.ID()] = i
		hosts[c.URL().Host]++
		timeout = max(timeout, c.Timeout())
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.draining, func(id string, i *collector.Instance) bool {
		return byID[id] != nil || i.Idle()
	})
	for id := range byID {
		if m.byID[id] == nil {
			added = append(added, id)
		}
	}
	for id, i := range m.byID {
		if byID[id] == nil {
			removed = append(removed, id)
			m.draining[id] = i
			i.Drain()
		}
	}
	m.all, m.byID, m.timeout, m.hosts = all, byID, timeout, hosts
	return added, removed
}

// Scrape returns a Collector for one scrape of the instance with the given id, or of all instances
// if id is "". It covers the named collectors, or all if there are no names. The scrape ends with
// ctx. The error is ErrUnknown, or reports a collector that is not enabled.
func (m *Manager) Scrape(
	ctx context.Context, id string, collectors []string,
) (prometheus.Collector, error) {
	m.mu.RLock()
	defer m.mu.RUnlock() // hold mu until the scrape holds its references
	instances := m.all
	if id != "" {
		i := m.byID[id]
		if i == nil {
			return nil, ErrUnknown
		}
		instances = []*collector.Instance{i}
	}
	return m.set.Scrape(ctx, instances, collectors)
}

// Timeout returns the maximum duration of a call for the instance with the given id. If id is "" or
// unknown, it returns the maximum of all instances.
func (m *Manager) Timeout(id string) time.Duration {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if i := m.byID[id]; i != nil {
		return i.Config().Timeout()
	}
	return m.timeout
}

// Host returns the API host of the instance with the given id, and the share of the instances with
// this host, from 0 to 1. If the id is unknown or there is only one host, the host is "".
func (m *Manager) Host(id string) (host string, share float64) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	i := m.byID[id]
	if i == nil || len(m.hosts) == 1 {
		return "", 0
	}
	host = i.Config().URL().Host
	return host, float64(m.hosts[host]) / float64(len(m.all))
}

// instances returns the instances in the order of the configuration.
// Callers must not modify the slice.
func (m *Manager) instances() []*collector.Instance {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.all
}

// Instances returns the configurations of the instances in their order.
func (m *Manager) Instances() []config.Instance {
	var configs []config.Instance
	for _, i := range m.instances() {
		configs = append(configs, i.Config())
	}
	return configs
}

// Statuses returns the status of each instance from its latest readings. It makes no API call and
// does not wait for one.
func (m *Manager) Statuses() []collector.Status {
	instances := m.instances()
	statuses := make([]collector.Status, len(instances))
	for n, i := range instances {
		statuses[n] = i.Status()
	}
	return statuses
}

// Close cancels the calls in flight and saves all ledgers, including those of draining instances.
// The Manager must not be used after Close.
func (m *Manager) Close() {
	m.applyMu.Lock()
	defer m.applyMu.Unlock()
	m.mu.RLock()
	open := slices.AppendSeq(slices.Clone(m.all), maps.Values(m.draining))
	m.mu.RUnlock()
	inParallel(len(open), func(n int) { open[n].Close() })
}
