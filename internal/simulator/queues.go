package simulator

import (
	"sort"
	"time"
)

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
	messages := s.outgoing.sentBy(at)
	for _, m := range messages[firstNotified(messages, s.outgoing.scaled(maxLifetime), at):] {
		if m.variant&incomplete != 0 {
			continue
		}
		for _, reached := range m.reached[:m.steps(at)] {
			if add(reached, webhookLag) > at {
				n++
			}
		}
	}
	messages = s.incoming.sentBy(at)
	return n + len(messages) - firstNotified(messages, 0, at)
}

// firstNotified returns the index of the first message that can have queued notifications if its
// last status is reached within lifetime.
func firstNotified(messages []message, lifetime, at time.Duration) int {
	return sort.Search(len(messages), func(i int) bool {
		return add(add(messages[i].sent, lifetime), webhookLag) > at
	})
}
