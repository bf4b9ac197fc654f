package ledger

// window counts the rows of one reading that are in the window.
type window struct {
	rows          [][]int     // by index of type and status; the inner slices may be short
	seen          []statusSet // by type: the statuses shown, including rows outside the window
	oldestPending Timestamp   // of the oldest pending row
}

// add counts n rows with a type and status. It allocates counts for the given number of statuses.
func (w *window) add(typ, status uint8, n, statuses int) {
	if int(typ) >= len(w.rows) {
		w.rows, w.seen = growTo(w.rows, int(typ)+1), growTo(w.seen, int(typ)+1)
	}
	if int(status) >= len(w.rows[typ]) {
		w.rows[typ] = growTo(w.rows[typ], statuses)
	}
	w.rows[typ][status] += n
	w.seen[typ] |= 1 << status
}

// emptyLike returns an empty window with counts for the types that have counts in w. The counts
// share one allocation.
func (w *window) emptyLike(types, statuses int) window {
	used := 0
	for _, counts := range w.rows {
		used += min(1, len(counts))
	}
	empty := window{rows: make([][]int, types), seen: make([]statusSet, types)}
	counts := make([]int, used*statuses)
	for typ := range w.rows {
		if len(w.rows[typ]) > 0 {
			empty.rows[typ], counts = counts[:statuses:statuses], counts[statuses:]
		}
	}
	return empty
}

// growTo appends zero values to s until it has n elements.
func growTo[T any](s []T, n int) []T { return append(s, make([]T, max(0, n-len(s)))...) }
