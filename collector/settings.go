package collector

import (
	"time"

	"greenapi_exporter/internal/greenapi"
)

// slowInterval is the minimum time between two successful calls of a method whose response rarely
// changes.
const slowInterval = 5 * time.Minute

// newSettings exports the settings of the instance. They decide what the journals and webhooks
// contain.
func newSettings() factory {
	var d descs
	enabled := d.add("greenapi_instance_setting_enabled",
		"Whether a setting of the instance is yes (1) or no (0); "+
			"absent if the API does not return it.",
		"setting")
	delay := d.add("greenapi_instance_send_delay_seconds",
		"Delay between two sent messages, as set for the instance.")
	return &polled[greenapi.Settings]{
		Info: Info{
			"settings", greenapi.GetSettings,
			"Settings of the instance, read at most every 5 minutes", false,
		},
		descs:   d,
		connect: periodic(slowInterval, (*greenapi.Client).Settings),
		render: func(e emitter, s greenapi.Settings, _ bool) {
			for name, on := range s.Enabled {
				e.gauge(enabled, boolFloat(on), name)
			}
			if s.SendDelay.Known {
				e.gauge(delay, s.SendDelay.Value)
			}
		},
		fillStatus: func(s *Status, settings greenapi.Settings, _ bool) { s.Settings = &settings },
	}
}
