package collector

import (
	"time"

	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/poll"
)

// newQueue shows the messages that wait to be sent, which the journal does not have yet.
func newQueue() factory {
	messages := desc("greenapi_queue_messages",
		"Messages that the API had accepted and not yet sent when last read: the backlog.")
	return &method[int64]{
		Info:       Info{"queue", greenapi.GetMessagesCount, "How many messages wait to be sent", true},
		descs:      []*metricDesc{messages},
		open:       periodic(time.Second, (*greenapi.Client).QueuedMessages),
		render:     renderLatest(func(m emitter, n int64) { m.gauge(messages, float64(n)) }),
		fillStatus: func(s *Status, latest poll.Outcome[int64]) { s.Queued = &latest.Reading },
	}
}
