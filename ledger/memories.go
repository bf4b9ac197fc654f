package ledger

import (
	"hash/maphash"
	"iter"
	"math/bits"
)

// memory is what is kept of a message.
type memory struct {
	key     uint64 // not 0
	reached statusSet
	shown   seconds // when the journal last showed it
}

// memories are the messages that a ledger remembers: a hash table in one piece without pointers, so that a message takes
// 18 to 21 bytes and all of them are read in a few milliseconds however many there are. A message lies in its own place or,
// where others lie, in the next free one.
type memories struct {
	table []memory     // the key of a free place is 0; at least an eighth of them are free
	n     int          // how many messages there are
	seed  maphash.Seed // by it the own places are drawn by lot, so that nobody can choose keys that crowd together
}

// newMemories returns memories with room for so many messages and a few more.
func newMemories(n int) memories {
	return memories{table: make([]memory, n+n/3+8), seed: maphash.MakeSeed()}
}

// find returns where the message lies, or the free place where it would.
func (m *memories) find(key uint64) *memory {
	place, _ := bits.Mul64(maphash.Comparable(m.seed, key), uint64(len(m.table)))
	for {
		if found := &m.table[place]; found.key == key || found.key == 0 {
			return found
		}
		if place++; place == uint64(len(m.table)) {
			place = 0
		}
	}
}

// get returns the memory of the message, nil where there is none. It is good until the next put or forget.
func (m *memories) get(key uint64) *memory {
	if m.n == 0 {
		return nil
	}
	if found := m.find(key); found.key == key {
		return found
	}
	return nil
}

// put remembers a message, in place of what was remembered of it.
func (m *memories) put(known memory) {
	if m.n >= len(m.table)/8*7 {
		m.resize(m.n + 1)
	}
	place := m.find(known.key)
	if place.key == 0 {
		m.n++
	}
	*place = known
}

// all yields the messages in no order. All but their keys may be changed.
func (m *memories) all() iter.Seq[*memory] {
	return func(yield func(*memory) bool) {
		for i := range m.table {
			if m.table[i].key != 0 && !yield(&m.table[i]) {
				return
			}
		}
	}
}

// grow makes room for so many messages, where there are none.
func (m *memories) grow(n int) {
	if m.n == 0 && n > 0 {
		m.resize(n)
	}
}

// forget lets go of the messages for which old is true, and of the room they took.
func (m *memories) forget(old func(memory) bool) {
	kept := m.n
	for known := range m.all() {
		if old(*known) {
			*known = memory{} // which breaks the rows, until the others are moved
			kept--
		}
	}
	if kept < m.n {
		m.resize(kept)
	}
}

// resize moves the messages into a table for so many.
func (m *memories) resize(n int) {
	moved := newMemories(n)
	for known := range m.all() {
		moved.put(*known)
	}
	*m = moved
}
