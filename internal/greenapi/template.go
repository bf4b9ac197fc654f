package greenapi

import (
	"bytes"

	"github.com/cespare/xxhash/v2"
)

// quick reads rows that are like rows before them, which nearly all are. Two rows of a kind differ in some strings and
// numbers; what lies between those, mostly braces and keys, is the same. Such a stretch of text is learned from a row that
// the reader in rows.go has read, which knows all that is legal, and from then on it is only compared. So a row of
// 30 members is a dozen stretches and values.
//
// quick gives up on a row that has anything it does not know, that does not lie in the buffer as a whole, or that has
// escapes in what counts. The reader in rows.go then reads it from its beginning: giving up costs time and nothing else. What
// quick accepts is a row that the other has accepted, with other strings in the place of strings and other numbers in the
// place of numbers, and so it is legal and means what the other sees in it. FuzzQuick holds one against the other.
//
// Its functions are given a piece of the body that ends in a byte 0. Outside of strings that is legal nowhere, so that
// nobody needs to look for the end. They return where to go on, or 0 to give up.
type rowTemplate struct {
	segments [maxSegments]segment // the first is the begin of a row
	known    int                  // how many there are
	texts    [maxTexts]byte       // of all stretches
	used     int                  // how many bytes of that
	misses   int                  // how many rows more it has given up on than it has read, of late

	values     [maxValues]span // of the row that is learned from
	n          int             // how many there are
	nullFields fieldSet        // what the row has been said to be without, behind the last of them
	learnable  bool            // whether it is a row to learn from
}

// How much can be learned of one body. An ordinary one has fewer than a hundred stretches.
const (
	maxSegments = 256     // as many as a place in next can tell
	maxTexts    = 8 << 10 // bytes
	maxValues   = 64      // of a row
	maxMisses   = 1000    // then rows are not alike, and it tries no more
)

// segment is the text between two values of a row, before the first or behind the last.
type segment struct {
	text       []byte
	from       nesting  // where it begins; the text says where it ends
	field               // the value behind it
	nullFields fieldSet // what the text says that the row is without: it has null there, or the like
	next       [8]uint8 // which stretches have followed, the likeliest first; 0 is none
}

// field is what a value is to us.
type field uint8

const (
	idMessage field = iota
	typeMessage
	statusMessage
	skipString // that does not count
	timestamp
	skipNumber // that does not count
	rowEnd     // but the end of the row
)

// fieldSet is a set of such, a bit for each.
type fieldSet uint8

// span is a value: the bytes of the body that a string has between its quotes, or a number.
type span struct {
	begin, end int64
	field
	in         nesting
	nullFields fieldSet // of the stretch before it
}

// nesting is what a value lies in. Each array or object has a bit, the outermost the lowest, which is 1 for an object, and
// the highest 1 is behind them.
type nesting uint64

const inRow nesting = 1

func newRowTemplate() *rowTemplate { return &rowTemplate{known: 1} }

// row reads the row at the head of piece, from behind its brace, into r and returns how long it is.
func (q *rowTemplate) row(piece []byte, r *Row) (length int) {
	if q.misses == maxMisses {
		return 0
	}
	if length = q.try(piece, r); length > 0 {
		q.misses = max(q.misses-1, 0)
	} else {
		q.misses++
	}
	return length
}

func (q *rowTemplate) try(piece []byte, r *Row) (length int) {
	var words [skipString + 1][]byte // the last is of no use
	r.Timestamp, r.Timed = 0, false
	last, i := &q.segments[0], 0
	for {
		s := q.match(last, piece[i:])
		if s == nil {
			return 0
		}
		i += len(s.text)
		if s.nullFields != 0 { // of a member given twice the last counts
			for w := range words {
				if s.nullFields>>w&1 == 1 {
					words[w] = nil
				}
			}
			if s.nullFields>>timestamp&1 == 1 {
				r.Timestamp, r.Timed = 0, false
			}
		}
		begin := i
		switch s.field {
		case rowEnd:
			r.set(words[idMessage], words[typeMessage], words[statusMessage])
			return i
		case timestamp:
			i = quickTimestamp(piece, i, r)
		case skipNumber:
			i = quickNumber(piece, i)
		default:
			i = quoteOrBackslash(piece, i)
			if piece[i] == '\\' && s.field == skipString {
				i = quickString(piece, i)
			}
			if i == 0 || piece[i] != '"' {
				return 0
			}
			words[s.field] = piece[begin:i]
		}
		if i == 0 {
			return 0
		}
		last = s
	}
}

// set is for a row with these words, as they are written.
func (r *Row) set(id, kind, status []byte) {
	r.Key = 0
	if len(id) > 0 && len(kind) > 0 {
		r.Key = rowKey(xxhash.Sum64(id), xxhash.Sum64(kind))
	}
	r.Type, r.Status = kind[:min(len(kind), maxWord)], status[:min(len(status), maxWord)]
}

// match returns the stretch with which rest begins, of those that have followed the last one, or nil.
func (q *rowTemplate) match(last *segment, rest []byte) *segment {
	for i, n := range last.next {
		if n == 0 {
			return nil
		}
		if s := &q.segments[n]; bytes.HasPrefix(rest, s.text) {
			if i > 0 {
				last.next[i], last.next[i-1] = last.next[i-1], n
			}
			return s
		}
	}
	return nil
}

// begin is told before a row is read that may be learned from. A nil quick never learns.
func (q *rowTemplate) begin() {
	if q != nil {
		q.n, q.nullFields, q.learnable = 0, 0, true
	}
}

// noteValue is told of the values of the row, in their order.
func (q *rowTemplate) noteValue(begin, end int64, w field, in nesting) {
	switch {
	case q == nil:
	case w == skipString && end == begin:
		// So many rows have the same, an empty title for one, that it is rather part of the stretch.
	case q.n == maxValues:
		q.learnable = false
	default:
		q.values[q.n] = span{begin, end, w, in, q.nullFields}
		q.n++
		q.nullFields = 0
	}
}

// noteNull is told when what counts of the row is null or the like.
func (q *rowTemplate) noteNull(w field) {
	if q != nil {
		q.nullFields |= 1 << w
	}
}

// unlearnable is told when there is nothing to be learned from the row.
func (q *rowTemplate) unlearnable() {
	if q != nil {
		q.learnable = false
	}
}

// learn takes in the stretches of the row that has been read, which began at the offset. Where there is no room it forgets
// all, since what it knows is of no use where it is new rows that it does not know.
func (q *rowTemplate) learn(row []byte, offset int64) {
	if !q.learnable || q.misses == maxMisses {
		return
	}
	last, i, in := &q.segments[0], 0, nesting(0)
	for n := range q.n + 1 {
		v := span{end: offset + int64(len(row)), field: rowEnd, nullFields: q.nullFields}
		end := len(row)
		if n < q.n {
			v = q.values[n]
			end = int(v.begin - offset)
		}
		s := q.match(last, row[i:end])
		if s == nil || len(s.text) != end-i {
			place := q.intern(segment{text: row[i:end], from: in, field: v.field, nullFields: v.nullFields})
			if place == 0 {
				q.known, q.used, q.segments[0] = 1, 0, segment{}
				return
			}
			copy(last.next[1:], last.next[:])
			last.next[0] = place
			s = &q.segments[place]
		}
		last, i, in = s, int(v.end-offset), v.in
	}
}

// intern returns which of the stretches this is, or 0 if it is none and there is no room for it. Where a stretch begins and
// what its text is says all of it.
func (q *rowTemplate) intern(s segment) uint8 {
	for n := 1; n < q.known; n++ {
		if k := &q.segments[n]; k.from == s.from && bytes.Equal(k.text, s.text) {
			return uint8(n)
		}
	}
	if q.known == maxSegments || len(s.text) > maxTexts-q.used {
		return 0
	}
	begin := q.used
	q.used += copy(q.texts[begin:], s.text)
	s.text = q.texts[begin:q.used]
	q.segments[q.known] = s
	q.known++
	return uint8(q.known - 1)
}

// quickTimestamp reads a whole number of seconds.
func quickTimestamp(piece []byte, i int, r *Row) int {
	begin, seconds := i, uint64(0)
	for ; isDigit(piece[i]); i++ {
		seconds = seconds*10 + uint64(piece[i]-'0')
	}
	if i == begin || i > begin+15 || piece[begin] == '0' {
		return 0
	}
	r.Timestamp, r.Timed = float64(seconds), true
	return i
}

// quickNumber skips a number.
func quickNumber(piece []byte, i int) int {
	state, ok := numberBegin(piece[i])
	for ok {
		i++
		var next int
		if next, ok = numberStep(state, piece[i]); ok {
			state = next
		} else if numberMayEnd(state) {
			return i
		}
	}
	return 0
}
