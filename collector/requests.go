package collector

import (
	"context"
	"errors"
	"slices"
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
	// failureLogInterval is the minimum time between two log lines about failures with the same
	// result. Without it, an API that fails every second call causes two lines per minute.
	failureLogInterval = 10 * time.Minute
)

// requestStats counts the calls of one API method of one instance by result. It logs when calls
// begin to fail, and when they succeed again. counts, large and logTimeout are safe for concurrent
// use. Only the call in progress uses the other fields and methods.
type requestStats struct {
	env     *env
	logger  log.Logger
	created time.Time
	results []greenapi.Result
	counts  []atomic.Uint64 // by index of results

	logged       map[greenapi.Result]bool      // failures logged since the latest success
	lastLogged   map[greenapi.Result]time.Time // when failures were logged
	failingSince time.Time                     // when the first failure since then began, or zero
	ages         *greenapi.AgeLog

	lastTimeoutLog atomic.Int64 // UNIX seconds
	large          atomic.Int64 // see CollectorStatus.LargeReading
}

func newRequestStats(e *env, info Info) *requestStats {
	results := greenapi.Results()
	logger := log.With(e.Logger,
		"id_instance", e.config().ID(), "collector", info.Name, "method", info.Method)
	return &requestStats{
		env:        e,
		logger:     logger,
		ages:       greenapi.NewAgeLog(logger),
		created:    time.Now(),
		results:    results,
		counts:     make([]atomic.Uint64, len(results)),
		logged:     make(map[greenapi.Result]bool),
		lastLogged: make(map[greenapi.Result]time.Time),
	}
}

// client returns a client with the current configuration of the instance.
func (s *requestStats) client() *greenapi.Client {
	now := s.env.config()
	client := greenapi.NewClient(s.env.Backend, now.URL(), now.ID(), now.Token())
	client.OnHeader(func(h greenapi.Header) {
		s.env.setSkew(h.Date, h.Received)
		s.ages.Observe(h)
	})
	return client
}

// newPoller returns a Poller. s counts its calls.
func newPoller[T any](
	s *requestStats, options poll.Options,
	call func(ctx context.Context, begin time.Time) (T, error),
) *poll.Poller[T] {
	options.Timeout, options.Key = s.env.config().Timeout(), s.env.requestKey()
	options.Observe = s.count
	options.MinBackoff = minBackoff
	options.CurrentKey = s.env.requestKey // the content of a token file can change
	options.DependsOnRequest = dependsOnMinutes
	return poll.New(call, options)
}

// minBackoff returns the minimum wait that the API demands after a failure.
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

// dependsOnMinutes reports whether a call that failed with err may succeed for other minutes. That
// ends no wait that the API demands.
func dependsOnMinutes(err error) bool {
	return err == poll.ErrInterrupted || minBackoff(err) == 0 && mayBeTooLong(err, false)
}

// count counts a call that ended with err. It logs each kind of failure once until a call
// succeeds, and at most once per failureLogInterval. It logs the first success after a logged
// failure. next is the earliest time of the next call.
func (s *requestStats) count(err error, begin, next time.Time) {
	result := greenapi.ResultOf(err)
	if i := slices.Index(s.results, result); i >= 0 {
		s.counts[i].Add(1)
	}
	took := time.Since(begin).Round(time.Millisecond)
	logger := log.With(s.logger, "result", result, "took", took)
	if err != nil {
		logger = log.With(logger, "err", err, "next_call", next.UTC().Format(time.RFC3339))
	}
	since := s.failingSince
	switch {
	case result == greenapi.OK:
		s.failingSince = time.Time{}
	case result != greenapi.Canceled && since.IsZero():
		s.failingSince = begin
	}
	switch {
	case result == greenapi.OK && len(s.logged) > 0:
		clear(s.logged)
		level.Info(logger).Log("msg", "API calls succeed again",
			"failed_for", begin.Sub(since).Round(time.Second))
	case result == greenapi.OK, result == greenapi.Canceled, s.logged[result],
		time.Since(s.lastLogged[result]) < failureLogInterval:
		level.Debug(logger).Log("msg", "called the API")
	default:
		s.logged[result], s.lastLogged[result] = true, time.Now()
		level.Error(logger).Log("msg", "API call failed", "advice", result.Advice())
	}
}

// logTimeout logs that a scrape ended before its call, at most once per timeoutLogInterval.
func (s *requestStats) logTimeout() {
	now, last := time.Now(), s.lastTimeoutLog.Load()
	if now.Sub(time.Unix(last, 0)) < timeoutLogInterval ||
		!s.lastTimeoutLog.CompareAndSwap(last, now.Unix()) {
		return
	}
	level.Warn(s.logger).Log(
		"msg", "the API takes longer to respond than the scrape allows",
		"advice", "raise scrape_timeout of this scrape job; until then, scrapes get the response "+
			"of an earlier call, or fail if its reading is older than 5 minutes; if the call also "+
			"fails with result=timeout, check the connection instead")
}
