package config

import (
	"math"
	"testing"
	"time"
)

func TestDurationsThatOverflowAreTheLongest(t *testing.T) {
	for text, want := range map[string]time.Duration{
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
		"", "30", "1d", "1h 30m", "1e9h", "99999999999999999999", "h", ".s", "--1h", "1h-1m",
		secret,
	} {
		if got, err := ParseDuration(text); err == nil || err.Error() != "not a duration" {
			t.Errorf("%s: got %v, %v; want an error", text, got, err)
		}
	}
}
