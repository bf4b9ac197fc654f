package greenapi

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// Places bounds the calls in flight, all instances together. One host has at most half of them, so that one that does
// not answer cannot starve the others. It is safe for concurrent use.
type Places struct {
	all     *semaphore.Weighted
	perHost int64

	mu    sync.Mutex
	hosts map[string]*semaphore.Weighted // as many as the configuration names
}

// NewPlaces makes n places, at least 1.
func NewPlaces(n int) *Places {
	return &Places{
		all:     semaphore.NewWeighted(int64(max(1, n))),
		perHost: int64(max(1, n/2)),
		hosts:   make(map[string]*semaphore.Weighted),
	}
}

// take waits for a place, first among those of the host: who waits for a slow host must not hold one of all. The
// caller calls leave once.
func (p *Places) take(ctx context.Context, host string) (leave func(), err error) {
	p.mu.Lock()
	own := p.hosts[host]
	if own == nil {
		own = semaphore.NewWeighted(p.perHost)
		p.hosts[host] = own
	}
	p.mu.Unlock()
	if err := own.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	if err := p.all.Acquire(ctx, 1); err != nil {
		own.Release(1)
		return nil, err
	}
	return func() { p.all.Release(1); own.Release(1) }, nil
}
