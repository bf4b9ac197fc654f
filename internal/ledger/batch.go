package ledger

import (
	"math"
	"math/bits"
	"time"
)

// Row is what counts of a row of the journal.
type Row struct {
	// Key stands for the message; 0 if the row does not say which it is: it is then in the window alone.
	Key uint64
	// Type and Status are the API's words, empty where it gives none. They are not kept.
	Type, Status []byte
	// Timestamp is the row's time in UNIX seconds, by the API's clock, if Timed.
	Timestamp float64
	Timed     bool
}

// Batch is a reading being counted. Nothing of it counts before Commit, but the messages it shows are remembered for
// longer at once: they are still in the journal. A Count that is never committed needs no end.
type Batch struct {
	ledger  *Ledger
	now     time.Time
	gap     time.Duration
	clock   time.Duration
	minutes int

	last, shown seconds // the clock at the last good reading, and at this one

	answered float64 // when the API answered, by its own clock, in UNIX seconds
	since    float64 // rows older than this are not in the window

	statuses *vocabulary
	types    *vocabulary
	window   window
	changes  []change
	unknown  int      // how many of them are of messages that the ledger does not know
	returned []uint64 // the keys of the messages that the last good reading did not show
	newest   Timestamp
}

// window is what stands in the window of one reading.
type window struct {
	cells         [][]cell  // by the places of type and status; a row or column is missing where nothing was shown
	spare         []cell    // for the rows that there will be
	oldestPending Timestamp // of the oldest pending row
}

// cell counts the rows of a type and status.
type cell struct {
	rows  int
	shown bool // also if only by rows outside the window
}

// change is a row that says something new of a message.
type change struct {
	key    uint64
	kind   uint8
	status uint8
	old    bool // the row is older than the ledger's reach
}

// Minutes is how many minutes of the journal to ask for.
func (c *Batch) Minutes() int { return c.minutes }

// Shrink notes that the call failed in a way that asking for fewer minutes may mend.
func (c *Batch) Shrink() { c.ledger.lookback.shrink(c.minutes) }

// SetServerTime says, before the first row, by the API's clock when it answered.
func (c *Batch) SetServerTime(date time.Time) {
	c.answered = unix(date)
	c.since = math.Inf(-1)
	if window := c.ledger.options.Minutes; c.minutes > window {
		c.since = c.answered - float64(window)*60
	}
}

// Add counts a row.
func (c *Batch) Add(row Row) {
	var kind, status uint8
	kind, c.types = c.types.intern(row.Type)
	status, c.statuses = c.statuses.intern(row.Status)

	cell := c.window.cell(kind, status, len(c.statuses.words))
	cell.shown = true
	at := Timestamp{row.Timestamp, row.Timed}
	if !row.Timed || row.Timestamp >= c.since {
		cell.rows++
		if status == pending {
			c.window.oldestPending = c.window.oldestPending.earlier(at)
		}
	}
	c.newest = c.newest.later(at)
	if row.Key == 0 {
		return
	}
	set, known := impliedStatuses(status), c.ledger.messages.get(row.Key)
	if known != nil {
		if known.lastSeen != c.last {
			c.returned = append(c.returned, row.Key)
		}
		known.lastSeen = c.shown
	}
	if known == nil {
		c.unknown++
	}
	if known == nil || known.reached|set != known.reached {
		c.changes = append(c.changes, change{row.Key, kind, status, row.Timed && row.Timestamp < c.ledger.coveredSince})
	}
}

// cell returns the one of these places, which it makes if need be, beside those of all statuses there are.
func (w *window) cell(kind, status uint8, statuses int) *cell {
	for int(kind) >= len(w.cells) {
		w.cells = append(w.cells, nil)
	}
	row := &w.cells[kind]
	if int(status) >= len(*row) {
		longer := w.newRow(statuses)
		copy(longer, *row)
		*row = longer
	}
	return &(*row)[status]
}

// newRow returns n cells.
func (w *window) newRow(n int) []cell {
	if len(w.spare) < n {
		return make([]cell, n)
	}
	row := w.spare[:n:n]
	w.spare = w.spare[n:]
	return row
}

// emptyLike returns an empty standing with room for as many types as w has.
func (w *window) emptyLike(types, statuses int) window {
	shown := 0
	for _, row := range w.cells {
		shown += min(1, len(row))
	}
	return window{cells: make([][]cell, types), spare: make([]cell, shown*statuses)}
}

// row returns the cells of a type by the place of the status, as far as there are any.
func (w *window) row(kind int) []cell {
	if kind < len(w.cells) {
		return w.cells[kind]
	}
	return nil
}

// dateResolution is how much later than it says the API's time can be, in seconds: the Date header is cut to whole ones. A row
// of the second with which the window of the baseline begins can be older than it, and a wider call shows it later.
const dateResolution = 1

// Commit puts the reading into the ledger: all of the answer has been added. It returns what there is to show, which no
// later reading changes. Called puts it on file.
func (c *Batch) Commit() *Summary {
	l := c.ledger
	baseline := l.birth.IsZero()
	created := l.lookback.lastGood
	if baseline {
		l.birth, created = c.now, c.now
		l.coveredSince = c.answered + dateResolution - float64(c.minutes)*60
	}
	l.statuses, l.types, l.clock = c.statuses, c.types, c.clock
	c.create(created)
	c.apply(baseline)
	l.window, l.newest = c.window, l.newest.later(c.newest)
	l.lookback.success(c.now, c.gap, c.minutes)
	l.forget()
	l.markDirty(c, baseline)
	return l.Summary()
}

// create makes the counters that this reading is the first to show: of every type shown so far and every documented
// status, and of whatever else was shown together.
func (c *Batch) create(created time.Time) {
	l := c.ledger
	l.totals = growTo(l.totals, len(l.types.words))
	for kind := range l.totals {
		t := &l.totals[kind]
		cells := c.window.row(kind)
		if !isDefaultType(kind) && len(cells) == 0 && !t.Messages.exists() {
			continue
		}
		t.Statuses = growTo(t.Statuses, len(l.statuses.words))
		t.Messages.create(created)
		for status := range t.Statuses {
			if isDocumentedStatus(status) || status < len(cells) && cells[status].shown {
				t.Statuses[status].create(created)
			}
		}
	}
}

// growTo returns all, and behind it as many zeros as it takes to be n long.
func growTo[T any](all []T, n int) []T { return append(all, make([]T, max(0, n-len(all)))...) }

// apply counts the changes. A message that is new to the ledger is not counted in the baseline, nor if it is from
// before the ledger's reach; it is remembered with the statuses that this reading shows it with.
func (c *Batch) apply(baseline bool) {
	l := c.ledger
	l.messages.grow(c.unknown)
	uncounted := make(map[uint64]bool)
	for _, change := range c.changes {
		m := message{key: change.key}
		known := l.messages.get(change.key)
		if known != nil {
			m = *known
		}
		if known == nil && change.old {
			uncounted[change.key] = true
		}
		set := impliedStatuses(change.status)
		if !baseline && !uncounted[change.key] {
			t := &l.totals[change.kind]
			if known == nil {
				t.Messages[0]++
			}
			for fresh := set &^ m.reached; fresh != 0; fresh &= fresh - 1 {
				t.Statuses[bits.TrailingZeros32(uint32(fresh))][0]++
			}
		}
		m.reached, m.lastSeen = m.reached|set, c.shown
		l.messages.put(m)
	}
	l.messages.trim() // where the same message was shown many times, room was made for each
}
