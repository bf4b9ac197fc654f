package collector

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/poll"
)

const (
	// quotaPause is the minimum time between calls while the monthly quota is used up.
	quotaPause = 10 * time.Minute
	// timeoutLogInterval is the minimum time between two log lines about scrapes that time out.
	timeoutLogInterval = time.Hour
)

// requestStats counts the calls of one API method of one instance by result. It logs when calls begin
// to fail and when they succeed again. byResult and logTimeout are safe for concurrent use; the other
// methods are for one call at a time.
type requestStats struct {
	env     *env
	logger  log.Logger
	created time.Time
	results []greenapi.Result
	counts  []atomic.Uint64 // of results

	lastRequestKey string                   // the env's requestKey at the latest call
	logged         map[greenapi.Result]bool // the failures logged since calls began to fail
	failingSince   time.Time                // when the first failing call began

	lastTimeoutLog atomic.Int64 // UNIX seconds
}

func newRequestStats(e *env, info Info) *requestStats {
	results := greenapi.Results()
	return &requestStats{
		env: e,
		logger: log.With(e.Logger,
			"id_instance", e.config().ID(), "collector", info.Name, "method", info.Method),
		created: time.Now(),
		results: results,
		counts:  make([]atomic.Uint64, len(results)),
		logged:  make(map[greenapi.Result]bool),
	}
}

// byResult yields every result and the number of calls that had it.
func (s *requestStats) byResult() iter.Seq2[greenapi.Result, uint64] {
	return func(yield func(greenapi.Result, uint64) bool) {
		for i, result := range s.results {
			if !yield(result, s.counts[i].Load()) {
				return
			}
		}
	}
}

// newPoller returns a Poller whose calls are counted by s.
func newPoller[T any](
	s *requestStats, options poll.Options, call func(ctx context.Context, begin time.Time) (T, error),
) *poll.Poller[T] {
	counted := func(ctx context.Context, begin time.Time) (T, error) {
		s.lastRequestKey = s.env.requestKey()
		reading, err := call(ctx, begin)
		s.count(err, begin)
		return reading, err
	}
	options.Timeout = s.env.config().Timeout()
	options.MinBackoff = minBackoff
	options.Invalidated = func() bool { return s.env.requestKey() != s.lastRequestKey }
	return poll.New(counted, options)
}

// minBackoff returns how long the API asks to wait after a failure.
func minBackoff(err error) time.Duration {
	var failure *greenapi.Error
	if !errors.As(err, &failure) {
		return 0
	}
	if failure.Result == greenapi.QuotaExceeded {
		return max(quotaPause, failure.RetryAfter)
	}
	return failure.RetryAfter
}

// count counts a call that ended with err. It logs the first failure, once each further result until
// calls succeed again, and that they do.
func (s *requestStats) count(err error, begin time.Time) {
	result := greenapi.ResultOf(err)
	for i := range s.results {
		if s.results[i] == result {
			s.counts[i].Add(1)
		}
	}
	logger := log.With(s.logger, "result", result, "took", time.Since(begin).Round(time.Millisecond))
	if err != nil {
		logger = log.With(logger, "err", err)
	}
	if len(s.logged) == 0 {
		s.failingSince = begin
	}
	switch {
	case result == greenapi.OK && len(s.logged) > 0:
		clear(s.logged)
		level.Info(logger).Log("msg", "API calls succeed again",
			"failed_for", begin.Sub(s.failingSince).Round(time.Second))
	case result == greenapi.OK, result == greenapi.Canceled, s.logged[result]:
		level.Debug(logger).Log("msg", "called the API")
	default:
		s.logged[result] = true
		level.Error(logger).Log("msg", "API call failed", "advice", result.Advice())
	}
}

// logTimeout logs that a scrape timed out while its call continued, once per timeoutLogInterval.
func (s *requestStats) logTimeout() {
	now, last := time.Now(), s.lastTimeoutLog.Load()
	if now.Sub(time.Unix(last, 0)) < timeoutLogInterval || !s.lastTimeoutLog.CompareAndSwap(last, now.Unix()) {
		return
	}
	level.Warn(s.logger).Log("msg", "scrape timed out before the API responded, reporting a failed reading",
		"advice", "raise scrape_timeout in this scrape job; the call continues for scrapes that wait longer")
}
