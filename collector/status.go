package collector

import (
	"errors"
	"time"

	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
	"greenapi_exporter/internal/poll"
)

// Status is how an instance stands by the latest readings: what a page for people is made of. What has not been read is
// nil, or empty; what a failing collector shows is as it was last read.
type Status struct {
	ID string
	// Window is the length of the journals' window, Interval the least time between two good calls of one.
	Window, Interval time.Duration
	// Expires is when the subscription ends, zero where that is not known.
	Expires time.Time
	// Collectors has those that are switched on.
	Collectors []CollectorStatus

	Outgoing, Incoming    *ledger.Summary
	State                 greenapi.State
	Queued, Notifications *int64
	Settings              *greenapi.Settings
	// Account has SuspendedUntil only while the account is known to be suspended.
	Account *greenapi.Account
}

// CollectorStatus is how a collector fares.
type CollectorStatus struct {
	Info
	// Result is that of the latest call; empty while it is not known, since none has been finished.
	Result greenapi.Result
	// Detail says more of why there is no reading. It holds nothing secret, nor a byte of an answer.
	Detail string
	// Success is when the last good call began, Called when the latest call did; zero if there was none.
	Success, Called time.Time
}

// Failing reports whether the latest call has failed.
func (c CollectorStatus) Failing() bool { return c.Result != "" && c.Result != greenapi.OK }

// Status tells how the instance stands. It makes no call and waits for none.
func (i *Instance) Status() Status {
	now := i.Config()
	s := Status{ID: now.ID(), Window: time.Duration(now.Minutes()) * time.Minute, Interval: now.MinInterval(), Expires: now.Expires()}
	parts, leave := i.scrape()
	defer leave()
	for _, p := range parts {
		h := p.collector.peek(&s)
		c := CollectorStatus{Info: p.Info, Success: h.success, Called: h.called}
		var failure *greenapi.Error
		switch {
		case errors.As(h.err, &failure):
			c.Result, c.Detail = failure.Result, failure.Detail
		case errors.Is(h.err, poll.ErrInterrupted):
			c.Detail = h.err.Error()
		case h.err != nil:
			c.Result = greenapi.ResultOf(h.err)
		case !h.success.IsZero():
			c.Result = greenapi.OK
		}
		s.Collectors = append(s.Collectors, c)
	}
	return s
}
