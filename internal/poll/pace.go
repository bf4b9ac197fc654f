package poll

import (
	"context"
	"errors"
	"time"
)

// past is what has become of the calls.
type past[T any] struct {
	latest   Latest[T]
	failures int       // calls in a row that got a failure for an answer
	spaced   time.Time // no call begins before this
	fresh    time.Time // until this, the latest outcome serves
}

// stale is p where the latest outcome serves no longer than the spacing demands.
func (p past[T]) stale() past[T] {
	if p.fresh.After(p.spaced) {
		p.fresh = p.spaced
	}
	return p
}

// Pace is what keeps the calls of a Poller apart from those of one before it, perhaps in a program that was killed.
type Pace struct {
	// Begun is when the last call began, Next when the next may.
	Begun, Next time.Time
	// Failures is how many calls in a row have failed.
	Failures int
	// Err and Took are those of the latest outcome.
	Err  error
	Took time.Duration
}

// ErrUnfinished is the outcome where no call that counts has been seen to end, though one began: the program was stopped
// in the middle of it, or has been told since to call otherwise.
var ErrUnfinished = errors.New("no call has been finished since the exporter was stopped in the middle of one, or its settings were changed")

// Resume takes up the pace of an earlier Poller and the reading of its last good call, which began at success. Where
// there has been none, success is zero and the pace has an error. It is called before anything else.
func (p *Poller[T]) Resume(pace Pace, reading T, success time.Time) {
	p.latest = Latest[T]{Reading: reading, Err: pace.Err, Success: success, Called: pace.Begun, Took: pace.Took}
	p.failures = pace.Failures
	// From now on time goes by the monotonic clock.
	now := time.Now()
	p.spaced = now.Add(pace.Begun.Add(min(spacing, p.options.Interval)).Sub(now))
	p.fresh = now.Add(pace.Next.Sub(now))
}

// ended returns what has become of the calls once one has ended, nil for cause if by itself.
func (s standing[T]) ended(reading T, err, cause error, begin, end time.Time) past[T] {
	now := s.past
	now.spaced = end.Add(spacing)
	switch {
	case err == nil:
		now = past[T]{
			latest: Latest[T]{Reading: reading, Success: begin, Called: begin, Took: end.Sub(begin)},
			spaced: end.Add(min(spacing, s.Interval)),
			fresh:  begin.Add(s.Interval),
		}
		if now.fresh.Before(now.spaced) {
			now.fresh = now.spaced
		}
	case cause == context.Canceled:
		// Nobody wanted the outcome, so it says nothing about the API: the latest stays as it was, and serves until the
		// next call may begin.
		if !now.latest.Success.IsZero() || now.latest.Err != nil {
			now.fresh = now.spaced
		}
	case cause != nil:
		// Time was up: that is no answer, and the next scrape may have more of it.
		now.latest.Err, now.latest.Called, now.latest.Took = err, begin, end.Sub(begin)
		now.fresh = now.spaced
	default:
		now.latest.Err, now.latest.Called, now.latest.Took = err, begin, end.Sub(begin)
		now.failures++
		now.fresh = end.Add(s.backoff(err, now.failures))
	}
	return now
}

// interrupted returns what will have become of the calls if nobody ever sees the end of the one that begins: its answer
// may have come from the API all the same, and may be what ends the program. So a reading serves for another interval;
// without one, the call counts as failed, but no wait is then longer than that interval.
func (s standing[T]) interrupted(begin time.Time) past[T] {
	now := s.past
	if now.latest.Err == nil && !now.latest.Success.IsZero() {
		now.fresh = begin.Add(s.Interval)
		return now
	}
	now.failures++
	wait := s.backoff(now.latest.Err, now.failures)
	if now.latest.Err == nil || now.latest.Err == ErrUnfinished {
		wait = min(wait, max(spacing, s.Interval))
	}
	now.fresh = begin.Add(wait)
	return now
}

// keep hands on what a Poller after this one has to know if no more is heard from this one.
func (s standing[T]) keep(begin time.Time, now past[T]) {
	if s.Keep != nil {
		s.Keep(Pace{Begun: begin, Next: now.fresh, Failures: now.failures, Err: now.latest.Err, Took: now.latest.Took})
	}
}

// backoff is how long the next call waits after so many failures in a row, the last of which is err; nil if that is
// not known.
func (s standing[T]) backoff(err error, failures int) time.Duration {
	wait := min(spacing<<min(failures-1, 30), max(maxBackoff, s.Interval))
	if s.Wait != nil && err != nil {
		wait = max(wait, s.Wait(err))
	}
	return wait
}
