package poll

import (
	"context"
	"errors"
	"time"
)

// state is what has become of the calls.
type state[T any] struct {
	latest     Outcome[T]
	failures   int       // calls in a row that got a failure for an answer
	notBefore  time.Time // no call begins before this
	validUntil time.Time // until this, the latest outcome serves
}

// expire is p where the latest outcome serves no longer than the spacing demands.
func (p state[T]) expire() state[T] {
	if p.validUntil.After(p.notBefore) {
		p.validUntil = p.notBefore
	}
	return p
}

// ResumeState is what keeps the calls of a Poller apart from those of one before it, perhaps in a program that was killed.
type ResumeState struct {
	// Begun is when the last call began, Next when the next may.
	Begun, Next time.Time
	// InFlight is whether the last call has not ended yet. The other fields then hold if it never does.
	InFlight bool
	// Failures is how many calls in a row have failed.
	Failures int
	// Err and Took are those of the latest outcome.
	Err  error
	Took time.Duration
}

// ErrInterrupted is the outcome where no call that counts has been seen to end, though one began: the program was stopped
// in the middle of it, or has been told since to call otherwise.
var ErrInterrupted = errors.New("no call has been finished since the exporter was stopped in the middle of one, or its settings were changed")

// Resume takes up the pace of an earlier Poller and the reading of its last good call, which began at success. Where
// there has been none, success is zero and the pace has an error. It is called before anything else.
func (p *Poller[T]) Resume(pace ResumeState, reading T, success time.Time) {
	p.latest = Outcome[T]{Reading: reading, Err: pace.Err, Success: success, Called: pace.Begun, Took: pace.Took}
	p.failures = pace.Failures
	// From now on time goes by the monotonic clock.
	now := time.Now()
	p.notBefore = now.Add(pace.Begun.Add(min(minGap, p.options.Interval)).Sub(now))
	p.validUntil = now.Add(pace.Next.Sub(now))
}

// afterCall returns what has become of the calls once one has ended, nil for cause if by itself.
func (s stateSnapshot[T]) afterCall(reading T, err, cause error, begin, end time.Time) state[T] {
	now := s.state
	now.notBefore = end.Add(minGap)
	switch {
	case err == nil:
		now = state[T]{
			latest:     Outcome[T]{Reading: reading, Success: begin, Called: begin, Took: end.Sub(begin)},
			notBefore:  end.Add(min(minGap, s.Interval)),
			validUntil: begin.Add(s.Interval),
		}
		if now.validUntil.Before(now.notBefore) {
			now.validUntil = now.notBefore
		}
	case cause == context.Canceled:
		// Nobody wanted the outcome, so it says nothing about the API: the latest stays as it was, and serves until the
		// next call may begin.
		if !now.latest.Success.IsZero() || now.latest.Err != nil {
			now.validUntil = now.notBefore
		}
	case cause != nil:
		// Time was up: that is no answer, and the next scrape may have more of it.
		now.latest.Err, now.latest.Called, now.latest.Took = err, begin, end.Sub(begin)
		now.validUntil = now.notBefore
	default:
		now.latest.Err, now.latest.Called, now.latest.Took = err, begin, end.Sub(begin)
		now.failures++
		now.validUntil = end.Add(s.backoff(err, now.failures))
	}
	return now
}

// ifInterrupted returns what will have become of the calls if nobody ever sees the end of the one that begins: its answer
// may have come from the API all the same, and may be what ends the program. So a reading serves for another interval;
// without one, the call counts as failed, but no wait is then longer than that interval.
func (s stateSnapshot[T]) ifInterrupted(begin time.Time) state[T] {
	now := s.state
	if now.latest.Err == nil && !now.latest.Success.IsZero() {
		now.validUntil = begin.Add(s.Interval)
		return now
	}
	now.failures++
	wait := s.backoff(now.latest.Err, now.failures)
	if now.latest.Err == nil || now.latest.Err == ErrInterrupted {
		wait = min(wait, max(minGap, s.Interval))
	}
	now.validUntil = begin.Add(wait)
	return now
}

// persist hands on what a Poller after this one has to know if no more is heard from this one.
func (s stateSnapshot[T]) persist(begin time.Time, now state[T], inFlight bool) {
	if s.Persist != nil {
		s.Persist(ResumeState{InFlight: inFlight, Begun: begin, Next: now.validUntil, Failures: now.failures, Err: now.latest.Err, Took: now.latest.Took})
	}
}

// backoff is how long the next call waits after so many failures in a row, the last of which is err; nil if that is
// not known.
func (s stateSnapshot[T]) backoff(err error, failures int) time.Duration {
	wait := min(minGap<<min(failures-1, 30), max(maxBackoff, s.Interval))
	if s.MinBackoff != nil && err != nil {
		wait = max(wait, s.MinBackoff(err))
	}
	return wait
}
