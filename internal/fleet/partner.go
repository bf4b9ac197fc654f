package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"greenapi_exporter/internal/greenapi"
)

const (
	// minRefreshGap is how far two calls of the list are apart at the least, however often the configuration is loaded.
	minRefreshGap = time.Second
	// maxBackoff is the longest wait after failures in a row.
	maxBackoff = time.Minute
)

// run takes the list from the Partner API, over and over until ctx ends.
func (r *Syncer) run(ctx context.Context) {
	a := partnerPoller{Syncer: r, logger: log.With(r.logger, "method", greenapi.GetInstances)}
	r.mu.Lock()
	next := r.lastAttempt.Add(minRefreshGap)
	r.mu.Unlock()
	for {
		timer := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		next = a.refresh(ctx)
	}
}

// partnerPoller is who asks the Partner API, and what the log has heard of that.
type partnerPoller struct {
	*Syncer
	logger       log.Logger
	failures     int // in a row
	failing      greenapi.Result
	emptyOnce    bool   // whether the latest answer would have left nothing of a list
	lastLogged   string // of what is listed
	lastApplyErr string // of what cannot be watched
}

// refresh makes a call, and returns when the next one is due.
func (a *partnerPoller) refresh(ctx context.Context) time.Time {
	a.mu.Lock()
	partner, begin := a.config.Partner(), time.Now()
	a.lastAttempt = begin
	a.mu.Unlock()
	if partner == nil {
		return begin.Add(maxBackoff) // the asking is just being ended
	}
	callCtx, cancel := context.WithTimeout(ctx, partner.Timeout())
	defer cancel()
	listed, err := greenapi.NewPartner(a.service, partner.URL(), partner.Token()).Instances(callCtx)
	if ctx.Err() != nil {
		return begin
	}
	if err != nil {
		return begin.Add(a.handleError(err))
	}
	a.failures = 0
	if a.failing != "" {
		level.Info(a.logger).Log("msg", "the list of instances is taken from the Partner API again")
	}
	a.failing = ""
	a.update(ctx, listed, begin)
	return begin.Add(partner.Refresh())
}

// handleError says in the log what has failed, once, and returns how long to wait.
func (a *partnerPoller) handleError(err error) time.Duration {
	result := greenapi.ResultOf(err)
	logger := log.With(a.logger, "result", result, "err", err)
	if result == a.failing {
		level.Debug(logger).Log("msg", "the list of instances cannot be taken from the Partner API")
	} else {
		a.mu.Lock()
		first := a.lastSuccess.IsZero()
		a.mu.Unlock()
		message := "the list of instances cannot be taken from the Partner API; the last one stays"
		if first {
			message = "the list of instances cannot be taken from the Partner API, so none of them is watched"
		}
		level.Error(logger).Log("msg", message, "advice", advice(result))
	}
	a.failing = result
	a.failures++
	wait := min(minRefreshGap<<min(a.failures, 30), maxBackoff)
	if failure := new(greenapi.Error); errors.As(err, &failure) {
		wait = max(wait, failure.RetryAfter)
	}
	return wait
}

// update takes up a list that was asked for at begin, unless ctx has ended. What cannot be brought in is tried again with the
// next one.
func (a *partnerPoller) update(ctx context.Context, listed []greenapi.PartnerInstance, begin time.Time) {
	a.applyMu.Lock()
	defer a.applyMu.Unlock()
	if ctx.Err() != nil {
		return
	}
	partner := a.config.Partner()
	watched := len(partner.Instances(listed, nil))
	if emptied := watched == 0 && len(partner.Instances(a.partnerInstances, nil)) > 0; emptied && !a.emptyOnce {
		a.emptyOnce = true
		level.Warn(a.logger).Log("msg", "the Partner API lists no instance to be watched any more; the last list stays unless it says so again", "listed", len(listed))
		return
	}
	a.emptyOnce = false
	err := a.apply(a.config, listed)
	a.mu.Lock()
	a.partnerInstances, a.lastSuccess = listed, begin
	a.mu.Unlock()
	deleted, expired := 0, 0
	for _, l := range listed {
		switch {
		case l.Deleted:
			deleted++
		case l.Expired:
			expired++
		}
	}
	if told := fmt.Sprint(len(listed), watched, deleted, expired); told != a.lastLogged {
		a.lastLogged = told
		level.Info(a.logger).Log("msg", "took the list of instances from the Partner API", "listed", len(listed), "watched", watched, "deleted", deleted, "expired", expired)
	}
	switch {
	case err == nil:
		a.lastApplyErr = ""
	case err.Error() != a.lastApplyErr:
		a.lastApplyErr = err.Error()
		level.Error(a.logger).Log("msg", "not every instance can be watched", "err", err)
	}
}

// advice is what to do about a result, which for most is what it is for an instance.
func advice(result greenapi.Result) string {
	switch result {
	case greenapi.Unauthorized, greenapi.Forbidden:
		return "the partner's token is wrong, or partner.url is not the host that it is for; copy both again from the partner's console"
	default:
		return result.Advice()
	}
}
