package simulator

import (
	"sort"
	"time"
)

// usualWebhookLag is that of a Config without one.
const usualWebhookLag = 5 * time.Second

// Queued is how many messages are accepted and not yet sent at a moment, which may lie ahead of the clock: what
// getMessagesCount answers.
func (s *Simulator) Queued(at time.Time) int {
	return s.outgoing.queued(s.since(at))
}

// Webhooks is how many notifications the account's consumer has not yet taken at a moment, which may lie ahead of the
// clock: what getWebhooksCount answers. There is one of each step of a message that is sent, and of each arrival of one
// that is received, whether its row is visible yet or not; it is taken WebhookLag later.
func (s *Simulator) Webhooks(at time.Time) int {
	n := 0
	lives, since := s.livesUntil(s.outgoing, at)
	waits := func(reached time.Duration) bool { return reached <= since && later(reached, s.cfg.WebhookLag) > since }
	for _, l := range lives[s.firstWithin(lives, s.outgoing.paced(longest), since):] {
		if l.shape&incomplete != 0 {
			continue
		}
		for _, reached := range l.reached[:fates[l.fate].steps] {
			if waits(reached) {
				n++
			}
		}
	}
	lives, _ = s.livesUntil(s.incoming, at)
	return n + len(lives) - s.firstWithin(lives, 0, since)
}

// firstWithin is the index of the first life of which a notification can still wait if its last comes within reach of
// its sending.
func (s *Simulator) firstWithin(lives []message, reach, since time.Duration) int {
	return sort.Search(len(lives), func(i int) bool {
		return later(later(lives[i].sent, reach), s.cfg.WebhookLag) > since
	})
}

// writeCount writes a count under the key that the account has for it. The documentation's begins with a letter that
// only looks like a c.
func (s *Simulator) writeCount(o *jsonWriter, n int) {
	key := "count"
	if s.cfg.CyrillicCount {
		key = "\u0441ount"
	}
	o.num(key, int64(n))
}
