package collector

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"greenapi_exporter/internal/ledger"
)

// recovery is how long a problem must be absent before the log reports its end. It also limits the
// log to two lines per problem and instance in this time.
const recovery = 15 * time.Minute

// arrivalLogger logs when too many messages of an instance are undelivered or not delivered, and
// when messages arrive again.
type arrivalLogger struct {
	logger                    log.Logger
	undelivered, notDelivered problem
}

// observe handles a reading that began at now.
func (l *arrivalLogger) observe(s *ledger.Summary, now time.Time) {
	l.observeArrival(s, now)
	l.observeDelivery(s, now)
}

func (l *arrivalLogger) observeArrival(s *ledger.Summary, now time.Time) {
	a := ArrivalOf(s)
	change := l.undelivered.observe(a.High, s, now, "sent", "delivered", "read")
	if change == none {
		return
	}
	logger := log.With(l.logger, "window", a.Window, "messages", a.Messages,
		"undelivered", a.Undelivered, "reasons", reasonsText(a.Reasons))
	switch change {
	case begins:
		level.Warn(logger).Log("msg", "messages do not arrive", "advice", a.Reasons[0].Advice())
	case ends:
		level.Info(logger).Log("msg", "messages arrive again",
			"failed_for", l.undelivered.duration())
	case fades:
		level.Info(logger).Log("msg", "messages that did not arrive are no longer recent",
			"failed_for", l.undelivered.duration())
	}
}

func (l *arrivalLogger) observeDelivery(s *ledger.Summary, now time.Time) {
	d := DeliveryOf(s)
	change := l.notDelivered.observe(d.High, s, now, "delivered", "read")
	if change == none {
		return
	}
	logger := log.With(l.logger, "sent", d.Sent, "not_delivered", d.NotDelivered)
	switch change {
	case begins:
		level.Warn(logger).Log("msg", "messages are sent but not delivered",
			"advice", NotDeliveredAdvice)
	case ends:
		level.Info(logger).Log("msg", "messages are delivered again",
			"failed_for", l.notDelivered.duration())
	case fades:
		level.Info(logger).Log("msg", "messages that were not delivered are no longer recent",
			"failed_for", l.notDelivered.duration())
	}
}

// reasonsText returns a text such as "failed=12 noAccount=5".
func reasonsText(reasons []Reason) string {
	var texts []string
	for _, r := range reasons {
		texts = append(texts, fmt.Sprintf("%s=%d", r.Word, r.Messages))
	}
	return strings.Join(texts, " ")
}

// problem is a problem of recent messages that begins and ends.
type problem struct {
	active      bool
	began, last time.Time // first and last reading with the problem
}

// change is the effect of a reading on a problem.
type change int

const (
	none   change = iota
	begins        // the problem was not active
	ends          // later messages do not have the problem
	fades         // there are no recent messages, so it is unknown whether the problem persists
)

// observe handles a reading that began at now. The problem ends after the time recovery, if a
// message that was sent after the last reading with the problem has one of the statuses.
func (p *problem) observe(found bool, s *ledger.Summary, now time.Time, statuses ...string) change {
	absent := now.Sub(p.last)
	switch {
	case found && p.active:
		p.last = now
	case found:
		*p = problem{true, now, now}
		return begins
	case !p.active || absent < recovery:
	case hasStatus(s, absent, statuses):
		p.active = false
		return ends
	case len(s.Recent) == 0:
		p.active = false
		return fades
	}
	return none
}

func (p *problem) duration() time.Duration { return p.last.Sub(p.began).Round(time.Second) }

// hasStatus reports whether a message that is younger than age has one of the statuses. It rounds
// age down to one of ledger.RecentAges.
func hasStatus(s *ledger.Summary, age time.Duration, statuses []string) bool {
	for _, status := range s.Recent {
		for i, limit := range ledger.RecentAges() {
			if limit <= age && status.Rows[i] > 0 && slices.Contains(statuses, status.Word) {
				return true
			}
		}
	}
	return false
}
