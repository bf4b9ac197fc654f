package collector

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"greenapi_exporter/internal/greenapi"
)

// skewLines returns the log lines about the clocks.
func skewLines(e *exporter) (found []string) {
	for line := range strings.Lines(e.logged()) {
		if strings.Contains(line, "the clocks of this machine and of the API") {
			found = append(found, line)
		}
	}
	return found
}

// TestDifferingClocksAreLoggedOnce also checks that the status shows the difference. All responses
// have the same wrong clock, for longer than skewLogInterval.
func TestDifferingClocksAreLoggedOnce(t *testing.T) {
	for skew, text := range map[time.Duration]string{
		61 * time.Second: "1m1s", -61 * time.Second: "-1m1s", time.Minute: "", -time.Minute: "",
		100 * 365 * 24 * time.Hour: "876000h0m0s",
	} {
		synctest.Test(t, func(t *testing.T) {
			e := newExporter(t, "outgoing", "state", "queue")
			scrapeFor := func(skew time.Duration) {
				for _, reply := range e.api.replies {
					reply.skew, reply.took = skew, 0
				}
				for range 70 {
					gather(t, e.scrape(t.Context()))
					time.Sleep(time.Minute)
				}
			}
			scrapeFor(skew)
			var want [][]string
			status := time.Duration(0)
			if text != "" {
				want = append(want, []string{
					"level=warn", "id_instance=" + id, "skew=" + text + " ", "NTP",
				})
				status = skew
			}
			assertLines(t, skewLines(e), want)
			if got := e.instance.Status().Skew; got != status {
				t.Errorf("skew %s: the status has %s", skew, got)
			}
			scrapeFor(0)
			if text != "" {
				want = append(want, []string{"level=info", "id_instance=" + id, "agree again"})
			}
			assertLines(t, skewLines(e), want)
			if got := e.instance.Status().Skew; got != 0 {
				t.Errorf("skew %s: the status has %s afterwards", skew, got)
			}
		})
	}
}

// TestAlternatingClocksAreLoggedHourly checks methods whose responses have different clocks.
func TestAlternatingClocksAreLoggedHourly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, "outgoing", "queue")
		e.replyOf(greenapi.GetMessagesCount).skew = 2 * time.Hour
		for range 4 * 60 {
			gather(t, e.scrape(t.Context()))
			time.Sleep(time.Minute)
		}
		if got := skewLines(e); len(got) < 6 || len(got) > 8 {
			t.Errorf("%d lines in 4 hours:\n%s", len(got), strings.Join(got, ""))
		}
	})
}
