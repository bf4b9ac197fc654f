package greenapi

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// A Limiter limits the concurrent calls of all instances. A host can use half of the slots, and a
// method can use three quarters of its host's slots. An unresponsive host or method therefore does
// not block others. A Limiter is safe for concurrent use.
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

// acquire acquires a slot of the method, then of the host, then of all. In this order, a call that
// waits for a slow method or host does not block others. The caller must call release once.
func (l *Limiter) acquire(ctx context.Context, host, method string) (release func(), err error) {
	slots := []*semaphore.Weighted{
		l.slot(host+" "+method, l.perMethod), l.slot(host, l.perHost), l.all,
	}
	for i, s := range slots {
		if err := s.Acquire(ctx, 1); err != nil {
			releaseAll(slots[:i])
			return nil, err
		}
	}
	return func() { releaseAll(slots) }, nil
}

func releaseAll(slots []*semaphore.Weighted) {
	for _, s := range slots {
		s.Release(1)
	}
}

// slot returns the semaphore of a host, or of a method of a host, with n slots.
func (l *Limiter) slot(name string, n int64) *semaphore.Weighted {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.slots[name] == nil {
		l.slots[name] = semaphore.NewWeighted(n)
	}
	return l.slots[name]
}
