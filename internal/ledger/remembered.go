package ledger

// edgeTolerance is the number of seconds by which a row can be older than the requested minutes if
// the API filters by the timestamp. The Date of the response is in whole seconds. It can be from a
// different clock than the one that the API filters by.
const edgeTolerance = 120

// exceedsWindow reports whether the call requests more than the window.
func (b *Batch) exceedsWindow() bool { return b.request.minutes > b.ledger.options.Minutes }

// listed returns the new message.listed of a message whose row has the given timestamp and status.
// m is the message before this reading, or nil if it is new.
//
// The documentation does not specify which time the API filters by. If it filters by the timestamp,
// no row is older than the requested minutes. If a row is older, or has no timestamp, the API
// filters by a later action. If no earlier reading can have shown that action, the time of this
// reading replaces it. A row of a call for more than the window can be outside the window. A row of
// a call for exactly the window is always in it.
func (b *Batch) listed(m *message, timestamp Timestamp, status uint8) uint32 {
	listed := timestamp.wholeSeconds()
	isOlder := float64(listed) < b.oldest
	if m != nil {
		if m.listed == 0 && b.exceedsWindow() {
			return 0
		}
		listed = max(listed, m.listed)
		isOlder = isOlder && !b.exceedsWindow() &&
			(float64(listed) < b.oldest || m.latestStatus != status)
	}
	switch {
	case isOlder:
		return uint32(max(1, b.serverTime))
	case b.isExact():
		return max(listed, b.windowStartTime())
	default:
		return listed
	}
}

// isExact reports whether the call requests exactly the window.
func (b *Batch) isExact() bool { return b.request.isWhole && !b.exceedsWindow() }

// windowStartTime returns the first second of the window.
func (b *Batch) windowStartTime() uint32 {
	return uint32(max(1, b.serverTime-float64(b.ledger.options.Minutes)*60))
}

// rememberedWindow returns the rows that are in the window, as far as the ledger remembers.
func (b *Batch) rememberedWindow() window {
	w := window{types: make([]typeRows, len(b.types.words))}
	b.addRemembered(&w)
	b.addUnkeyed(&w)
	return w
}

// addRemembered adds the messages in the window to w. It removes those that this reading should
// have shown but did not.
func (b *Batch) addRemembered(w *window) {
	l := b.ledger
	if b.request.isWhole {
		l.firstListed = 0 // the window or a clock can have changed
	}
	start, removed, remaining := b.windowStartTime(), 0, 0
	list := l.messages.list[l.firstListed:]
	first := len(list)
	for i := range list {
		m := &list[i]
		if m.listed < start {
			continue
		}
		if m.lastSeen != b.now && b.mustShow(m) {
			m.listed = 0
			b.returned = append(b.returned, m.key.uint64())
			removed++
			continue
		}
		remaining++
		first = min(first, i)
		w.add(m.latestType, m.latestStatus, 1)
		b.addRecent(w, m.latestType, m.latestStatus, m.time)
		if m.latestStatus == pending && m.time > 0 {
			w.oldestPending = w.oldestPending.earlier(Timestamp{float64(m.time), true})
		}
	}
	l.firstListed += first
	b.lostMost = b.request.isWhole && removed > remaining
}

// mustShow reports whether this reading shows m if m is still in the journal. The requested minutes
// must include the time of m. Clocks can be wrong, so the reading must also show a row of that time
// or before. If m is not observable, or is returned, the API can filter it by an earlier time.
func (b *Batch) mustShow(m *message) bool {
	return b.request.isWhole || m.flags == observable && m.time >= b.earliest &&
		float64(m.time) >= b.oldest+2*edgeTolerance
}

// addUnkeyed adds the rows without a key and the numbers of malformed rows to w. They are from the
// last reading of exactly the window, or from this reading if it requested fewer minutes but has
// more of them.
func (b *Batch) addUnkeyed(w *window) {
	l, latest := b.ledger, &b.unkeyed
	latest.malformed = b.window.malformed
	if l.unkeyed == nil || b.request.isWhole && !b.request.isWide {
		l.unkeyed = latest
	}
	if b.request.isWide {
		latest = l.unkeyed
	}
	rows := l.unkeyed
	if latest.malformed[NoID] > rows.malformed[NoID] {
		rows = latest
	}
	for typ, t := range rows.types {
		for status, n := range t.counts {
			if n > 0 {
				w.add(uint8(typ), uint8(status), n)
			}
		}
	}
	w.oldestPending = w.oldestPending.earlier(rows.oldestPending)
	for reason, n := range latest.malformed {
		w.malformed[reason] = max(n, l.unkeyed.malformed[reason])
	}
}
