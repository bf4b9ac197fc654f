package collector

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"greenapi_exporter/internal/ledger"
)

// recovery is how long messages must arrive before the log reports it. It also limits the log to
// two lines per instance in this time.
const recovery = 15 * time.Minute

// arrivalLogger logs when too many messages of an instance are undelivered, and when messages
// arrive again.
type arrivalLogger struct {
	logger      log.Logger
	began, last time.Time // first and last reading with too many; zero if messages arrive
}

// observe handles a reading that began at now.
func (l *arrivalLogger) observe(s *ledger.Summary, now time.Time) {
	a := ArrivalOf(s)
	switch {
	case a.High && l.began.IsZero():
		l.began, l.last = now, now
		level.Warn(l.with(a)).Log("msg", "messages do not arrive", "advice", a.Reasons[0].Advice())
	case a.High:
		l.last = now
	case !l.began.IsZero() && now.Sub(l.last) >= recovery:
		level.Info(l.with(a)).Log("msg", "messages arrive again",
			"failed_for", l.last.Sub(l.began).Round(time.Second))
		l.began = time.Time{}
	}
}

// with returns a logger with the numbers of a. The value of reasons is a text such as
// "failed=12 noAccount=5".
func (l *arrivalLogger) with(a Arrival) log.Logger {
	var reasons []string
	for _, r := range a.Reasons {
		reasons = append(reasons, fmt.Sprintf("%s=%d", r.Word, r.Messages))
	}
	return log.With(l.logger, "window", a.Window, "messages", a.Messages,
		"undelivered", a.Undelivered, "reasons", strings.Join(reasons, " "))
}
