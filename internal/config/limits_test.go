package config

import (
	"math"
	"testing"
	"time"
)

const day = 24 * time.Hour

func TestParseDurationAcceptsGoAndPrometheus(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"15d": 360 * time.Hour, "360h": 360 * time.Hour, "1d12h": 36 * time.Hour,
		"1y2w3d4h5m6s7ms": 382*day + 4*time.Hour + 306*time.Second + 7*time.Millisecond,

		"45m": 45 * time.Minute, "500ms": 500 * time.Millisecond, "1h30m": 90 * time.Minute,
		"99999999999999999999d": math.MaxInt64, "300y": math.MaxInt64, "292y100w": math.MaxInt64,
		"30s": 30 * time.Second, "+1.5h": 90 * time.Minute, "0": 0, "-.5s": -500 * time.Millisecond,
		"2562047h47m16.854775807s": math.MaxInt64, "2562047h47m17s": math.MaxInt64,
		"99999999999999999999h": math.MaxInt64, "1h99999999999h1.5us": math.MaxInt64,
		"9223372036854775808ns": math.MaxInt64, "-99999999999999999999ms": math.MinInt64,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%s: got %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "30", "1.5d", "-1d", "1d1.5h", "1h1d", "1d 12h", "d", "1D", "1h 30m",
		"1e9h", "99999999999999999999", "h", ".s", "--1h", "1h-1m", secret,
	} {
		if got, err := ParseDuration(text); err == nil || err.Error() != "not a duration" {
			t.Errorf("%s: got %v, %v; want an error", text, got, err)
		}
	}
}
