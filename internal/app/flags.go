package app

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/config"
)

const (
	tokenVariable = "GREENAPI_API_TOKEN_INSTANCE"

	help = "Prometheus exporter for WhatsApp messages that are sent through GREEN-API.\n\n" +
		"The token of the instance (apiTokenInstance) comes from the environment variable " +
		tokenVariable + " or from a file. No flag sets it, because command lines are public. " +
		"To try the exporter without an account, use --demo."
)

// parse parses the command line and the environment. It reports done if it has written the output
// of --help or --version to stdout.
func parse(args []string, stdout io.Writer) (_ *options, done bool, _ error) {
	o := new(options)
	app := kingpin.New(name, help)
	var usage bytes.Buffer // kingpin panics on write errors
	app.UsageWriter(&usage).ErrorWriter(io.Discard).Terminate(func(int) { done = true })
	app.Version(version.Print(name))
	app.HelpFlag.Short('h')
	o.define(app)
	_, err := app.Parse(args)
	if done {
		_, err := usage.WriteTo(stdout)
		return nil, true, err
	}
	if err != nil {
		return nil, false, explainFlagError(err, app.Model().Flags)
	}
	o.instance.Token = os.Getenv(tokenVariable)
	return o, false, nil
}

func (o *options) define(app *kingpin.Application) {
	o.defineInstance(app)
	o.defineCollectors(app)
	app.Flag("config.file", "Configuration file with many instances, instead of one instance by "+
		"flags. SIGHUP reloads the file.").
		Envar("GREENAPI_CONFIG_FILE").PlaceHolder("FILE").StringVar(&o.configFile)
	app.Flag("config.check", "Check the configuration and the token files, print the instances, "+
		"then exit with code 0 or 1. The check does not include the storage or the network.").
		BoolVar(&o.configCheck)
	o.defineWeb(app)
	choice(app.Flag("log.level", "Minimum level of log lines: debug, info, warn or error.").
		Default("info"), &o.logLevel, "debug", "info", "warn", "error")
	choice(app.Flag("log.format", "Format of log lines: logfmt or json.").
		Default("logfmt"), &o.logFormat, "logfmt", "json")
	app.Flag("demo", "Read a simulated account with all collectors, and print the addresses to "+
		"open.").
		BoolVar(&o.demo)
	app.Flag("healthcheck", "Request /-/healthy from the exporter that is running with the same "+
		"--web flags, then exit with code 0 or 1. For container health checks.").
		BoolVar(&o.healthcheck)
}

func (o *options) defineInstance(app *kingpin.Application) {
	i := &o.instance
	o.shared = make(map[string]*sharedFlag)
	shared := func(key, name, help string) *kingpin.FlagClause {
		f := &sharedFlag{FlagClause: app.Flag(name, help)}
		o.shared[key] = f
		return f.IsSetByUser(&f.byUser)
	}
	shared("url", "greenapi.url", "URL of the API (apiUrl in the console), with an optional path "+
		"prefix.").
		Envar("GREENAPI_URL").Default(config.DefaultURL).StringVar(&i.URL)
	app.Flag("greenapi.insecure-http", "Allow http for hosts other than this machine, which "+
		"exposes the token.").
		BoolVar(&i.InsecureHTTP)
	app.Flag("greenapi.id-instance", "ID of the instance (idInstance in the console): digits "+
		"only.").
		Envar("GREENAPI_ID_INSTANCE").PlaceHolder("ID").StringVar(&i.IDInstance)
	app.Flag("greenapi.token-file", "File with the token. Changes take effect without a restart.").
		Envar("GREENAPI_TOKEN_FILE").PlaceHolder("FILE").StringVar(&i.TokenFile)
	number(shared("minutes", "greenapi.minutes", "Length of the window: minutes of the journal to "+
		"read.").
		Envar("GREENAPI_MINUTES").Default("1440"), &i.Minutes)
	duration(shared("timeout", "greenapi.timeout", "Maximum duration of an API call.").
		Envar("GREENAPI_TIMEOUT").Default("30s"), &i.Timeout)
	duration(shared("min_interval", "greenapi.min-interval", "Minimum time between two successful "+
		"calls of a journal method. Scrapes in between return the latest reading. "+
		"Use 60m for the 1000 calls a month of the Developer plan.").
		Envar("GREENAPI_MIN_INTERVAL").Default("1s"), &i.MinInterval)
	choice(shared("lookback", "greenapi.lookback", "Part of the window that a call of a journal "+
		"method requests: all of it (full), or usually only its newest minutes (tiered). Use "+
		"tiered if responses exceed about 5 MB. The data about a message can then be older than "+
		"the latest reading, by up to a quarter of the message's age.").
		Envar("GREENAPI_LOOKBACK").Default(config.Full), &i.Lookback, config.Lookbacks()...)
	number(app.Flag("greenapi.max-calls", "Maximum number of concurrent API calls for all "+
		"instances. At most half of them can go to one host, and three quarters of a host's calls "+
		"to one method.").
		Default("256"), &o.maxCalls)
	app.Flag("storage.path", "Directory for counters and latest readings, to restore them after a "+
		"restart. Only one exporter can use it. By default, they are in memory only.").
		Envar("GREENAPI_STORAGE_PATH").PlaceHolder("DIRECTORY").StringVar(&o.storagePath)
	duration(app.Flag("storage.retention", "How long to remember a message after it was last in "+
		"the journal. The minimum is the window plus 1d.").
		Default("15d"), &i.Retention)
}

func (o *options) defineCollectors(app *kingpin.Application) {
	o.collectors = make(map[string]*collectorFlag)
	for _, c := range collector.All() {
		f := &collectorFlag{on: c.Default}
		o.collectors[c.Name] = f
		byDefault := "off"
		if c.Default {
			byDefault = "on"
		}
		help := fmt.Sprintf("%s (%s), %s by default.", c.Help, c.Method, byDefault)
		app.Flag("collector."+c.Name, help).
			Default(strconv.FormatBool(c.Default)).IsSetByUser(&f.byUser).BoolVar(&f.on)
	}
	app.Flag("collector.disable-defaults", "Disable all collectors except those that a flag "+
		"enables.").
		BoolVar(&o.noDefaults)
}

func (o *options) defineWeb(app *kingpin.Application) {
	o.web = kingpinflag.AddFlags(app, ":10466")
	app.Flag("web.telemetry-path", "Path under which to expose metrics.").
		Default("/metrics").StringVar(&o.telemetryPath)
	duration(app.Flag("web.timeout-offset", "Time to subtract from the timeout that Prometheus "+
		"announces, so that the response arrives in time.").
		Default("500ms"), &o.timeoutOffset)
	number(app.Flag("web.max-requests", "Maximum number of concurrent scrapes. The response to "+
		"others has status 503. 0 means no limit.").
		Default("256"), &o.maxRequests)
	choice(app.Flag("web.metrics-scope", "Metrics at --web.telemetry-path: those of the exporter "+
		"and of all instances (all), or those of the exporter only (exporter). The default is "+
		"exporter with --config.file, otherwise all. /probe has the metrics of each instance.").
		PlaceHolder("all|exporter"), &o.scope, "all", "exporter")
	app.Flag("web.enable-lifecycle", "Reload --config.file on a POST or PUT request to /-/reload.").
		BoolVar(&o.lifecycle)
}

// flagValue is a kingpin.Value whose error names the flag and the valid values, but never repeats
// the value.
type flagValue[T any] struct {
	flag  *kingpin.FlagClause
	into  *T
	want  string
	parse func(string) (T, error)
}

func (v flagValue[T]) String() string { return fmt.Sprint(*v.into) }

func (v flagValue[T]) Set(text string) error {
	parsed, err := v.parse(text)
	if err != nil {
		model := v.flag.Model()
		from := "--" + model.Name
		if model.Envar != "" {
			from += " (" + model.Envar + ")"
		}
		return fmt.Errorf("%s must be %s", from, v.want)
	}
	*v.into = parsed
	return nil
}

func number(flag *kingpin.FlagClause, into *int) {
	flag.SetValue(flagValue[int]{flag, into, "a whole number", config.ParseInt})
}

func duration(flag *kingpin.FlagClause, into *time.Duration) {
	flag.SetValue(flagValue[time.Duration]{flag, into, config.DurationHint, config.ParseDuration})
}

func choice(flag *kingpin.FlagClause, into *string, choices ...string) {
	parse := func(text string) (string, error) {
		if !slices.Contains(choices, text) {
			return "", errors.New("not a choice")
		}
		return text, nil
	}
	flag.HintOptions(choices...) // for shell completion
	flag.SetValue(flagValue[string]{flag, into, "one of " + strings.Join(choices, ", "), parse})
}
