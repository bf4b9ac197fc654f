package collector

import (
	"time"

	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/poll"
)

// newWebhooks shows the notifications that wait for their consumer.
func newWebhooks() factory {
	notifications := desc("greenapi_webhook_queue_notifications",
		"Notifications (webhooks) that waited to be taken when last read; they pile up when their consumer is down.")
	return &method[int64]{
		Info:       Info{"webhooks", greenapi.GetWebhooksCount, "How many notifications wait to be taken by their consumer", false},
		descs:      []*metricDesc{notifications},
		open:       periodic(time.Second, (*greenapi.Client).QueuedNotifications),
		render:     renderLatest(func(m emitter, n int64) { m.gauge(notifications, float64(n)) }),
		fillStatus: func(s *Status, latest poll.Outcome[int64]) { s.Notifications = &latest.Reading },
	}
}
