package greenapi

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// Places bounds the calls in flight, all instances together. One host has at most half of them, and one method at most
// three quarters of its host's, so that what does not answer cannot starve the rest. It is safe for concurrent use.
type Places struct {
	all       *semaphore.Weighted
	perHost   int64
	perMethod int64

	mu    sync.Mutex
	parts map[string]*semaphore.Weighted // by host and by host and method: as many as the configuration names
}

// NewPlaces makes n places, at least 1. Of fewer than 4, one method can take all that its host has.
func NewPlaces(n int) *Places {
	perHost := int64(max(1, n/2))
	return &Places{
		all:       semaphore.NewWeighted(int64(max(1, n))),
		perHost:   perHost,
		perMethod: max(1, perHost*3/4),
		parts:     make(map[string]*semaphore.Weighted),
	}
}

// take waits for a place, first among those of the method and then of the host: who waits for a slow one must not hold
// what others could have. The caller calls leave once.
func (p *Places) take(ctx context.Context, host, method string) (leave func(), err error) {
	var taken []*semaphore.Weighted
	leave = func() {
		for _, s := range taken {
			s.Release(1)
		}
	}
	for _, s := range []*semaphore.Weighted{p.part(host+" "+method, p.perMethod), p.part(host, p.perHost), p.all} {
		if err := s.Acquire(ctx, 1); err != nil {
			leave()
			return nil, err
		}
		taken = append(taken, s)
	}
	return leave, nil
}

// part is the semaphore of a host, or of a method of one.
func (p *Places) part(name string, n int64) *semaphore.Weighted {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.parts[name] == nil {
		p.parts[name] = semaphore.NewWeighted(n)
	}
	return p.parts[name]
}
