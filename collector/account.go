package collector

import (
	"time"

	"greenapi_exporter/internal/greenapi"
)

// newAccount exports when a suspension of sending ends.
func newAccount() factory {
	var d descs
	suspended := d.add("greenapi_instance_suspended_until_timestamp_seconds",
		"When the suspension of sending ends, as UNIX time; absent if sending is not suspended.")
	return &polled[greenapi.Account]{
		Info: Info{
			"account", greenapi.GetWaSettings,
			"End of a suspension of sending, read at most every 5 minutes", false,
		},
		descs:   d,
		connect: periodic(slowInterval, (*greenapi.Client).Account),
		render: func(e emitter, a greenapi.Account, current bool) {
			if isSuspended(a, current, time.Now()) {
				e.gauge(suspended, a.SuspendedUntil.Value)
			}
		},
		fillStatus: func(s *Status, a greenapi.Account, current bool) {
			if !isSuspended(a, current, time.Now()) {
				a.SuspendedUntil = greenapi.UnixTime{}
			}
			s.Account = &a
		},
	}
}

// isSuspended reports whether the account is suspended until a known time. A time in the future is
// enough, because the exporter may not know the state that the API returns with it. A time in the
// past counts only if the latest call succeeded and returned a suspended state.
func isSuspended(a greenapi.Account, current bool, now time.Time) bool {
	suspended := a.State == greenapi.StateSuspended || a.State == greenapi.StateYellowCard
	until := a.SuspendedUntil
	return until.Known && (until.Value > unixSeconds(now) || suspended && current)
}
