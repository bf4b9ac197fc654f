package collector

import (
	"testing"
	"testing/synctest"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// delays scrapes the exporter and returns the histograms of delays by status.
func (e *exporter) delays(t *testing.T) map[string]*dto.Histogram {
	t.Helper()
	delays := make(map[string]*dto.Histogram)
	families := gather(t, e.scrape(t.Context()))
	for _, m := range families["greenapi_outgoing_status_delay_seconds"].Metric {
		delays[label(m, "status")] = m.Histogram
	}
	return delays
}

func TestDelaysAreExported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t).persistent(t)
		begin := time.Now()
		e.delays(t) // the baseline
		time.Sleep(time.Minute)
		e.api.body = journalOf(row("A1", "textMessage", "sent", 1))
		e.delays(t)
		time.Sleep(2 * time.Minute)
		e.api.body = journalOf(row("A1", "textMessage", "read", 3))
		e.delays(t)
		e.restart(t)
		got := e.delays(t)
		for status, want := range map[string]float64{"sent": 60, "delivered": 180, "read": 180} {
			h := got[status]
			if h.GetSampleCount() != 1 || h.GetSampleSum() != want || len(h.Bucket) != 10 ||
				!h.CreatedTimestamp.AsTime().Equal(begin) {
				t.Errorf("%s: %v, want a delay of %v s", status, h, want)
			}
			for _, b := range h.Bucket {
				if (b.GetCumulativeCount() == 1) != (want <= b.GetUpperBound()) {
					t.Errorf("%s: bucket %v for a delay of %v s", status, b, want)
				}
			}
		}
	})
}

// TestPausesFollowMinInterval checks that a reload changes which gaps between readings count as
// pauses.
func TestPausesFollowMinInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t)
		e.delays(t)
		for i, interval := range []time.Duration{time.Second, 4 * time.Minute, time.Second} {
			e.flags.MinInterval = interval
			if err := e.instance.ApplyConfig(e.config(t)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(7 * time.Minute)
			e.api.body = journalOf(row(string(rune('A'+i)), "textMessage", "sent", 1))
			if got, want := e.delays(t)["sent"].GetSampleCount(), uint64(min(i, 1)); got != want {
				t.Errorf("%d delays with an interval of %s, want %d", got, interval, want)
			}
		}
	})
}
