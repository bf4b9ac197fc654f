package collector

import (
	"github.com/prometheus/client_golang/prometheus"

	"time"

	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/poll"
)

// newWebhooks exports the number of notifications that wait for their consumer.
func newWebhooks() factory {
	notifications := desc("greenapi_webhook_queue_notifications",
		"Notifications (webhooks) that wait to be received; the number grows while their consumer is down.")
	return &polled[int64]{
		Info:       Info{"webhooks", greenapi.GetWebhooksCount, "Number of notifications that wait for their consumer", false},
		descs:      []*prometheus.Desc{notifications},
		connect:    periodic(time.Second, (*greenapi.Client).QueuedNotifications),
		render:     renderLatest(func(e emitter, n int64) { e.gauge(notifications, float64(n)) }),
		fillStatus: func(s *Status, latest poll.Outcome[int64]) { s.Notifications = &latest.Reading },
	}
}
