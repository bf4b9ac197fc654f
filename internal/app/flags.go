package app

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-kit/log"
	"github.com/prometheus/common/version"
	toolkit "github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/web"
)

// options is what the command line and the environment say.
type options struct {
	instance      config.Flags
	setByUser     map[string]*bool // which of its settings the command line has, by the file's words
	configFile    string
	configCheck   bool
	flagConfig    *config.Config // of the flags, once they have been read
	maxCalls      int
	storagePath   string
	collectors    map[string]*collectorFlag
	noDefaults    bool
	web           *toolkit.FlagConfig
	telemetryPath string
	timeoutOffset time.Duration
	maxRequests   int
	scope         string
	lifecycle     bool
	logLevel      string
	logFormat     string
	demo          bool
	readme        string // the embedded README.md
}

func newOptions() *options {
	return &options{collectors: make(map[string]*collectorFlag), setByUser: make(map[string]*bool)}
}

// collectorFlag is whether a collector is on, and whether the user said so.
type collectorFlag struct{ on, byUser bool }

// enabled reports whether the collector of that name is on. The demo has all of them on by default: it costs nobody's quota.
func (o *options) enabled(collector string) bool {
	c := o.collectors[collector]
	if c.byUser {
		return c.on
	}
	return (c.on || o.demo) && !o.noDefaults
}

// validate checks what is not about an instance.
func (o *options) validate() error {
	switch i := o.instance; {
	case o.demo && o.configFile != "":
		return errors.New("--demo brings its own instance: drop --demo, or --config.file and GREENAPI_CONFIG_FILE")
	case o.configFile != "" && (i.IDInstance != "" || i.TokenFile != ""):
		return errors.New("the instances are in --config.file (GREENAPI_CONFIG_FILE): drop that, or all of --greenapi.id-instance, --greenapi.token-file, " +
			"GREENAPI_ID_INSTANCE and GREENAPI_TOKEN_FILE")
	}
	if o.demo && (o.instance.IDInstance != "" || o.instance.Token != "" || o.instance.TokenFile != "" || o.instance.URL != config.DefaultURL) {
		return errors.New("--demo brings its own instance: drop --demo, or all of --greenapi.url, --greenapi.id-instance, --greenapi.token-file, " +
			"GREENAPI_URL, GREENAPI_ID_INSTANCE, GREENAPI_TOKEN_FILE and " + tokenVariable)
	}
	switch {
	case o.maxCalls < 1:
		return fmt.Errorf("--greenapi.max-calls is %d; it must be at least 1", o.maxCalls)
	case o.timeoutOffset < 0:
		return fmt.Errorf("--web.timeout-offset is %s; it must not be negative (500ms is usual)", o.timeoutOffset)
	case o.maxRequests < 0:
		return fmt.Errorf("--web.max-requests is %d; it must be at least 1, or 0 for no limit", o.maxRequests)
	}
	if slices.Contains(*o.web.WebListenAddresses, "") {
		return errors.New("--web.listen-address is empty; use :10466")
	}
	if *o.web.WebSystemdSocket && os.Getenv("LISTEN_FDS") == "" {
		return errors.New("--web.systemd-socket is on, but systemd has passed no socket; start it by a .socket unit or drop the flag")
	}
	if err := toolkit.Validate(*o.web.WebConfigFile); err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return fmt.Errorf("--web.config.file cannot be used: %w", err)
	}
	return web.CheckTelemetryPath(o.telemetryPath)
}

// safeFlagError are errors of the command line that repeat nothing of it but names of flags: a value or an argument could be
// the token in the wrong place.
var safeFlagError = regexp.MustCompile(`^(--[a-z.-]+ (\([A-Z_]+\) )?must be |unknown (long|short) flag '--?[a-z.-]{1,40}'$|flag '[a-z.-]+' cannot be repeated$|expected argument for flag '--[a-z.-]+'$)`)

// load reads which instances there are.
func (o *options) load(logger log.Logger) (*config.Config, error) {
	flags := o.instance
	var known []string
	for _, c := range collector.All() {
		known = append(known, c.Name)
		if o.enabled(c.Name) {
			flags.Collectors = append(flags.Collectors, c.Name)
		}
	}
	if o.configFile == "" {
		if o.flagConfig == nil { // there is nothing to load anew
			instance, err := flags.Validate(logger)
			if err != nil {
				return nil, err
			}
			o.flagConfig = config.Single(instance)
		}
		return o.flagConfig, nil
	}
	return config.Source{Path: o.configFile, Defaults: flags, SetByFlag: o.givenNames(), Collectors: known, TokenEnv: tokenVariable}.Load(logger)
}

// givenNames says for each setting that the user has given for all instances by what it was given.
func (o *options) givenNames() map[string]string {
	given := make(map[string]string)
	for word, flag := range map[string]string{"url": "url", "minutes": "minutes", "timeout": "timeout", "min_interval": "min-interval"} {
		variable := "GREENAPI_" + strings.ToUpper(word)
		switch {
		case *o.setByUser[word]:
			given[word] = "--greenapi." + flag
		case os.Getenv(variable) != "":
			given[word] = variable
		}
	}
	for _, c := range collector.All() {
		if o.collectors[c.Name].byUser {
			given["collectors"] = "--collector." + c.Name
		}
	}
	if o.noDefaults {
		given["collectors"] = "--collector.disable-defaults"
	}
	return given
}

// scopeAll is whether the telemetry path has the instances, too.
func (o *options) scopeAll() bool {
	return o.scope == "all" || o.scope == "" && o.configFile == ""
}

// parse reads the command line, and the environment for what it does not say. It reports done when there is nothing
// left to do, since --help or --version have been answered on stdout.
func parse(args []string, stdout io.Writer) (_ *options, done bool, _ error) {
	o := newOptions()
	app := kingpin.New(name, help)
	var usage bytes.Buffer // kingpin panics where it cannot write
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
		if !safeFlagError.MatchString(err.Error()) {
			err = errors.New("there is an argument that is no flag, or a switch with a value: a switch is --NAME or --no-NAME")
		}
		return nil, false, fmt.Errorf("%w; all settings are flags and environment variables, see --help", err)
	}
	o.instance.Token = os.Getenv(tokenVariable)
	return o, false, nil
}

const (
	tokenVariable = "GREENAPI_API_TOKEN_INSTANCE"

	help = "Shows Prometheus what becomes of the WhatsApp messages that are sent through GREEN-API.\n\n" +
		"The token of the instance (apiTokenInstance) is read from the environment variable " + tokenVariable +
		" or from a file; there is no flag for it, since a command line is public. " +
		"Without an account, try --demo."
)

func (o *options) define(app *kingpin.Application) {
	i := &o.instance
	app.Flag("greenapi.url", "The API host, as apiUrl in the console says; a path prefix is allowed. http only for this machine.").
		IsSetByUser(o.setByUserFlag("url")).Envar("GREENAPI_URL").Default(config.DefaultURL).StringVar(&i.URL)
	app.Flag("greenapi.insecure-http", "Allow http to other hosts too. The token then travels in the clear.").BoolVar(&i.InsecureHTTP)
	app.Flag("greenapi.id-instance", "The instance, as idInstance in the console says: digits.").
		Envar("GREENAPI_ID_INSTANCE").PlaceHolder("ID").StringVar(&i.IDInstance)
	app.Flag("greenapi.token-file", "The file with the token. It is read again when it changes.").
		Envar("GREENAPI_TOKEN_FILE").PlaceHolder("FILE").StringVar(&i.TokenFile)
	number(app.Flag("greenapi.minutes", "The window: how many minutes of the journal are shown.").
		IsSetByUser(o.setByUserFlag("minutes")).Envar("GREENAPI_MINUTES").Default("1440"), &i.Minutes)
	duration(app.Flag("greenapi.timeout", "The longest that a call of the API may take; a scrape's own timeout shortens it.").
		IsSetByUser(o.setByUserFlag("timeout")).Envar("GREENAPI_TIMEOUT").Default("30s"), &i.Timeout)
	duration(app.Flag("greenapi.min-interval", "The least time between two good calls of a journal method; scrapes in between get the latest reading. 60m suits the Developer plan's 1000 calls a month.").
		IsSetByUser(o.setByUserFlag("min_interval")).Envar("GREENAPI_MIN_INTERVAL").Default("1s"), &i.MinInterval)
	number(app.Flag("greenapi.max-calls", "Calls of the API in flight, all instances together; one host has at most half of them, one method three quarters of its host's. There is no need to change it for a few instances.").
		Default("256"), &o.maxCalls)
	app.Flag("storage.path", "The directory where counters and the latest reading are kept, so that they survive restarts; one exporter a directory. Without it they are in memory.").
		Envar("GREENAPI_STORAGE_PATH").PlaceHolder("DIRECTORY").StringVar(&o.storagePath)
	duration(app.Flag("storage.retention", "How long a message is remembered after the journal last showed it: at least the window plus 24h.").
		Default("360h"), &i.Retention)

	for _, c := range collector.All() {
		o.collectors[c.Name] = &collectorFlag{on: c.Default}
		usually := "off"
		if c.Default {
			usually = "on"
		}
		app.Flag("collector."+c.Name, fmt.Sprintf("%s (%s), %s by default.", c.Help, c.Method, usually)).
			Default(strconv.FormatBool(c.Default)).IsSetByUser(&o.collectors[c.Name].byUser).BoolVar(&o.collectors[c.Name].on)
	}
	app.Flag("collector.disable-defaults", "Switch off the collectors that are on by default, but for those that are named.").BoolVar(&o.noDefaults)

	app.Flag("config.file", "A file with many instances, in place of one by flags. It is read again on SIGHUP.").
		Envar("GREENAPI_CONFIG_FILE").PlaceHolder("FILE").StringVar(&o.configFile)
	app.Flag("config.check", "Say whether the configuration is OK or what is wrong with it, and end with 0 or 1. Token files are read; storage and network are not tried.").BoolVar(&o.configCheck)

	o.web = kingpinflag.AddFlags(app, ":10466")
	app.Flag("web.telemetry-path", "Where the metrics are.").Default("/metrics").StringVar(&o.telemetryPath)
	duration(app.Flag("web.timeout-offset", "Taken off the timeout that Prometheus announces, so that the answer reaches it in time.").
		Default("500ms"), &o.timeoutOffset)
	number(app.Flag("web.max-requests", "Scrapes served at once, beyond them 503; 0 for no limit.").Default("256"), &o.maxRequests)

	choice(app.Flag("web.metrics-scope", "What --web.telemetry-path has: all for every instance and the exporter, exporter for the exporter alone. Usually all, with --config.file exporter, since its instances are at /probe.").PlaceHolder("all|exporter"),
		&o.scope, "all", "exporter")
	app.Flag("web.enable-lifecycle", "Reload the file of --config.file on a POST or PUT to /-/reload, too.").BoolVar(&o.lifecycle)

	choice(app.Flag("log.level", "Log what is at least this grave: debug, info, warn or error.").Default("info"),
		&o.logLevel, "debug", "info", "warn", "error")
	choice(app.Flag("log.format", "How to write the log: logfmt or json.").Default("logfmt"), &o.logFormat, "logfmt", "json")
	app.Flag("demo", "Run against a simulated account, no real one needed, with all collectors on; says where to look.").BoolVar(&o.demo)
}

// setByUserFlag is where to note whether the command line has what the file calls word.
func (o *options) setByUserFlag(word string) *bool {
	o.setByUser[word] = new(bool)
	return o.setByUser[word]
}

// value is a flag's value whose error names the flag and what it must be, which those of kingpin do not.
type value[T any] struct {
	flag  *kingpin.FlagClause
	into  *T
	want  string
	parse func(string) (T, error)
}

func (v value[T]) String() string { return fmt.Sprint(*v.into) }

func (v value[T]) Set(text string) error {
	parsed, err := v.parse(text)
	if err != nil {
		flag := v.flag.Model()
		from := "--" + flag.Name
		if flag.Envar != "" {
			from += " (" + flag.Envar + ")"
		}
		return fmt.Errorf("%s must be %s", from, v.want)
	}
	*v.into = parsed
	return nil
}

func number(flag *kingpin.FlagClause, into *int) {
	flag.SetValue(value[int]{flag, into, "a whole number", strconv.Atoi})
}

func duration(flag *kingpin.FlagClause, into *time.Duration) {
	flag.SetValue(value[time.Duration]{flag, into, "a duration such as 30s, 5m or 24h", time.ParseDuration})
}

func choice(flag *kingpin.FlagClause, into *string, choices ...string) {
	flag.SetValue(value[string]{flag, into, "one of " + strings.Join(choices, ", "), func(text string) (string, error) {
		if !slices.Contains(choices, text) {
			return "", errors.New("not a choice")
		}
		return text, nil
	}})
}
