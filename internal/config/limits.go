package config

import (
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// The limits are far above sensible values. They prevent sums of durations from overflowing.
const (
	maxTimeout     = time.Hour
	maxMinInterval = 24 * time.Hour
	maxRetention   = 87600 * time.Hour // ten years; the ledger's timestamps can represent 136
	maxMinutes     = int((maxRetention - MinRetention) / time.Minute)
)

// DurationHint describes valid durations in errors.
const DurationHint = "a duration such as 30s, 5m or 1d12h"

// validDuration matches the texts that time.ParseDuration or model.ParseDuration accepts if they do
// not overflow.
var validDuration = regexp.MustCompile(
	`^([-+]?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+` +
		`|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$`)

// ParseDuration parses a duration in Go's format, such as 1.5h, or in Prometheus's, such as 1d12h.
// If it overflows, ParseDuration returns the longest duration, so that the error is the same as for
// any other duration above a limit.
func ParseDuration(text string) (time.Duration, error) {
	if d, err := time.ParseDuration(text); err == nil {
		return d, nil
	}
	d, err := model.ParseDuration(text)
	switch {
	case err == nil:
		return time.Duration(d), nil
	case text == "" || !validDuration.MatchString(text):
		return 0, errors.New("not a duration") // err contains the text, which could be a token
	case strings.HasPrefix(text, "-"):
		return math.MinInt64, nil
	default:
		return math.MaxInt64, nil
	}
}

// ParseInt parses an integer. If it overflows, ParseInt returns the nearest int.
func ParseInt(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, errors.New("not an integer")
	}
	return n, nil
}

// formatDuration formats d in Prometheus's format. If d is negative or not a multiple of a
// millisecond, it uses Go's format.
func formatDuration(d time.Duration) string {
	switch d {
	case math.MaxInt64:
		return "more than 292 years"
	case math.MinInt64:
		return "negative"
	}
	if d < 0 || d%time.Millisecond != 0 {
		return d.String()
	}
	return model.Duration(d).String()
}
