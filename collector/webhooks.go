package collector

import (
	"time"

	"greenapi_exporter/internal/greenapi"
)

// newWebhooks exports the number of notifications waiting for their consumer.
func newWebhooks() factory {
	var d descs
	notifications := d.add("greenapi_webhook_queue_notifications",
		"Notifications (webhooks) waiting for their consumer. "+
			"The number grows while the consumer is down.")
	return &polled[int64]{
		Info: Info{
			"webhooks", greenapi.GetWebhooksCount,
			"Number of notifications waiting for their consumer", false,
		},
		descs:      d,
		connect:    periodic(time.Second, (*greenapi.Client).QueuedNotifications),
		render:     func(e emitter, n int64, _ bool) { e.gauge(notifications, float64(n)) },
		fillStatus: func(s *Status, n int64, _ bool) { s.Notifications = &n },
	}
}
