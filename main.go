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
	instance, err := o.instance.Validate(logger)
	if err != nil {
		return err
	}
	storage, err := ledger.OpenStorage(o.storagePath, logger)
	if err != nil {
		return fmt.Errorf("--storage.path (GREENAPI_STORAGE_PATH) cannot be used: %w", err)
	}
	defer storage.Close()
	set := collector.NewSet(o.enabled)
	own := collector.NewOwn(set, storage)
	service := &greenapi.Service{
		Transport: greenapi.NewTransport(o.maxCalls),
		Places:    greenapi.NewPlaces(o.maxCalls),
		UserAgent: name + "/" + version.Version,
		Observe:   own.Observe,
	}
	if len(set.Names()) == 0 {
		level.Warn(logger).Log("msg", "no collector is switched on, so nothing of the instance is shown", "advice", "drop --collector.disable-defaults and --no-collector.NAME")
	}
	instances, err := fleet.New(set, service, storage, []config.Instance{instance}, logger)
	if err != nil {
		return fmt.Errorf("what --storage.path (GREENAPI_STORAGE_PATH) holds cannot be read: %w", err)
	}
	handler, err := web.New(web.Options{
		TelemetryPath:  o.telemetryPath,
		TimeoutOffset:  o.timeoutOffset,
		Timeout:        instance.Timeout(),
		MaxRequests:    o.maxRequests,
		Version:        version.Version,
		Readme:         manual,
		Logger:         logger,
		Own:            own,
		Scrape:         instances.Scrape,
		Statuses:       instances.Statuses,
		StorageFailing: storage.Failing,
	})
	if err != nil {
		return err
	}
	err = web.Serve(ctx, handler, o.web, instance.Timeout(), newToolkitLogger(stderr, o.logLevel, o.logFormat), func(address net.Addr) {
		level.Info(logger).Log("msg", "started "+name, "version", version.Version, "id_instance", instance.ID(),
			"api", instance.URL().Host, "collectors", strings.Join(set.Names(), ","), "window_minutes", instance.Minutes(),
			"min_interval", instance.MinInterval(), "address", address)
		switch {
		case o.demo:
			welcome(stdout, address, o.telemetryPath)
		case o.storagePath == "":
			level.Info(logger).Log("msg", "counters are in memory alone and begin anew with each start", "advice", "set --storage.path or GREENAPI_STORAGE_PATH to a directory to keep them")
		}
	})
	instances.Close()
	if err != nil {
		return fmt.Errorf("%w; --web.listen-address and --web.config.file say where and how to serve", err)
	}
	level.Info(logger).Log("msg", "stopped "+name)
	return nil
}
