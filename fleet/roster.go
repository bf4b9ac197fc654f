package fleet

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"

	"greenapi_exporter/config"
	"greenapi_exporter/greenapi"
)

// Roster keeps a fleet as it is configured: with the instances that are listed and, where that is asked for, those that the
// Partner API lists. It is safe for concurrent use, and a prometheus.Collector of its own metrics.
type Roster struct {
	fleet   *Fleet
	service *greenapi.Service
	logger  log.Logger

	instances, lastSuccess *prometheus.Desc

	changing sync.Mutex // for one change of the fleet at a time
	closed   bool
	cancel   func() // of who asks the Partner API; nil: nobody does
	asking   sync.WaitGroup

	mu      sync.Mutex // for what follows: to read it is not to wait for a change
	config  *config.Config
	listed  []greenapi.PartnerInstance // by the latest good answer of the Partner API
	success time.Time                  // when that was asked for, once it has been taken up; zero before the first
	asked   time.Time                  // when the latest call began
}

// NewRoster returns the Roster of a fleet, which has no instance before the first Configure.
func NewRoster(fleet *Fleet, service *greenapi.Service, logger log.Logger) *Roster {
	return &Roster{
		fleet: fleet, service: service, logger: logger,
		instances: prometheus.NewDesc("greenapi_exporter_instances",
			"Instances that the exporter watches.", nil, nil),
		lastSuccess: prometheus.NewDesc("greenapi_exporter_partner_last_success_timestamp_seconds",
			"When the list of instances was last taken from the Partner API, as UNIX time, 0 before the first time; absent where none is taken from there.", nil, nil),
	}
}

// Configure changes which instances there are. Those of the Partner API stay as they were listed last, and it is asked in
// the background: at once where it was not asked before, or otherwise, and then every so often. Errors are those of
// Fleet.Apply.
func (r *Roster) Configure(to *config.Config) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	if r.closed {
		return errors.New("the exporter is stopping")
	}
	partner := to.Partner()
	r.mu.Lock()
	before := r.config
	r.config = to
	if partner == nil {
		r.listed, r.success = nil, time.Time{}
	}
	listed := r.listed
	r.mu.Unlock()
	err := r.apply(to, listed)
	if r.cancel != nil && partner.AsksLike(before.Partner()) {
		return err // who asks goes on
	}
	r.stopAsking()
	if partner != nil {
		ctx, cancel := context.WithCancel(context.Background())
		r.cancel = cancel
		r.asking.Go(func() { r.ask(ctx) })
	}
	return err
}

// apply makes the fleet what is configured and listed. The lock for changes is held.
func (r *Roster) apply(configured *config.Config, listed []greenapi.PartnerInstance) error {
	instances := configured.Instances()
	if partner := configured.Partner(); partner != nil {
		instances = partner.Instances(listed, instances)
	}
	return r.fleet.Apply(instances)
}

// stopAsking has who asks change nothing any more. The lock for changes is held.
func (r *Roster) stopAsking() {
	if r.cancel != nil {
		r.cancel()
	}
	r.cancel = nil
}

const (
	// apart is how far two calls of the list are apart at the least, however often the configuration is loaded.
	apart = time.Second
	// maxRetry is the longest wait after failures in a row.
	maxRetry = time.Minute
)

// ask takes the list from the Partner API, over and over until ctx ends.
func (r *Roster) ask(ctx context.Context) {
	a := asker{Roster: r, logger: log.With(r.logger, "method", greenapi.GetInstances)}
	r.mu.Lock()
	next := r.asked.Add(apart)
	r.mu.Unlock()
	for {
		timer := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		next = a.once(ctx)
	}
}

// asker is who asks the Partner API, and what the log has heard of that.
type asker struct {
	*Roster
	logger    log.Logger
	failures  int // in a row
	failing   greenapi.Result
	emptied   bool   // whether the latest answer would have left nothing of a list
	told      string // of what is listed
	complaint string // of what cannot be watched
}

// once makes a call, and returns when the next one is due.
func (a *asker) once(ctx context.Context) time.Time {
	a.mu.Lock()
	partner, begin := a.config.Partner(), time.Now()
	a.asked = begin
	a.mu.Unlock()
	if partner == nil {
		return begin.Add(maxRetry) // the asking is just being ended
	}
	callCtx, cancel := context.WithTimeout(ctx, partner.Timeout())
	defer cancel()
	listed, err := greenapi.NewPartner(a.service, partner.URL(), partner.Token()).Instances(callCtx)
	if ctx.Err() != nil {
		return begin
	}
	if err != nil {
		return begin.Add(a.fail(err))
	}
	a.failures = 0
	if a.failing != "" {
		level.Info(a.logger).Log("msg", "the list of instances is taken from the Partner API again")
	}
	a.failing = ""
	a.list(ctx, listed, begin)
	return begin.Add(partner.Refresh())
}

// fail says in the log what has failed, once, and returns how long to wait.
func (a *asker) fail(err error) time.Duration {
	result := greenapi.ResultOf(err)
	logger := log.With(a.logger, "result", result, "err", err)
	if result == a.failing {
		level.Debug(logger).Log("msg", "the list of instances cannot be taken from the Partner API")
	} else {
		a.mu.Lock()
		first := a.success.IsZero()
		a.mu.Unlock()
		message := "the list of instances cannot be taken from the Partner API; the last one stays"
		if first {
			message = "the list of instances cannot be taken from the Partner API, so none of them is watched"
		}
		level.Error(logger).Log("msg", message, "advice", advice(result))
	}
	a.failing = result
	a.failures++
	wait := min(apart<<min(a.failures, 30), maxRetry)
	if failure := new(greenapi.Error); errors.As(err, &failure) {
		wait = max(wait, failure.RetryAfter)
	}
	return wait
}

// list takes up a list that was asked for at begin, unless ctx has ended. What cannot be brought in is tried again with the
// next one.
func (a *asker) list(ctx context.Context, listed []greenapi.PartnerInstance, begin time.Time) {
	a.changing.Lock()
	defer a.changing.Unlock()
	if ctx.Err() != nil {
		return
	}
	partner := a.config.Partner()
	watched := len(partner.Instances(listed, nil))
	if emptied := watched == 0 && len(partner.Instances(a.listed, nil)) > 0; emptied && !a.emptied {
		a.emptied = true
		level.Warn(a.logger).Log("msg", "the Partner API lists no instance to be watched any more; the last list stays unless it says so again", "listed", len(listed))
		return
	}
	a.emptied = false
	err := a.apply(a.config, listed)
	a.mu.Lock()
	a.listed, a.success = listed, begin
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
	if told := fmt.Sprint(len(listed), watched, deleted, expired); told != a.told {
		a.told = told
		level.Info(a.logger).Log("msg", "took the list of instances from the Partner API", "listed", len(listed), "watched", watched, "deleted", deleted, "expired", expired)
	}
	switch {
	case err == nil:
		a.complaint = ""
	case err.Error() != a.complaint:
		a.complaint = err.Error()
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

// Targets are the instances to be scraped, in the order of the configuration; complete is whether all are known, since the
// Partner API has answered where it is to be asked.
func (r *Roster) Targets() (targets []config.Instance, complete bool) {
	r.mu.Lock()
	waiting := r.config == nil || r.config.Partner() != nil && r.success.IsZero()
	r.mu.Unlock()
	return r.fleet.Instances(), !waiting
}

// Close ends the asking. The fleet stays as it is, and is not changed any more.
func (r *Roster) Close() {
	r.changing.Lock()
	r.closed = true
	r.stopAsking()
	r.changing.Unlock()
	r.asking.Wait()
}

// Describe implements prometheus.Collector.
func (r *Roster) Describe(ch chan<- *prometheus.Desc) {
	ch <- r.instances
	ch <- r.lastSuccess
}

// Collect implements prometheus.Collector.
func (r *Roster) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.MustNewConstMetric(r.instances, prometheus.GaugeValue, float64(len(r.fleet.instances())))
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.config == nil || r.config.Partner() == nil {
		return
	}
	at := 0.0
	if !r.success.IsZero() {
		at = float64(r.success.UnixMilli()) / 1e3
	}
	ch <- prometheus.MustNewConstMetric(r.lastSuccess, prometheus.GaugeValue, at)
}
