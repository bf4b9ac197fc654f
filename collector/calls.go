package collector

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"greenapi_exporter/greenapi"
	"greenapi_exporter/poll"
)

// quotaPause is the least time between calls while the monthly quota is used up.
const quotaPause = 10 * time.Minute

// calls counts the calls of one method of one instance by result, and says in the log when they begin to fail and when
// they work again.
type calls struct {
	target  Target
	info    Info
	logger  log.Logger
	created time.Time
	results []greenapi.Result
	counted []atomic.Uint64 // by results

	// For one call at a time.
	token  greenapi.Token           // of the last call
	outage map[greenapi.Result]bool // the results that the log has named since the calls began to fail
	since  time.Time                // when they did

	complained atomic.Int64 // when the log last heard of a scrape that gave up, as UNIX time
}

// complainEvery is how often the log hears of scrapes that give up while others get their reading.
const complainEvery = time.Hour

func newCalls(target Target, info Info) *calls {
	results := greenapi.Results()
	return &calls{
		target:  target,
		info:    info,
		logger:  log.With(target.Logger, "id_instance", target.ID(), "collector", info.Name, "method", info.Method),
		created: time.Now(),
		results: results,
		counted: make([]atomic.Uint64, len(results)),
		outage:  make(map[greenapi.Result]bool),
	}
}

// counts yields every result and how many calls had it.
func (c *calls) counts() iter.Seq2[greenapi.Result, uint64] {
	return func(yield func(greenapi.Result, uint64) bool) {
		for i, result := range c.results {
			if !yield(result, c.counted[i].Load()) {
				return
			}
		}
	}
}

// newPoller returns a Poller of call that keeps the API's pace and whose calls are counted in c.
func newPoller[T any](c *calls, interval time.Duration, call func(context.Context) (T, error)) *poll.Poller[T] {
	counted := func(ctx context.Context) (T, error) {
		c.token = c.target.Token().Token()
		begin := time.Now()
		reading, err := call(ctx)
		c.count(err, begin)
		return reading, err
	}
	return poll.New(counted, poll.Options{
		Interval: interval,
		Timeout:  c.target.Timeout(),
		Wait:     wait,
		Renewed:  func() bool { return !c.target.Token().Token().Equal(c.token) },
	})
}

// wait is what the API asks for after a failure.
func wait(err error) time.Duration {
	var failure *greenapi.Error
	if !errors.As(err, &failure) {
		return 0
	}
	if failure.Result == greenapi.QuotaExceeded {
		return max(quotaPause, failure.RetryAfter)
	}
	return failure.RetryAfter
}

// count counts a call that ended with err. The log hears of an outage when it begins, once of each result that it has,
// and when it ends.
func (c *calls) count(err error, begin time.Time) {
	result := greenapi.ResultOf(err)
	for i := range c.results {
		if c.results[i] == result {
			c.counted[i].Add(1)
		}
	}
	logger := log.With(c.logger, "result", result, "took", time.Since(begin).Round(time.Millisecond))
	if err != nil {
		logger = log.With(logger, "err", err)
	}
	if len(c.outage) == 0 {
		c.since = begin
	}
	switch {
	case result == greenapi.OK && len(c.outage) > 0:
		clear(c.outage)
		level.Info(logger).Log("msg", "reading the API works again", "failed_for", begin.Sub(c.since).Round(time.Second))
	case result == greenapi.OK, result == greenapi.Canceled, c.outage[result]:
		level.Debug(logger).Log("msg", "called the API")
	default:
		c.outage[result] = true
		level.Error(logger).Log("msg", "reading the API fails", "advice", result.Advice())
	}
}

// gaveUp notes a scrape that could not wait for a call that goes on for others.
func (c *calls) gaveUp() {
	now, last := time.Now(), c.complained.Load()
	if now.Sub(time.Unix(last, 0)) < complainEvery || !c.complained.CompareAndSwap(last, now.Unix()) {
		return
	}
	level.Warn(c.logger).Log("msg", "a scrape could not wait for the API's answer, and shows the reading as failed",
		"advice", "the call goes on for those who wait longer; raise scrape_timeout of this scraper")
}
