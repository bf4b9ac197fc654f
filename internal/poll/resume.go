package poll

import (
	"errors"
	"time"
)

// ErrInterrupted is the error of an outcome if the exporter was stopped during the latest call, or
// if its settings have changed since.
var ErrInterrupted = errors.New(
	"no call has ended since a stop of the exporter or a change of settings interrupted one")

// ResumeState is the state that a Poller continues with after a restart, even after a crash.
type ResumeState struct {
	Called   time.Time // when the latest call began
	Next     time.Time // when the next call may begin
	InFlight bool      // whether the latest call has not ended; the state is for a crash during it
	Failures int       // number of consecutive failures

	// Err and Took are those of the latest outcome. Key identifies the calls to which it applies.
	Err  error
	Took time.Duration
	Key  Key
}

// Resume continues with the state of an earlier Poller and the reading of its latest successful
// call, which began at success. If no call succeeded, success is zero and stored.Err is not nil.
// The outcome must apply to calls with the key of the options, or stored.Next must be zero. Resume
// must be called before any other method.
func (p *Poller[T]) Resume(stored ResumeState, reading T, success time.Time) {
	p.latest = Outcome[T]{
		Reading: reading, Err: stored.Err,
		Success: success, Called: stored.Called, Took: stored.Took,
	}
	p.failures, p.readingKey = stored.Failures, p.Key
	// The stored times have no monotonic reading. Adding differences to now gives them one, so a
	// clock that is set back later delays no call.
	now := time.Now()
	p.notBefore = now.Add(stored.Called.Add(min(minGap, p.Interval)).Sub(now))
	p.validUntil = now.Add(stored.Next.Sub(now))
	p.waits = map[Key]time.Time{stored.Key: p.validUntil}
}

// ifInterrupted returns the state to persist before a call, in case the process dies during it. The
// call may have reached the API, and its response may be the cause of the crash. A valid reading is
// therefore used for another interval. Without one, the call counts as a failure. The wait is then
// at most the interval, unless the API has returned an error before.
func (s state[T]) ifInterrupted(begin time.Time) state[T] {
	if s.hasReading() {
		s.validUntil = begin.Add(s.Interval)
		return s
	}
	s.failures++
	wait := s.backoff()
	if s.latest.Err == nil || s.latest.Err == ErrInterrupted {
		wait = min(wait, max(minGap, s.Interval))
	}
	s.validUntil = begin.Add(wait)
	return s
}

// persist stores the state for Resume. The latest call began at begin.
func (s state[T]) persist(begin time.Time, inFlight bool) {
	if s.Persist != nil {
		s.Persist(ResumeState{
			Called: begin, Next: s.validUntil, InFlight: inFlight, Failures: s.failures,
			Err: s.latest.Err, Took: s.latest.Took, Key: s.scope(),
		})
	}
}
