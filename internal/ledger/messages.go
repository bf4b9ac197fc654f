package ledger

import (
	"hash/maphash"
	"math/bits"
	"slices"
)

// message is what the ledger remembers of a message.
type message struct {
	key      packedKey // not 0
	reached  statusSet
	lastSeen seconds // when the journal last showed it
	time     uint32  // UNIX seconds; the first timestamp that a row had, or 0

	// listed is the time that determines whether the message is in the requested minutes, in UNIX
	// seconds: the time of sending or of the last action, as far as is known. It is 0 if a reading
	// that should have shown the message did not. See Batch.listed.
	listed uint32

	// Indexes of words. They are 0 for a message from a file of version 1 until a row shows it.
	latestStatus, latestType uint8
	firstType                uint8 // the type that the message counts under

	flags messageFlags
}

// messageFlags is a set of properties of a message.
type messageFlags uint8

const (
	// The delays of an observable message are observed. Its first row must have had a time, and the
	// ledger must cover that time.
	observable messageFlags = 1 << iota
	// A reading that should have shown a returned message by its time did not, but a later one did.
	// So the API filters it by another time.
	returned
)

// observableIf returns observable if the condition is true.
func observableIf(condition bool) messageFlags {
	if condition {
		return observable
	}
	return 0
}

// packedKey is a key in two halves, the lower one first. A uint64 would add 4 bytes to each
// message, because its alignment is 8 bytes.
type packedKey [2]uint32

func packKey(key uint64) packedKey { return packedKey{uint32(key), uint32(key >> 32)} }

func (k packedKey) uint64() uint64 { return uint64(k[0]) | uint64(k[1])<<32 }

// merge merges n, which has the same key, into m. The result does not depend on their order.
func (m *message) merge(n message) {
	m.reached |= n.reached
	m.lastSeen = max(m.lastSeen, n.lastSeen)
	m.time = firstKnown(m.time, n.time)
	m.listed = max(m.listed, n.listed)
	m.latestStatus = max(m.latestStatus, n.latestStatus)
	m.latestType = firstKnown(m.latestType, n.latestType)
	m.firstType = firstKnown(m.firstType, n.firstType)
	m.flags |= n.flags
}

// update applies what a reading shows of the message.
func (m *message) update(shown message) {
	m.reached |= shown.reached
	m.lastSeen = shown.lastSeen
	m.latestStatus, m.latestType = shown.latestStatus, shown.latestType
	if m.time == 0 {
		m.time = shown.time
	}
	if m.listed == 0 && shown.listed > 0 {
		m.flags |= returned
	}
	m.listed = shown.listed
	if m.firstType == unknown {
		m.firstType = shown.firstType
	}
}

// firstKnown returns the smaller of the values that are not 0, or 0 if both are.
func firstKnown[T uint8 | uint32](a, b T) T {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// messageIndex holds the messages of a ledger: a list in the order in which the journal first
// showed them, and a hash table. Neither contains pointers. A message therefore takes 33 to 37
// bytes, and the garbage collector scans none of them. The order of journal rows hardly changes, so
// the next lookup is usually for the next message of the list. Sequential memory access is many
// times faster than random access.
type messageIndex struct {
	list    []message
	next    int          // list index to try first
	buckets []uint32     // list index plus 1, or 0 if free; at least a fifth are free
	seed    maphash.Seed // random, to prevent chosen-key collisions
}

// bucket returns the bucket of a key, or the free one in which to store it, by linear probing.
func (x *messageIndex) bucket(key uint64) *uint32 {
	i, _ := bits.Mul64(maphash.Comparable(x.seed, key), uint64(len(x.buckets)))
	for {
		if b := &x.buckets[i]; *b == 0 || x.list[*b-1].key.uint64() == key {
			return b
		}
		if i++; i == uint64(len(x.buckets)) {
			i = 0
		}
	}
}

// get returns the message with a key, or nil. The pointer is valid until the index changes.
func (x *messageIndex) get(key uint64) *message {
	if x.next >= len(x.list) || x.list[x.next].key.uint64() != key {
		if len(x.list) == 0 {
			return nil
		}
		b := *x.bucket(key)
		if b == 0 {
			return nil
		}
		x.next = int(b - 1)
	}
	x.next++
	return &x.list[x.next-1]
}

// put stores a message and returns its index in the list.
func (x *messageIndex) put(m message) int {
	if existing := x.get(m.key.uint64()); existing != nil {
		*existing = m
		return x.next - 1
	}
	x.grow(1)
	x.list = append(x.list, m)
	*x.bucket(m.key.uint64()) = uint32(len(x.list))
	return len(x.list) - 1
}

// grow ensures room for n more messages. Reallocations add an eighth, so they are rare. The first
// messages of a small ledger get exact room: a fleet has thousands of small ledgers, and copying
// them is cheap.
func (x *messageIndex) grow(n int) {
	const small = 10_000
	need := len(x.list) + n
	if need <= cap(x.list) {
		return
	}
	if len(x.list) > 0 || need > small {
		need += need / 8
	}
	x.rehash(need)
}

// trim releases memory if more than a fifth of the room is unused.
func (x *messageIndex) trim() {
	if cap(x.list) > len(x.list)/4*5+64 {
		x.rehash(len(x.list))
	}
}

// deleteFunc deletes the messages for which del returns true, and releases their memory.
func (x *messageIndex) deleteFunc(del func(message) bool) {
	before := len(x.list)
	if x.list = slices.DeleteFunc(x.list, del); len(x.list) < before {
		x.rehash(len(x.list))
	}
}

func (x *messageIndex) rehash(room int) {
	x.list, x.next = append(make([]message, 0, room), x.list...), 0
	x.buckets, x.seed = make([]uint32, room+room/4+1), maphash.MakeSeed()
	for i, m := range x.list {
		*x.bucket(m.key.uint64()) = uint32(i + 1)
	}
}
