package collector

import (
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

const (
	// maxSkew is the largest difference between the clocks that needs no attention. A Date is in
	// whole seconds, and a response takes time.
	maxSkew = time.Minute
	// skewLogInterval is the minimum time between two warnings about the clocks, because proxies
	// and servers of the API can have clocks of their own.
	skewLogInterval = time.Hour
)

// skewMonitor logs when the clocks of this machine and of the API begin to differ, and when they
// agree again. It is safe for concurrent use.
type skewMonitor struct {
	mu         sync.Mutex
	excess     time.Duration // the API's clock minus the local one, or 0 within maxSkew
	warned     bool          // since the clocks agreed
	lastWarned time.Time
}

// observe handles the skew of a response.
func (m *skewMonitor) observe(skew time.Duration, logger log.Logger) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.excess = 0; skew.Abs() > maxSkew {
		m.excess = skew
	}
	switch now := time.Now(); {
	case m.excess == 0 && m.warned:
		m.warned = false
		level.Info(logger).Log("msg", "the clocks of this machine and of the API agree again")
	case m.excess != 0 && !m.warned && now.Sub(m.lastWarned) >= skewLogInterval:
		m.warned, m.lastWarned = true, now
		level.Warn(logger).Log(
			"msg", "the clocks of this machine and of the API differ", "skew", skew,
			"advice", "synchronize the clock of this machine, for example by NTP")
	}
}

// latest returns the API's clock minus the local one as of the latest response with a Date, or 0 if
// they differ by at most maxSkew.
func (m *skewMonitor) latest() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.excess
}
