package collector

import (
	"time"

	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/poll"
)

// newAccount shows until when sending is suspended.
func newAccount() factory {
	suspended := desc("greenapi_instance_suspended_until_timestamp_seconds",
		"Until when the messenger has suspended sending, as UNIX time; absent when it has not.")
	return &method[greenapi.Account]{
		Info:  Info{"account", greenapi.GetWaSettings, "Until when sending is suspended, asked for every 5 minutes", false},
		descs: []*metricDesc{suspended},
		open:  periodic(slowInterval, (*greenapi.Client).Account),
		render: func(m emitter, latest poll.Outcome[greenapi.Account]) {
			if isSuspended(latest.Reading, latest.Err == nil, time.Now()) {
				m.gauge(suspended, latest.Reading.SuspendedUntil.Value)
			}
		},
		fillStatus: func(s *Status, latest poll.Outcome[greenapi.Account]) {
			account := latest.Reading
			if !isSuspended(account, latest.Err == nil, time.Now()) {
				account.SuspendedUntil = greenapi.UnixTime{}
			}
			s.Account = &account
		},
	}
}

// isSuspended reports whether at now it is known of the account that it is suspended until when. A time ahead is enough,
// whatever the state, which may be a word that is newer than this program. One that is over counts only while the API
// still says that the account is suspended, which must not be an old reading's word.
func isSuspended(a greenapi.Account, current bool, now time.Time) bool {
	stated := a.State == greenapi.StateSuspended || a.State == greenapi.StateYellowCard
	return a.SuspendedUntil.Known && (a.SuspendedUntil.Value > unixSeconds(now) || stated && current)
}
