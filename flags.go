package main

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
	"github.com/prometheus/common/version"
	toolkit "github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"greenapi_exporter/collector"
	"greenapi_exporter/config"
	"greenapi_exporter/web"
)

// options is what the command line and the environment say.
type options struct {
	instance      config.Flags
	maxCalls      int
	storagePath   string
	collectors    map[string]*chosen
	noDefaults    bool
	web           *toolkit.FlagConfig
	telemetryPath string
	timeoutOffset time.Duration
	maxRequests   int
	logLevel      string
	logFormat     string
	demo          bool
}

// chosen is whether a collector is on, and whether the user said so.
type chosen struct{ on, byUser bool }

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

// ownWords are errors of the command line that repeat nothing of it but names of flags: a value or an argument could be
// the token in the wrong place.
var ownWords = regexp.MustCompile(`^(--[a-z.-]+ (\([A-Z_]+\) )?must be |unknown (long|short) flag '--?[a-z.-]{1,40}'$|flag '[a-z.-]+' cannot be repeated$|expected argument for flag '--[a-z.-]+'$)`)

// parse reads the command line, and the environment for what it does not say. It reports done when there is nothing
// left to do, since --help or --version have been answered on stdout.
func parse(args []string, stdout io.Writer) (_ *options, done bool, _ error) {
	o := &options{collectors: make(map[string]*chosen)}
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
		if !ownWords.MatchString(err.Error()) {
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
		Envar("GREENAPI_URL").Default(config.DefaultURL).StringVar(&i.URL)
	app.Flag("greenapi.insecure-http", "Allow http to other hosts too. The token then travels in the clear.").BoolVar(&i.InsecureHTTP)
	app.Flag("greenapi.id-instance", "The instance, as idInstance in the console says: digits.").
		Envar("GREENAPI_ID_INSTANCE").PlaceHolder("ID").StringVar(&i.IDInstance)
	app.Flag("greenapi.token-file", "The file with the token. It is read again when it changes.").
		Envar("GREENAPI_TOKEN_FILE").PlaceHolder("FILE").StringVar(&i.TokenFile)
	number(app.Flag("greenapi.minutes", "The window: how many minutes of the journal are shown.").
		Envar("GREENAPI_MINUTES").Default("1440"), &i.Minutes)
	duration(app.Flag("greenapi.timeout", "The longest that a call of the API may take; a scrape's own timeout shortens it.").
		Envar("GREENAPI_TIMEOUT").Default("30s"), &i.Timeout)
	duration(app.Flag("greenapi.min-interval", "The least time between two good calls of a journal method; scrapes in between get the latest reading. 60m suits the Developer plan's 1000 calls a month.").
		Envar("GREENAPI_MIN_INTERVAL").Default("1s"), &i.MinInterval)
	number(app.Flag("greenapi.max-calls", "Calls of the API in flight, all instances together; one host has at most half of them, one method three quarters of its host's. There is no need to change it for a few instances.").
		Default("256"), &o.maxCalls)
	app.Flag("storage.path", "The directory where counters and the latest reading are kept, so that they survive restarts; one exporter a directory. Without it they are in memory.").
		Envar("GREENAPI_STORAGE_PATH").PlaceHolder("DIRECTORY").StringVar(&o.storagePath)
	duration(app.Flag("storage.retention", "How long a message is remembered after the journal last showed it: at least the window plus 24h.").
		Default("360h"), &i.Retention)

	for _, c := range collector.All() {
		o.collectors[c.Name] = &chosen{on: c.Default}
		usually := "off"
		if c.Default {
			usually = "on"
		}
		app.Flag("collector."+c.Name, fmt.Sprintf("%s (%s), %s by default.", c.Help, c.Method, usually)).
			Default(strconv.FormatBool(c.Default)).IsSetByUser(&o.collectors[c.Name].byUser).BoolVar(&o.collectors[c.Name].on)
	}
	app.Flag("collector.disable-defaults", "Switch off the collectors that are on by default, but for those that are named.").BoolVar(&o.noDefaults)

	o.web = kingpinflag.AddFlags(app, ":10466")
	app.Flag("web.telemetry-path", "Where the metrics are.").Default("/metrics").StringVar(&o.telemetryPath)
	duration(app.Flag("web.timeout-offset", "Taken off the timeout that Prometheus announces, so that the answer reaches it in time.").
		Default("500ms"), &o.timeoutOffset)
	number(app.Flag("web.max-requests", "Scrapes served at once, beyond them 503; 0 for no limit.").Default("256"), &o.maxRequests)

	choice(app.Flag("log.level", "Log what is at least this grave: debug, info, warn or error.").Default("info"),
		&o.logLevel, "debug", "info", "warn", "error")
	choice(app.Flag("log.format", "How to write the log: logfmt or json.").Default("logfmt"), &o.logFormat, "logfmt", "json")
	app.Flag("demo", "Run against a simulated account, no real one needed, with all collectors on; says where to look.").BoolVar(&o.demo)
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
