package collector

import (
	"time"

	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/poll"
)

// slowInterval is the least time between two good calls of a method whose answer changes only when a person does something.
const slowInterval = 5 * time.Minute

// newSettings shows the settings of the instance, on which it depends what the journals and webhooks have.
func newSettings() factory {
	enabled := desc("greenapi_instance_setting_enabled",
		"Whether a setting of the instance was yes (1) or no (0) when last read; absent for settings that the API does not tell.",
		"setting")
	delay := desc("greenapi_instance_send_delay_seconds",
		"Pause between two messages that are sent, a setting of the instance.")
	return &method[greenapi.Settings]{
		Info:  Info{"settings", greenapi.GetSettings, "The settings of the instance, asked for every 5 minutes", false},
		descs: []*metricDesc{enabled, delay},
		open:  periodic(slowInterval, (*greenapi.Client).Settings),
		render: renderLatest(func(m emitter, s greenapi.Settings) {
			for name, yes := range s.Enabled {
				m.gauge(enabled, boolFloat(yes), name)
			}
			if s.SendDelay.Known {
				m.gauge(delay, s.SendDelay.Value)
			}
		}),
		fillStatus: func(s *Status, latest poll.Outcome[greenapi.Settings]) { s.Settings = &latest.Reading },
	}
}
