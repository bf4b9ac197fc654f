package stories

import (
	"slices"
	"time"
)

// batch is a number of messages with the same time and fate.
type batch struct {
	time    time.Duration
	visible time.Duration // when the journal shows it
	delay   time.Duration // of the first hop, because the messages wait
	hops    []hop
	n       int

	seen, counted bool
	reached       int // number of hops that a reading has shown
}

func (b *batch) status() string {
	if b.reached == 0 {
		return "pending"
	}
	return b.hops[b.reached-1].status
}

func (b *batch) done() bool { return b.seen && b.reached == len(b.hops) }

// offset is the time from a scrape to the messages that are sent after it.
const offset = 40 * second

// batches returns the account's messages until end, in the order in which the journal shows them.
func (a *account) batches(end time.Duration) []*batch {
	var all []*batch
	for _, s := range a.sends {
		dealer := dealer{fates: s.fates, credit: make([]int, len(s.fates))}
		for t := s.span[0]; t < s.span[1] && t < end; t += s.every {
			all = append(all, s.batches(t+offset, &dealer)...)
			if s.every == 0 {
				break
			}
		}
	}
	slices.SortStableFunc(all, func(a, b *batch) int { return int(a.visible - b.visible) })
	return all
}

// batches returns the messages that the account sends at t. Messages in the queue form a batch for
// each minute in which they leave it.
func (s *sending) batches(t time.Duration, d *dealer) (all []*batch) {
	perMinute := s.n
	if s.pace != 0 {
		perMinute = int(minute / s.pace)
	}
	for sent := 0; sent < s.n; sent += perMinute {
		wait := time.Duration(sent) * s.pace
		if s.released != 0 {
			wait = s.released - t
		}
		for i, n := range d.deal(min(perMinute, s.n-sent)) {
			b := &batch{time: t, visible: t, delay: wait, hops: s.fates[i].hops, n: n}
			if s.unseen {
				b.time, b.visible, b.delay = t+wait, t+wait, 0
			}
			if n > 0 {
				all = append(all, b)
			}
		}
	}
	return all
}

// dealer distributes messages over fates by their weights, as evenly as possible.
type dealer struct {
	fates  []fate
	credit []int
}

// deal returns the number of messages for each fate.
func (d *dealer) deal(n int) []int {
	total := 0
	for _, f := range d.fates {
		total += f.weight
	}
	dealt := make([]int, len(d.fates))
	for i, f := range d.fates {
		dealt[i] = n / total * f.weight
	}
	for range n % total {
		most := 0
		for i, f := range d.fates {
			d.credit[i] += f.weight
			if d.credit[i] > d.credit[most] {
				most = i
			}
		}
		d.credit[most] -= total
		dealt[most]++
	}
	return dealt
}
