package collector

import (
	"github.com/prometheus/client_golang/prometheus"

	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
)

// newOutgoing exports the journal of sent messages: the rows of its window, and totals.
func newOutgoing() factory {
	var d descs
	up := d.add("greenapi_up",
		"Whether the latest reading of the outgoing journal succeeded (1) or not (0).")
	windowMessages := d.add("greenapi_outgoing_window_messages",
		"Rows of the outgoing journal's window by current status; "+
			"absent if the latest reading failed.",
		"status", "type")
	windowSeconds := d.add("greenapi_outgoing_window_seconds",
		"Length of the outgoing journal's window.")
	messages := d.add("greenapi_outgoing_messages_total",
		"Messages first seen in the outgoing journal since counting began.",
		"type")
	statuses := d.add("greenapi_outgoing_message_statuses_total",
		"Statuses that messages have reached since counting began, each counted once per message. "+
			"This is a funnel: pending counts every accepted message. "+
			"For stuck messages see greenapi_outgoing_window_messages.",
		"status", "type")
	oldestPending := d.add("greenapi_outgoing_oldest_pending_timestamp_seconds",
		"Timestamp of the oldest pending row of the window, as UNIX time; "+
			"absent if there is none or the latest reading failed.")
	lastMessage := d.add("greenapi_outgoing_last_message_timestamp_seconds",
		"Timestamp of the newest row ever seen, as UNIX time.")
	remembered := d.add("greenapi_outgoing_ledger_messages",
		"Messages that the ledger remembers in order to count each message once.")
	countingSince := d.add("greenapi_outgoing_ledger_birth_timestamp_seconds",
		"When counting began, as UNIX time. Ratios of counters are meaningful one window later.")
	uncovered := d.add("greenapi_outgoing_unread_seconds_total",
		"Seconds of the outgoing journal that no reading has covered since counting began. "+
			"Messages of that time may not be counted.")
	uncounted := d.add("greenapi_outgoing_uncounted_messages_total",
		"Messages that the ledger remembers but does not count, by reason: "+
			"before_counting means that they are older than the window of the first reading.",
		"reason")
	delays := d.add("greenapi_outgoing_status_delay_seconds",
		"Time from a message's timestamp to the first reading that showed it in the status or in "+
			"a later one. It exceeds the true delay by at most the time between two readings "+
			"that cover the message, plus two minutes.",
		"status")
	malformed := d.add("greenapi_outgoing_window_malformed_rows",
		"Malformed rows of the outgoing journal's window by reason: "+
			"no_id, bad_timestamp or not_a_row; absent if the latest reading failed.",
		"reason")

	return &polled[*ledger.Summary]{
		Info:    Info{"outgoing", greenapi.LastOutgoingMessages, "Journal of sent messages", true},
		descs:   d,
		connect: journalSource("", (*greenapi.Client).OutgoingMessages),
		renderCall: func(e emitter, succeeded bool) {
			e.gauge(up, boolFloat(succeeded))
			e.gauge(windowSeconds, float64(e.Minutes())*60)
		},
		render: func(e emitter, r *ledger.Summary, current bool) {
			e.gauge(remembered, float64(r.Messages))
			e.gauge(countingSince, unixSeconds(r.CountingSince))
			e.counter(uncovered, r.Uncovered.Seconds(), r.CountingSince)
			e.counter(uncounted, float64(r.Uncounted), r.CountingSince, beforeCounting)
			if r.LastMessage.Known {
				e.gauge(lastMessage, r.LastMessage.Seconds)
			}
			if current {
				for reason, n := range r.Malformed {
					e.gauge(malformed, float64(n), ledger.MalformedReason(reason).String())
				}
			}
			if r.OldestPending.Known && current {
				e.gauge(oldestPending, r.OldestPending.Seconds)
			}
			for _, s := range r.Delays {
				e.delays(delays, s)
			}
			for _, t := range r.Types {
				e.counter(messages, float64(t.Messages.Count), t.Messages.Created, t.Word)
				for _, s := range t.Statuses {
					e.counter(statuses, float64(s.Reached.Count), s.Reached.Created, s.Word, t.Word)
					if current {
						e.gauge(windowMessages, float64(s.Rows), s.Word, t.Word)
					}
				}
			}
		},
		fillStatus: func(s *Status, r *ledger.Summary, _ bool) { s.Outgoing = r },
	}
}

// delays emits a histogram of delays.
func (e emitter) delays(d *prometheus.Desc, s ledger.StatusDelay) {
	buckets := make(map[float64]uint64, len(s.Buckets))
	for i, bound := range ledger.DelayBounds() {
		buckets[bound] = s.Buckets[i]
	}
	e.ch <- prometheus.MustNewConstHistogramWithCreatedTimestamp(
		d, s.Count, s.Sum, buckets, s.Created, e.values([]string{s.Word})...)
}
