package collector

import "greenapi_exporter/internal/ledger"

// Too many messages are not delivered if they are more than NotDeliveredMessages, plus
// NotDeliveredShare of the messages that were sent. The alert rules use the same values.
const (
	NotDeliveredMessages = 2
	NotDeliveredShare    = 0.35
)

// NotDeliveredAdvice describes the possible causes and what to do.
const NotDeliveredAdvice = "either many phones are off, or the messenger holds back the " +
	"account's messages, often before a suspension; send fewer messages"

// Delivery describes how many messages were sent but not delivered, as of the latest reading.
type Delivery struct {
	// Sent is the number of messages that were sent. NotDelivered is the number of those that were
	// not delivered.
	Sent, NotDelivered int
	// LastHour reports whether the messages are from 15 minutes to 1 hour ago. Otherwise they are
	// from 1 to 6 hours ago.
	LastHour bool
	// High reports whether NotDelivered is too high.
	High bool
}

// DeliveryOf returns the Delivery of messages from 1 to 6 hours ago, or that of the last hour if
// only that is too high. It returns the zero Delivery if the ledger has no delivered message,
// because the journals of some accounts never show delivery. The summary may be nil.
func DeliveryOf(s *ledger.Summary) Delivery {
	if s == nil || !ShowsDelivery(s) {
		return Delivery{}
	}
	d := deliveryOfAge(s, 2)
	if last := deliveryOfAge(s, 1); last.High && !d.High {
		last.LastHour = true
		return last
	}
	return d
}

// deliveryOfAge returns the Delivery of an index of RecentStatus.Rows.
func deliveryOfAge(s *ledger.Summary, age int) Delivery {
	var d Delivery
	for _, status := range s.Recent {
		rows := status.Rows[age]
		switch status.Word {
		case "sent":
			d.NotDelivered += rows
			d.Sent += rows
		case "delivered", "read":
			d.Sent += rows
		}
	}
	if d.NotDelivered == 0 {
		return Delivery{}
	}
	d.High = float64(d.NotDelivered) > NotDeliveredMessages+NotDeliveredShare*float64(d.Sent)
	return d
}

// ShowsDelivery reports whether the window or the counters contain a delivered message.
func ShowsDelivery(s *ledger.Summary) bool {
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
