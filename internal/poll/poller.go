// Package poll limits API calls, however many scrapes need their results.
//
// A Poller makes one call at a time. Scrapes during a call wait for its outcome. Scrapes soon after
// a call get its outcome again. The number of calls therefore does not depend on the number of
// scrapes.
package poll

import (
	"context"
	"sync"
	"time"
)

// cancelGrace is how long the last waiter of a call waits after it cancels the call. A call that
// returns at once can then still report its own error.
const cancelGrace = 100 * time.Millisecond

// Options configures a Poller. Its functions are not called concurrently with each other or with
// the call. All of them may be nil.
type Options struct {
	// Interval is the minimum time between the beginnings of two successful calls.
	Interval time.Duration
	// Timeout is the maximum duration of a call.
	Timeout time.Duration
	// MinBackoff returns the minimum time until the next call after a call failed with err.
	MinBackoff func(err error) time.Duration
	// Persist stores the state for Resume. It is called before each call, and after it before any
	// scrape gets the outcome.
	Persist func(ResumeState)
	// Invalidated reports whether an earlier failure no longer predicts the result of the next
	// call. It may block.
	Invalidated func() bool
}

// Outcome is what a scrape gets.
type Outcome[T any] struct {
	// Reading is the result of the latest successful call, the zero value before the first.
	// All scrapes share it, and must not modify it.
	Reading T
	// Err is nil if the latest call succeeded. Otherwise it is the error of that call, or of the
	// scrape's context if that ended first.
	Err error
	// Success is when the latest successful call began; zero before the first.
	Success time.Time
	// Called is when the latest call began, and Took is its duration. Canceled calls do not count.
	Called time.Time
	Took   time.Duration
	// TimedOut reports whether the scrape's context ended before the call did.
	TimedOut bool
}

func (o Outcome[T]) withErr(err error) Outcome[T] {
	o.Err = err
	return o
}

// Poller makes the calls of one API method of one instance. It is safe for concurrent use.
type Poller[T any] struct {
	call func(ctx context.Context, begin time.Time) (T, error)

	// mu guards the fields below. It is not held during a call or a function of the options.
	mu      sync.Mutex
	flight  *flight[T] // nil if there is none
	stopped bool
	state[T]
}

// flight is a call in progress.
type flight[T any] struct {
	cancel  context.CancelCauseFunc
	done    chan struct{} // closed after outcome is set
	outcome Outcome[T]
	waiters int // guarded by Poller.mu; at 0 the call is canceled, and no scrape may join it
}

// New returns a Poller. It calls call with the time at which the call begins, never twice at the
// same time. When no scrape waits any more, it cancels the context of the call. The cause is the
// error of the last waiter's context, and the call should return an error that wraps it.
func New[T any](
	call func(ctx context.Context, begin time.Time) (T, error), options Options,
) *Poller[T] {
	return &Poller[T]{call: call, state: state[T]{Options: options}}
}

// Stop cancels the call in progress and prevents further calls. After it returns, no function of
// the Poller runs any more.
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

// Reconfigure changes the options for the next call. The interval also applies to the latest
// reading. The call in progress continues. If invalidate is true, earlier outcomes do not predict
// the result of the next call, which then waits only as long as the API's rate limit demands.
func (p *Poller[T]) Reconfigure(interval, timeout time.Duration, invalidate bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.Interval != interval && p.hasReading() {
		p.validUntil = later(p.latest.Called.Add(interval), p.notBefore)
	}
	p.Interval, p.Timeout = interval, timeout
	if invalidate {
		p.generation++
		p.expire()
	}
}

// Get returns the outcome of the call in progress, or of a new call. It returns the latest outcome
// if a new call would be too early. It returns at most 100 ms after ctx ends.
func (p *Poller[T]) Get(ctx context.Context) Outcome[T] {
	f, latest := p.join(ctx)
	if f == nil {
		return latest
	}
	select {
	case <-f.done:
		return f.outcome
	case <-ctx.Done():
		return p.leave(f, ctx.Err())
	}
}

// Peek returns the latest outcome. It makes no call and waits for none.
func (p *Poller[T]) Peek() Outcome[T] { return p.snapshot().latest }

// join returns a flight to wait for. If there is none to wait for, it returns nil and an outcome.
func (p *Poller[T]) join(ctx context.Context) (*flight[T], Outcome[T]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := ctx.Err()
	if p.stopped {
		err = context.Canceled
	}
	if err != nil {
		return nil, p.latest.withErr(err)
	}
	if p.flight == nil && p.isFresh() && (p.latest.Err == nil || p.Invalidated == nil) {
		return nil, p.latest
	}
	var previous <-chan struct{}
	if p.flight != nil {
		if p.flight.waiters > 0 {
			p.flight.waiters++
			return p.flight, Outcome[T]{}
		}
		previous = p.flight.done
	}
	// Other scrapes may join the call, so it must not end with the context of the first.
	callCtx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	p.flight = &flight[T]{cancel: cancel, done: make(chan struct{}), waiters: 1}
	go p.run(callCtx, p.flight, previous)
	return p.flight, Outcome[T]{}
}

// leave stops waiting for f because of err. The last waiter cancels the call.
func (p *Poller[T]) leave(f *flight[T], err error) Outcome[T] {
	p.mu.Lock()
	outcome := p.latest
	outcome.Err, outcome.TimedOut = err, true
	var grace time.Duration
	if f.waiters--; f.waiters == 0 {
		f.cancel(err)
		grace = cancelGrace
	}
	p.mu.Unlock()
	select {
	case <-f.done:
		return f.outcome
	case <-time.After(grace):
		return outcome
	}
}

// run completes f after the previous flight, if any.
func (p *Poller[T]) run(ctx context.Context, f *flight[T], previous <-chan struct{}) {
	if previous != nil {
		<-previous
	}
	f.outcome = p.next(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.flight == f {
		p.flight = nil
	}
	close(f.done)
	f.cancel(nil)
}

// next makes a call and returns its outcome. It returns the latest outcome if that became usable in
// the meantime, or if ctx ends before a call may begin.
func (p *Poller[T]) next(ctx context.Context) Outcome[T] {
	if p.useCached() {
		return p.Peek()
	}
	if !p.waitTurn(ctx) {
		outcome := p.Peek()
		outcome.Err, outcome.TimedOut = context.Cause(ctx), true
		return outcome
	}
	before := p.snapshot()
	begin := time.Now()
	before.ifInterrupted(begin).persist(begin, true)
	callCtx, cancel := context.WithTimeout(ctx, before.Timeout)
	reading, err := p.call(callCtx, begin)
	cause := context.Cause(callCtx)
	cancel()

	after := p.snapshot().afterCall(reading, err, cause, begin, time.Now())
	after.persist(begin, false)

	p.mu.Lock()
	defer p.mu.Unlock()
	after.Options, after.generation = p.Options, p.generation
	p.state = after
	if p.generation != before.generation {
		p.expire()
	}
	return p.latest.withErr(err)
}

func (p *Poller[T]) snapshot() state[T] {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

// useCached reports whether the latest outcome is usable in place of a new call.
func (p *Poller[T]) useCached() bool {
	s := p.snapshot()
	return s.isFresh() && (s.latest.Err == nil || s.Invalidated == nil || !s.Invalidated())
}

// waitTurn waits until the next call may begin. It returns false if ctx ends before.
func (p *Poller[T]) waitTurn(ctx context.Context) bool {
	select {
	case <-time.After(time.Until(p.snapshot().notBefore)):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
