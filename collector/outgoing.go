package collector

import (
	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
	"greenapi_exporter/internal/poll"
)

// newOutgoing shows the journal of the messages sent: what stands in its window, and what has been counted of it.
func newOutgoing() factory {
	up := desc("greenapi_up",
		"Whether the latest reading of the outgoing journal succeeded (1) or not (0).")
	windowMessages := desc("greenapi_outgoing_window_messages",
		"Rows of the outgoing journal's window by their current status; absent when the latest reading failed.",
		"status", "type")
	windowSeconds := desc("greenapi_outgoing_window_seconds",
		"Length of the outgoing journal's window.")
	messages := desc("greenapi_outgoing_messages_total",
		"Messages first seen in the outgoing journal since the ledger's birth.",
		"type")
	statuses := desc("greenapi_outgoing_message_statuses_total",
		"Statuses that messages have reached since the ledger's birth, each counted once. It is a funnel: "+
			"pending counts every message that was accepted, not those that hang; for those look at the window.",
		"status", "type")
	oldestPending := desc("greenapi_outgoing_oldest_pending_timestamp_seconds",
		"Timestamp of the oldest pending row of the window, as UNIX time; absent without one, and when the latest reading failed.")
	lastMessage := desc("greenapi_outgoing_last_message_timestamp_seconds",
		"Timestamp of the newest row that the ledger has ever seen, as UNIX time.")
	remembered := desc("greenapi_outgoing_ledger_messages",
		"Messages that the ledger remembers, so as to count none twice.")
	birth := desc("greenapi_outgoing_ledger_birth_timestamp_seconds",
		"When counting began, as UNIX time; ratios of the counters mean something a window later.")
	unread := desc("greenapi_outgoing_unread_seconds_total",
		"Journal time that no call could cover since the ledger's birth; what was sent in it may not be counted.")

	totals := func(m emitter, r *ledger.Summary) {
		m.gauge(remembered, float64(r.Messages))
		m.gauge(birth, unixSeconds(r.CountingSince))
		if r.LastMessage.Known {
			m.gauge(lastMessage, r.LastMessage.Seconds)
		}
		m.counter(unread, r.Uncovered.Seconds(), r.CountingSince)
		for _, t := range r.Types {
			m.counter(messages, float64(t.Messages.Count), t.Messages.Created, t.Word)
			for _, s := range t.Statuses {
				m.counter(statuses, float64(s.Reached.Count), s.Reached.Created, s.Word, t.Word)
			}
		}
	}
	window := func(m emitter, r *ledger.Summary) {
		for _, t := range r.Types {
			for _, s := range t.Statuses {
				m.gauge(windowMessages, float64(s.Rows), s.Word, t.Word)
			}
		}
		if r.OldestPending.Known {
			m.gauge(oldestPending, r.OldestPending.Seconds)
		}
	}
	render := renderJournal(totals, window)
	return &method[*ledger.Summary]{
		Info: Info{"outgoing", greenapi.LastOutgoingMessages, "The journal of the messages sent", true},
		descs: []*metricDesc{
			up, windowMessages, windowSeconds, messages, statuses, oldestPending, lastMessage, remembered, birth, unread,
		},
		open: journalSource("", (*greenapi.Client).OutgoingMessages),
		render: func(m emitter, latest poll.Outcome[*ledger.Summary]) {
			m.gauge(up, boolFloat(latest.Err == nil))
			m.gauge(windowSeconds, float64(m.Minutes())*60)
			render(m, latest)
		},
		fillStatus: func(s *Status, latest poll.Outcome[*ledger.Summary]) { s.Outgoing = latest.Reading },
	}
}
