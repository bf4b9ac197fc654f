package app

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"

	"greenapi_exporter/internal/config"
)

// The effects of failures, for the status page.
const (
	reloadRejected = "The latest reload failed, so the previous configuration is in use. " +
		"The exporter's log shows the error."
	reloadIncomplete = "The latest reload could not apply the whole configuration. " +
		"The exporter's log shows the error."
)

// reloader reloads the configuration and counts the results. It is safe for concurrent use.
type reloader struct {
	hasFile bool // whether there is a configuration file
	load    func() (*config.Config, error)
	apply   func(*config.Config) error
	logger  log.Logger

	mu                      sync.Mutex // serializes reloads
	successful, lastSuccess prometheus.Gauge

	effect atomic.Value // string: see failure
}

// newReloader returns a reloader for a program that has just loaded its configuration. It registers
// its metrics.
func newReloader(
	hasFile bool, load func() (*config.Config, error), apply func(*config.Config) error,
	logger log.Logger, registry prometheus.Registerer,
) *reloader {
	r := &reloader{
		hasFile: hasFile, load: load, apply: apply, logger: logger,
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
	r.effect.Store("")
}

// failure describes the effect if the latest reload failed, and is otherwise empty. It does not
// wait for a reload in progress.
func (r *reloader) failure() string { return r.effect.Load().(string) }

// reload loads and applies the configuration file, if there is one. It logs the error that it
// returns.
func (r *reloader) reload() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.hasFile {
		level.Info(r.logger).Log("msg", "there is nothing to reload without --config.file")
		return nil
	}
	cfg, err := r.load()
	if err != nil {
		r.failed(reloadRejected)
		level.Error(r.logger).Log(
			"msg", "configuration reload failed, keeping the previous configuration", "err", err)
		return fmt.Errorf("keeping the previous configuration: %w", err)
	}
	if err := r.apply(cfg); err != nil {
		r.failed(reloadIncomplete)
		level.Error(r.logger).Log(
			"msg", "configuration reload failed for some instances", "err", err)
		return fmt.Errorf("applied the configuration except for %w", err)
	}
	r.succeeded()
	level.Info(r.logger).Log("msg", "reloaded the configuration")
	return nil
}

func (r *reloader) failed(effect string) {
	r.successful.Set(0)
	r.effect.Store(effect)
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
