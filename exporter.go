package main

import (
	"fmt"
	"net/http"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/common/version"

	"greenapi_exporter/collector"
	"greenapi_exporter/config"
	"greenapi_exporter/fleet"
	"greenapi_exporter/greenapi"
	"greenapi_exporter/ledger"
	"greenapi_exporter/web"
)

// exporter is the program at work.
type exporter struct {
	handler http.Handler
	reloads *reloader

	storage *ledger.Storage
	fleet   *fleet.Fleet
	roster  *fleet.Roster
}

// start puts the configured instances to work. No call is made for one before the first scrape.
func start(o *options, configured *config.Config, logger log.Logger) (_ *exporter, err error) {
	e := new(exporter)
	e.storage, err = ledger.OpenStorage(o.storagePath, logger)
	if err != nil {
		return nil, fmt.Errorf("--storage.path (GREENAPI_STORAGE_PATH) cannot be used: %w", err)
	}
	own := collector.NewOwn(e.storage, methods(configured))
	service := &greenapi.Service{
		Transport: greenapi.NewTransport(o.maxCalls),
		Places:    greenapi.NewPlaces(o.maxCalls),
		UserAgent: name + "/" + version.Version,
		Observe:   own.Observe,
	}
	e.fleet = fleet.New(collector.NewSet(), collector.Resources{Service: service, Storage: e.storage, Logger: logger})
	e.roster = fleet.NewRoster(e.fleet, service, logger)
	e.reloads = newReloader(func() error {
		configured, err := o.load(logger)
		if err != nil {
			return fmt.Errorf("nothing has changed: %w", err)
		}
		if err := e.roster.Configure(configured); err != nil {
			return fmt.Errorf("all is as configured now, but for %w", err)
		}
		return nil
	}, logger)
	own.Registry.MustRegister(e.reloads, e.roster)
	e.handler, err = web.New(web.Options{
		TelemetryPath:  o.telemetryPath,
		TimeoutOffset:  o.timeoutOffset,
		MaxRequests:    o.maxRequests,
		Version:        version.Version,
		Readme:         manual,
		Logger:         logger,
		Own:            own,
		All:            o.scopeAll(),
		Scrape:         e.fleet.Scrape,
		Timeout:        e.fleet.Timeout,
		Host:           e.fleet.Host,
		Targets:        e.roster.Targets,
		Statuses:       e.fleet.Statuses,
		StorageFailing: e.storage.Failing,
		Reload:         e.reloads.reload,
		Lifecycle:      o.lifecycle,
	})
	if err == nil {
		err = e.configure(configured, o.storagePath, logger)
	}
	if err != nil {
		e.stop()
		return nil, err
	}
	return e, nil
}

// configure brings in the instances of the start, and says in the log what became of their ledgers.
func (e *exporter) configure(configured *config.Config, storagePath string, logger log.Logger) error {
	if err := e.roster.Configure(configured); err != nil {
		return fmt.Errorf("what --storage.path (GREENAPI_STORAGE_PATH) holds cannot be read: %w", err)
	}
	if storagePath != "" {
		read, begun := e.storage.Opened()
		level.Info(logger).Log("msg", "opened the ledgers", "directory", storagePath, "read_from_file", read, "begin_with_a_baseline", begun)
	}
	return nil
}

// stop ends the calls that run and puts on file what is to be kept.
func (e *exporter) stop() {
	e.roster.Close()
	e.fleet.Close()
	_ = e.storage.Close()
}

// collectors are those that any instance has.
func collectors(configured *config.Config) []collector.Info {
	var on []collector.Info
	for _, c := range collector.All() {
		if configured.Collects(c.Name) {
			on = append(on, c)
		}
	}
	return on
}

// methods are those that will be called.
func methods(configured *config.Config) []string {
	var methods []string
	for _, c := range collectors(configured) {
		methods = append(methods, c.Method)
	}
	if configured.Partner() != nil {
		methods = append(methods, greenapi.GetInstances)
	}
	return methods
}
