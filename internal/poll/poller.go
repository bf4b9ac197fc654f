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

const (
	// maxAge is the maximum age of a reading that a scrape gets if it ends before its call.
	maxAge = 5 * time.Minute
	// timeoutGrace is how long Get outlasts its context if the call times out at the same time.
	// The call can then still report its own error.
	timeoutGrace = 100 * time.Millisecond
)

// Poller makes the calls of one API method of one instance. It is safe for concurrent use.
type Poller[T any] struct {
	call func(ctx context.Context, begin time.Time) (T, error)

	// mu guards the fields below. It is not held during a call or a function of the options.
	mu      sync.Mutex
	flight  *flight[T] // nil if there is none
	stopped bool
	state[T]
}

// flight is a call in progress, or one that waits for its turn.
type flight[T any] struct {
	cancel context.CancelFunc
	// begin and deadline belong to the call. They are zero before it begins. Poller.mu guards them.
	begin, deadline time.Time

	done    chan struct{} // closed after outcome is set
	outcome Outcome[T]
}

// New returns a Poller. It calls call with the time at which the call begins, never twice at the
// same time. The context of a call ends at its timeout and when the Poller stops. It does not end
// with the scrapes that wait for the call, because the next scrape uses the response.
func New[T any](
	call func(ctx context.Context, begin time.Time) (T, error), options Options,
) *Poller[T] {
	return &Poller[T]{call: call, state: state[T]{Options: options}}
}

// Stop cancels the call in progress and prevents further calls until Start. After Stop returns, the
// Poller runs neither the call nor a function of its options.
func (p *Poller[T]) Stop() {
	p.mu.Lock()
	p.stopped = true
	f := p.flight
	p.mu.Unlock()
	if f != nil {
		f.cancel()
		<-f.done
	}
}

// Start allows calls again after Stop. The next call waits as if the Poller had not stopped.
func (p *Poller[T]) Start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = false
}

// Waiting reports whether it is too early for the next call. A wait after a failure counts even if
// it does not apply to the current key.
func (p *Poller[T]) Waiting() bool { return p.snapshot().isWaiting() }

// Reconfigure changes the options for the next call. The interval also applies to the latest
// reading. The call in progress continues. If no outcome applies to the key, the next call waits
// only as long as the API's rate limit demands.
func (p *Poller[T]) Reconfigure(interval, timeout time.Duration, key Key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.setInterval(interval)
	p.Timeout, p.Key = timeout, key
}

// Get returns the outcome of the call in progress, or of a new call. It returns the latest outcome
// if a new call would be too early. If ctx ends before the call, it returns the latest reading,
// unless that is old or has another key, or a later call has failed. It returns at most 100 ms
// after ctx ends.
func (p *Poller[T]) Get(ctx context.Context) Outcome[T] {
	if err := ctx.Err(); err != nil {
		return p.unfinished(err)
	}
	f, latest := p.join()
	if f == nil {
		return latest
	}
	select {
	case <-f.done:
		return f.outcome
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), p.grace(f))
	defer cancel()
	select {
	case <-f.done:
		return f.outcome
	case <-grace.Done():
		return p.unfinished(ctx.Err())
	}
}

// Peek returns the latest outcome. It makes no call and waits for none.
func (p *Poller[T]) Peek() Outcome[T] { return p.snapshot().outcome() }

// InFlight returns when the call in progress began, or zero if there is none.
func (p *Poller[T]) InFlight() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.flight == nil {
		return time.Time{}
	}
	return p.flight.begin
}

// join returns a flight to wait for. If there is none to wait for, it returns nil and an outcome.
func (p *Poller[T]) join() (*flight[T], Outcome[T]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.stopped:
		return nil, p.outcome().withErr(context.Canceled)
	case p.flight != nil:
		return p.flight, Outcome[T]{}
	case p.isFresh() && (p.latest.Err == nil || p.CurrentKey == nil):
		return nil, p.outcome()
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.flight = &flight[T]{cancel: cancel, done: make(chan struct{})}
	go p.run(ctx, p.flight)
	return p.flight, Outcome[T]{}
}

// grace returns how long a scrape whose context has ended waits for f.
func (p *Poller[T]) grace(f *flight[T]) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f.deadline.IsZero() || time.Until(f.deadline) > timeoutGrace {
		return 0
	}
	return timeoutGrace
}

// unfinished returns the outcome for a scrape whose context ended with err before the call did.
func (p *Poller[T]) unfinished(err error) Outcome[T] {
	s := p.snapshot()
	outcome := s.outcome()
	outcome.TimedOut = true
	if !s.hasReading() || s.readingKey != s.Key || time.Since(outcome.Success) > maxAge {
		outcome.Err = err
	}
	return outcome
}

// run completes f.
func (p *Poller[T]) run(ctx context.Context, f *flight[T]) {
	f.outcome = p.next(ctx, f)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flight = nil
	close(f.done)
	f.cancel()
}

// next makes the call of f and returns its outcome. It returns the latest outcome if that is still
// fresh, or if the Poller stops before the call may begin.
func (p *Poller[T]) next(ctx context.Context, f *flight[T]) Outcome[T] {
	if p.useCached() {
		return p.Peek()
	}
	if !p.waitTurn(ctx) {
		return p.Peek().withErr(ctx.Err())
	}
	if p.useCached() { // because the key has changed meanwhile
		return p.Peek()
	}
	before := p.snapshot()
	begin := time.Now()
	before.ifInterrupted(begin).persist(begin, true)
	callCtx, cancel := context.WithTimeout(ctx, before.Timeout)
	p.mu.Lock()
	f.begin = begin
	f.deadline, _ = callCtx.Deadline()
	p.mu.Unlock()
	reading, err := p.call(callCtx, begin)
	cause := callCtx.Err()
	cancel()

	after := p.snapshot()
	after.Key = before.Key
	after = after.afterCall(reading, err, cause, begin, time.Now())
	if after.Observe != nil {
		after.Observe(err, begin, after.nextCall())
	}
	after.persist(begin, false)

	p.mu.Lock()
	defer p.mu.Unlock()
	after.Timeout, after.Key = p.Timeout, p.Key // Reconfigure may have changed them since
	after.setInterval(p.Interval)
	p.state = after
	return p.outcome().withErr(err)
}

func (p *Poller[T]) snapshot() state[T] {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

// useCached updates the key, and reports whether the latest outcome is usable in place of a call.
func (p *Poller[T]) useCached() bool {
	before := p.snapshot()
	if before.CurrentKey == nil {
		return before.isFresh()
	}
	key := before.CurrentKey()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.Key == before.Key { // otherwise Reconfigure has changed it
		p.Key = key
	}
	return p.isFresh()
}

// waitTurn waits until the next call may begin. It returns false if ctx ends before.
func (p *Poller[T]) waitTurn(ctx context.Context) bool {
	// Go 1.26's race detector can crash if a synctest bubble receives from expired timers.
	if wait := time.Until(p.snapshot().notBefore); wait > 0 {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}
