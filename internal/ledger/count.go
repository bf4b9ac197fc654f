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
// Afterwards, b.changes contains the messages that the reading has changed.
func (b *Batch) apply(isBaseline bool, created time.Time) {
	l := b.ledger
	if !isBaseline {
		b.mergeChanges()
	}
	observe := b.showsDelays()
	l.messages.grow(b.unknown)
	changed := b.changes[:0]
	for _, shown := range b.changes {
		m, reached, known := shown, shown.reached, l.messages.get(shown.key.uint64())
		switch {
		case isBaseline:
			m.flags &^= observable
			if known != nil { // from an earlier row
				m.merge(*known)
			}
		case known != nil:
			m = *known
			m.update(shown)
			if reached &^= known.reached; reached != 0 {
				b.count(m, reached, created)
			}
		case shown.flags&observable == 0:
			l.uncounted++
		default:
			m.flags = observableIf(m.time > 0)
			l.totals[m.firstType].Messages.increment()
			b.count(m, reached, created)
		}
		if known != nil && m == *known {
			continue
		}
		if observe && m.flags&observable > 0 {
			l.delays.observe(reached, b.date-int64(m.time))
		}
		l.firstListed = min(l.firstListed, l.messages.put(m))
		changed = append(changed, m)
	}
	b.changes = changed
	l.messages.trim() // a new message with several rows has reserved room several times
}

// mergeChanges merges the changes of each message into the first one, so that the order of rows
// does not matter. A message is old only if all of its rows are old. If the rows have several types
// of text, which share a key, the message counts for the type that was documented first.
func (b *Batch) mergeChanges() {
	merged, indexes := b.changes[:0], make(map[packedKey]int, len(b.changes))
	for _, c := range b.changes {
		if i, repeated := indexes[c.key]; repeated {
			merged[i].merge(c)
			continue
		}
		indexes[c.key] = len(merged)
		merged = append(merged, c)
	}
	b.changes = merged
}

// count counts the statuses that a message has reached since the previous reading.
func (b *Batch) count(m message, reached statusSet, created time.Time) {
	t := &b.ledger.totals[m.firstType]
	t.Statuses = growTo(t.Statuses, len(b.statuses.words)) // short if the row has another type
	for ; reached != 0; reached &= reached - 1 {
		status := &t.Statuses[bits.TrailingZeros32(uint32(reached))]
		status.create(created) // a row of another type can have had this status
		status.increment()
	}
}
