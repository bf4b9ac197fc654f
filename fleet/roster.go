package fleet

import (
	"context"
	"errors"
	"slices"
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

	configuring sync.Mutex // for one Configure at a time, or Close
	closed      bool
	stop        func() // ends the asking, and waits until it has ended; nil: nobody asks

	mu      sync.Mutex // for what follows, which Configure changes while nobody asks, or else who asks
	config  *config.Config
	listed  []greenapi.PartnerInstance // by the latest good answer of the Partner API
	success time.Time                  // when that was asked for, once it has been taken up; zero before the first
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

// Configure changes which instances there are. Those of the Partner API stay as they were listed last until it has
// answered anew, which is asked for in the background at once, and then every so often. Errors are those of Fleet.Apply.
func (r *Roster) Configure(to *config.Config) error {
	r.configuring.Lock()
	defer r.configuring.Unlock()
	if r.closed {
		return errors.New("the exporter is stopping")
	}
	r.stopAsking()
	partner := to.Partner()
	r.mu.Lock()
	r.config = to
	if partner == nil {
		r.listed, r.success = nil, time.Time{}
	}
	listed := r.listed
	r.mu.Unlock()
	err := r.apply(listed)
	if partner != nil {
		r.startAsking(partner)
	}
	return err
}

// apply makes the fleet what is configured and listed.
func (r *Roster) apply(listed []greenapi.PartnerInstance) error {
	instances := r.config.Instances()
	if partner := r.config.Partner(); partner != nil {
		instances = partner.Instances(listed, instances)
	}
	return r.fleet.Apply(instances)
}

func (r *Roster) startAsking(partner *config.Partner) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.ask(ctx, partner)
	}()
	r.stop = func() {
		cancel()
		<-ended
	}
}

func (r *Roster) stopAsking() {
	if r.stop != nil {
		r.stop()
	}
	r.stop = nil
}

// retry is how long after a failure the next call of the list begins, if it is not to be refreshed sooner anyway.
const retry = time.Minute

// ask takes the list from the Partner API, over and over until ctx ends.
func (r *Roster) ask(ctx context.Context, partner *config.Partner) {
	client := greenapi.NewPartner(r.service, partner.URL(), partner.Token())
	logger := log.With(r.logger, "method", greenapi.GetInstances)
	var failing greenapi.Result
	var complaint string
	for {
		begin := time.Now()
		callCtx, cancel := context.WithTimeout(ctx, partner.Timeout())
		listed, err := client.Instances(callCtx)
		cancel()
		if ctx.Err() != nil {
			return
		}
		wait := partner.Refresh()
		if result := greenapi.ResultOf(err); err != nil {
			var failure *greenapi.Error
			wait = min(wait, retry)
			if errors.As(err, &failure) {
				wait = max(wait, failure.RetryAfter)
			}
			logger := log.With(logger, "result", result, "err", err)
			if result == failing {
				level.Debug(logger).Log("msg", "the list of instances cannot be taken from the Partner API")
			} else {
				level.Error(logger).Log("msg", "the list of instances cannot be taken from the Partner API; the last one stays", "advice", advice(result))
			}
			failing = result
		} else {
			if failing != "" {
				level.Info(logger).Log("msg", "the list of instances is taken from the Partner API again")
			}
			failing = ""
			complaint = r.list(listed, begin, logger, complaint)
		}
		timer := time.NewTimer(time.Until(begin.Add(wait)))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
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

// list takes up a list that was asked for at begin. What cannot be brought in is tried again with the next; the log
// hears of it where it is not what it last heard, which is returned.
func (r *Roster) list(listed []greenapi.PartnerInstance, begin time.Time, logger log.Logger, complaint string) string {
	first := r.success.IsZero()
	err := r.apply(listed)
	r.mu.Lock()
	r.listed, r.success = listed, begin
	r.mu.Unlock()
	if first {
		level.Info(logger).Log("msg", "took the list of instances from the Partner API", "listed", len(listed), "instances", len(r.fleet.instances()))
	}
	if err == nil {
		return ""
	}
	if err.Error() != complaint {
		level.Error(logger).Log("msg", "not every instance can be watched", "err", err)
	}
	return err.Error()
}

// Targets are the instances to be scraped, in the order of the configuration; complete is whether all are known, since the
// Partner API has answered where it is to be asked.
func (r *Roster) Targets() (targets []config.Instance, complete bool) {
	r.mu.Lock()
	waiting := r.config == nil || r.config.Partner() != nil && r.success.IsZero()
	r.mu.Unlock()
	return slices.Clip(r.fleet.Instances()), !waiting
}

// Close ends the asking. The fleet stays as it is, and is not changed any more.
func (r *Roster) Close() {
	r.configuring.Lock()
	defer r.configuring.Unlock()
	r.closed = true
	r.stopAsking()
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
