package collector

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
	"greenapi_exporter/internal/poll"
)

// quotaPause is the least time between calls while the monthly quota is used up.
const quotaPause = 10 * time.Minute

// requestStats counts the calls of one method of one instance by result, and says in the log when they begin to fail and when
// they work again.
type requestStats struct {
	target  *env
	info    Info
	logger  log.Logger
	created time.Time
	results []greenapi.Result
	counted []atomic.Uint64 // by results

	// For one call at a time.
	lastRequestKey string    // what the last call asked for: target.asking
	begun          time.Time // when the last call that is kept began
	settingsHash   string    // and its fingerprint

	outage map[greenapi.Result]bool // the results that the log has named since the calls began to fail
	since  time.Time                // when they did

	lastTimeoutLog atomic.Int64 // when the log last heard of a scrape that gave up, as UNIX time
}

// timeoutLogInterval is how often the log hears of scrapes that give up while others get their reading.
const timeoutLogInterval = time.Hour

func newCalls(t *env, info Info) *requestStats {
	results := greenapi.Results()
	return &requestStats{
		target:  t,
		info:    info,
		logger:  log.With(t.Logger, "id_instance", t.config().ID(), "collector", info.Name, "method", info.Method),
		created: time.Now(),
		results: results,
		counted: make([]atomic.Uint64, len(results)),
		outage:  make(map[greenapi.Result]bool),
	}
}

// byResult yields every result and how many calls had it.
func (c *requestStats) byResult() iter.Seq2[greenapi.Result, uint64] {
	return func(yield func(greenapi.Result, uint64) bool) {
		for i, result := range c.results {
			if !yield(result, c.counted[i].Load()) {
				return
			}
		}
	}
}

// newPoller returns a Poller of call that keeps the API's pace and whose calls are counted in c.
func newPoller[T any](c *requestStats, options poll.Options, call func(context.Context) (T, error)) *poll.Poller[T] {
	counted := func(ctx context.Context) (T, error) {
		c.lastRequestKey = c.target.requestKey()
		begin := time.Now()
		reading, err := call(ctx)
		c.count(err, begin)
		return reading, err
	}
	options.Timeout = c.target.config().Timeout()
	options.MinBackoff = wait
	options.Invalidated = func() bool { return c.target.requestKey() != c.lastRequestKey }
	return poll.New(counted, options)
}

// newPersistentPoller returns a Poller of call as newPoller does, whose readings and whose pace are those of a ledger, which
// may have been kept in an earlier run.
func newPersistentPoller(c *requestStats, l *ledger.Ledger, call func(context.Context) (*ledger.Summary, error)) *poll.Poller[*ledger.Summary] {
	poller := newPoller(c, poll.Options{
		Interval: c.target.config().MinInterval(),
		Persist:  func(pace poll.ResumeState) { l.Persist(c.pollState(pace)) },
	}, call)
	if l.LastPollState().Begun.IsZero() {
		return poller
	}
	var success time.Time
	reading := l.Summary()
	if reading != nil {
		success = reading.RequestedAt
	}
	poller.Resume(c.resume(l.LastPollState(), reading != nil), reading, success)
	return poller
}

// fingerprint stands for how calls are made and how often, for a later run.
func (c *requestStats) fingerprint() string {
	now := c.target.config()
	return now.Token().Token().Fingerprint(fmt.Sprint(now.URL(), " ", now.Minutes(), " ", now.MinInterval()))
}

// resultInterrupted is the result of poll.ErrUnfinished.
const resultInterrupted = "unfinished"

// pollState is what a later run has to know.
func (c *requestStats) pollState(pace poll.ResumeState) ledger.PollState {
	if !pace.Begun.Equal(c.begun) {
		c.begun, c.settingsHash = pace.Begun, c.fingerprint()
	}
	call := ledger.PollState{Begun: pace.Begun, Next: pace.Next, Failures: pace.Failures, Took: pace.Took, Settings: c.settingsHash}
	var failure *greenapi.Error
	switch {
	case errors.As(pace.Err, &failure):
		call.Result = string(failure.Result)
	case pace.Err != nil:
		call.Result = resultInterrupted
	}
	return call
}

// resume takes up the pace of an earlier run, and says in the log what that means for the next call.
func (c *requestStats) resume(last ledger.PollState, read bool) poll.ResumeState {
	pace := poll.ResumeState{Begun: last.Begun, Next: last.Next, Failures: last.Failures, Took: last.Took}
	result := greenapi.Result(last.Result)
	c.lastRequestKey = c.target.requestKey()
	switch {
	case last.Settings != c.fingerprint():
		return poll.ResumeState{Begun: last.Begun, Took: last.Took, Err: poll.ErrInterrupted}
	case slices.Contains(c.results, result):
		pace.Err = &greenapi.Error{Result: result, Detail: "in an earlier run"}
	case result != "" || !read:
		pace.Err = poll.ErrInterrupted
	}
	if !time.Now().Before(last.Next) {
		return pace
	}
	logger := log.With(c.logger, "last_call", last.Begun.UTC().Format(time.RFC3339), "next_call", last.Next.UTC().Format(time.RFC3339))
	switch {
	case pace.Err == nil:
		level.Debug(logger).Log("msg", "the latest reading of the run before serves until the next call")
	case pace.Err == poll.ErrInterrupted:
		level.Warn(logger).Log("msg", "there is no reading before the next call", "err", pace.Err)
	default:
		c.outage[result], c.since = true, last.Begun
		level.Error(logger).Log("msg", "reading the API has failed before, and the next call waits", "result", result, "advice", result.Advice())
	}
	return pace
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
func (c *requestStats) count(err error, begin time.Time) {
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

// logTimeout notes a scrape that could not wait for a call that goes on for others.
func (c *requestStats) logTimeout() {
	now, last := time.Now(), c.lastTimeoutLog.Load()
	if now.Sub(time.Unix(last, 0)) < timeoutLogInterval || !c.lastTimeoutLog.CompareAndSwap(last, now.Unix()) {
		return
	}
	level.Warn(c.logger).Log("msg", "a scrape could not wait for the API's answer, and shows the reading as failed",
		"advice", "the call goes on for those who wait longer; raise scrape_timeout of this scraper")
}
