package collector

import (
	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
)

// newIncoming exports the journal of received messages, whose rows have no status.
func newIncoming() factory {
	var d descs
	windowMessages := d.add("greenapi_incoming_window_messages",
		"Rows of the incoming journal's window; absent if the latest reading failed.",
		"type")
	messages := d.add("greenapi_incoming_messages_total",
		"Messages first seen in the incoming journal since counting began.",
		"type")
	lastMessage := d.add("greenapi_incoming_last_message_timestamp_seconds",
		"Timestamp of the newest row ever seen in the incoming journal, as UNIX time.")

	return &polled[*ledger.Summary]{
		Info: Info{
			"incoming", greenapi.LastIncomingMessages,
			"Journal of received messages; it has its own quota", false,
		},
		descs:   d,
		connect: journalSource(".incoming", (*greenapi.Client).IncomingMessages),
		render: func(e emitter, r *ledger.Summary, current bool) {
			if r.LastMessage.Known {
				e.gauge(lastMessage, r.LastMessage.Seconds)
			}
			for _, t := range r.Types {
				e.counter(messages, float64(t.Messages.Count), t.Messages.Created, t.Word)
				if !current {
					continue
				}
				rows := 0
				for _, s := range t.Statuses {
					rows += s.Rows
				}
				e.gauge(windowMessages, float64(rows), t.Word)
			}
		},
		fillStatus: func(s *Status, r *ledger.Summary, _ bool) { s.Incoming = r },
	}
}
