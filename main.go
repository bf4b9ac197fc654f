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

	"greenapi_exporter/config"
	"greenapi_exporter/web"
)

const name = "greenapi_exporter"

// fleetGCPercent is half of what Go takes by itself (GOGC): with many instances nearly all of the heap are the messages that
// ledgers remember, and there is more need of memory than of the little time that this takes; see docs/performance.md.
const fleetGCPercent = 50

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
	if o.configFile != "" && os.Getenv("GOGC") == "" {
		debug.SetGCPercent(fleetGCPercent)
	}
	e, err := start(o, configured, logger)
	if err != nil {
		return err
	}
	go e.reloads.follow(ctx, hangups)
	err = web.Serve(ctx, e.handler, o.web, newToolkitLogger(stderr, o.logLevel, o.logFormat), func(address net.Addr) {
		greet(logger, o, configured, address)
		switch {
		case o.demo:
			welcome(stdout, address, o.telemetryPath)
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

// greet says in the log what has been started.
func greet(logger log.Logger, o *options, configured *config.Config, address net.Addr) {
	started := log.With(level.Info(logger), "msg", "started "+name, "version", version.Version)
	var on []string
	for _, c := range collectors(configured) {
		on = append(on, c.Name)
	}
	names := strings.Join(on, ",")
	if o.configFile != "" {
		started.Log("config_file", o.configFile, "watches", describe(configured), "collectors", names, "address", address)
		return
	}
	if names == "" {
		level.Warn(logger).Log("msg", "no collector is switched on, so nothing of the instance is shown", "advice", "drop --collector.disable-defaults and --no-collector.NAME")
	}
	instance := configured.Instances()[0]
	started.Log("id_instance", instance.ID(), "api", instance.URL().Host, "collectors", names, "window_minutes", instance.Minutes(),
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
