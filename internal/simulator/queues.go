package simulator

import "time"

// webhookLag is the time that a notification spends in the queue.
const webhookLag = 5 * time.Second

// Queued returns the answer of getMessagesCount at time t: the number of messages that are accepted
// and not sent.
func (s *Simulator) Queued(t time.Time) int { return s.outgoing.queued(s.since(t)) }

// Webhooks returns the answer of getWebhooksCount at time t: the number of queued notifications.
// Each status of a sent message and each received message causes a notification, even if its row is
// not visible yet. Notifications leave the queue after 5 seconds.
func (s *Simulator) Webhooks(t time.Time) int {
	n, at := 0, s.since(t)
	count := func(reached time.Duration) {
		if reached <= at && add(reached, webhookLag) > at {
			n++
		}
	}
	for _, m := range s.outgoing.sentBy(at) {
		if m.variant&incomplete == 0 {
			for _, reached := range m.reached[:m.steps(at)] {
				count(reached)
			}
		}
	}
	for _, m := range s.incoming.sentBy(at) {
		count(m.sent)
	}
	return n
}
