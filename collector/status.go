package collector

import (
	"errors"
	"time"

	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
	"greenapi_exporter/internal/poll"
)

// Status has the latest readings of an instance, for the status page. Fields without a reading are
// nil or empty. A collector whose latest call failed has the values of its latest reading.
type Status struct {
	ID string
	// Window is the length of the journals' window. Interval is the minimum time between two
	// successful calls of a journal method.
	Window, Interval time.Duration
	// Tiered reports whether most calls request only the newest minutes of the journals.
	Tiered bool
	// Opened is when the exporter began to watch the instance. Scraped is when the latest scrape of
	// the instance began. It is zero before the first scrape.
	Opened, Scraped time.Time
	// Expires is when the subscription ends, zero if unknown.
	Expires time.Time
	// Skew is the API's clock minus the local one, or 0 if they differ by at most a minute.
	Skew time.Duration
	// Collectors are the enabled collectors.
	Collectors []CollectorStatus

	Outgoing, Incoming    *ledger.Summary
	State                 greenapi.State
	Queued, Notifications *int64
	Settings              *greenapi.Settings
	// Account has SuspendedUntil only while the account is suspended.
	Account *greenapi.Account
}

// CollectorStatus describes the latest call of a collector.
type CollectorStatus struct {
	Info
	// Result is the result of the latest call; empty before the first has ended.
	Result greenapi.Result
	// Detail explains a failure. It has no secret and no part of a response.
	Detail string
	// Success is when the latest successful call began, and Called when the latest call began.
	// They are zero if there was no such call.
	Success, Called time.Time
	// Next is the earliest time of the next call if the latest call failed; otherwise zero.
	Next time.Time
	// LargeReading is the size of the latest reading of a journal in bytes, scaled to the window,
	// if TieredAdvice applies to it; otherwise 0.
	LargeReading int64
	// InFlight is when the call in progress began, or zero if there is none.
	InFlight time.Time
}

// Failing reports whether the latest call failed.
func (c CollectorStatus) Failing() bool { return c.Result != "" && c.Result != greenapi.OK }

// Status returns the latest readings. It makes no call and waits for none.
func (i *Instance) Status() Status {
	now := i.Config()
	s := Status{
		ID: now.ID(), Expires: now.Expires(), Skew: i.env.clocks.latest(),
		Opened: i.env.opened,
		Window: time.Duration(now.Minutes()) * time.Minute, Interval: now.MinInterval(),
		Tiered: now.Tiered(),
	}
	if scraped := i.env.scraped.Load(); scraped != nil {
		s.Scraped = *scraped
	}
	collectors, release := i.scrape()
	defer release()
	for _, a := range collectors {
		h := a.collector.peek(&s)
		c := CollectorStatus{
			Info: a.Info, Success: h.success, Called: h.called, Next: h.next, InFlight: h.inFlight,
		}
		if !s.Tiered {
			c.LargeReading = h.stats.large.Load()
		}
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
