// Package config is what the exporter is told to do, validated: a value of its types cannot be wrong.
package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-kit/log"

	"greenapi_exporter/greenapi"
	"greenapi_exporter/ledger"
)

// DefaultURL is the API host that works for every instance.
const DefaultURL = "https://api.green-api.com"

const (
	// maxMinutes is ten years: far more than any journal goes back.
	maxMinutes = 10 * 365 * 24 * 60
	// maxRetention is twice that; the ledger's clock has room for 136 years.
	maxRetention = 2 * maxMinutes * time.Minute
)

// Flags is what the command line and the environment say about one instance, as it stands there.
type Flags struct {
	URL          string
	InsecureHTTP bool
	IDInstance   string
	Token        string // GREENAPI_API_TOKEN_INSTANCE
	TokenFile    string
	Minutes      int
	Timeout      time.Duration
	MinInterval  time.Duration
	Retention    time.Duration
}

// Instance is an instance and how to read it. The zero Instance is of no use; Flags.Validate makes one.
type Instance struct {
	url         *url.URL
	id          string
	token       greenapi.TokenSource
	minutes     int
	timeout     time.Duration
	minInterval time.Duration
	retention   time.Duration
}

// URL is the API host, https or allowed to be http, with a path prefix and no slash at its end.
func (i Instance) URL() *url.URL { return i.url }

// ID is the idInstance: digits.
func (i Instance) ID() string { return i.id }

// Token is where its token comes from.
func (i Instance) Token() greenapi.TokenSource { return i.token }

// Minutes is the window, at least 1.
func (i Instance) Minutes() int { return i.minutes }

// Timeout is the longest that a call may take, more than 0.
func (i Instance) Timeout() time.Duration { return i.timeout }

// MinInterval is the least time between two calls of a journal method, at least 0.
func (i Instance) MinInterval() time.Duration { return i.minInterval }

// Retention is how long the ledger remembers a message, at least the window and ledger.MinRetention.
func (i Instance) Retention() time.Duration { return i.retention }

// Validate returns the instance that the flags describe, or an error of one line that says what to do. A token file is
// read; what goes wrong with it later on is said by logger.
func (f Flags) Validate(logger log.Logger) (Instance, error) {
	none := Instance{}
	base, err := parseURL(f.URL, f.InsecureHTTP)
	if err != nil {
		return none, err
	}
	if err := checkID(f.IDInstance); err != nil {
		return none, err
	}
	token, err := f.token(logger)
	if err != nil {
		return none, err
	}
	window := time.Duration(f.Minutes) * time.Minute
	switch {
	case f.Minutes < 1 || f.Minutes > maxMinutes:
		return none, fmt.Errorf("--greenapi.minutes is %d; it must be from 1 to %d (1440 is a day)", f.Minutes, maxMinutes)
	case f.Timeout <= 0:
		return none, fmt.Errorf("--greenapi.timeout is %s; it must be more than 0 (30s is usual)", f.Timeout)
	case f.MinInterval < 0:
		return none, fmt.Errorf("--greenapi.min-interval is %s; it must not be negative (1s is usual)", f.MinInterval)
	case f.Retention < window+ledger.MinRetention:
		return none, fmt.Errorf("--storage.retention is %s; with --greenapi.minutes=%d it must be at least %s",
			hours(f.Retention), f.Minutes, hours(window+ledger.MinRetention))
	case f.Retention > maxRetention:
		return none, fmt.Errorf("--storage.retention is %s; it must be at most %s", hours(f.Retention), hours(maxRetention))
	}
	return Instance{base, f.IDInstance, token, f.Minutes, f.Timeout, f.MinInterval, f.Retention}, nil
}

// hours writes d as flags are usually given.
func hours(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return strings.TrimSuffix(d.String(), "0s")
}

// parseURL never repeats what it refuses: people paste whole request URLs, with the token in them.
func parseURL(text string, insecure bool) (*url.URL, error) {
	const example = "use the apiUrl of your console, such as https://api.green-api.com"
	u, err := url.Parse(strings.TrimSpace(text))
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return nil, errors.New("--greenapi.url must begin with https:// and name a host; " + example)
	case strings.Contains(strings.ToLower(u.Path), "/wainstance"):
		return nil, errors.New("--greenapi.url must end before /waInstance; " + example)
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("--greenapi.url must have no user, query or fragment; " + example)
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("--greenapi.url must begin with https://; " + example)
	case u.Scheme == "http" && !insecure && !isLoopback(u.Hostname()):
		return nil, errors.New("--greenapi.url is http, so anyone on the way could read the token; use https, or add --greenapi.insecure-http if you mean it")
	}
	if port, err := strconv.Atoi(u.Port()); strings.HasSuffix(u.Host, ":") || u.Port() != "" && (err != nil || port < 1 || port > 65535) {
		return nil, errors.New("--greenapi.url has a port that is not from 1 to 65535; " + example)
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	return u, nil
}

func isLoopback(host string) bool {
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}

func checkID(id string) error {
	if id == "" {
		return errors.New("no instance is given: set GREENAPI_ID_INSTANCE or --greenapi.id-instance to the idInstance of your console, or try --demo")
	}
	if len(id) > 32 || strings.Trim(id, "0123456789") != "" {
		return errors.New("--greenapi.id-instance must be the digits of idInstance, such as 1101000001")
	}
	return nil
}

func (f Flags) token(logger log.Logger) (greenapi.TokenSource, error) {
	switch {
	case f.Token != "" && f.TokenFile != "":
		return nil, errors.New("the token is given twice: unset GREENAPI_API_TOKEN_INSTANCE or drop --greenapi.token-file (GREENAPI_TOKEN_FILE)")
	case f.TokenFile != "":
		file, err := greenapi.OpenTokenFile(f.TokenFile, logger)
		if err != nil {
			// Without the path: it could be the token, given to the wrong flag.
			return nil, fmt.Errorf("--greenapi.token-file (GREENAPI_TOKEN_FILE) must name a file with the token alone in it: %w", err)
		}
		return file, nil
	case f.Token != "":
		token, err := greenapi.NewToken(strings.TrimSpace(f.Token))
		if err != nil {
			return nil, fmt.Errorf("GREENAPI_API_TOKEN_INSTANCE: %w", err)
		}
		return token, nil
	default:
		return nil, errors.New("no token is given: set GREENAPI_API_TOKEN_INSTANCE to the apiTokenInstance of your console, or --greenapi.token-file to a file that holds it")
	}
}
