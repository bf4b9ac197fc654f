package app

import (
	"context"
	"os"
	"sync"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
)

// reloader reloads the configuration and counts the results. It is safe for concurrent use.
type reloader struct {
	load   func() error
	logger log.Logger

	mu                      sync.Mutex // serializes reloads
	successful, lastSuccess prometheus.Gauge
}

// newReloader returns a reloader for a program that has just loaded its configuration. It registers
// its metrics.
func newReloader(load func() error, logger log.Logger, registry prometheus.Registerer) *reloader {
	r := &reloader{
		load: load, logger: logger,
		successful: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "greenapi_exporter_config_last_reload_successful",
			Help: "Whether the last configuration reload succeeded (1) or failed (0).",
		}),
		lastSuccess: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "greenapi_exporter_config_last_reload_success_timestamp_seconds",
			Help: "Unix time of the last successful configuration reload.",
		}),
	}
	registry.MustRegister(r.successful, r.lastSuccess)
	r.succeeded()
	return r
}

func (r *reloader) succeeded() {
	r.successful.Set(1)
	r.lastSuccess.SetToCurrentTime()
}

// reload loads and applies the configuration. It logs the error that it returns.
func (r *reloader) reload() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.load(); err != nil {
		r.successful.Set(0)
		level.Error(r.logger).Log("msg", "configuration reload failed", "err", err)
		return err
	}
	r.succeeded()
	level.Info(r.logger).Log("msg", "reloaded the configuration")
	return nil
}

// watchSignals reloads on each signal until ctx ends.
func (r *reloader) watchSignals(ctx context.Context, signals <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
			_ = r.reload()
		}
	}
}
