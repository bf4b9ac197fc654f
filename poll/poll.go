// Package poll lets many scrapes share few calls.
//
// A Poller makes one call at a time. Whoever asks for the latest reading while a call runs waits for that one; whoever
// asks soon after a good one gets its reading; whoever asks soon after a failure gets the failure again. So the cost to
// the API does not depend on how many scrape, nor how often.
package poll

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// spacing is the least time between the end of one call and the begin of the next, as the API allows one a second
	// for each instance and method.
	spacing = time.Second
	// maxBackoff is the longest wait after failures in a row, unless readings are wanted less often than that.
	maxBackoff = time.Minute
	// unwinding is how long the last one to leave a call waits for it to end: a call that is canceled ends at once, and
	// the scrape that gave up can then say how.
	unwinding = 100 * time.Millisecond
)

// Options is what a Poller is made with. Its functions are not called concurrently with each other or with the call.
type Options struct {
	// Interval is the least time from the begin of one good call to the begin of the next.
	Interval time.Duration
	// Timeout is the longest that a call may take.
	Timeout time.Duration
	// Wait says how long the next call must wait after the failure err at the least, for what the API asks for. It may
	// be nil.
	Wait func(err error) time.Duration
	// Keep is told before every call and when it has ended, before anyone gets its outcome, what another Poller must be
	// told by Resume to keep the pace of this one. It may be nil.
	Keep func(Pace)
	// Renewed says whether a failure may be over because something changed since the last call began. It may be nil,
	// and it may be slow.
	Renewed func() bool
}

// Poller shares the calls of one method of one instance. It is safe for concurrent use.
type Poller[T any] struct {
	call    func(context.Context) (T, error)
	options Options

	mu      sync.Mutex
	flight  *flight[T]
	stopped bool
	past[T] // only the flight changes it
}

// past is what has become of the calls.
type past[T any] struct {
	latest   Latest[T]
	failures int       // calls in a row that got a failure for an answer
	spaced   time.Time // no call begins before this
	fresh    time.Time // until this, the latest outcome serves
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
// in the middle of it.
var ErrUnfinished = errors.New("no call has been finished since the exporter was stopped in the middle of one, or its settings were changed")

// Latest is the outcome that a scrape gets.
type Latest[T any] struct {
	// Reading is that of the last good call, the zero value before the first. All who ask get the same: it must not be
	// changed.
	Reading T
	// Err is nil if the last call was good, and Reading is then its. Otherwise it is the call's error, or that of the
	// context if the one who asked could wait no longer.
	Err error
	// Success is when the last good call began; zero before the first.
	Success time.Time
	// Took is how long the last call took that was not canceled. 0 before the first.
	Took time.Duration
	// GaveUp is whether the one who asked could wait no longer, while the call goes on or has not begun.
	GaveUp bool
}

// failed is l for one who got err.
func (l Latest[T]) failed(err error) Latest[T] {
	l.Err = err
	return l
}

// flight is one call, and those who wait for it.
type flight[T any] struct {
	cancel  context.CancelCauseFunc
	done    chan struct{} // closed once outcome is set
	outcome Latest[T]
	waiting int // 0: nobody waits any more, and it is not to be joined
}

// New returns a Poller of call, which it never runs twice at the same time. The context of a call is canceled when
// nobody waits for it any more: context.Cause is then that of the last who left, context.DeadlineExceeded or
// context.Canceled, and the call's error is to wrap it, or to be what the caller makes of it.
func New[T any](call func(context.Context) (T, error), options Options) *Poller[T] {
	return &Poller[T]{call: call, options: options}
}

// Resume takes up the pace of an earlier Poller and the reading of its last good call, which began at success. Where
// there has been none, success is zero and the pace has an error. It is called before anything else.
func (p *Poller[T]) Resume(pace Pace, reading T, success time.Time) {
	p.latest = Latest[T]{Reading: reading, Err: pace.Err, Success: success, Took: pace.Took}
	p.failures = pace.Failures
	// From now on time goes by the monotonic clock.
	now := time.Now()
	p.spaced = now.Add(pace.Begun.Add(min(spacing, p.options.Interval)).Sub(now))
	p.fresh = now.Add(pace.Next.Sub(now))
}

// Stop ends the call that runs and lets no other begin. When it returns, none of the Poller's functions runs any more.
func (p *Poller[T]) Stop() {
	p.mu.Lock()
	p.stopped = true
	f := p.flight
	p.mu.Unlock()
	if f != nil {
		f.cancel(context.Canceled)
		<-f.done
	}
}

// Latest returns the outcome of the call that runs, of one begun for the purpose, or the latest one as long as it is
// too early for another. It returns no later than ctx ends.
func (p *Poller[T]) Latest(ctx context.Context) Latest[T] {
	f, outcome := p.join(ctx)
	if f == nil {
		return outcome
	}
	select {
	case <-f.done:
		return f.outcome
	case <-ctx.Done():
		return p.leave(f, ctx.Err())
	}
}

// join returns a flight to wait for, or none and the outcome to take instead.
func (p *Poller[T]) join(ctx context.Context) (*flight[T], Latest[T]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, p.latest.failed(err)
	}
	if p.stopped {
		return nil, p.latest.failed(context.Canceled)
	}
	if p.flight != nil && p.flight.waiting > 0 {
		p.flight.waiting++
		return p.flight, Latest[T]{}
	}
	if p.flight == nil && p.early() && (p.latest.Err == nil || p.options.Renewed == nil) {
		return nil, p.latest
	}
	var previous chan struct{}
	if p.flight != nil {
		previous = p.flight.done
	}
	// The call is shared, so it ends with those who wait for it and not with the context of the first.
	callCtx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	p.flight = &flight[T]{cancel: cancel, done: make(chan struct{}), waiting: 1}
	go p.run(callCtx, p.flight, previous)
	return p.flight, Latest[T]{}
}

// leave gives up waiting for f. The last to leave ends the call.
func (p *Poller[T]) leave(f *flight[T], err error) Latest[T] {
	p.mu.Lock()
	outcome := p.latest.failed(err)
	f.waiting--
	patience := time.Duration(0)
	if f.waiting == 0 {
		f.cancel(err)
		patience = unwinding
	}
	p.mu.Unlock()

	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case <-f.done:
		return f.outcome
	case <-limit.C:
		outcome.GaveUp = true
		return outcome
	}
}

// run makes the call once the previous one has ended and the spacing is kept, unless the latest outcome serves.
func (p *Poller[T]) run(ctx context.Context, f *flight[T], previous <-chan struct{}) {
	defer f.cancel(nil)
	if previous != nil {
		<-previous // whose outcome may serve
	}
	if p.serves() {
		p.finish(f, func() { f.outcome = p.latest })
		return
	}
	if !p.space(ctx) {
		p.finish(f, func() {
			f.outcome = p.latest.failed(context.Cause(ctx))
			f.outcome.GaveUp = true
		})
		return
	}
	begin := time.Now()
	p.keep(begin, p.interrupted(begin))
	callCtx, cancel := context.WithTimeout(ctx, p.options.Timeout)
	reading, err := p.call(callCtx)
	cause := context.Cause(callCtx)
	cancel()

	next := p.ended(reading, err, cause, begin, time.Now())
	p.keep(begin, next)
	p.finish(f, func() {
		p.past = next
		f.outcome = p.latest.failed(err)
	})
}

// ended returns what has become of the calls once one has ended, nil for cause if by itself.
func (p *Poller[T]) ended(reading T, err, cause error, begin, end time.Time) past[T] {
	now := p.past
	now.spaced = end.Add(spacing)
	switch {
	case err == nil:
		now = past[T]{
			latest: Latest[T]{Reading: reading, Success: begin, Took: end.Sub(begin)},
			spaced: end.Add(min(spacing, p.options.Interval)),
			fresh:  begin.Add(p.options.Interval),
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
		now.latest.Err, now.latest.Took = err, end.Sub(begin)
		now.fresh = now.spaced
	default:
		now.latest.Err, now.latest.Took = err, end.Sub(begin)
		now.failures++
		now.fresh = end.Add(p.backoff(err, now.failures))
	}
	return now
}

// interrupted returns what will have become of the calls if nobody ever sees the end of the one that begins: its answer
// may have come from the API all the same, and may be what ends the program. So a reading serves for another interval;
// without one, the call counts as failed, but no wait is then longer than that interval.
func (p *Poller[T]) interrupted(begin time.Time) past[T] {
	now := p.past
	if now.latest.Err == nil && !now.latest.Success.IsZero() {
		now.fresh = begin.Add(p.options.Interval)
		return now
	}
	now.failures++
	wait := p.backoff(now.latest.Err, now.failures)
	if now.latest.Err == nil || now.latest.Err == ErrUnfinished {
		wait = min(wait, max(spacing, p.options.Interval))
	}
	now.fresh = begin.Add(wait)
	return now
}

// keep hands on what a Poller after this one has to know if no more is heard from this one.
func (p *Poller[T]) keep(begin time.Time, now past[T]) {
	if p.options.Keep != nil {
		p.options.Keep(Pace{Begun: begin, Next: now.fresh, Failures: now.failures, Err: now.latest.Err, Took: now.latest.Took})
	}
}

// early reports whether it is too early for another call. The lock is held.
func (p *Poller[T]) early() bool { return time.Now().Before(p.fresh) }

// serves reports whether the latest outcome is to be had instead of another call: a failure is not once something was
// renewed, which may be slow to find out.
func (p *Poller[T]) serves() bool {
	p.mu.Lock()
	early, failed := p.early(), p.latest.Err != nil
	p.mu.Unlock()
	return early && !(failed && p.options.Renewed != nil && p.options.Renewed())
}

// space waits until the next call may begin; it reports whether anyone still wants it then.
func (p *Poller[T]) space(ctx context.Context) bool {
	p.mu.Lock()
	wait := time.Until(p.spaced)
	p.mu.Unlock()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// backoff is how long the next call waits after so many failures in a row, the last of which is err; nil if that is
// not known.
func (p *Poller[T]) backoff(err error, failures int) time.Duration {
	wait := min(spacing<<min(failures-1, 30), max(maxBackoff, p.options.Interval))
	if p.options.Wait != nil && err != nil {
		wait = max(wait, p.options.Wait(err))
	}
	return wait
}

// finish sets the outcome of f and lets those have it who wait for it.
func (p *Poller[T]) finish(f *flight[T], set func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	set()
	if p.flight == f {
		p.flight = nil
	}
	close(f.done)
}
