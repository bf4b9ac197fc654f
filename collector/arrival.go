package collector

import (
	"cmp"
	"slices"
	"time"

	"greenapi_exporter/internal/ledger"
)

// A message is undelivered if it has failed, or if it has been pending for at least 15 minutes.
//
// Too many messages of a window are undelivered if they are more than UndeliveredMessages, plus
// UndeliveredShare of all messages. Failures count until the last 15 minutes have more than
// RecoveredMessages, and the share of failures among them is at most UndeliveredShare. The alert
// rules use the same values.
const (
	UndeliveredMessages = 4
	UndeliveredShare    = 0.1
	RecoveredMessages   = 20
)

// Arrival describes how many messages of a window are undelivered, as of the latest reading.
type Arrival struct {
	// Window is the maximum age of the messages: one of ledger.RecentAges.
	Window time.Duration
	// Messages is the number of messages of the window. Undelivered is the number of those that are
	// undelivered.
	Messages, Undelivered int
	// Reasons contains the statuses of the undelivered messages. The most frequent comes first.
	Reasons []Reason
	// High reports whether too many messages are undelivered.
	High bool
	// Recovered reports whether too many messages were undelivered, but those of the last 15
	// minutes arrive.
	Recovered bool
}

// Reason is a status of undelivered messages.
type Reason struct {
	Word     string
	Messages int
}

// ArrivalOf returns the Arrival of the window with the largest share of undelivered messages, among
// the windows with too many. If there is no such window, it returns that of the last hour. The
// summary may be nil.
func ArrivalOf(s *ledger.Summary) Arrival {
	recovered := arrivalWithin(s, 0).recovered()
	result := LastHour(s)
	result.High = false
	for _, window := range []int{1, 0, 2} { // the last hour first, in case of equal shares
		a := arrivalWithin(s, window)
		switch {
		case !a.High:
		case recovered && !tooMany(a.pending(), a.Messages):
			result.Recovered = !result.High
		case !result.High || a.share() > result.share():
			result = a
		}
	}
	return result
}

// LastHour returns the Arrival of the messages of the last hour. The summary may be nil.
func LastHour(s *ledger.Summary) Arrival { return arrivalWithin(s, 1) }

// arrivalWithin returns the Arrival of the window ledger.RecentAges()[window].
func arrivalWithin(s *ledger.Summary, window int) Arrival {
	a := Arrival{Window: ledger.RecentAges()[window]}
	if s == nil {
		return a
	}
	for _, status := range s.Recent {
		undelivered := 0
		for age, rows := range status.Rows[:window+1] {
			a.Messages += rows
			if isFailure(status.Word) || status.Word == "pending" && age > 0 {
				undelivered += rows
			}
		}
		if undelivered > 0 {
			a.Undelivered += undelivered
			a.Reasons = append(a.Reasons, Reason{status.Word, undelivered})
		}
	}
	slices.SortFunc(a.Reasons, func(r, q Reason) int {
		return cmp.Or(cmp.Compare(q.Messages, r.Messages), cmp.Compare(r.Word, q.Word))
	})
	a.High = tooMany(a.Undelivered, a.Messages)
	return a
}

func tooMany(undelivered, messages int) bool {
	return float64(undelivered) > UndeliveredMessages+UndeliveredShare*float64(messages)
}

// recovered reports whether the messages of the window arrive, and are enough to conclude that
// later messages will. Too many earlier messages may still be pending.
func (a Arrival) recovered() bool {
	limit := UndeliveredShare * float64(a.Messages)
	return a.Messages > RecoveredMessages && float64(a.Undelivered) <= limit
}

// pending returns the number of undelivered messages that are pending.
func (a Arrival) pending() int {
	for _, r := range a.Reasons {
		if r.Word == "pending" {
			return r.Messages
		}
	}
	return 0
}

// share returns the share of undelivered messages. There must be at least one message.
func (a Arrival) share() float64 { return float64(a.Undelivered) / float64(a.Messages) }

// isFailure reports whether messages with the status will never arrive.
func isFailure(status string) bool {
	switch status {
	case "noAccount", "failed", "notInGroup", "noActiveSession", "suspended", "yellowCard":
		return true
	default:
		return false
	}
}

// Advice describes the cause and what to do.
func (r Reason) Advice() string {
	switch r.Word {
	case "noAccount":
		return "the numbers have no WhatsApp account; check their format and where they come from"
	case "notInGroup":
		return "the account is not a member of the group; join it again or stop sending to it"
	case "noActiveSession":
		return "the account was logged out; scan the QR code in the console of GREEN-API"
	case "suspended", "yellowCard":
		return "WhatsApp has suspended sending; send fewer messages, and only to recipients who " +
			"expect them"
	case "pending":
		return "GREEN-API has not sent the messages; check that the phone is online, then reboot " +
			"the instance in the console of GREEN-API"
	default:
		return "GREEN-API could not send the messages; send one from the console of GREEN-API to " +
			"see the error"
	}
}
