package greenapi

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// Limiter bounds the calls in flight, all instances together. One host has at most half of them, and one method at most
// three quarters of its host's, so that what does not answer cannot starve the rest. It is safe for concurrent use.
type Limiter struct {
	all       *semaphore.Weighted
	perHost   int64
	perMethod int64

	mu    sync.Mutex
	slots map[string]*semaphore.Weighted // by host and by host and method: as many as the configuration names
}

// NewLimiter makes n places, at least 1. Of fewer than 4, one method can take all that its host has.
func NewLimiter(n int) *Limiter {
	perHost := int64(max(1, n/2))
	return &Limiter{
		all:       semaphore.NewWeighted(int64(max(1, n))),
		perHost:   perHost,
		perMethod: max(1, perHost*3/4),
		slots:     make(map[string]*semaphore.Weighted),
	}
}

// acquire waits for a place, first among those of the method and then of the host: who waits for a slow one must not hold
// what others could have. The caller calls leave once.
func (p *Limiter) acquire(ctx context.Context, host, method string) (leave func(), err error) {
	var taken []*semaphore.Weighted
	leave = func() {
		for _, s := range taken {
			s.Release(1)
		}
	}
	for _, s := range []*semaphore.Weighted{p.slot(host+" "+method, p.perMethod), p.slot(host, p.perHost), p.all} {
		if err := s.Acquire(ctx, 1); err != nil {
			leave()
			return nil, err
		}
		taken = append(taken, s)
	}
	return leave, nil
}

// slot is the semaphore of a host, or of a method of one.
func (p *Limiter) slot(name string, n int64) *semaphore.Weighted {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.slots[name] == nil {
		p.slots[name] = semaphore.NewWeighted(n)
	}
	return p.slots[name]
}
