package simulator

import "time"

// usage is what the callers of one method have used up of it.
type usage struct {
	calls    int
	lastCall time.Time
	fault    Fault
	used     int       // of the quota
	month    time.Time // in which it was used
}

// noteCall counts the call, and says which fault it meets and whether it came within a second of the one before of the
// same method.
func (s *Simulator) noteCall(c call) (fault Fault, tooSoon bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.usage[c.method]
	if u == nil {
		return FaultNone, false // no such method: it will be refused
	}
	if u.calls > 0 {
		since := c.now.Sub(u.lastCall)
		tooSoon = since >= 0 && since < time.Second
	}
	u.calls++
	u.lastCall = c.now
	return u.fault, tooSoon
}

// limit is the answer to a call that is over the rate or the quota, or that the state of the account does not let
// through; one that is answered uses up a piece of the quota.
func (s *Simulator) limit(c call, tooSoon bool) (answer, bool) {
	if tooSoon && !s.cfg.NoRateLimit {
		return rateLimited(), true
	}
	if !isJournal(c.method) {
		return answer{}, false
	}
	if a, ok := accountAnswer(s.stateFault(c.now), c); ok {
		return a, true
	}
	return s.spend(c)
}

// stateFault is the fault that a journal has by the state of the account alone.
func (s *Simulator) stateFault(now time.Time) Fault {
	switch s.schedule.state(s.since(now)) {
	case notAuthorized:
		return FaultLoggedOut
	case starting:
		return FaultStarting
	}
	return FaultNone
}

// spend uses up a piece of the quota of the method, or is the answer that there is none left.
func (s *Simulator) spend(c call) (answer, bool) {
	if s.cfg.Quota <= 0 {
		return answer{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.usage[c.method]
	year, month, _ := c.now.UTC().Date()
	if first := time.Date(year, month, 1, 0, 0, 0, 0, time.UTC); !first.Equal(u.month) {
		u.month, u.used = first, 0
	}
	if u.used >= s.cfg.Quota {
		return quotaExceeded(c, s.cfg.Quota), true
	}
	u.used++
	return answer{}, false
}
