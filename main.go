// Greenapi_exporter shows Prometheus what becomes of the WhatsApp messages that are sent through GREEN-API.
package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

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

const name = "greenapi_exporter"

// gcPercent is half of what Go takes by itself (GOGC): nearly all of the heap are the messages that ledgers remember, and a
// fleet has more need of memory than of the little time that this takes; see docs/performance.md.
const gcPercent = 50

// release is the version, however the program is built; the Makefile and the Dockerfile add the revision.
//
//go:embed VERSION
var release string

// manual is where the page at / leads for more: it is with the program, of the same version, wherever that runs.
//
//go:embed README.md
var manual string

func main() {
	version.Version = strings.TrimSpace(release)
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	signal.Ignore(syscall.SIGPIPE) // who reads the log may go away
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole program: it serves until ctx ends and returns the exit code. A start that cannot work is told on
// stderr in one line.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, done, err := parse(args, stdout)
	if err == nil && !done {
		err = serve(ctx, o, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintf(stderr, "%s: error: %s\n", name, strings.Join(strings.Fields(err.Error()), " "))
		return 1
	}
	return 0
}

func serve(ctx context.Context, o *options, stdout, stderr io.Writer) error {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP) // early, since it would end the program
	defer signal.Stop(hangups)
	stderr = log.NewSyncWriter(stderr)
	logger := newLogger(stderr, o.logLevel, o.logFormat)
	if err := o.validate(); err != nil {
		return err
	}
	if o.demo {
		stop, err := startDemo(&o.instance)
		if err != nil {
			return err
		}
		defer stop()
		if o.storagePath != "" {
			level.Info(logger).Log("msg", "the demo is in memory alone: --storage.path is not used")
		}
		o.storagePath = ""
	}
	configured, err := o.load(logger)
	if err != nil {
		return err
	}
	if o.configCheck {
		_, err := fmt.Fprintf(stdout, "OK: %s\n", describe(configured))
		return err
	}
	storage, err := ledger.OpenStorage(o.storagePath, logger)
	if err != nil {
		return fmt.Errorf("--storage.path (GREENAPI_STORAGE_PATH) cannot be used: %w", err)
	}
	defer storage.Close()
	own := collector.NewOwn(storage, methods(configured))
	service := &greenapi.Service{
		Transport: greenapi.NewTransport(o.maxCalls),
		Places:    greenapi.NewPlaces(o.maxCalls),
		UserAgent: name + "/" + version.Version,
		Observe:   own.Observe,
	}
	instances := fleet.New(collector.NewSet(), collector.Resources{Service: service, Storage: storage, Logger: logger})
	roster := fleet.NewRoster(instances, service, logger)
	stop := func() {
		roster.Close()
		instances.Close()
	}
	if err := roster.Configure(configured); err != nil {
		stop()
		return fmt.Errorf("what --storage.path (GREENAPI_STORAGE_PATH) holds cannot be read: %w", err)
	}
	reloads := newReloader(func() error {
		configured, err := o.load(logger)
		if err != nil {
			return err
		}
		return roster.Configure(configured)
	}, logger)
	own.Registry.MustRegister(reloads, roster)
	handler, err := web.New(web.Options{
		TelemetryPath:  o.telemetryPath,
		TimeoutOffset:  o.timeoutOffset,
		MaxRequests:    o.maxRequests,
		Version:        version.Version,
		Readme:         manual,
		Logger:         logger,
		Own:            own,
		All:            o.scopeAll(),
		Scrape:         instances.Scrape,
		Timeout:        instances.Timeout,
		Host:           instances.Host,
		Targets:        roster.Targets,
		Statuses:       instances.Statuses,
		StorageFailing: storage.Failing,
		Reload:         reloads.reload,
		Lifecycle:      o.lifecycle,
	})
	if err != nil {
		stop()
		return err
	}
	go reloads.follow(ctx, hangups)
	if o.storagePath != "" {
		read, begun := storage.Opened()
		level.Info(logger).Log("msg", "opened the ledgers", "directory", o.storagePath, "read_from_file", read, "begin_with_a_baseline", begun)
	}
	err = web.Serve(ctx, handler, o.web, newToolkitLogger(stderr, o.logLevel, o.logFormat), func(address net.Addr) {
		greet(logger, o, configured, address)
		switch {
		case o.demo:
			welcome(stdout, address, o.telemetryPath)
		case o.storagePath == "":
			level.Info(logger).Log("msg", "counters are in memory alone and begin anew with each start", "advice", "set --storage.path or GREENAPI_STORAGE_PATH to a directory to keep them")
		}
	})
	stop()
	if err != nil {
		return fmt.Errorf("%w; --web.listen-address and --web.config.file say where and how to serve", err)
	}
	level.Info(logger).Log("msg", "stopped "+name)
	return nil
}

// greet says in the log what has been started.
func greet(logger log.Logger, o *options, configured *config.Config, address net.Addr) {
	start := log.With(level.Info(logger), "msg", "started "+name, "version", version.Version)
	names := strings.Join(collectors(configured), ",")
	if o.configFile != "" {
		start.Log("config_file", o.configFile, "watches", describe(configured), "collectors", names, "address", address)
		return
	}
	if names == "" {
		level.Warn(logger).Log("msg", "no collector is switched on, so nothing of the instance is shown", "advice", "drop --collector.disable-defaults and --no-collector.NAME")
	}
	instance := configured.Instances()[0]
	start.Log("id_instance", instance.ID(), "api", instance.URL().Host, "collectors", names, "window_minutes", instance.Minutes(),
		"min_interval", instance.MinInterval(), "address", address)
}

// describe says how many instances are configured.
func describe(configured *config.Config) string {
	text := fmt.Sprintf("%d instances", len(configured.Instances()))
	if len(configured.Instances()) == 1 {
		text = "1 instance"
	}
	if configured.Partner() != nil {
		text += " and those of the Partner API"
	}
	return text
}

// collectors are those that any instance has, by name.
func collectors(configured *config.Config) []string {
	var names []string
	for _, c := range collector.All() {
		if configured.Collects(c.Name) {
			names = append(names, c.Name)
		}
	}
	return names
}

// methods are those that will be called.
func methods(configured *config.Config) []string {
	var methods []string
	for _, c := range collector.All() {
		if configured.Collects(c.Name) {
			methods = append(methods, c.Method)
		}
	}
	if configured.Partner() != nil {
		methods = append(methods, greenapi.GetInstances)
	}
	return methods
}
