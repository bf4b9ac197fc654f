// Package app is the program: it parses the flags, loads the configuration, connects the packages
// and serves.
package app

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/common/version"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/docs"
	"greenapi_exporter/internal/fleet"
	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
	"greenapi_exporter/internal/selfmetrics"
	"greenapi_exporter/internal/statuspage"
	"greenapi_exporter/internal/web"
)

const name = "greenapi_exporter"

// fleetGCPercent is half of Go's default (GOGC=100). With many instances, most of the heap is
// remembered messages, so memory matters more than the CPU time of the garbage collector; see
// docs/performance.md.
const fleetGCPercent = 50

// Embedded is the content of files at the root of the module. Go embeds only files below a
// package's directory, so package main embeds them.
type Embedded struct {
	Version string // VERSION
	Docs    fs.FS  // README.md and docs/, which the exporter serves
}

// Main runs the program with the arguments, output streams and signals of the process, and returns
// the exit code. SIGINT and SIGTERM shut the program down; a second one kills it.
func Main(embedded Embedded) int {
	signal.Ignore(syscall.SIGPIPE) // the reader of the log may exit first
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return Run(ctx, os.Args[1:], embedded, os.Stdout, os.Stderr)
}

// Run runs the program with args until ctx ends, and returns the exit code. If the program cannot
// start, Run writes the reason to stderr, as one line. If stderr is not read, Run does not wait for
// it.
func Run(ctx context.Context, args []string, embedded Embedded, stdout, stderr io.Writer) int {
	version.Version = strings.TrimSpace(embedded.Version)
	logLines := newLogQueue(stderr)
	o, done, err := parse(args, stdout)
	if err == nil && !done {
		o.docs = embedded.Docs
		err = run(ctx, o, stdout, logLines)
	}
	if err != nil {
		text := strings.Join(strings.Fields(err.Error()), " ")
		logLines.Close(fmt.Sprintf("%s: error: %s\n", name, text))
		return 1
	}
	logLines.Close("")
	return 0
}

// run runs the program with parsed flags until ctx ends.
func run(ctx context.Context, o *options, stdout io.Writer, logLines *logQueue) error {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP) // first, because an unhandled SIGHUP ends the process
	defer signal.Stop(hangups)
	logger := newLogger(logLines, o.logLevel, o.logFormat)
	redirectStandardLogger(logger)
	if o.healthcheck {
		url, err := o.checkHealth(ctx)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(stdout, "OK: %s responds\n", url)
		return err
	}
	if err := o.validate(); err != nil {
		return err
	}
	if o.demo {
		stop, err := startDemo(o, logger)
		if err != nil {
			return err
		}
		defer stop()
		queue := newLogQueue(stdout)
		defer queue.Close("")
		stdout = queue
	}
	cfg, err := o.load(logger)
	if err != nil {
		return err
	}
	if o.configCheck {
		return printConfig(stdout, cfg)
	}
	if o.configFile != "" && os.Getenv("GOGC") == "" {
		debug.SetGCPercent(fleetGCPercent)
	}
	a, err := build(o, cfg, logger, logLines.Dropped)
	if err != nil {
		return err
	}
	go a.reloader.watchSignals(ctx, hangups)
	stopScrapes := func() {}
	if o.demo {
		stopScrapes = startScrapes(a.manager)
	}
	webLogger := newSlogLogger(logLines, o.logLevel, o.logFormat)
	err = web.Serve(ctx, a.handler, o.web, webLogger, func(address net.Addr) {
		logStarted(logger, o, cfg, address)
		if o.demo {
			printDemoHelp(stdout, address, o.telemetryPath)
		}
	})
	stopScrapes()
	a.close()
	if err != nil {
		return explainServeError(err, *o.web.WebConfigFile)
	}
	level.Info(logger).Log("msg", "stopped "+name)
	return nil
}

// app is the connected parts of the program.
type app struct {
	storage  *ledger.Storage
	manager  *fleet.Manager
	syncer   *fleet.Syncer
	reloader *reloader
	handler  http.Handler
}

// build connects the parts and opens the ledgers of the configured instances. It makes no API
// calls.
func build(
	o *options, cfg *config.Config, logger log.Logger, droppedLines func() uint64,
) (*app, error) {
	storage, err := ledger.OpenStorage(o.storagePath, logger)
	if err != nil {
		return nil, explainStorageError("use", o.storagePath, err)
	}
	self := selfmetrics.New(storage, droppedLines, methods(cfg))
	backend := &greenapi.Backend{
		Transport:  greenapi.NewTransport(o.maxCalls),
		Limiter:    greenapi.NewLimiter(o.maxCalls),
		UserAgent:  name + "/" + version.Version,
		OnResponse: self.Observe,
	}
	resources := collector.Resources{Backend: backend, Storage: storage, Logger: logger}
	manager := fleet.New(collector.NewSet(), resources)
	syncer := fleet.NewSyncer(manager, backend, logger)
	a := &app{storage: storage, manager: manager, syncer: syncer}
	load := func() (*config.Config, error) { return o.load(logger) }
	hasFile := o.configFile != ""
	a.reloader = newReloader(hasFile, load, syncer.ApplyConfig, logger, self.Registry)
	self.Registry.MustRegister(syncer)
	a.handler = a.newHandler(o, self, logger)
	if err := syncer.ApplyConfig(cfg); err != nil {
		a.close()
		return nil, explainStorageError("read", o.storagePath, err)
	}
	// The ledgers of the instances that the Partner API lists are opened later.
	if loaded, created := storage.LoadStats(); loaded+created > 0 {
		level.Info(logger).Log("msg", "opened the ledgers", "directory", o.storagePath,
			"read_from_file", loaded, "begin_with_a_baseline", created)
	}
	return a, nil
}

// explainStorageError returns an error about the storage that does not contain its path if that
// could be a misplaced token.
func explainStorageError(verb, path string, err error) error {
	text := err.Error()
	if config.CouldBeToken(path) {
		text = strings.ReplaceAll(text, path, "the directory")
		text = strings.ReplaceAll(text, filepath.Clean(path), "the directory")
	}
	return fmt.Errorf("cannot %s --storage.path (GREENAPI_STORAGE_PATH): %s", verb, text)
}

func (a *app) newHandler(o *options, self *selfmetrics.Metrics, logger log.Logger) http.Handler {
	page := statuspage.New(statuspage.Options{
		Version:       version.Version,
		TelemetryPath: o.telemetryPath,
		Logger:        logger,
		Snapshot: func() statuspage.Snapshot {
			_, complete := a.syncer.Targets()
			return statuspage.Snapshot{
				Instances:        a.manager.Statuses(),
				DiscoveryPending: !complete,
				StorageFailing:   a.storage.Failing(),
				ReloadFailure:    a.reloader.failure(),
				HeldList:         a.syncer.HeldList(),
				Unwatched:        a.syncer.Unwatched(),
			}
		},
	})
	options := web.Options{
		Fleet:          targets{a.manager, a.syncer},
		Self:           self,
		Page:           page,
		Docs:           docs.New(o.docs, version.Version),
		Logger:         logger,
		TelemetryPath:  o.telemetryPath,
		ServeInstances: o.serveInstances(),
		TimeoutOffset:  o.timeoutOffset,
		MaxRequests:    o.maxRequests,
	}
	if o.lifecycle {
		options.Reload = a.reloader.reload
	}
	return web.New(options)
}

// targets implements web.Fleet: the manager scrapes, and the syncer knows whether discovery is
// complete.
type targets struct {
	*fleet.Manager
	syncer *fleet.Syncer
}

func (t targets) Targets() ([]config.Instance, bool) { return t.syncer.Targets() }

// close cancels the calls in flight and writes the ledgers to the storage.
func (a *app) close() {
	a.syncer.Close()
	a.manager.Close()
	_ = a.storage.Close() // releases the lock
}

func logStarted(logger log.Logger, o *options, cfg *config.Config, address net.Addr) {
	var names []string
	for _, c := range enabledCollectors(cfg) {
		names = append(names, c.Name)
	}
	enabled := strings.Join(names, ",")
	started := log.With(level.Info(logger), "msg", "started "+name, "version", version.Version)
	if o.configFile != "" {
		started.Log("config_file", o.configFile, "watches", instanceCount(cfg),
			"collectors", enabled, "address", address)
	} else {
		if enabled == "" {
			level.Warn(logger).Log(
				"msg", "all collectors are disabled, so the instance has no metrics",
				"advice", "remove --collector.disable-defaults and --no-collector.NAME")
		}
		i := cfg.Instances()[0]
		started.Log("id_instance", i.ID(), "api", i.URL().Host, "collectors", enabled,
			"window_minutes", i.Minutes(), "tiered", i.Tiered(), "min_interval", i.MinInterval(),
			"address", address)
	}
	if o.storagePath == "" && !o.demo {
		level.Warn(logger).Log(
			"msg", "without --storage.path, a restart resets the counters and loses the latest "+
				"readings and the times of calls; messages sent in the meantime are not counted",
			"advice", "set --storage.path or GREENAPI_STORAGE_PATH to a directory")
	}
}

// enabledCollectors returns the collectors that at least one instance has enabled.
func enabledCollectors(cfg *config.Config) []collector.Info {
	var enabled []collector.Info
	for _, c := range collector.All() {
		if cfg.Collects(c.Name) {
			enabled = append(enabled, c)
		}
	}
	return enabled
}

// methods returns the API methods that the program will call.
func methods(cfg *config.Config) []string {
	var methods []string
	for _, c := range enabledCollectors(cfg) {
		methods = append(methods, c.Method)
	}
	if cfg.Partner() != nil {
		methods = append(methods, greenapi.GetInstances)
	}
	return methods
}
