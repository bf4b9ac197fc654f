package ledger

import (
	"hash/maphash"
	"iter"
	"math/bits"
	"slices"
)

// message is what is kept of a message.
type message struct {
	key      uint64 // not 0
	reached  statusSet
	lastSeen seconds // when the journal last showed it
}

// messageIndex are the messages that a ledger remembers: a list in the order in which they were first shown, and a hash table
// of places in it, both without pointers, so that a message takes 21 to 24 bytes and the garbage collector looks at none of
// them. The journal shows its rows in an order that hardly changes, so that the message that is looked for is nearly
// always the next of the list: memory is then read from begin to end, which is many times faster than here and there.
type messageIndex struct {
	list    []message
	next    int          // where in the list the message is looked for first
	buckets []uint32     // places in the list, counted from 1; a fifth at least are 0, for none
	seed    maphash.Seed // by it the messages' places in the table are drawn by lot, so that nobody can choose keys that crowd together
}

// len is how many messages there are.
func (m *messageIndex) len() int { return len(m.list) }

// bucket returns where in the table the message is, or the free place where it would be: its own or the next free one.
func (m *messageIndex) bucket(key uint64) *uint32 {
	place, _ := bits.Mul64(maphash.Comparable(m.seed, key), uint64(len(m.buckets)))
	for {
		if found := &m.buckets[place]; *found == 0 || m.list[*found-1].key == key {
			return found
		}
		if place++; place == uint64(len(m.buckets)) {
			place = 0
		}
	}
}

// get returns the memory of the message, nil where there is none. It is good until the next put or forget.
func (m *messageIndex) get(key uint64) *message {
	if m.next >= len(m.list) || m.list[m.next].key != key {
		if len(m.list) == 0 {
			return nil
		}
		found := *m.bucket(key)
		if found == 0 {
			return nil
		}
		m.next = int(found - 1)
	}
	m.next++
	return &m.list[m.next-1]
}

// put remembers a message, in place of what was remembered of it.
func (m *messageIndex) put(known message) {
	if had := m.get(known.key); had != nil {
		*had = known
		return
	}
	m.grow(1)
	m.list = append(m.list, known)
	*m.bucket(known.key) = uint32(len(m.list))
}

// all yields the messages in the order of the list. All but their keys may be changed.
func (m *messageIndex) all() iter.Seq[*message] {
	return func(yield func(*message) bool) {
		for i := range m.list {
			if !yield(&m.list[i]) {
				return
			}
		}
	}
}

// grow makes room for so many messages more, and where there is none, for an eighth again, so that they are not moved for
// each that comes. Of small ones there are thousands in a fleet, and to move them takes no time: the first get no more
// room than they need.
func (m *messageIndex) grow(n int) {
	const small = 10_000
	need := len(m.list) + n
	if need <= cap(m.list) {
		return
	}
	if len(m.list) > 0 || need > small {
		need += need / 8
	}
	m.rehash(need)
}

// trim gives back room for more than a quarter again.
func (m *messageIndex) trim() {
	if cap(m.list) > len(m.list)/4*5+64 {
		m.rehash(len(m.list))
	}
}

// forget lets go of the messages for which old is true, and of the room they took.
func (m *messageIndex) forget(old func(message) bool) {
	had := len(m.list)
	if m.list = slices.DeleteFunc(m.list, old); len(m.list) < had {
		m.rehash(len(m.list))
	}
}

// rehash moves the messages to where there is room for so many.
func (m *messageIndex) rehash(room int) {
	m.list, m.next = append(make([]message, 0, room), m.list...), 0
	m.buckets, m.seed = make([]uint32, room+room/4+1), maphash.MakeSeed()
	for i, known := range m.list {
		*m.bucket(known.key) = uint32(i + 1)
	}
}
