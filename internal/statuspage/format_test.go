package statuspage

import (
	"math"
	"testing"
	"time"
)

func TestFormats(t *testing.T) {
	const day = 24 * time.Hour
	for d, want := range map[time.Duration]string{
		-time.Hour: "in 60 min", -time.Second / 2: "just now", 0: "just now",
		999 * time.Millisecond: "just now", time.Second: "1 s ago", 119 * time.Second: "119 s ago",
		2 * time.Minute: "2 min ago", 119 * time.Minute: "119 min ago", 2 * time.Hour: "2 h ago",
		3*day - 1: "71 h ago", 3 * day: "3 days ago",
	} {
		if got := formatAgo(d); got != want {
			t.Errorf("%s: got %s, want %s", d, got, want)
		}
	}
	for n, want := range map[int64]string{
		0: "0", 7: "7", 999: "999", 1000: "1,000", 123456: "123,456", 1234567: "1,234,567",
	} {
		if got := formatInt(n); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	for _, c := range []struct {
		part, whole int
		want        string
	}{
		{0, 0, "0 %"}, {0, 5, "0 %"}, {1, 100000, "< 0.1 %"}, {1, 1000, "0.1 %"},
		{99, 1000, "9.9 %"}, {1, 2, "50 %"}, {994, 1000, "99 %"}, {99999, 100000, "> 99 %"},
		{3, 3, "100 %"},
	} {
		if got := formatPercent(c.part, c.whole); got != c.want {
			t.Errorf("%d of %d: got %s, want %s", c.part, c.whole, got, c.want)
		}
	}
	for seconds, want := range map[float64]string{
		1782907200.9: "2026-07-01 12:00:00",
		-1:           "1970-01-01 00:00:00", math.Inf(-1): "1970-01-01 00:00:00",
		1e300: "9999-12-31 23:59:59", math.Inf(1): "9999-12-31 23:59:59",
	} {
		if got := relUnix(seconds, testNow).Format(time.DateTime); got != want {
			t.Errorf("%v: got %s, want %s", seconds, got, want)
		}
	}
	if got := relUnix(math.NaN(), testNow).Unix(); got != 0 {
		t.Errorf("NaN is %d", got)
	}
}
