package app

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
)

// reloader loads the configuration anew, one time after the other, and is a prometheus.Collector of how that went.
type reloader struct {
	load   func() error // which changes nothing of the instances there are where it fails to read the file
	logger log.Logger

	successful, success *prometheus.Desc

	loading sync.Mutex
	mu      sync.Mutex
	failed  bool
	last    time.Time // when it last worked
}

// newReloader is for a program that has just been started with a configuration that works.
func newReloader(load func() error, logger log.Logger) *reloader {
	return &reloader{
		load: load, logger: logger, last: time.Now(),
		successful: prometheus.NewDesc("greenapi_exporter_config_last_reload_successful",
			"Whether the configuration was last loaded with success (1) or not (0).", nil, nil),
		success: prometheus.NewDesc("greenapi_exporter_config_last_reload_success_timestamp_seconds",
			"When the configuration was last loaded with success, as UNIX time.", nil, nil),
	}
}

// reload returns when the new configuration is in force. An error, which the log has too, says why not.
func (r *reloader) reload() error {
	r.loading.Lock()
	defer r.loading.Unlock()
	err := r.load()
	if err != nil {
		level.Error(r.logger).Log("msg", "the configuration was not loaded as it is", "err", err)
	} else {
		level.Info(r.logger).Log("msg", "the configuration was loaded anew")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = err != nil
	if err == nil {
		r.last = time.Now()
	}
	return err
}

// watchSignals reloads with each of the signals until ctx ends.
func (r *reloader) watchSignals(ctx context.Context, signals <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
			_ = r.reload() // the log says why not
		}
	}
}

// Describe implements prometheus.Collector.
func (r *reloader) Describe(ch chan<- *prometheus.Desc) {
	ch <- r.successful
	ch <- r.success
}

// Collect implements prometheus.Collector.
func (r *reloader) Collect(ch chan<- prometheus.Metric) {
	r.mu.Lock()
	defer r.mu.Unlock()
	successful := 1.0
	if r.failed {
		successful = 0
	}
	ch <- prometheus.MustNewConstMetric(r.successful, prometheus.GaugeValue, successful)
	ch <- prometheus.MustNewConstMetric(r.success, prometheus.GaugeValue, float64(r.last.UnixMilli())/1e3)
}
