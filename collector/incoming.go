package collector

import (
	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
	"greenapi_exporter/internal/poll"
)

// newIncoming shows the journal of the messages received. It is counted as that of the messages sent is, though its rows
// have no status.
func newIncoming() factory {
	windowMessages := desc("greenapi_incoming_window_messages",
		"Rows of the incoming journal's window; absent when the latest reading failed.",
		"type")
	messages := desc("greenapi_incoming_messages_total",
		"Messages first seen in the incoming journal since its ledger's birth.",
		"type")
	lastMessage := desc("greenapi_incoming_last_message_timestamp_seconds",
		"Timestamp of the newest row that the incoming ledger has ever seen, as UNIX time.")

	totals := func(m emitter, r *ledger.Summary) {
		if r.LastMessage.Known {
			m.gauge(lastMessage, r.LastMessage.Seconds)
		}
		for _, t := range r.Types {
			m.counter(messages, float64(t.Messages.Count), t.Messages.Created, t.Word)
		}
	}
	window := func(m emitter, r *ledger.Summary) {
		for _, t := range r.Types {
			rows := 0
			for _, s := range t.Statuses {
				rows += s.Rows
			}
			m.gauge(windowMessages, float64(rows), t.Word)
		}
	}
	return &method[*ledger.Summary]{
		Info:       Info{"incoming", greenapi.LastIncomingMessages, "The journal of the messages received; it has a quota of its own", false},
		descs:      []*metricDesc{windowMessages, messages, lastMessage},
		open:       journalSource(".incoming", (*greenapi.Client).IncomingMessages),
		render:     renderJournal(totals, window),
		fillStatus: func(s *Status, latest poll.Outcome[*ledger.Summary]) { s.Incoming = latest.Reading },
	}
}
