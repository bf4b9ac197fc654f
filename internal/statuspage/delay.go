package statuspage

import (
	"time"

	"greenapi_exporter/internal/ledger"
)

// delayView shows how long messages take to reach a status. The times are upper bounds.
type delayView struct {
	Word string
	// Half and 95 % of the messages reached the status in these times, such as "within 2 min".
	Half, Most string
	Share      string // share of the messages that reached it within 5 minutes
	Messages   string
}

// newDelayViews returns a view of each status with delays.
func newDelayViews(s *ledger.Summary) []delayView {
	var views []delayView
	for _, d := range s.Delays {
		if d.Count == 0 {
			continue
		}
		views = append(views, delayView{
			Word: d.Word, Half: quantile(d, 0.5), Most: quantile(d, 0.95),
			Share:    formatPercent(int(within(d, 5*time.Minute)), int(d.Count)),
			Messages: plural(d.Count, "message"),
		})
	}
	return views
}

// quantile describes the smallest bound that at least the given share of the delays does not
// exceed.
func quantile(d ledger.StatusDelay, share float64) string {
	for i, bound := range ledger.DelayBounds() {
		if float64(d.Buckets[i]) >= share*float64(d.Count) {
			return "within " + formatDuration(time.Duration(bound)*time.Second)
		}
	}
	return "in more than 24 h"
}

// within returns the number of delays up to limit, which must be a bound.
func within(d ledger.StatusDelay, limit time.Duration) uint64 {
	for i, bound := range ledger.DelayBounds() {
		if bound >= limit.Seconds() {
			return d.Buckets[i]
		}
	}
	return d.Count
}
