package collector

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"

	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
	"greenapi_exporter/internal/poll"
)

// Resources are what the collectors of all instances share.
type Resources struct {
	Backend *greenapi.Backend
	Storage *ledger.Storage
	Logger  log.Logger
}

// env is what the collectors of one instance share. Its configuration can change at any time.
type env struct {
	Resources
	current atomic.Pointer[config.Instance]
	opened  time.Time                 // when the exporter began to watch the instance
	scraped atomic.Pointer[time.Time] // when the latest scrape began; nil before the first
	skew    atomic.Pointer[float64]   // of the API's clock in the latest response; nil if unknown
	clocks  skewMonitor

	suggestedTiers atomic.Bool // whether the log has suggested tiers
}

func (e *env) config() config.Instance { return *e.current.Load() }

// setSkew stores the API's time minus the local time, or nothing if date is zero. Both are in whole
// seconds, because a Date is.
func (e *env) setSkew(date, now time.Time) {
	if date.IsZero() {
		e.skew.Store(nil)
		return
	}
	e.skew.Store(new(float64(date.Unix() - now.Unix())))
	e.clocks.observe(date.Sub(now.Truncate(time.Second)), e.logger())
}

// logger returns a logger that names the instance.
func (e *env) logger() log.Logger { return log.With(e.Logger, "id_instance", e.config().ID()) }

// requestKey identifies calls by host and token, and by their minutes.
func (e *env) requestKey() poll.Key {
	now := e.config()
	return poll.Key{
		Account: now.Token().Token().Fingerprint(now.URL().String()),
		Request: fmt.Sprint(now.Minutes()),
	}
}

// Instance has the collectors of one instance, with their readings. It is safe for concurrent use.
type Instance struct {
	set *Set
	env *env

	// applyMu serializes ApplyConfig, Drain and Close. Lock order: applyMu, then mu.
	applyMu sync.Mutex

	// mu guards the fields below, and refs of each collector.
	mu      sync.Mutex
	enabled []*activeCollector          // in the order of the set
	open    map[string]*activeCollector // by name; includes disabled ones that are not closed yet
	known   map[string]collector        // by name: open, or closed; so it knows its latest call
}

// activeCollector is an open collector of one instance.
type activeCollector struct {
	Info
	collector collector
	close     func() // closes collector once; each call waits until it is closed

	// refs counts the scrapes in flight, and one more while the collector is enabled. At 0 the
	// collector closes and cannot be used again.
	refs int
}

// NewInstance returns an instance with its enabled collectors. They make no call before the first
// scrape. It returns an error if it cannot load a ledger of the instance.
func (s *Set) NewInstance(instance config.Instance, resources Resources) (*Instance, error) {
	i := &Instance{
		set: s, env: &env{Resources: resources, opened: time.Now()},
		open: make(map[string]*activeCollector), known: make(map[string]collector),
	}
	if err := i.ApplyConfig(instance); err != nil {
		i.Close()
		return nil, err
	}
	return i, nil
}

// Config returns the configuration of the instance.
func (i *Instance) Config() config.Instance { return i.env.config() }

// ApplyConfig changes the configuration for the next calls. The id must not change. A collector
// that remains enabled retains its readings and counters. A disabled collector closes in the
// background after the scrapes in flight. If it is enabled again before that, it continues. If it
// is enabled later, the pause does not make its next call earlier. If collectors cannot be opened,
// ApplyConfig applies the configuration to all others and returns an error.
func (i *Instance) ApplyConfig(to config.Instance) error {
	i.applyMu.Lock()
	defer i.applyMu.Unlock()
	i.env.current.Store(&to)
	var enabled []*activeCollector
	var errs []error
	for _, f := range i.set.factories {
		if !to.Collects(f.info().Name) {
			continue
		}
		c, err := i.acquire(f)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		enabled = append(enabled, c)
	}
	i.replace(enabled)
	return errors.Join(errs...)
}

// acquire returns the open collector of f with the current configuration, or opens it. The caller
// owns a reference to it, and must hold applyMu.
func (i *Instance) acquire(f factory) (*activeCollector, error) {
	i.mu.Lock()
	c, known := i.open[f.info().Name], i.known[f.info().Name]
	closing := c != nil && c.refs == 0
	if c != nil && !closing {
		c.refs++
	}
	i.mu.Unlock()
	if closing {
		c.close() // waits until the ledger is saved, because only one ledger may use its file
	} else if c != nil {
		c.collector.configure()
		return c, nil
	}
	var err error
	if known != nil {
		known.configure()
		err = known.reopen()
	} else {
		known, err = f.open(i.env)
	}
	if err != nil {
		return nil, err
	}
	c = &activeCollector{
		Info: f.info(), collector: known, close: sync.OnceFunc(known.close), refs: 1,
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.open[c.Name], i.known[c.Name] = c, known
	return c, nil
}

// replace enables these collectors in place of the previous ones, and owns their references. The
// caller must hold applyMu.
func (i *Instance) replace(enabled []*activeCollector) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.release(i.enabled)
	i.enabled = enabled
}

// release drops a reference to each collector. It closes collectors without references in the
// background. The caller must hold mu.
func (i *Instance) release(collectors []*activeCollector) {
	for _, c := range collectors {
		if c.refs--; c.refs > 0 {
			continue
		}
		go func() {
			c.close()
			i.mu.Lock()
			defer i.mu.Unlock()
			if i.open[c.Name] == c {
				delete(i.open, c.Name)
			}
		}()
	}
}

// scrape returns the enabled collectors. They stay open until the caller calls done, once.
func (i *Instance) scrape() (collectors []*activeCollector, done func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	collectors = i.enabled
	for _, c := range collectors {
		c.refs++
	}
	return collectors, func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.release(collectors)
	}
}

// Drain disables all collectors. They close in the background after the scrapes in flight, and
// save their ledgers. A later ApplyConfig enables them again.
func (i *Instance) Drain() {
	i.applyMu.Lock()
	defer i.applyMu.Unlock()
	i.replace(nil)
}

// Idle reports whether no collector is open, and the next calls need not wait for earlier ones. A
// new Instance can then replace this one.
func (i *Instance) Idle() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, c := range i.known {
		if c.waiting() {
			return false
		}
	}
	return len(i.open) == 0
}

// Close cancels the calls in flight, closes all collectors and saves their ledgers. It does not
// wait for scrapes. The Instance must not be used after Close.
func (i *Instance) Close() {
	i.applyMu.Lock()
	defer i.applyMu.Unlock()
	i.replace(nil)
	i.mu.Lock()
	open := slices.Collect(maps.Values(i.open))
	i.mu.Unlock()
	for _, c := range open {
		c.close()
	}
}
