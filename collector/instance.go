package collector

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/go-kit/log"

	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
)

// Resources is what the collectors of all instances share.
type Resources struct {
	Service *greenapi.Backend
	Storage *ledger.Storage
	Logger  log.Logger
}

// env is an instance as its collectors see it: as it is configured now.
type env struct {
	Resources
	current atomic.Pointer[config.Instance]
}

func (t *env) config() config.Instance { return *t.current.Load() }

// client calls the API as is configured now.
func (t *env) client() *greenapi.Client {
	now := t.config()
	return greenapi.NewClient(t.Service, now.URL(), now.ID(), now.Token())
}

// asking stands for what calls ask for, of whom and with which token: where it has changed, what the last one found says
// nothing of the next.
func (t *env) requestKey() string {
	now := t.config()
	return now.Token().Token().Fingerprint(fmt.Sprint(now.URL(), " ", now.Minutes()))
}

// Instance is the collectors at work for one instance, with what they remember. It is safe for concurrent use.
type Instance struct {
	set    *Set
	target *env

	changing       sync.Mutex // for one change at a time
	lastRequestKey string     // of the target, when it was last changed

	mu       sync.Mutex
	parts    []*activeCollector          // in the order of the set
	draining map[string]*activeCollector // by name: those switched off that have not ended yet
}

// activeCollector is one of its collectors.
type activeCollector struct {
	Info
	collector collector
	calls     *requestStats

	scrapes int           // in flight
	ending  bool          // whether it is past being taken back
	close   func()        // ends it; any number may call it, and each returns when it has ended
	closed  chan struct{} // by then
}

// NewInstance puts the collectors that an instance has switched on to work. No call is made before the first scrape. It is an
// error if what an earlier run has kept of the instance is there but cannot be read.
func (s *Set) NewInstance(instance config.Instance, resources Resources) (*Instance, error) {
	i := &Instance{set: s, target: &env{Resources: resources}, draining: make(map[string]*activeCollector)}
	if err := i.ApplyConfig(instance); err != nil {
		i.Close()
		return nil, err
	}
	return i, nil
}

// Config is how the instance is configured.
func (i *Instance) Config() config.Instance { return i.target.config() }

// ApplyConfig changes how the instance is read, from the next calls on; its id stays. Collectors that stay on keep what they
// have read and counted. One that is switched off ends in the background, when the scrapes in flight have; switched on
// again before, it goes on as if nothing had been. An error is that of a collector that cannot be switched on; all else is then
// as told.
func (i *Instance) ApplyConfig(to config.Instance) error {
	i.changing.Lock()
	defer i.changing.Unlock()
	i.target.current.Store(&to)
	asking := i.target.requestKey()
	renewed := asking != i.lastRequestKey
	i.lastRequestKey = asking

	on := make(map[string]*activeCollector)
	for _, p := range i.parts { // which only changes change
		if to.Collects(p.Name) {
			p.collector.configure(renewed)
			on[p.Name] = p
		}
	}
	var parts []*activeCollector
	var failed error
	for _, k := range i.set.kinds {
		name := k.info().Name
		p := on[name]
		if p == nil && to.Collects(name) {
			var err error
			if p, err = i.start(k); err != nil {
				failed = errors.Join(failed, err)
			}
		}
		if p != nil {
			parts = append(parts, p)
		}
	}
	i.swap(parts)
	return failed
}

// start puts a collector to work.
func (i *Instance) start(k factory) (*activeCollector, error) {
	if p := i.reuse(k.info().Name); p != nil {
		p.collector.configure(true)
		return p, nil
	}
	calls := newCalls(i.target, k.info())
	c, err := k.bind(i.target, calls)
	if err != nil {
		return nil, err
	}
	closed := make(chan struct{})
	return &activeCollector{Info: k.info(), collector: c, calls: calls, closed: closed, close: sync.OnceFunc(func() {
		c.close()
		close(closed)
	})}, nil
}

// reuse returns a part that has been switched off and has not begun to end, or nil. One that has is waited for, which
// is up to the disk: there must not be two of a ledger.
func (i *Instance) reuse(name string) *activeCollector {
	i.mu.Lock()
	p := i.draining[name]
	if p == nil || !p.ending {
		delete(i.draining, name)
		i.mu.Unlock()
		return p
	}
	i.mu.Unlock()
	<-p.closed
	return nil
}

// swap has the scrapes from now on see these parts, and ends those that are no longer among them.
func (i *Instance) swap(parts []*activeCollector) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, p := range i.parts {
		if !slices.Contains(parts, p) {
			i.draining[p.Name] = p
			i.closeIfIdle(p)
		}
	}
	i.parts = parts
}

// closeIfIdle ends, in the background, a part that is leaving and that no scrape sees any more. The lock is held.
func (i *Instance) closeIfIdle(p *activeCollector) {
	if p.scrapes > 0 || i.draining[p.Name] != p || p.ending {
		return
	}
	p.ending = true
	go func() {
		p.close()
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.draining[p.Name] == p {
			delete(i.draining, p.Name)
		}
	}()
}

// acquire returns the collectors at work, which stay so until leave is called, once.
func (i *Instance) acquire() (parts []*activeCollector, leave func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	parts = i.parts
	for _, p := range parts {
		p.scrapes++
	}
	return parts, func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		for _, p := range parts {
			p.scrapes--
			i.closeIfIdle(p)
		}
	}
}

// Drain has no further scrape see anything of the instance. When those in flight have ended, it ends the calls that run
// and puts on file what is to be kept, in the background. The Instance can be configured again.
func (i *Instance) Drain() {
	i.changing.Lock()
	defer i.changing.Unlock()
	i.swap(nil)
}

// Idle reports whether the instance has retired and all of it has ended.
func (i *Instance) Idle() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.parts) == 0 && len(i.draining) == 0
}

// Close ends the calls that run and puts on file what is to be kept, without a thought for scrapes in flight. The Instance
// is not to be used any more.
func (i *Instance) Close() {
	i.changing.Lock()
	defer i.changing.Unlock()
	i.swap(nil)
	i.mu.Lock()
	leaving := slices.Collect(maps.Values(i.draining))
	i.mu.Unlock()
	for _, p := range leaving {
		p.close()
	}
}
