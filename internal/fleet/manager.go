// Package fleet is the instances that the exporter watches: each with its collectors and ledgers, and who comes and goes.
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
	"golang.org/x/sync/errgroup"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/config"
)

// ErrUnknown is that there is no instance of an id.
var ErrUnknown = errors.New("no such instance is configured")

// Manager is a set of instances, each with collectors of its own that remember what they have read. It is safe for
// concurrent use.
type Manager struct {
	set       *collector.Set
	resources collector.Resources

	applyMu sync.Mutex // one change at a time

	mu       sync.RWMutex
	all      []*collector.Instance // in the order of the configuration
	byID     map[string]*collector.Instance
	draining map[string]*collector.Instance // those that have gone and had not ended when the fleet last changed
	timeout  time.Duration                  // the longest of all
	hosts    map[string]int                 // how many of them each API host has
}

// New returns a fleet without instances.
func New(set *collector.Set, resources collector.Resources) *Manager {
	return &Manager{set: set, resources: resources, draining: make(map[string]*collector.Instance)}
}

// parallelism is how many instances are opened or closed side by side, which is the disk's work more than ours.
func parallelism() int { return 4 * runtime.GOMAXPROCS(0) }

// ApplyConfig makes the instances, each of which has an id of its own, the fleet. Those that stay keep their ledgers and readings,
// however their settings change. Those that go are seen by no further scrape; when the scrapes in flight have ended,
// what they have counted is on file and they are let go, in the background. No call is made before the first scrape. An
// instance whose ledger is there but cannot be read is left out, or lacks that collector if it stays; the error then
// says so of each, and all others are as told.
func (f *Manager) ApplyConfig(instances []config.Instance) error {
	f.applyMu.Lock()
	defer f.applyMu.Unlock()
	f.mu.RLock()
	known := maps.Clone(f.draining)
	maps.Copy(known, f.byID)
	before := len(f.byID)
	f.mu.RUnlock()

	bound := make([]*collector.Instance, len(instances))
	errs := make([]error, len(instances))
	var group errgroup.Group
	group.SetLimit(parallelism())
	for n, config := range instances {
		group.Go(func() error {
			if bound[n], errs[n] = f.openOrUpdate(known[config.ID()], config); errs[n] != nil {
				errs[n] = fmt.Errorf("instance %s: %w", config.ID(), errs[n])
			}
			return nil
		})
	}
	_ = group.Wait()
	bound = slices.DeleteFunc(bound, func(i *collector.Instance) bool { return i == nil })
	added, gone := f.replace(bound)
	if before > 0 && len(added)+len(gone) > 0 {
		logger := log.With(f.resources.Logger, "added", joinIDs(added), "gone", joinIDs(gone), "instances", len(bound))
		if len(bound) == 0 {
			level.Warn(logger).Log("msg", "the last instances have gone, and nothing is watched any more")
		} else {
			level.Info(logger).Log("msg", "instances have come or gone")
		}
	}
	return firstError(errs)
}

// joinIDs names a few of the ids, and says how many there are if these are not all.
func joinIDs(ids []string) string {
	const few = 10
	slices.Sort(ids)
	if len(ids) > few {
		return fmt.Sprintf("%s and %d more", strings.Join(ids[:few], ","), len(ids)-few)
	}
	return strings.Join(ids, ",")
}

// firstError is the first of the errors and how many more there are, or nil.
func firstError(errs []error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return errs[0]
	default:
		return fmt.Errorf("%w; and %d more like this", errs[0], len(errs)-1)
	}
}

// openOrUpdate puts an instance to work, or configures the one that is known anew.
func (f *Manager) openOrUpdate(known *collector.Instance, to config.Instance) (*collector.Instance, error) {
	if known == nil {
		return f.set.NewInstance(to, f.resources)
	}
	return known, known.ApplyConfig(to)
}

// replace makes these the fleet, and lets go of the others. It returns the ids of those that are new and of those that have gone.
func (f *Manager) replace(all []*collector.Instance) (added, gone []string) {
	byID := make(map[string]*collector.Instance, len(all))
	hosts := make(map[string]int)
	timeout := time.Duration(0)
	for _, i := range all {
		c := i.Config()
		byID[c.ID()] = i
		hosts[c.URL().Host]++
		timeout = max(timeout, c.Timeout())
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.draining, func(id string, i *collector.Instance) bool { return byID[id] != nil || i.Idle() })
	for id := range byID {
		if f.byID[id] == nil {
			added = append(added, id)
		}
	}
	for id, i := range f.byID {
		if byID[id] == nil {
			gone = append(gone, id)
			f.draining[id] = i
			i.Drain()
		}
	}
	f.all, f.byID, f.timeout, f.hosts = all, byID, timeout, hosts
	return added, gone
}

// Scrape returns one scrape, which lasts no longer than ctx, of the instance of that id, or of all for "":
// of the collectors that are named, or of all if none is. The error is ErrUnknown, or says what to do where a collector is
// named that is not switched on.
func (f *Manager) Scrape(ctx context.Context, id string, collectors []string) (collector.Scrape, error) {
	f.mu.RLock()
	defer f.mu.RUnlock() // not before the scrape has begun, so that nobody goes between
	scraped := f.all
	if id != "" {
		i := f.byID[id]
		if i == nil {
			return nil, ErrUnknown
		}
		scraped = []*collector.Instance{i}
	}
	return f.set.Scrape(ctx, scraped, collectors)
}

// Timeout is the longest that a call for the instance of that id may take, or for any for "".
func (f *Manager) Timeout(id string) time.Duration {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if i := f.byID[id]; i != nil {
		return i.Config().Timeout()
	}
	return f.timeout
}

// Host is that of the API for the instance of that id, and its share of all instances, from 0 to 1. It is empty where there
// is no such instance, and where all have the same host.
func (f *Manager) Host(id string) (host string, share float64) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	i := f.byID[id]
	if i == nil || len(f.hosts) == 1 {
		return "", 0
	}
	host = i.Config().URL().Host
	return host, float64(f.hosts[host]) / float64(len(f.all))
}

// instances are those of the fleet, in the order of the configuration. They are not to be changed.
func (f *Manager) instances() []*collector.Instance {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.all
}

// Instances are how those of the fleet are configured, in the order of the configuration.
func (f *Manager) Instances() []config.Instance {
	var all []config.Instance
	for _, i := range f.instances() {
		all = append(all, i.Config())
	}
	return all
}

// Statuses tells how each instance stands by its latest readings. It makes no call and waits for none.
func (f *Manager) Statuses() []collector.Status {
	instances := f.instances()
	statuses := make([]collector.Status, len(instances))
	for n, i := range instances {
		statuses[n] = i.Status()
	}
	return statuses
}

// Close ends the calls that run and puts on file what is to be kept. The Fleet is not to be used any more.
func (f *Manager) Close() {
	f.applyMu.Lock()
	defer f.applyMu.Unlock()
	f.mu.RLock()
	all := append(slices.Collect(maps.Values(f.draining)), f.all...)
	f.mu.RUnlock()
	var group errgroup.Group
	group.SetLimit(parallelism())
	for _, i := range all {
		group.Go(func() error {
			i.Close()
			return nil
		})
	}
	_ = group.Wait()
}
