package ledger

// memory is what is kept of a message. With what it takes to find it by its key it is less than 64 bytes.
type memory struct {
	key     uint64
	reached statusSet
	shown   seconds // when the journal last showed it
}

// memories are the messages that a ledger remembers. They lie in one piece, so that all of them are copied in a few
// milliseconds however many there are.
type memories struct {
	all    []memory
	places map[uint64]uint32 // in all, by key
}

// get returns the memory of the message, nil where there is none. It is good until the next put or forget.
func (m *memories) get(key uint64) *memory {
	if place, ok := m.places[key]; ok {
		return &m.all[place]
	}
	return nil
}

// put remembers a message, in place of what was remembered of it.
func (m *memories) put(memory memory) {
	if known := m.get(memory.key); known != nil {
		*known = memory
		return
	}
	m.places[memory.key] = uint32(len(m.all))
	m.all = append(m.all, memory)
}

// grow makes room for so many messages more.
func (m *memories) grow(n int) {
	if len(m.all) == 0 {
		m.all, m.places = make([]memory, 0, n), make(map[uint64]uint32, n)
	}
}

// forget lets go of the messages for which old is true.
func (m *memories) forget(old func(memory) bool) {
	for i := 0; i < len(m.all); {
		if !old(m.all[i]) {
			i++
			continue
		}
		last := len(m.all) - 1
		delete(m.places, m.all[i].key)
		if i < last {
			m.all[i] = m.all[last]
			m.places[m.all[i].key] = uint32(i)
		}
		m.all = m.all[:last]
	}
}
