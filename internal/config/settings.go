package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-kit/log"

	"greenapi_exporter/internal/greenapi"
)

// MinRetention is the minimum difference between the retention and the window. A message that the
// ledger forgot while it was still in the journal would be counted twice.
const MinRetention = 24 * time.Hour

// The values of Settings.Lookback.
const (
	Full   = "full"   // each call of a journal method requests the whole window
	Tiered = "tiered" // most calls request only the newest part of the window
)

// Lookbacks returns the values of Settings.Lookback.
func Lookbacks() []string { return []string{Full, Tiered} }

// Settings specify how to read an instance. They are not validated.
// A configuration file can set the fields with a yaml tag. Only flags set the others.
type Settings struct {
	URL          string        `yaml:"url"`
	Minutes      int           `yaml:"minutes"`
	MinInterval  time.Duration `yaml:"min_interval"`
	Lookback     string        `yaml:"lookback"` // Full or Tiered
	Timeout      time.Duration `yaml:"timeout"`
	Collectors   []string      `yaml:"collectors"` // names
	Retention    time.Duration
	InsecureHTTP bool
}

// validSettings are settings that passed validation.
type validSettings struct {
	url      *url.URL // of settings.URL
	settings Settings
}

// validate checks s. The section at locates the settings for error messages.
func (s Settings) validate(at section) (validSettings, error) {
	base, err := parseURL(s.URL, s.InsecureHTTP)
	if err != nil {
		return validSettings{}, at.errorf("url", "%s %w", at.name("url"), err)
	}
	minimum := time.Duration(s.Minutes)*time.Minute + MinRetention
	switch {
	case s.Minutes < 1 || s.Minutes > maxMinutes:
		err = at.errorf("minutes", "%s is %d; it must be from 1 to %d (1440 is a day)",
			at.name("minutes"), s.Minutes, maxMinutes)
	case s.Timeout <= 0 || s.Timeout > maxTimeout:
		err = at.errorf("timeout", "%s is %s; it must be more than 0 and at most %s (30s is usual)",
			at.name("timeout"), formatDuration(s.Timeout), formatDuration(maxTimeout))
	case s.MinInterval < 0 || s.MinInterval > maxMinInterval:
		err = at.errorf("min_interval", "%s is %s; it must be from 0s to %s (1s is usual)",
			at.name("min_interval"), formatDuration(s.MinInterval), formatDuration(maxMinInterval))
	case !slices.Contains(Lookbacks(), s.Lookback):
		err = at.errorf("lookback", "unknown value%s of %s; it must be %s",
			unknownWord(s.Lookback, Lookbacks()), at.name("lookback"),
			strings.Join(Lookbacks(), " or "))
	case s.Retention < minimum:
		err = at.errorf("minutes", "--storage.retention is %s; with %s=%d it must be at least %s",
			formatDuration(s.Retention), at.name("minutes"), s.Minutes, formatDuration(minimum))
	case s.Retention > maxRetention:
		err = fmt.Errorf("--storage.retention is %s; it must be at most %s",
			formatDuration(s.Retention), formatDuration(maxRetention))
	}
	return validSettings{base, s}, err
}

var (
	requestPath = regexp.MustCompile(`(?i)/(waInstance|partner/)`)
	tokenInPath = regexp.MustCompile(`[0-9A-Za-z]{32}`)
	// otherHost matches GREEN-API's hosts that are not the API.
	otherHost = regexp.MustCompile(`(?i)^(([0-9]+\.)?(www|console|cabinet|docs|media)\.)?` +
		`green-?api\.[a-z]+$`)
)

// parseURL returns the base URL of the API. An error does not contain the text, which could be a
// request URL with the token.
func parseURL(text string, insecureHTTP bool) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	problem := ""
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		problem = "must begin with https:// and name a host"
	case requestPath.MatchString(u.Path):
		problem = "must end before /waInstance and before /partner"
	case otherHost.MatchString(u.Hostname()):
		problem = "names the host of the console, the website or media files instead of the API"
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		problem = "must have no user, query or fragment"
	case u.Scheme != "https" && u.Scheme != "http":
		problem = "must begin with https://"
	case u.Scheme == "http" && !insecureHTTP && !isLoopback(u.Hostname()):
		return nil, errors.New("is http, which exposes the token to the network; use https, " +
			"or allow http with --greenapi.insecure-http")
	case !validPort(u):
		problem = "must have a port from 1 to 65535, or none"
	case tokenInPath.MatchString(u.Path): // service discovery publishes the URL
		problem = "must not contain the token"
	}
	if problem != "" {
		return nil, errors.New(problem + "; use apiUrl from your console, such as " + DefaultURL)
	}
	u.Host = strings.ToLower(u.Host) // other packages limit calls and scrapes by host
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	return u, nil
}

func validPort(u *url.URL) bool {
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port > 0 || u.Port() == "" && !strings.HasSuffix(u.Host, ":")
}

func isLoopback(host string) bool {
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}

// checkID returns an error that does not contain the id, which could be a misplaced token.
func checkID(id string) error {
	if id == "" || len(id) > greenapi.MaxIDLength || strings.Trim(id, "0123456789") != "" {
		return errors.New("must be the digits of idInstance, such as 1101000001, without spaces, " +
			"a sign or a fraction")
	}
	return nil
}

// Flags are the settings of one instance on the command line and in the environment. They are not
// validated.
type Flags struct {
	Settings
	IDInstance string
	Token      string // GREENAPI_API_TOKEN_INSTANCE
	TokenFile  string
}

// Validate returns the instance that the flags describe, or an error of one line with advice. It
// reads the token file, and uses logger for later problems with that file.
func (f Flags) Validate(logger log.Logger) (Instance, error) {
	if f.IDInstance == "" {
		return Instance{}, errors.New("no instance is configured: set GREENAPI_ID_INSTANCE or " +
			"--greenapi.id-instance to the idInstance from your console, " +
			"pass a file with many instances to --config.file, or try --demo")
	}
	if err := checkID(f.IDInstance); err != nil {
		return Instance{}, fmt.Errorf("--greenapi.id-instance %w", err)
	}
	valid, err := f.Settings.validate(section{})
	if err != nil {
		return Instance{}, err
	}
	spec := tokenSpec{File: f.TokenFile, Token: f.Token}
	token, err := new(loader).openToken(spec, section{}, "instance "+f.IDInstance, logger)
	return Instance{id: f.IDInstance, token: token, validSettings: valid}, err
}
