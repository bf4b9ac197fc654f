package collector

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"greenapi_exporter/greenapi"
)

// newAccount shows until when sending is suspended.
func newAccount() kind {
	suspended := desc("greenapi_instance_suspended_until_timestamp_seconds",
		"Until when the messenger has suspended sending, as UNIX time; absent when it has not.")
	return &method[greenapi.Account]{
		Info:  Info{"account", greenapi.GetWaSettings, "Until when sending is suspended, asked for every 5 minutes", false},
		descs: []*prometheus.Desc{suspended},
		open:  every(seldom, (*greenapi.Client).Account),
		render: known(func(m metrics, a greenapi.Account) {
			if isSuspended(a, time.Now()) {
				m.gauge(suspended, a.SuspendedUntil.Value)
			}
		}),
	}
}

// isSuspended reports whether the account is suspended at now and it is known until when. The API may go on naming a time
// that is over, and the state is as old as the reading: one of the two is enough.
func isSuspended(a greenapi.Account, now time.Time) bool {
	until := a.SuspendedUntil
	return until.Known && (a.State == greenapi.StateSuspended || a.State == greenapi.StateYellowCard || until.Value > unix(now))
}
