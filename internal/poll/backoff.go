package poll

import (
	"context"
	"maps"
	"time"
)

const (
	// minGap is the minimum time from the end of a call to the next call. The API allows one call
	// per second for each instance and method.
	minGap = time.Second
	// maxBackoff is the maximum wait after consecutive failures, unless the interval is longer.
	maxBackoff = time.Minute
)

// state is the result of all calls so far, with the options for the next call.
type state[T any] struct {
	Options

	latest     Outcome[T]
	readingKey Key       // of the latest reading
	failures   int       // consecutive calls that failed; those that timed out do not count
	notBefore  time.Time // no call begins before
	validUntil time.Time // until then, scrapes with the same key get latest

	// waits are the ends of the waits after failures since the latest reading. They remain when
	// the key changes, so that a return to an earlier key makes no call early. The map is never
	// modified, because copies of the state share it.
	waits map[Key]time.Time
}

// outcome returns the latest outcome.
func (s state[T]) outcome() Outcome[T] {
	o := s.latest
	if o.Err != nil {
		o.Next = s.nextCall()
	}
	return o
}

// nextCall returns the earliest time of the next call.
func (s state[T]) nextCall() time.Time { return later(s.freshUntil(), s.notBefore) }

// freshUntil returns the time until which scrapes get the latest outcome, or zero if it does not
// apply to calls with the current key.
func (s state[T]) freshUntil() time.Time {
	switch {
	case s.latest.Err != nil:
		return later(s.waits[s.Key], s.waits[Key{Account: s.Key.Account}])
	case s.readingKey == s.Key:
		return s.validUntil
	default:
		return time.Time{}
	}
}

// hasReading reports whether the latest outcome is a reading.
func (s state[T]) hasReading() bool { return s.latest.Err == nil && !s.latest.Success.IsZero() }

// isFresh reports whether scrapes get the latest outcome, because another call would be too early.
func (s state[T]) isFresh() bool { return time.Now().Before(s.freshUntil()) }

// isWaiting reports whether the next call must wait, with the current key or an earlier one.
func (s state[T]) isWaiting() bool {
	now := time.Now()
	for _, until := range s.waits {
		if now.Before(until) {
			return true
		}
	}
	return now.Before(s.nextCall())
}

// scope returns the key of the calls to which the latest outcome, that of a call with the current
// key, applies.
func (s state[T]) scope() Key {
	err := s.latest.Err
	if err == nil || s.DependsOnRequest != nil && s.DependsOnRequest(err) {
		return s.Key
	}
	return Key{Account: s.Key.Account}
}

// wait delays the calls to which the latest failure applies. It forgets waits that have ended.
func (s *state[T]) wait(until time.Time) {
	now, waits := time.Now(), make(map[Key]time.Time)
	maps.Copy(waits, s.waits)
	maps.DeleteFunc(waits, func(_ Key, end time.Time) bool { return !now.Before(end) })
	waits[s.scope()] = until
	s.validUntil, s.waits = until, waits
}

// setInterval changes the interval, also for the latest reading.
func (s *state[T]) setInterval(interval time.Duration) {
	if s.Interval != interval && s.hasReading() {
		s.validUntil = later(s.latest.Called.Add(interval), s.notBefore)
	}
	s.Interval = interval
}

// afterCall returns the state after a call. cause is the error of its context.
func (s state[T]) afterCall(reading T, err, cause error, begin, end time.Time) state[T] {
	s.notBefore = end.Add(minGap)
	if err == nil {
		s.readingKey, s.waits = s.Key, nil
		s.latest = Outcome[T]{Reading: reading, Success: begin, Called: begin, Took: end.Sub(begin)}
		s.failures = 0
		s.notBefore = end.Add(min(minGap, s.Interval))
		s.validUntil = later(begin.Add(s.Interval), s.notBefore)
		return s
	}
	if cause == context.Canceled {
		// The Poller stopped, so the error is not about the API. Retain the latest outcome, if any.
		if s.hasReading() || s.latest.Err != nil {
			s.validUntil = s.notBefore
		}
		return s
	}
	s.latest.Err, s.latest.Called, s.latest.Took = err, begin, end.Sub(begin)
	if cause != nil {
		// The call timed out. There is no backoff, because the API has not refused it.
		s.wait(s.notBefore)
		return s
	}
	s.failures++
	s.wait(end.Add(s.backoff()))
	return s
}

// backoff returns how long the next call waits after consecutive failures.
func (s state[T]) backoff() time.Duration {
	wait := min(minGap<<min(s.failures-1, 30), max(maxBackoff, s.Interval))
	if s.MinBackoff != nil && s.latest.Err != nil {
		wait = max(wait, s.MinBackoff(s.latest.Err))
	}
	return wait
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
