package ledger

import (
	"math/bits"
	"time"
)

// createCounters creates the counters that this reading is the first to need. Each default type and
// each type that the journal has shown gets counters for all documented statuses. Other statuses
// get a counter once the journal shows them with the type.
func (b *Batch) createCounters(created time.Time) {
	l := b.ledger
	l.totals = growTo(l.totals, len(l.types.words))
	for typ := range l.totals {
		t, seen := &l.totals[typ], b.window.get(typ).seen
		if !isDefaultType(typ) && seen == 0 && !t.Messages.exists() {
			continue
		}
		t.Statuses = growTo(t.Statuses, len(l.statuses.words))
		t.Messages.create(created)
		for status := range t.Statuses {
			if isDocumentedStatus(status) || seen>>status&1 == 1 {
				t.Statuses[status].create(created)
			}
		}
	}
}

// apply counts the changes and remembers their messages. The messages of the baseline do not count.
func (b *Batch) apply(isBaseline bool, created time.Time) {
	l := b.ledger
	if !isBaseline {
		b.mergeChanges()
	}
	l.messages.grow(b.unknown)
	for _, c := range b.changes {
		m, known := message{c.key, c.reached, b.now}, l.messages.get(c.key)
		if known != nil {
			m.reached |= known.reached
		}
		if !isBaseline {
			b.count(c, known, created)
		}
		l.messages.put(m)
	}
	l.messages.trim() // a new message with several rows has reserved room several times
}

// mergeChanges merges the changes of each message into the first one, so that the order of rows
// does not matter. A message is old only if all of its rows are old. If the rows have several types
// of text, which share a key, the message counts for the type that was documented first.
func (b *Batch) mergeChanges() {
	merged, indexes := b.changes[:0], make(map[uint64]int, len(b.changes))
	for _, c := range b.changes {
		i, repeated := indexes[c.key]
		if !repeated {
			indexes[c.key] = len(merged)
			merged = append(merged, c)
			continue
		}
		m := &merged[i]
		m.reached |= c.reached
		m.typ = min(m.typ, c.typ)
		m.old = m.old && c.old
	}
	b.changes = merged
}

// count counts a message that is new to the ledger, and the statuses that it has newly reached. If
// the message is older than what the ledger covers, it counts as uncounted only.
func (b *Batch) count(c change, known *message, created time.Time) {
	l, t := b.ledger, &b.ledger.totals[c.typ]
	switch {
	case known != nil:
		c.reached &^= known.reached
	case c.old:
		l.uncounted++
		return
	default:
		t.Messages.increment()
	}
	for ; c.reached != 0; c.reached &= c.reached - 1 {
		status := &t.Statuses[bits.TrailingZeros32(uint32(c.reached))]
		status.create(created) // a row of another type can have had this status
		status.increment()
	}
}
