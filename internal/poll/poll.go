// Package poll lets many scrapes share few calls.
//
// A Poller makes one call at a time. Whoever asks for the latest reading while a call runs waits for that one; whoever
// asks soon after a good one gets its reading; whoever asks soon after a failure gets the failure again. So the cost to
// the API does not depend on how many scrape, nor how often.
package poll

import (
	"context"
	"sync"
	"time"
)

const (
	// minGap is the least time between the end of one call and the begin of the next, as the API allows one a second
	// for each instance and method.
	minGap = time.Second
	// maxBackoff is the longest wait after failures in a row, unless readings are wanted less often than that.
	maxBackoff = time.Minute
	// cancelGrace is how long the last one to leave a call waits for it to end: a call that is canceled ends at once, and
	// the scrape that gave up can then say how.
	cancelGrace = 100 * time.Millisecond
)

// Options is what a Poller is made with. Its functions are not called concurrently with each other or with the call.
type Options struct {
	// Interval is the least time from the begin of one good call to the begin of the next.
	Interval time.Duration
	// Timeout is the longest that a call may take.
	Timeout time.Duration
	// MinBackoff says how long the next call must wait after the failure err at the least, for what the API asks for. It may
	// be nil.
	MinBackoff func(err error) time.Duration
	// Persist is told before every call and when it has ended, before anyone gets its outcome, what another Poller must be
	// told by Resume to keep the pace of this one. It may be nil.
	Persist func(ResumeState)
	// Invalidated says whether a failure may be over because something changed since the last call began. It may be nil,
	// and it may be slow.
	Invalidated func() bool
}

// Poller shares the calls of one method of one instance. It is safe for concurrent use.
type Poller[T any] struct {
	call func(ctx context.Context, begin time.Time) (T, error)

	mu         sync.Mutex
	options    Options // of which Reconfigure changes some
	generation int     // how often it has said that what was found says nothing any more
	flight     *flight[T]
	stopped    bool
	state[T]
}

// Latest is the outcome that a scrape gets.
type Outcome[T any] struct {
	// Reading is that of the last good call, the zero value before the first. All who ask get the same: it must not be
	// changed.
	Reading T
	// Err is nil if the last call was good, and Reading is then its. Otherwise it is the call's error, or that of the
	// context if the one who asked could wait no longer.
	Err error
	// Success is when the last good call began; zero before the first.
	Success time.Time
	// Called is when the last call began that was not canceled, Took how long it took. Zero before the first.
	Called time.Time
	Took   time.Duration
	// TimedOut is whether the one who asked could wait no longer, while the call goes on or has not begun.
	TimedOut bool
}

// withErr is l for one who got err.
func (l Outcome[T]) withErr(err error) Outcome[T] {
	l.Err = err
	return l
}

// flight is one call, and those who wait for it.
type flight[T any] struct {
	cancel  context.CancelCauseFunc
	done    chan struct{} // closed once outcome is set
	outcome Outcome[T]
	waiting int // 0: nobody waits any more, and it is not to be joined
}

// New returns a Poller of call, which it never runs twice at the same time. The context of a call is canceled when
// nobody waits for it any more: context.Cause is then that of the last who left, context.DeadlineExceeded or
// context.Canceled, and the call's error is to wrap it, or to be what the caller makes of it.
func New[T any](call func(ctx context.Context, begin time.Time) (T, error), options Options) *Poller[T] {
	return &Poller[T]{call: call, options: options}
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

// Reconfigure changes the interval and the timeout from the next call on; a good reading serves for the new interval. A call
// that runs goes on. Where renewed, what the calls have found so far says nothing of the next one, which waits no longer
// than the API's rate demands.
func (p *Poller[T]) Reconfigure(interval, timeout time.Duration, renewed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.options.Interval != interval && p.latest.Err == nil && !p.latest.Success.IsZero() {
		p.validUntil = p.latest.Called.Add(interval)
		if p.validUntil.Before(p.notBefore) {
			p.validUntil = p.notBefore
		}
	}
	p.options.Interval, p.options.Timeout = interval, timeout
	if renewed {
		p.generation++
		p.state = p.state.expire()
	}
}

// standing is what a flight goes by.
type stateSnapshot[T any] struct {
	state[T]
	Options
	generation int
}

func (p *Poller[T]) snapshot() stateSnapshot[T] {
	p.mu.Lock()
	defer p.mu.Unlock()
	return stateSnapshot[T]{p.state, p.options, p.generation}
}

// Get returns the outcome of the call that runs, of one begun for the purpose, or the latest one as long as it is
// too early for another. It returns no later than ctx ends.
func (p *Poller[T]) Get(ctx context.Context) Outcome[T] {
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

// Peek returns the latest outcome as it stands: it makes no call, and neither waits for one nor keeps it going. Before the
// first outcome it is the zero value.
func (p *Poller[T]) Peek() Outcome[T] {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.latest
}

// join returns a flight to wait for, or none and the outcome to take instead.
func (p *Poller[T]) join(ctx context.Context) (*flight[T], Outcome[T]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, p.latest.withErr(err)
	}
	if p.stopped {
		return nil, p.latest.withErr(context.Canceled)
	}
	if p.flight != nil && p.flight.waiting > 0 {
		p.flight.waiting++
		return p.flight, Outcome[T]{}
	}
	if p.flight == nil && p.isFresh() && (p.latest.Err == nil || p.options.Invalidated == nil) {
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
	return p.flight, Outcome[T]{}
}

// leave gives up waiting for f. The last to leave ends the call.
func (p *Poller[T]) leave(f *flight[T], err error) Outcome[T] {
	p.mu.Lock()
	outcome := p.latest.withErr(err)
	f.waiting--
	patience := time.Duration(0)
	if f.waiting == 0 {
		f.cancel(err)
		patience = cancelGrace
	}
	p.mu.Unlock()

	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case <-f.done:
		return f.outcome
	case <-limit.C:
		outcome.TimedOut = true
		return outcome
	}
}

// run makes the call once the previous one has ended and the spacing is kept, unless the latest outcome serves.
func (p *Poller[T]) run(ctx context.Context, f *flight[T], previous <-chan struct{}) {
	defer f.cancel(nil)
	if previous != nil {
		<-previous // whose outcome may serve
	}
	if p.useCached() {
		p.finish(f, func() { f.outcome = p.latest })
		return
	}
	if !p.waitTurn(ctx) {
		p.finish(f, func() {
			f.outcome = p.latest.withErr(context.Cause(ctx))
			f.outcome.TimedOut = true
		})
		return
	}
	before := p.snapshot()
	begin := time.Now()
	before.persist(begin, before.ifInterrupted(begin), true)
	callCtx, cancel := context.WithTimeout(ctx, before.Timeout)
	reading, err := p.call(callCtx, begin)
	cause := context.Cause(callCtx)
	cancel()

	after := p.snapshot()
	next := after.afterCall(reading, err, cause, begin, time.Now())
	if after.generation != before.generation {
		next = next.expire()
	}
	before.persist(begin, next, false)
	p.finish(f, func() {
		if p.state = next; p.generation != after.generation {
			p.state = next.expire()
		}
		f.outcome = p.latest.withErr(err)
	})
}

// isFresh reports whether it is too early for another call. The lock is held.
func (p *Poller[T]) isFresh() bool { return time.Now().Before(p.validUntil) }

// useCached reports whether the latest outcome is to be had instead of another call: a failure is not once something was
// renewed, which may be slow to find out.
func (p *Poller[T]) useCached() bool {
	p.mu.Lock()
	early, failed, renewed := p.isFresh(), p.latest.Err != nil, p.options.Invalidated
	p.mu.Unlock()
	return early && !(failed && renewed != nil && renewed())
}

// waitTurn waits until the next call may begin; it reports whether anyone still wants it then.
func (p *Poller[T]) waitTurn(ctx context.Context) bool {
	p.mu.Lock()
	wait := time.Until(p.notBefore)
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
