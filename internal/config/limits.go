package config

import (
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The limits are far above sensible values. They prevent sums of durations from overflowing.
const (
	maxTimeout     = time.Hour
	maxMinInterval = 24 * time.Hour
	maxRetention   = 87600 * time.Hour // ten years; the ledger's timestamps can represent 136
	maxMinutes     = int((maxRetention - MinRetention) / time.Minute)
)

// validDuration matches the texts that time.ParseDuration accepts, unless they overflow.
var validDuration = regexp.MustCompile(
	`^[-+]?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`)

// ParseDuration parses a duration such as 1h30m. If it overflows, ParseDuration returns the longest
// duration, so that the error is the same as for any other duration above a limit.
func ParseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	switch {
	case err == nil:
		return d, nil
	case !validDuration.MatchString(text):
		return 0, errors.New("not a duration") // unlike err, without the text
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

// formatDuration formats d without zero minutes and seconds.
func formatDuration(d time.Duration) string {
	switch d {
	case math.MaxInt64:
		return "more than 292 years"
	case math.MinInt64:
		return "negative"
	}
	return strings.Replace(d.String(), "h0m0s", "h", 1)
}
