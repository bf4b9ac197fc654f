package ledger

// window counts the rows of one reading that are in the window.
type window struct {
	types         []typeRows // by index; may be short
	oldestPending Timestamp  // of the oldest pending row
	malformed     MalformedRows
	recent        recentRows // of all rows with a time, including those outside the window
}

// MalformedRows counts the malformed rows of a reading by MalformedReason.
type MalformedRows [malformedReasons]int32

// MalformedReason is a reason why a row is malformed.
type MalformedReason int

const (
	NoID         MalformedReason = iota // has no id or no type, so it counts in the window only
	BadTimestamp                        // has an unusable timestamp, which is treated as absent
	NotARow                             // is not an object, so it is skipped
	malformedReasons
)

// String returns the value of the label reason.
func (r MalformedReason) String() string {
	return [...]string{NoID: "no_id", BadTimestamp: "bad_timestamp", NotARow: "not_a_row"}[r]
}

// typeRows counts the rows of one type.
type typeRows struct {
	counts [maxStatuses]int32 // by status
	seen   statusSet          // the statuses of all rows, including those outside the window
}

// add adds n rows with a type and status.
func (w *window) add(typ, status uint8, n int32) {
	if int(typ) >= len(w.types) {
		w.types = growTo(w.types, int(typ)+1)
	}
	t := &w.types[typ]
	t.counts[status] += n
	t.seen |= 1 << status
}

// get returns the rows of a type.
func (w *window) get(typ int) typeRows {
	if typ < len(w.types) {
		return w.types[typ]
	}
	return typeRows{}
}

// growTo appends zero values to s until it has n elements.
func growTo[T any](s []T, n int) []T { return append(s, make([]T, max(0, n-len(s)))...) }
