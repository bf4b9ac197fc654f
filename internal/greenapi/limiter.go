package greenapi

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// Limiter limits the concurrent calls of all instances. One host gets at most half of the slots, and
// one method at most three quarters of its host's, so a host or method that does not respond cannot
// block the others. It is safe for concurrent use.
type Limiter struct {
	all       *semaphore.Weighted
	perHost   int64
	perMethod int64

	mu    sync.Mutex                     // guards slots
	slots map[string]*semaphore.Weighted // by host, and by host and method
}

// NewLimiter returns a Limiter with n slots, at least 1. If n is less than 4, one method can take
// all slots of its host.
func NewLimiter(n int) *Limiter {
	perHost := int64(max(1, n/2))
	return &Limiter{
		all:       semaphore.NewWeighted(int64(max(1, n))),
		perHost:   perHost,
		perMethod: max(1, perHost*3/4),
		slots:     make(map[string]*semaphore.Weighted),
	}
}

// acquire waits for a slot of the method, then of the host, then of all, so that a call that waits
// for a slow method or host blocks no other. The caller must call release once.
func (l *Limiter) acquire(ctx context.Context, host, method string) (release func(), err error) {
	var acquired []*semaphore.Weighted
	release = func() {
		for _, s := range acquired {
			s.Release(1)
		}
	}
	ofMethod, ofHost := l.slot(host+" "+method, l.perMethod), l.slot(host, l.perHost)
	for _, s := range []*semaphore.Weighted{ofMethod, ofHost, l.all} {
		if err := s.Acquire(ctx, 1); err != nil {
			release()
			return nil, err
		}
		acquired = append(acquired, s)
	}
	return release, nil
}

// slot returns the semaphore of a host, or of a method of a host.
func (l *Limiter) slot(name string, n int64) *semaphore.Weighted {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.slots[name] == nil {
		l.slots[name] = semaphore.NewWeighted(n)
	}
	return l.slots[name]
}
