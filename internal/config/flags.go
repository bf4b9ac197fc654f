package config

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-kit/log"

	"greenapi_exporter/internal/greenapi"
)

// Flags is what the command line and the environment say about one instance, or about all that do not say otherwise in a
// file, as it stands there.
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
	Collectors   []string // by their names
}

func (f Flags) settings() rawSettings {
	return rawSettings{
		url:         sourced[string]{f.URL, "--greenapi.url", 0},
		minutes:     sourced[int]{f.Minutes, "--greenapi.minutes", 0},
		timeout:     sourced[time.Duration]{f.Timeout, "--greenapi.timeout", 0},
		minInterval: sourced[time.Duration]{f.MinInterval, "--greenapi.min-interval", 0},
		collectors:  sourced[[]string]{f.Collectors, "--collector.NAME", 0},
		retention:   f.Retention,
		insecure:    f.InsecureHTTP,
	}
}

// Validate returns the instance that the flags describe, or an error of one line that says what to do. A token file is
// read; what goes wrong with it later on is said by logger.
func (f Flags) Validate(logger log.Logger) (Instance, error) {
	none := Instance{}
	if f.IDInstance == "" {
		return none, errors.New("no instance is given: set GREENAPI_ID_INSTANCE or --greenapi.id-instance to the idInstance of your console, name a file with many by --config.file, or try --demo")
	}
	if err := checkID(f.IDInstance); err != nil {
		return none, fmt.Errorf("--greenapi.id-instance %w", err)
	}
	how, err := f.settings().validate()
	if err != nil {
		return none, err
	}
	token, err := f.token(logger)
	return Instance{id: f.IDInstance, token: token, Settings: how}, err
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
