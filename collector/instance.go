package collector

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/go-kit/log"

	"greenapi_exporter/config"
	"greenapi_exporter/greenapi"
	"greenapi_exporter/ledger"
)

// Resources is what the collectors of all instances share.
type Resources struct {
	Service *greenapi.Service
	Storage *ledger.Storage
	Logger  log.Logger
}

// target is an instance as its collectors see it: as it is configured now.
type target struct {
	Resources
	current atomic.Pointer[config.Instance]
}

func (t *target) now() config.Instance { return *t.current.Load() }

// client calls the API as is configured now.
func (t *target) client() *greenapi.Client {
	now := t.now()
	return greenapi.NewClient(t.Service, now.URL(), now.ID(), now.Token())
}

// fingerprint stands for how calls are made: where it has changed, what the last one found says nothing of the next.
func (t *target) fingerprint() string {
	now := t.now()
	return now.Token().Token().Fingerprint(fmt.Sprint(now.URL(), " ", now.Minutes(), " ", now.MinInterval()))
}

// Instance is the collectors at work for one instance, with what they remember. It is safe for concurrent use.
type Instance struct {
	set    *Set
	target *target

	changing sync.Mutex // for one change at a time
	mu       sync.Mutex
	parts    []*part          // in the order of the set
	leaving  map[string]*part // by name: those switched off that may not have ended yet
}

// part is one of its collectors.
type part struct {
	Info
	collector collector
	calls     *calls
	scrapes   sync.WaitGroup // those in flight
	close     func()         // ends it; any number may call it, and each returns when it has ended
	closed    chan struct{}  // by then
}

// Bind puts the collectors that an instance has switched on to work. No call is made before the first scrape. It is an
// error if what an earlier run has kept of the instance is there but cannot be read.
func (s *Set) Bind(instance config.Instance, resources Resources) (*Instance, error) {
	i := &Instance{set: s, target: &target{Resources: resources}, leaving: make(map[string]*part)}
	i.target.current.Store(&instance)
	if err := i.Configure(instance); err != nil {
		i.Close()
		return nil, err
	}
	return i, nil
}

// Config is how the instance is configured.
func (i *Instance) Config() config.Instance { return i.target.now() }

// Configure changes how the instance is read, from the next calls on; its id stays. Collectors that stay on keep what they
// have read and counted. One that is switched off ends when the scrapes in flight have, in the background; to switch
// it on again waits for that. An error is that of a collector that cannot be switched on; all else is then as told.
func (i *Instance) Configure(to config.Instance) error {
	i.changing.Lock()
	defer i.changing.Unlock()
	before := i.target.fingerprint()
	i.target.current.Store(&to)
	renewed := i.target.fingerprint() != before

	on := make(map[string]*part)
	for _, p := range i.parts { // which only changes change
		if to.Collects(p.Name) {
			p.collector.configure(renewed)
			on[p.Name] = p
		}
	}
	var parts []*part
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
func (i *Instance) start(k kind) (*part, error) {
	i.mu.Lock()
	before := i.leaving[k.info().Name]
	i.mu.Unlock()
	if before != nil {
		<-before.closed
	}
	calls := newCalls(i.target, k.info())
	c, err := k.bind(i.target, calls)
	if err != nil {
		return nil, err
	}
	closed := make(chan struct{})
	return &part{Info: k.info(), collector: c, calls: calls, closed: closed, close: sync.OnceFunc(func() {
		c.close()
		close(closed)
	})}, nil
}

// swap has the scrapes from now on see these parts, and ends those that are no longer among them.
func (i *Instance) swap(parts []*part) {
	stays := make(map[*part]bool)
	for _, p := range parts {
		stays[p] = true
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, p := range i.parts {
		if !stays[p] {
			i.leaving[p.Name] = p
			go i.end(p)
		}
	}
	i.parts = parts
}

// end ends a part that no further scrape sees.
func (i *Instance) end(p *part) {
	p.scrapes.Wait()
	p.close()
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.leaving[p.Name] == p {
		delete(i.leaving, p.Name)
	}
}

// enter returns the collectors at work, which stay so until leave is called, once.
func (i *Instance) enter() (parts []*part, leave func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	parts = i.parts
	for _, p := range parts {
		p.scrapes.Add(1)
	}
	return parts, func() {
		for _, p := range parts {
			p.scrapes.Done()
		}
	}
}

// Retire has no further scrape see anything of the instance. When those in flight have ended, it ends the calls that run
// and puts on file what is to be kept, in the background: ended waits for that. The Instance can be configured again.
func (i *Instance) Retire() (ended func()) {
	i.changing.Lock()
	defer i.changing.Unlock()
	leaving := i.retire()
	return func() {
		for _, p := range leaving {
			<-p.closed
		}
	}
}

// Close ends the calls that run and puts on file what is to be kept, without a thought for scrapes in flight. The Instance
// is not to be used any more.
func (i *Instance) Close() {
	i.changing.Lock()
	defer i.changing.Unlock()
	for _, p := range i.retire() {
		p.close()
	}
}

// retire ends all parts, and returns those that have not ended yet.
func (i *Instance) retire() []*part {
	i.swap(nil)
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Collect(maps.Values(i.leaving))
}
