package collector

import "greenapi_exporter/internal/ledger"

// Too many messages are overdue if there are more than NotDeliveredMessages, plus NotDeliveredShare
// of the messages that were sent. The alert rules use the same values.
const (
	NotDeliveredMessages = 2
	NotDeliveredShare    = 0.35
)

// Overdue describes how many messages from 1 to 6 hours ago were sent but not delivered, as of the
// latest reading.
type Overdue struct {
	// Sent is the number of messages that were sent. Undelivered of them are not delivered.
	Sent, Undelivered int
	// High reports whether too many messages are not delivered.
	High bool
}

// OverdueOf returns the zero Overdue if the ledger has no delivered message, because the journals
// of some accounts never show delivery. The summary may be nil.
func OverdueOf(s *ledger.Summary) Overdue {
	var o Overdue
	if s == nil {
		return o
	}
	for _, status := range s.Recent {
		rows := status.Rows[len(status.Rows)-1]
		switch status.Word {
		case "sent":
			o.Undelivered += rows
			o.Sent += rows
		case "delivered", "read":
			o.Sent += rows
		}
	}
	if o.Undelivered == 0 || !showsDelivery(s) {
		return Overdue{}
	}
	o.High = float64(o.Undelivered) > NotDeliveredMessages+NotDeliveredShare*float64(o.Sent)
	return o
}

// showsDelivery reports whether a message of the window or of the counters was delivered.
func showsDelivery(s *ledger.Summary) bool {
	for _, t := range s.Types {
		for _, status := range t.Statuses {
			if (status.Word == "delivered" || status.Word == "read") &&
				(status.Rows > 0 || status.Reached.Count > 0) {
				return true
			}
		}
	}
	return false
}
