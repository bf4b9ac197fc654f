// Package app is the whole program: it reads the flags and the configuration, builds the parts, serves, and stops.
package app

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/common/version"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/fleet"
	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
	"greenapi_exporter/internal/statuspage"
	"greenapi_exporter/internal/web"
)

const name = "greenapi_exporter"

// fleetGCPercent is half of Go's default (GOGC=100). With many instances, remembered messages are most of the heap, so
// memory matters more than the CPU time that the garbage collector takes; see docs/performance.md.
const fleetGCPercent = 50

// Embedded is what the program embeds. Go embeds only files below a package's directory, so main embeds these two.
type Embedded struct {
	Version string // the content of VERSION
	Readme  string // README.md, which the page at / links to
}

// Main runs the program as a process: with its arguments, its standard output and error, and its signals. SIGINT and
// SIGTERM end it; a second one ends it at once. Main returns the exit code.
func Main(embedded Embedded) int {
	signal.Ignore(syscall.SIGPIPE) // the reader of the log may exit first
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return Run(ctx, os.Args[1:], embedded, os.Stdout, os.Stderr)
}

// Run runs the program with these arguments until ctx ends, and returns its exit code. If the program cannot start,
// Run writes one line to stderr that says why.
func Run(ctx context.Context, args []string, embedded Embedded, stdout, stderr io.Writer) int {
	version.Version = strings.TrimSpace(embedded.Version)
	o, done, err := parse(args, stdout)
	if err == nil && !done {
		o.readme = embedded.Readme
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
		_, err := fmt.Fprintf(stdout, "OK: %s\n", instanceCount(configured))
		return err
	}
	if o.configFile != "" && os.Getenv("GOGC") == "" {
		debug.SetGCPercent(fleetGCPercent)
	}
	e, err := build(o, configured, logger)
	if err != nil {
		return err
	}
	go e.reloads.watchSignals(ctx, hangups)
	err = web.Serve(ctx, e.handler, o.web, newSlogLogger(stderr, o.logLevel, o.logFormat), func(address net.Addr) {
		logStarted(logger, o, configured, address)
		switch {
		case o.demo:
			printDemoHelp(stdout, address, o.telemetryPath)
		case o.storagePath == "":
			level.Info(logger).Log("msg", "counters are in memory alone and begin anew with each start", "advice", "set --storage.path or GREENAPI_STORAGE_PATH to a directory to keep them")
		}
	})
	e.stop()
	if err != nil {
		return fmt.Errorf("%w; --web.listen-address and --web.config.file say where and how to serve", err)
	}
	level.Info(logger).Log("msg", "stopped "+name)
	return nil
}

// logStarted says in the log what has been started.
func logStarted(logger log.Logger, o *options, configured *config.Config, address net.Addr) {
	started := log.With(level.Info(logger), "msg", "started "+name, "version", version.Version)
	var on []string
	for _, c := range collectors(configured) {
		on = append(on, c.Name)
	}
	names := strings.Join(on, ",")
	if o.configFile != "" {
		started.Log("config_file", o.configFile, "watches", instanceCount(configured), "collectors", names, "address", address)
		return
	}
	if names == "" {
		level.Warn(logger).Log("msg", "no collector is switched on, so nothing of the instance is shown", "advice", "drop --collector.disable-defaults and --no-collector.NAME")
	}
	instance := configured.Instances()[0]
	started.Log("id_instance", instance.ID(), "api", instance.URL().Host, "collectors", names, "window_minutes", instance.Minutes(),
		"min_interval", instance.MinInterval(), "address", address)
}

// instanceCount says how many instances are configured.
func instanceCount(configured *config.Config) string {
	text := fmt.Sprintf("%d instances", len(configured.Instances()))
	if len(configured.Instances()) == 1 {
		text = "1 instance"
	}
	if configured.Partner() != nil {
		text += " and those of the Partner API"
	}
	return text
}

// app is the program at work.
type app struct {
	handler http.Handler
	reloads *reloader

	storage *ledger.Storage
	fleet   *fleet.Manager
	roster  *fleet.Syncer
}

// build puts the configured instances to work. No call is made for one before the first scrape.
func build(o *options, configured *config.Config, logger log.Logger) (_ *app, err error) {
	e := new(app)
	e.storage, err = ledger.OpenStorage(o.storagePath, logger)
	if err != nil {
		return nil, fmt.Errorf("--storage.path (GREENAPI_STORAGE_PATH) cannot be used: %w", err)
	}
	own := collector.NewSelfMetrics(e.storage, methods(configured))
	service := &greenapi.Backend{
		Transport:  greenapi.NewTransport(o.maxCalls),
		Limiter:    greenapi.NewLimiter(o.maxCalls),
		UserAgent:  name + "/" + version.Version,
		OnResponse: own.Observe,
	}
	e.fleet = fleet.New(collector.NewSet(), collector.Resources{Service: service, Storage: e.storage, Logger: logger})
	e.roster = fleet.NewSyncer(e.fleet, service, logger)
	e.reloads = newReloader(func() error {
		configured, err := o.load(logger)
		if err != nil {
			return fmt.Errorf("nothing has changed: %w", err)
		}
		if err := e.roster.ApplyConfig(configured); err != nil {
			return fmt.Errorf("all is as configured now, but for %w", err)
		}
		return nil
	}, logger)
	own.Registry.MustRegister(e.reloads, e.roster)
	page := statuspage.New(statuspage.Options{
		Version:       version.Version,
		TelemetryPath: o.telemetryPath,
		Logger:        logger,
		Snapshot: func() statuspage.Snapshot {
			_, complete := e.roster.Targets()
			return statuspage.Snapshot{
				Instances: e.fleet.Statuses(), DiscoveryPending: !complete, StorageFailing: e.storage.Failing(),
			}
		},
	})
	handlerOptions := web.Options{
		Fleet: instances{e.fleet, e.roster}, Self: own, Page: page, Readme: o.readme, Logger: logger,
		TelemetryPath: o.telemetryPath, ServeInstances: o.scopeAll(), TimeoutOffset: o.timeoutOffset, MaxRequests: o.maxRequests,
	}
	if o.lifecycle {
		handlerOptions.Reload = e.reloads.reload
	}
	e.handler = web.New(handlerOptions)
	err = e.configure(configured, o.storagePath, logger)
	if err != nil {
		e.stop()
		return nil, err
	}
	return e, nil
}

// instances implements web.Fleet: the manager scrapes, and the syncer knows whether discovery is complete.
type instances struct {
	*fleet.Manager
	syncer *fleet.Syncer
}

func (i instances) Targets() ([]config.Instance, bool) { return i.syncer.Targets() }

// configure brings in the instances of the start, and says in the log what became of their ledgers.
func (e *app) configure(configured *config.Config, storagePath string, logger log.Logger) error {
	if err := e.roster.ApplyConfig(configured); err != nil {
		return fmt.Errorf("what --storage.path (GREENAPI_STORAGE_PATH) holds cannot be read: %w", err)
	}
	if storagePath != "" {
		read, begun := e.storage.LoadStats()
		level.Info(logger).Log("msg", "opened the ledgers", "directory", storagePath, "read_from_file", read, "begin_with_a_baseline", begun)
	}
	return nil
}

// stop ends the calls that run and puts on file what is to be kept.
func (e *app) stop() {
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
