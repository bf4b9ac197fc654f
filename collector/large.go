package collector

import (
	"github.com/go-kit/log/level"

	"greenapi_exporter/internal/config"
)

// largeReading is the number of bytes above which a reading of the whole window is large. At one
// call a minute, this is 7 GB a day.
const largeReading = 5_000_000

// TieredAdvice is the advice for an instance with large readings.
const TieredAdvice = "set lookback (--greenapi.lookback) to tiered, so that most calls request " +
	"only the newest minutes of the journal"

// observeSize records whether a reading of the whole window is large. bytes is the size of the
// response to a call that requested minutes with the given settings. In each run, observeSize
// suggests tiers in the log once per instance.
func (s *requestStats) observeSize(bytes int64, minutes int, settings config.Instance) {
	// A call after a pause requests more than the window.
	ofWindow := bytes * int64(settings.Minutes()) / int64(max(minutes, settings.Minutes()))
	if settings.Tiered() || ofWindow <= largeReading {
		s.large.Store(0)
		return
	}
	s.large.Store(ofWindow)
	if s.env.suggestedTiers.CompareAndSwap(false, true) {
		level.Info(s.logger).Log(
			"msg", "the journal is large", "bytes", bytes, "advice", TieredAdvice)
	}
}
