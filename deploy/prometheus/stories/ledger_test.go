package stories

import "time"

// window is --greenapi.minutes.
const window = day

// buckets are the upper bounds of greenapi_outgoing_status_delay_seconds.
var buckets = [...]time.Duration{
	30 * second, minute, 2 * minute, 5 * minute, 10 * minute, 30 * minute,
	hour, 4 * hour, 12 * hour, day,
}

// delays is the histogram of one status.
type delays struct {
	counts [len(buckets) + 1]int // not cumulative
	count  int
}

// ledger counts messages like the exporter's ledger.
type ledger struct {
	birth         time.Duration
	messages      int
	statuses      map[string]int
	delays        map[string]*delays
	window        map[string]int // of the latest good reading
	oldestPending time.Duration  // of the latest good reading; 0 if there is none
	lastMessage   time.Duration
	lastGood      time.Duration
	read          bool // whether there was a good reading
}

func newLedger() *ledger {
	return &ledger{statuses: make(map[string]int), delays: map[string]*delays{
		"sent": {}, "delivered": {}, "read": {},
	}}
}

// apply counts a good reading at now. interval is the usual time between two readings.
func (l *ledger) apply(all []*batch, now, interval time.Duration) {
	baseline := !l.read
	gap := now - l.lastGood
	pause := gap > 5*minute && gap > 2*interval
	if baseline {
		l.birth = now
	}
	l.read, l.lastGood = true, now
	l.window = make(map[string]int)
	l.oldestPending = 0
	for _, b := range all {
		if b.visible > now {
			break
		}
		if !b.done() {
			l.count(b, now, baseline, pause)
		}
		if b.time < now-window {
			continue
		}
		l.lastMessage = max(l.lastMessage, b.time)
		l.window[b.status()] += b.n
		if b.status() == "pending" && (l.oldestPending == 0 || b.time < l.oldestPending) {
			l.oldestPending = b.time
		}
	}
}

func (l *ledger) count(b *batch, now time.Duration, baseline, pause bool) {
	if !b.seen {
		b.seen = true
		b.counted = !baseline
		if b.counted {
			l.messages += b.n
			l.statuses["pending"] += b.n
		}
	}
	for b.reached < len(b.hops) {
		hop := b.hops[b.reached]
		if b.time+b.delay+hop.after > now {
			return
		}
		b.reached++
		if baseline {
			continue
		}
		l.statuses[hop.status] += b.n
		if d := l.delays[hop.status]; d != nil && b.counted && !pause {
			d.observe(now-b.time, b.n)
		}
	}
}

func (d *delays) observe(delay time.Duration, n int) {
	i := 0
	for i < len(buckets) && delay > buckets[i] {
		i++
	}
	d.counts[i] += n
	d.count += n
}
