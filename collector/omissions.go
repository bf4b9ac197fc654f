package collector

import (
	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"greenapi_exporter/internal/ledger"
)

// beforeCounting is the reason for not counting a message that is older than the time that the
// ledger covers.
const beforeCounting = "before_counting"

// omissionLogger logs the malformed rows and uncounted messages of a journal, once per reason and
// run.
type omissionLogger struct {
	logger    log.Logger
	uncounted uint64 // of the latest reading
	logged    map[string]bool
}

func newOmissionLogger(logger log.Logger) omissionLogger {
	return omissionLogger{logger: logger, logged: make(map[string]bool)}
}

// start prepares l for a ledger whose latest reading is stored, or nil.
func (l *omissionLogger) start(stored *ledger.Summary) {
	l.uncounted = 0
	if stored != nil {
		l.uncounted = stored.Uncounted
	}
}

func (l *omissionLogger) observe(r *ledger.Summary) {
	for reason, n := range r.Malformed {
		reason := ledger.MalformedReason(reason)
		if n == 0 || !l.first(reason.String()) {
			continue
		}
		leveled := level.Warn
		if reason == ledger.NoID { // the API documents such rows
			leveled = level.Info
		}
		leveled(l.logger).Log("msg", "journal contains malformed rows",
			"reason", reason, "rows", n, "effect", malformedEffects[reason])
	}
	if n := r.Uncounted - l.uncounted; n > 0 && l.first(beforeCounting) {
		level.Info(l.logger).Log("msg", "journal contains messages from before counting began",
			"reason", beforeCounting, "messages", n,
			"effect", "they are not counted; statuses that they reach later are")
	}
	l.uncounted = r.Uncounted
}

// first reports whether the reason has not been logged yet, and marks it as logged.
func (l *omissionLogger) first(reason string) bool {
	isFirst := !l.logged[reason]
	l.logged[reason] = true
	return isFirst
}

// malformedEffects describe how the ledger treats malformed rows.
var malformedEffects = [...]string{
	ledger.NoID: "they count in the window only; this is normal for numbers without " +
		"an account",
	ledger.BadTimestamp: "their timestamps are ignored",
	ledger.NotARow:      "they are skipped",
}
