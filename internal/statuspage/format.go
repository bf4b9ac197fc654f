package statuspage

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// relTime is a time that the page shows relative to now. It is formatted on use, because a page
// shows few of the times of 10,000 instances.
type relTime struct {
	time.Time
	now time.Time
}

func newRelTime(t, now time.Time) *relTime { return &relTime{t.UTC(), now} }

// after reports whether t is later than other. A nil time is earlier than any other.
func (t *relTime) after(other *relTime) bool {
	return t != nil && (other == nil || t.Time.After(other.Time))
}

func (t *relTime) Ago() string { return formatAgo(t.now.Sub(t.Time)) }

// Age returns the time since t.
func (t *relTime) Age() string { return formatDuration(t.now.Sub(t.Time)) }

// relUnix converts a time from the API, which may be any number. The result is within the years
// 1970 to 9999.
func relUnix(seconds float64, now time.Time) *relTime {
	const lastSecond = 253402300799
	if math.IsNaN(seconds) {
		seconds = 0
	}
	return newRelTime(time.Unix(int64(min(max(seconds, 0), lastSecond)), 0), now)
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

// formatDuration rounds down to a whole number of seconds, minutes, hours or days.
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

// formatInt formats a non-negative number with thousands separators.
func formatInt[N int | int64 | uint64](n N) string {
	digits := strconv.FormatUint(uint64(n), 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func plural[N int | int64 | uint64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return formatInt(n) + " " + noun + "s"
}

// formatPercent never rounds a part down to 0 % or up to 100 %.
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
