package simulator

import "time"

// webhookLag is how long a notification stays in the queue of webhooks.
const webhookLag = 5 * time.Second

// Queued returns the number of messages at time t that are accepted and not sent, which is the
// answer of getMessagesCount.
func (s *Simulator) Queued(t time.Time) int { return s.outgoing.queued(s.since(t)) }

// Webhooks returns the number of queued notifications at time t, which is the answer of
// getWebhooksCount. Each status of a sent message and each received message causes a notification,
// even if its row is not visible yet. Notifications leave the queue after 5 seconds.
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
