package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-kit/log"
	toolkit "github.com/prometheus/exporter-toolkit/web"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/web"
)

// options is the parsed command line and environment.
type options struct {
	instance      config.Flags
	shared        map[string]*sharedFlag // by key of the configuration file
	collectors    map[string]*collectorFlag
	noDefaults    bool
	configFile    string
	configCheck   bool
	flagConfig    *config.Config // of the flags, once load has validated them
	maxCalls      int
	storagePath   string
	web           *toolkit.FlagConfig
	telemetryPath string
	timeoutOffset time.Duration
	maxRequests   int
	scope         string
	lifecycle     bool
	logLevel      string
	logFormat     string
	demo          bool
	healthcheck   bool
	docs          fs.FS // see Embedded
}

// sharedFlag is a flag for a setting that the configuration file can set, too.
type sharedFlag struct {
	*kingpin.FlagClause
	byUser bool // on the command line; the environment does not count
}

type collectorFlag struct{ on, byUser bool }

// maxTimeoutOffset is the usual interval of scrapes, and far above the duration of a response.
const maxTimeoutOffset = time.Minute

// validate checks the options that do not describe an instance.
func (o *options) validate() error {
	if err := checkProxies(); err != nil {
		return err
	}
	i := o.instance
	instanceSet := i.IDInstance != "" || i.TokenFile != ""
	switch {
	case o.demo && o.configFile != "":
		return errors.New("--demo has its own instance: remove --demo, or --config.file and " +
			"GREENAPI_CONFIG_FILE")
	case o.configFile != "" && instanceSet:
		return errors.New("--config.file (GREENAPI_CONFIG_FILE) lists the instances: remove it, " +
			"or --greenapi.id-instance, --greenapi.token-file, GREENAPI_ID_INSTANCE and " +
			"GREENAPI_TOKEN_FILE")
	case o.demo && (instanceSet || i.Token != "" || i.URL != config.DefaultURL):
		return errors.New("--demo has its own instance: remove --demo, or --greenapi.url, " +
			"--greenapi.id-instance, --greenapi.token-file, GREENAPI_URL, GREENAPI_ID_INSTANCE, " +
			"GREENAPI_TOKEN_FILE and " + tokenVariable)
	case o.maxCalls < 1:
		return fmt.Errorf("--greenapi.max-calls is %d; it must be at least 1", o.maxCalls)
	case o.timeoutOffset < 0 || o.timeoutOffset > maxTimeoutOffset:
		return errors.New("--web.timeout-offset must be from 0s to 1m (500ms is usual)")
	case strings.Contains(o.storagePath, "://"):
		return errors.New("--storage.path (GREENAPI_STORAGE_PATH) must be a directory, not a URL")
	case o.maxRequests < 0:
		return fmt.Errorf("--web.max-requests is %d; it must not be negative", o.maxRequests)
	case *o.web.WebSystemdSocket && os.Getenv("LISTEN_FDS") == "":
		return errors.New("--web.systemd-socket is set, but systemd has not passed a socket; " +
			"use a .socket unit or remove the flag")
	}
	for _, address := range *o.web.WebListenAddresses {
		if err := checkListenAddress(address); err != nil {
			return err
		}
	}
	if err := checkWebConfig(*o.web.WebConfigFile); err != nil {
		return err
	}
	return web.CheckTelemetryPath(o.telemetryPath)
}

// load returns the configuration of --config.file, or else of the flags.
func (o *options) load(logger log.Logger) (*config.Config, error) {
	flags := o.instance
	var known []string
	for _, c := range collector.All() {
		known = append(known, c.Name)
		if o.enabled(c.Name) {
			flags.Collectors = append(flags.Collectors, c.Name)
		}
	}
	if o.configFile != "" {
		return config.Source{
			Path: o.configFile, Defaults: flags.Settings, SetByFlag: o.setByFlag(),
			Collectors: known, TokenEnv: tokenVariable,
		}.Load(logger)
	}
	if o.flagConfig == nil {
		instance, err := flags.Validate(logger)
		if err != nil {
			return nil, err
		}
		o.flagConfig = config.Single(instance)
	}
	return o.flagConfig, nil
}

// enabled reports whether the collector is on. The demo enables all collectors by default, because
// its calls are free.
func (o *options) enabled(collector string) bool {
	c := o.collectors[collector]
	if c.byUser {
		return c.on
	}
	return (c.on || o.demo) && !o.noDefaults
}

// setByFlag maps each key of the configuration file that the user has set for all instances to the
// flag or variable.
func (o *options) setByFlag() map[string]string {
	set := make(map[string]string)
	for key, flag := range o.shared {
		switch model := flag.Model(); {
		case flag.byUser:
			set[key] = "--" + model.Name
		case os.Getenv(model.Envar) != "":
			set[key] = model.Envar
		}
	}
	for _, c := range collector.All() {
		if o.collectors[c.Name].byUser {
			set["collectors"] = "--collector." + c.Name
		}
	}
	if o.noDefaults {
		set["collectors"] = "--collector.disable-defaults"
	}
	return set
}

// serveInstances reports whether the telemetry path serves the metrics of the instances, too.
func (o *options) serveInstances() bool {
	return o.scope == "all" || o.scope == "" && o.configFile == ""
}
