package ledger

// rename is a message that is remembered by the key of an earlier release. That release had several
// keys for messages that have one key now.
type rename struct{ legacy, key uint64 }

// applyRenames moves messages to their current keys. It merges those that now have the same key.
func (b *Batch) applyRenames() {
	if len(b.renames) == 0 {
		return
	}
	x := &b.ledger.messages
	for _, r := range b.renames {
		legacy := x.get(r.legacy)
		m := *legacy
		m.key = packKey(r.key)
		if known := x.get(r.key); known != nil {
			m.merge(*known)
		}
		legacy.reached = 0 // marks it for deletion
		x.put(m)
	}
	x.deleteFunc(func(m message) bool { return m.reached == 0 })
	b.ledger.firstListed = 0
}
