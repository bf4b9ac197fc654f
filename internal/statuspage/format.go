package statuspage

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// relTime is a time as people read it: how long ago, and exactly. It is put into words where it is shown: most of ten
// thousand instances are not.
type relTime struct {
	time.Time
	now time.Time
}

func momentAt(t, now time.Time) relTime { return relTime{t.UTC(), now} }

// Ago is how long ago it was.
func (m relTime) Ago() string { return formatAgo(m.now.Sub(m.Time)) }

// Exact is the time in UTC to the second.
func (m relTime) Exact() string { return m.Format("2006-01-02 15:04:05 UTC") }

// Machine is the same for programs.
func (m relTime) Machine() string { return m.Format(time.RFC3339) }

// lastSecond is the end of the year 9999, beyond which a time cannot be written.
const lastSecond = 253402300799

// fromUnix is a time by the API's clock, which may be any number.
func fromUnix(seconds float64) time.Time {
	if math.IsNaN(seconds) {
		seconds = 0
	}
	return time.Unix(int64(min(max(seconds, 0), lastSecond)), 0)
}

func formatAgo(d time.Duration) string {
	switch {
	case d <= -time.Second:
		return "in " + formatDuration(-d)
	case d < time.Second:
		return "just now"
	default:
		return formatDuration(d) + " ago"
	}
}

// formatDuration is a length of time to about two digits.
func formatDuration(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 72*time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	default:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	}
}

// formatInt writes a number of things, which is not negative, with its thousands apart.
func formatInt[N int | int64 | uint64](n N) string {
	digits := strconv.FormatUint(uint64(n), 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// plural is a number of things by their name.
func plural[N int | int64 | uint64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return formatInt(n) + " " + thing + "s"
}

// formatWaiting is a number of things that wait.
func formatWaiting(n int64, thing string) string {
	switch n {
	case 0:
		return "no " + thing + " waits"
	case 1:
		return "1 " + thing + " waits"
	default:
		return plural(n, thing) + " wait"
	}
}

// formatPercent is a part of the whole in hundredths.
func formatPercent(part, whole int) string {
	percent := 100 * float64(part) / float64(max(whole, 1))
	switch {
	case part == 0:
		return "0 %"
	case percent < 0.1:
		return "< 0.1 %"
	case percent < 10:
		return fmt.Sprintf("%.1f %%", percent)
	case part < whole && percent > 99.4:
		return "> 99 %"
	default:
		return fmt.Sprintf("%.0f %%", percent)
	}
}
