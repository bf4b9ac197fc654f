package collector

import (
	"time"

	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/poll"
)

// newWebhooks shows the notifications that wait for their consumer.
func newWebhooks() kind {
	notifications := desc("greenapi_webhook_queue_notifications",
		"Notifications (webhooks) that waited to be taken when last read; they pile up when their consumer is down.")
	return &method[int64]{
		Info:   Info{"webhooks", greenapi.GetWebhooksCount, "How many notifications wait to be taken by their consumer", false},
		descs:  []*family{notifications},
		open:   every(time.Second, (*greenapi.Client).QueuedNotifications),
		render: known(func(m metrics, n int64) { m.gauge(notifications, float64(n)) }),
		tell:   func(s *Status, latest poll.Outcome[int64]) { s.Notifications = &latest.Reading },
	}
}
