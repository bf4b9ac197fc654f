package fleet

import (
	"context"
	"errors"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"greenapi_exporter/internal/greenapi"
)

const (
	// minRefreshGap is the minimum time between two calls, even if the configuration changes.
	minRefreshGap = time.Second
	maxBackoff    = time.Minute // unless Retry-After is longer
)

// poll calls the Partner API until ctx is canceled.
func (s *Syncer) poll(ctx context.Context) {
	logger := log.With(s.logger, "method", greenapi.GetInstances)
	p := partnerPoller{
		syncer: s, logger: logger, ages: greenapi.NewAgeLog(logger),
		findings: findingLogger{logger: logger},
	}
	next := s.firstCall()
	if time.Until(next) > minRefreshGap {
		level.Warn(logger).Log("msg", "not calling the Partner API yet, because the latest call "+
			"with this token has failed", "next_call", next.UTC().Format(time.RFC3339))
	}
	for {
		if wait := time.Until(next); wait > 0 { // as in poll.Poller, an expired timer is not used
			select {
			case <-ctx.Done():
			case <-time.After(wait):
			}
		}
		if ctx.Err() != nil {
			return
		}
		next = p.refresh(ctx)
	}
}

// failedCall is a failed call and the wait after it. The wait belongs to the host and the token, so
// it outlasts a reload that keeps them.
type failedCall struct {
	host  string
	token greenapi.Token
	next  time.Time // the earliest time of the next call
}

// firstCall returns the time of the first call after a reload.
func (s *Syncer) firstCall() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	next, partner, failed := s.lastAttempt.Add(minRefreshGap), s.config.Partner(), s.failed
	if partner != nil && partner.URL().String() == failed.host &&
		partner.Token().Token().Equal(failed.token) && next.Before(failed.next) {
		return failed.next
	}
	return next
}

// partnerPoller applies lists of the Partner API and suppresses repeated log lines.
// Only one goroutine uses it.
type partnerPoller struct {
	syncer       *Syncer
	logger       log.Logger
	ages         *greenapi.AgeLog
	failures     int             // consecutive
	failing      greenapi.Result // of the latest call; empty if it succeeded
	confirmation confirmation
	lastCounts   []any // in the latest log line
	findings     findingLogger
	lastApplyErr string // in the latest log line; empty if the latest list had no error
}

// refresh makes one call and applies the list. It returns the time of the next call.
func (p *partnerPoller) refresh(ctx context.Context) (next time.Time) {
	p.syncer.mu.Lock()
	partner, begin := p.syncer.config.Partner(), time.Now()
	p.syncer.lastAttempt = begin
	p.syncer.mu.Unlock()
	if partner == nil {
		return begin.Add(maxBackoff) // ApplyConfig is about to cancel ctx
	}
	callCtx, cancel := context.WithTimeout(ctx, partner.Timeout())
	defer cancel()
	token := partner.Token().Token()
	client := greenapi.NewPartner(p.syncer.backend, partner.URL(), token)
	client.OnHeader(p.ages.Observe)
	list, err := client.List(callCtx)
	if ctx.Err() != nil {
		return begin
	}
	if err != nil {
		next := p.handleError(err, begin)
		p.syncer.mu.Lock()
		defer p.syncer.mu.Unlock()
		p.syncer.failed = failedCall{partner.URL().String(), token, next}
		return next
	}
	if p.failing != "" {
		level.Info(p.logger).Log("msg", "Partner API call succeeded again")
	}
	p.failures, p.failing = 0, ""
	p.update(ctx, list, begin)
	if _, complete := p.syncer.Targets(); !complete { // an empty list after the start
		return begin.Add(min(partner.Refresh(), maxBackoff))
	}
	return begin.Add(partner.Refresh())
}

// handleError logs the error of a call that began at the given time, at debug level if the previous
// call had the same result. It returns the time of the next call.
func (p *partnerPoller) handleError(err error, begin time.Time) (next time.Time) {
	p.failures++
	next = begin.Add(min(minRefreshGap<<min(p.failures, 30), maxBackoff))
	earliest := time.Now()
	if failure := new(greenapi.Error); errors.As(err, &failure) {
		earliest = earliest.Add(failure.RetryAfter)
	}
	if next.Before(earliest) {
		next = earliest
	}
	result := greenapi.ResultOf(err)
	logger := log.With(p.logger, "result", result, "err", err,
		"next_call", next.UTC().Format(time.RFC3339))
	if result == p.failing {
		level.Debug(logger).Log("msg", "Partner API call failed again")
	} else {
		msg := "Partner API call failed, keeping the previous list"
		if _, complete := p.syncer.Targets(); !complete {
			msg = "Partner API call failed, watching none of its instances"
		}
		level.Error(logger).Log("msg", msg, "advice", partnerAdvice[result])
	}
	p.failing = result
	return next
}

// update applies a credible list whose call began at the given time, unless ctx is canceled. The
// next list retries instances that fail.
func (p *partnerPoller) update(ctx context.Context, list greenapi.PartnerList, begin time.Time) {
	s := p.syncer
	s.applyMu.Lock()
	defer s.applyMu.Unlock()
	if ctx.Err() != nil {
		return
	}
	if !p.credible(list) {
		return
	}
	err := s.apply(list)
	s.mu.Lock()
	s.list, s.lastSuccess = list, begin
	s.mu.Unlock()
	p.logCounts(list, s.unwatched)
	p.findings.logList(list, s.unwatched)
	switch {
	case err == nil:
		p.lastApplyErr = ""
	case err.Error() != p.lastApplyErr:
		p.lastApplyErr = err.Error()
		level.Error(p.logger).Log("msg", "cannot watch some instances", "err", err)
	}
}
