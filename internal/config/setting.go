package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"greenapi_exporter/internal/ledger"
)

const (
	// maxMinutes is ten years: far more than any journal goes back.
	maxMinutes = 10 * 365 * 24 * 60
	// maxRetention is twice that; the ledger's clock has room for 136 years.
	maxRetention = 2 * maxMinutes * time.Minute
	// maxID is nearly three times as long as an idInstance is today.
	maxID = 32
)

// sourced is a value, and where it was given: by a flag, or in a line of a file.
type sourced[T any] struct {
	value T
	name  string
	line  int // 0: by a flag
}

// wrong is an error that begins with the setting's name.
func (s sourced[T]) wrong(format string, args ...any) error {
	return lineError{s.line, fmt.Errorf(s.name+" "+format, args...)}
}

// lineError is what is wrong with a line of a file, or with a flag if that is 0.
type lineError struct {
	line int
	err  error
}

// Error implements error.
func (e lineError) Error() string { return e.err.Error() }

// Unwrap returns what is wrong.
func (e lineError) Unwrap() error { return e.err }

// rawSettings are those that an instance has, from wherever they come.
type rawSettings struct {
	url         sourced[string]
	minutes     sourced[int]
	timeout     sourced[time.Duration]
	minInterval sourced[time.Duration]
	collectors  sourced[[]string]
	retention   time.Duration // by flag alone, as the next
	insecure    bool
}

// validate returns what the settings say, or an error of one line that says what to do.
func (s rawSettings) validate() (Settings, error) {
	none := Settings{}
	base, err := s.base()
	if err != nil {
		return none, err
	}
	minutes, window := s.minutes, time.Duration(s.minutes.value)*time.Minute
	switch {
	case minutes.value < 1 || minutes.value > maxMinutes:
		return none, minutes.wrong("is %d; it must be from 1 to %d (1440 is a day)", minutes.value, maxMinutes)
	case s.timeout.value <= 0:
		return none, s.timeout.wrong("is %s; it must be more than 0 (30s is usual)", s.timeout.value)
	case s.minInterval.value < 0:
		return none, s.minInterval.wrong("is %s; it must not be negative (1s is usual)", s.minInterval.value)
	case s.retention < window+ledger.MinRetention:
		return none, lineError{minutes.line, fmt.Errorf("--storage.retention is %s; with %s=%d it must be at least %s",
			hours(s.retention), minutes.name, minutes.value, hours(window+ledger.MinRetention))}
	case s.retention > maxRetention:
		return none, fmt.Errorf("--storage.retention is %s; it must be at most %s", hours(s.retention), hours(maxRetention))
	}
	return Settings{base, minutes.value, s.timeout.value, s.minInterval.value, s.retention, slices.Clone(s.collectors.value)}, nil
}

// hours writes d as flags are usually given.
func hours(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return strings.TrimSuffix(d.String(), "0s")
}

// base never repeats what it refuses: people paste whole request URLs, with the token in them.
func (s rawSettings) base() (*url.URL, error) {
	const example = "; use the apiUrl of your console, such as https://api.green-api.com"
	u, err := url.Parse(strings.TrimSpace(s.url.value))
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return nil, s.url.wrong("must begin with https:// and name a host" + example)
	case strings.Contains(strings.ToLower(u.Path), "/wainstance"):
		return nil, s.url.wrong("must end before /waInstance" + example)
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, s.url.wrong("must have no user, query or fragment" + example)
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, s.url.wrong("must begin with https://" + example)
	case u.Scheme == "http" && !s.insecure && !isLoopback(u.Hostname()):
		return nil, s.url.wrong("is http, so anyone on the way could read the token; use https, or add --greenapi.insecure-http if you mean it")
	}
	if port, err := strconv.Atoi(u.Port()); strings.HasSuffix(u.Host, ":") || u.Port() != "" && (err != nil || port < 1 || port > 65535) {
		return nil, s.url.wrong("has a port that is not from 1 to 65535" + example)
	}
	u.Host = strings.ToLower(u.Host) // since each host has a part of the calls and scrapes
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	return u, nil
}

func isLoopback(host string) bool {
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}

var errNoID = errors.New("must be the digits of idInstance, such as 1101000001")

// checkID does not repeat what it refuses, either.
func checkID(id string) error {
	if id == "" || len(id) > maxID || strings.Trim(id, "0123456789") != "" {
		return errNoID
	}
	return nil
}
