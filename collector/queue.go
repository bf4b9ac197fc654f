package collector

import (
	"time"

	"greenapi_exporter/internal/greenapi"
)

// newQueue exports the number of messages waiting to be sent. The journal does not list them yet.
func newQueue() factory {
	var d descs
	messages := d.add("greenapi_queue_messages",
		"Messages that the API has accepted but not sent yet: the backlog.")
	return &polled[int64]{
		Info: Info{
			"queue", greenapi.GetMessagesCount, "Number of messages waiting to be sent", true,
		},
		descs:      d,
		connect:    periodic(time.Second, (*greenapi.Client).QueuedMessages),
		render:     func(e emitter, n int64, _ bool) { e.gauge(messages, float64(n)) },
		fillStatus: func(s *Status, n int64, _ bool) { s.Queued = &n },
	}
}
