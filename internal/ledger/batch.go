package ledger

import (
	"math"
	"time"
)

// Row holds the fields of a journal row that the ledger needs.
type Row struct {
	// Key identifies the message. A row with Key 0 counts in the window only.
	Key uint64
	// LegacyKey is the Key that earlier releases used, or 0 if it is the same.
	LegacyKey uint64
	// Type and Status are the API's words, or empty if absent. Add does not retain them.
	Type, Status []byte
	// Timestamp is in UNIX seconds, by the server's clock. It is valid if Timed.
	Timestamp float64
	Timed     bool
	// BadTimestamp reports that the row has an unusable timestamp. Then Timed is false.
	BadTimestamp bool
}

// Batch collects the rows of one reading. No row counts before Commit, but Add already extends the
// time for which the ledger remembers a message, because the journal still shows it. A Batch that
// is not committed needs no cleanup.
type Batch struct {
	vocabularies
	ledger      *Ledger
	requestedAt time.Time
	request     request
	clock       time.Duration // the ledger's clock at this reading
	now         seconds       // the same
	previous    seconds       // the ledger's clock at the last reading
	whole       seconds       // the ledger's clock at the last reading of the whole window

	lostMost     bool // whether Commit removed most messages of the window
	isAfterPause bool // whether messages can have reached statuses long before this reading

	date        int64   // UNIX seconds, by the server's clock, when it responded
	received    float64 // UNIX seconds, by the local clock, when the response arrived
	serverTime  float64 // UNIX seconds, by the server's clock, when the request was sent
	windowStart float64 // UNIX seconds; older rows are outside the window
	oldest      float64 // UNIX seconds; older timestamps are not in the requested minutes
	earliest    uint32  // UNIX seconds; the earliest timestamp of all rows
	latest      float64 // UNIX seconds; later timestamps are not plausible

	window  window
	unkeyed window    // the rows without a key that are in window
	changes []message // by row
	renames []rename
	unknown int // number of changes whose message is new to the ledger
	newest  Timestamp

	// returned contains the keys of known messages that this reading shows, but neither the last
	// reading of the whole window nor a later one. It also contains the keys of messages that
	// Commit removes from the window.
	returned []uint64
}

// NewBatch starts a reading that is requested at now. To measure gaps reliably, now should have a
// monotonic clock reading.
func (l *Ledger) NewBatch(now time.Time) *Batch {
	clock := min(l.clock+l.lookback.gap(now), maxClock)
	request := l.lookback.request(now)
	if l.options.Tiered && request.isWide { // older messages do not count
		counted := ceilMinutes(now.Sub(l.countingSince))
		request.minutes = min(request.minutes, request.tier+max(0, counted))
	}
	return &Batch{
		vocabularies: l.vocabularies,
		ledger:       l,
		requestedAt:  now,
		request:      request,
		clock:        clock,
		now:          inSeconds(clock),
		previous:     inSeconds(l.clock),
		whole:        l.windowClock(),
		isAfterPause: l.lookback.isAfterPause(now, l.options.MinInterval),
		window:       window{types: make([]typeRows, len(l.window.types))},
	}
}

// Minutes returns how many minutes of the journal to request.
func (b *Batch) Minutes() int { return b.request.minutes }

// Shrink records a failed call that might succeed for fewer minutes.
func (b *Batch) Shrink() { b.ledger.lookback.shrink(b.request) }

// maxAhead limits how far the server's clock counts as ahead of the local clock. If a Date far in
// the future were the time of the baseline, no message would count until then.
const maxAhead = time.Minute

// SetServerTime sets the time of the response by the server's clock and by the local clock, and the
// time between request and response. Call it before the first Add.
func (b *Batch) SetServerTime(date, now time.Time, latency time.Duration) {
	serverTime := min(unixSeconds(date), unixSeconds(now.Add(maxAhead)))
	b.date, b.received = date.Unix(), unixSeconds(now)
	b.windowStart = math.Inf(-1)
	if b.exceedsWindow() {
		b.windowStart = serverTime - float64(b.ledger.options.Minutes)*60
	}
	b.serverTime = serverTime - latency.Seconds()
	sent := unixSeconds(date) - latency.Seconds() // not serverTime: the local clock may be slow
	b.oldest = sent - float64(b.request.minutes)*60 - edgeTolerance
	b.earliest = math.MaxUint32
	b.latest = max(unixSeconds(date), unixSeconds(now)) + maxTimestampAhead
}

// maxBehind limits how far a Date can be behind both the local clock and the newest row.
const maxBehind = 24 * time.Hour

// baselineTime returns the server's time for the baseline. A Date further behind than maxBehind
// would make old messages count, so the local time replaces it. A Date that only the local clock
// contradicts is used. If it were replaced, and the local clock were ahead, no message would count
// until then.
func (b *Batch) baselineTime() float64 {
	local := unixSeconds(b.requestedAt)
	if b.newest.Known && min(local, b.newest.Seconds) > b.serverTime+maxBehind.Seconds() {
		return local
	}
	return b.serverTime
}

// Add adds a row to the reading.
func (b *Batch) Add(row Row) {
	var typ, status uint8
	typ, b.types = b.types.intern(row.Type)
	status, b.statuses = b.statuses.intern(row.Status)

	timestamp, inWindow := Timestamp{row.Timestamp, row.Timed}, int32(0)
	if !row.Timed || row.Timestamp >= b.windowStart {
		inWindow = 1
		if status == pending {
			b.window.oldestPending = b.window.oldestPending.earlier(timestamp)
		}
	}
	b.window.add(typ, status, inWindow)
	b.newest = b.newest.later(timestamp)
	if row.BadTimestamp {
		b.window.malformed[BadTimestamp]++
	}
	if row.Key == 0 {
		b.window.malformed[NoID] += inWindow
		if inWindow > 0 {
			b.unkeyed.add(typ, status, 1)
			if status == pending {
				b.unkeyed.oldestPending = b.unkeyed.oldestPending.earlier(timestamp)
			}
		}
		b.addRecent(&b.window, typ, status, timestamp.wholeSeconds())
		return
	}
	m, set := b.ledger.messages.get(row.Key), impliedStatuses(status)
	sent, listed := timestamp.wholeSeconds(), b.listed(m, timestamp, status)
	b.earliest = firstKnown(b.earliest, sent)
	isChange := m == nil || m.reached|set != m.reached || m.latestStatus != status ||
		m.latestType != typ || m.listed != listed || m.time == 0 && row.Timed
	if isChange && row.LegacyKey != 0 && b.ledger.messages.get(row.LegacyKey) != nil {
		b.renames = append(b.renames, rename{row.LegacyKey, row.Key})
	}
	if m == nil {
		b.unknown++
	} else {
		if m.lastSeen < b.whole || m.lastSeen > b.previous {
			b.returned = append(b.returned, row.Key)
		}
		m.lastSeen = b.now
		sent = firstKnown(m.time, sent)
	}
	b.addRecent(&b.window, typ, status, sent)
	if isChange {
		isOld := row.Timed && row.Timestamp < b.ledger.coveredSince
		b.changes = append(b.changes, message{
			key: packKey(row.Key), reached: set, lastSeen: b.now,
			time: timestamp.wholeSeconds(), listed: listed,
			latestStatus: status, latestType: typ, firstType: typ, flags: observableIf(!isOld),
		})
	}
}

// addRecent adds a row to the recent rows of w if its message is recent. sent is when the message
// was sent in UNIX seconds, or 0 if that is unknown.
func (b *Batch) addRecent(w *window, typ, status uint8, sent uint32) {
	age := b.serverTime - float64(sent)
	if sent > 0 && age < maxRecentAge && ShowsMessage(b.types.words[typ]) {
		w.recent.add(status, age)
	}
}

// SetNotRows sets the number of elements of the journal that are not rows.
func (b *Batch) SetNotRows(n int) { b.window.malformed[NotARow] = int32(n) }

// dateResolution is the resolution of the API's Date header in seconds. The header truncates, so a
// row from the first second of the baseline's window may be outside it. A later, wider call shows
// that row.
const dateResolution = 1

// Commit adds the reading to the ledger and returns the new Summary. The caller must have added all
// rows of the response. Persist writes the reading to the file.
func (b *Batch) Commit() *Summary {
	l := b.ledger
	isBaseline := l.countingSince.IsZero()
	created := l.lookback.lastReading
	if isBaseline {
		l.countingSince, created = b.requestedAt, b.requestedAt
		l.delays.Created = nanoseconds(created)
		l.coveredSince = b.baselineTime() + dateResolution - float64(b.request.minutes)*60
	}
	l.vocabularies, l.clock = b.vocabularies, b.clock
	b.createCounters(created)
	b.applyRenames()
	b.apply(isBaseline, created)
	l.window, l.newest = b.window, l.newest.plausible(b.latest).later(b.newest)
	if l.options.Tiered {
		l.window = b.rememberedWindow()
	}
	l.lookback.success(b.requestedAt, b.request)
	l.lookback.recheck = l.lookback.recheck || b.lostMost
	l.forgetOld()
	l.markDirty(b, isBaseline)
	return l.Summary()
}
