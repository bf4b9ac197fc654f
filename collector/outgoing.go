package collector

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"greenapi_exporter/greenapi"
	"greenapi_exporter/ledger"
	"greenapi_exporter/poll"
)

// outgoing shows the journal of the messages sent: what stands in its window, and what has been counted of it.
type outgoing struct {
	up             *prometheus.Desc
	windowMessages *prometheus.Desc
	windowSeconds  *prometheus.Desc
	messages       *prometheus.Desc
	statuses       *prometheus.Desc
	oldestPending  *prometheus.Desc
	lastMessage    *prometheus.Desc
	remembered     *prometheus.Desc
	birth          *prometheus.Desc
	unread         *prometheus.Desc
}

func newOutgoing() *outgoing {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, append([]string{"id_instance"}, labels...), nil)
	}
	return &outgoing{
		up: desc("greenapi_up",
			"Whether the latest reading of the outgoing journal succeeded (1) or not (0)."),
		windowMessages: desc("greenapi_outgoing_window_messages",
			"Rows of the outgoing journal's window by their current status; absent when the latest reading failed.",
			"status", "type"),
		windowSeconds: desc("greenapi_outgoing_window_seconds",
			"Length of the outgoing journal's window."),
		messages: desc("greenapi_outgoing_messages_total",
			"Messages first seen in the outgoing journal since the ledger's birth.",
			"type"),
		statuses: desc("greenapi_outgoing_message_statuses_total",
			"Statuses that messages have reached since the ledger's birth, each counted once. It is a funnel: "+
				"pending counts every message that was accepted, not those that hang; for those look at the window.",
			"status", "type"),
		oldestPending: desc("greenapi_outgoing_oldest_pending_timestamp_seconds",
			"Timestamp of the oldest pending row of the window, as UNIX time; absent without one, and when the latest reading failed."),
		lastMessage: desc("greenapi_outgoing_last_message_timestamp_seconds",
			"Timestamp of the newest row that the ledger has ever seen, as UNIX time."),
		remembered: desc("greenapi_outgoing_ledger_messages",
			"Messages that the ledger remembers, so as to count none twice."),
		birth: desc("greenapi_outgoing_ledger_birth_timestamp_seconds",
			"When counting began, as UNIX time; ratios of the counters mean something a window later."),
		unread: desc("greenapi_outgoing_unread_seconds_total",
			"Journal time that no call could cover since the ledger's birth; what was sent in it may not be counted."),
	}
}

func (*outgoing) info() Info {
	return Info{Name: "outgoing", Method: "lastOutgoingMessages", Default: true}
}

func (o *outgoing) describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		o.up, o.windowMessages, o.windowSeconds, o.messages, o.statuses, o.oldestPending, o.lastMessage, o.remembered,
		o.birth, o.unread,
	} {
		ch <- d
	}
}

// outgoingJournal is the outgoing collector of one instance.
type outgoingJournal struct {
	*outgoing
	target Target
	ledger *ledger.Ledger
	poller *poll.Poller[*ledger.Reading]
}

func (o *outgoing) bind(target Target, c *calls) (collector, error) {
	l, err := target.Storage.Ledger(target.ID(), ledger.Options{Minutes: target.Minutes(), Retention: target.Retention()}, time.Now())
	if err != nil {
		return nil, err
	}
	j := &outgoingJournal{outgoing: o, target: target, ledger: l}
	j.poller = newJournalPoller(c, l, j.read)
	return j, nil
}

func (j *outgoingJournal) close() {
	j.poller.Stop()
	j.ledger.Close()
}

// read makes one call and counts what its answer shows.
func (j *outgoingJournal) read(ctx context.Context) (*ledger.Reading, error) {
	begin := time.Now()
	count := j.ledger.Begin(begin)
	err := j.target.Client.OutgoingMessages(ctx, count.Minutes(), func(date time.Time) func(*greenapi.Row) {
		count.Answered(date)
		return func(r *greenapi.Row) { count.Add(ledger.Row(*r)) }
	})
	switch greenapi.ResultOf(err) {
	case greenapi.OK:
		return count.Commit(), nil
	case greenapi.Timeout:
		// Where the program stood still (SIGSTOP, a machine that was suspended) the answer was not what took long.
		if time.Now().Round(0).Sub(begin.Round(0)) > j.target.Timeout()+frozen {
			return nil, err
		}
		count.TooMuch()
	case greenapi.TooLarge, greenapi.BadRequest:
		count.TooMuch()
	}
	return nil, err
}

// frozen is how much longer than its timeout a call takes at the least, by the wall clock, if the program stood still
// meanwhile.
const frozen = 5 * time.Second

func (j *outgoingJournal) collect(ctx context.Context, ch chan<- prometheus.Metric) health {
	latest := j.poller.Latest(ctx)
	up := 0.0
	if latest.Err == nil {
		up = 1
	}
	id := j.target.ID()
	ch <- prometheus.MustNewConstMetric(j.up, prometheus.GaugeValue, up, id)
	ch <- prometheus.MustNewConstMetric(j.windowSeconds, prometheus.GaugeValue, float64(j.target.Minutes())*60, id)
	success := latest.Success
	if reading := latest.Reading; reading != nil {
		success = reading.Asked // which survives a restart as it is
		j.renderTotals(ch, id, reading)
		if latest.Err == nil {
			j.renderWindow(ch, id, reading)
		}
	}
	return health{latest.Err, success, latest.Took, latest.GaveUp}
}

// renderTotals sends what stays true when a later reading fails.
func (j *outgoingJournal) renderTotals(ch chan<- prometheus.Metric, id string, r *ledger.Reading) {
	gauge := func(desc *prometheus.Desc, value float64) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, id)
	}
	counter := func(desc *prometheus.Desc, c ledger.Counter, labels ...string) {
		ch <- prometheus.MustNewConstMetricWithCreatedTimestamp(desc, prometheus.CounterValue, float64(c.Count), c.Created,
			append([]string{id}, labels...)...)
	}
	gauge(j.remembered, float64(r.Messages))
	gauge(j.birth, unix(r.Birth))
	if r.LastMessage.Known {
		gauge(j.lastMessage, r.LastMessage.Seconds)
	}
	ch <- prometheus.MustNewConstMetricWithCreatedTimestamp(j.unread, prometheus.CounterValue, r.Unread.Seconds(), r.Birth, id)
	for _, t := range r.Types {
		counter(j.messages, t.Messages, t.Word)
		for _, s := range t.Statuses {
			counter(j.statuses, s.Reached, s.Word, t.Word)
		}
	}
}

// renderWindow sends what is true of the journal as it is now.
func (j *outgoingJournal) renderWindow(ch chan<- prometheus.Metric, id string, r *ledger.Reading) {
	for _, t := range r.Types {
		for _, s := range t.Statuses {
			ch <- prometheus.MustNewConstMetric(j.windowMessages, prometheus.GaugeValue, float64(s.Rows), id, s.Word, t.Word)
		}
	}
	if r.OldestPending.Known {
		ch <- prometheus.MustNewConstMetric(j.oldestPending, prometheus.GaugeValue, r.OldestPending.Seconds, id)
	}
}
