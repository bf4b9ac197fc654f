package greenapi

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// quick reads rows of the ordinary kind, which nearly all are: JSON without stray commas, that lies in the buffer as a
// whole, and without escapes in what counts. It gives up on all else, even where it is legal. The reader in rows.go, which
// knows all that is legal, then reads the row from its begin. So what quick gives up on costs time and nothing else, and
// what it accepts must mean the same to both; FuzzQuick holds one against the other.
//
// It is quick by two things. Strings are looked through many bytes at a time. And rows are like those before them: what
// lies between two values that differ, mostly braces and keys, is a stretch that has been seen before, and only compared.
//
// A piece is what lies in the buffer, and a byte 0 behind it. Outside of strings that is legal nowhere, so that nobody
// needs to look for the end. Functions that are given where to begin return where to go on, or 0 to give up.
type quick struct {
	words  [4]span // of the row: what is written of idMessage, typeMessage and statusMessage
	values []found // of the row
	usual  bool    // whether the row is one to learn from

	stretches []stretch // the first is the begin of a row
	texts     []byte    // of the stretches, which share it

	room struct { // of the slices, none of which grows
		values    [maxValues + 1]found
		stretches [maxStretches]stretch
		texts     [maxTexts]byte
	}
}

const (
	maxValues    = 64      // of a row to learn from
	maxStretches = 256     // as many as a place in next can tell
	maxTexts     = 8 << 10 // bytes
)

// what a value is.
type what uint8

const (
	idMessage what = iota
	typeMessage
	statusMessage
	anyString // a string that does not count
	timestamp
	anyNumber // that does not count
	none      // the end of the row
)

type span struct{ begin, end int }

// found is a value in which rows differ: a string without its quotes, or a number.
type found struct {
	begin, end int
	what
	nesting
}

// nesting is what a value lies in, from the lowest bit up: 1 for an object and 0 for an array, and then a 1 for the row.
type nesting uint64

const (
	inRow   nesting = 1
	deepest nesting = 1 << 63
)

// stretch is what lies between two values, or before the first, or behind the last.
type stretch struct {
	text    []byte
	nesting          // of the value before it: by that, any stretch that can follow is known
	what             // the value behind it
	next    [8]uint8 // those that have followed the value behind it, the likeliest first; 0 is none
}

func newQuick() *quick {
	q := new(quick)
	q.stretches, q.texts = q.room.stretches[:1], q.room.texts[:0]
	return q
}

// row reads the row at the head of piece from behind its brace into r, and returns how long it is.
func (q *quick) row(piece []byte, r *Row) (length int) {
	if length = q.known(piece, r); length > 0 {
		return length
	}
	if length = q.unknown(piece, r); length > 0 && q.usual {
		q.learn(piece[:length])
	}
	return length
}

func (q *quick) begin(r *Row) {
	q.words = [4]span{}
	r.Timestamp, r.Timed = 0, false
}

func (q *quick) end(piece []byte, r *Row) {
	word := func(w what) []byte { return piece[q.words[w].begin:q.words[w].end] }
	id, kind, status := word(idMessage), word(typeMessage), word(statusMessage)
	r.Key = 0
	if len(id) > 0 && len(kind) > 0 {
		r.Key = rowKey(xxhash.Sum64(id), xxhash.Sum64(kind))
	}
	r.Type, r.Status = kind[:min(len(kind), maxWord)], status[:min(len(status), maxWord)]
}

// known reads a row that is made of known stretches.
func (q *quick) known(piece []byte, r *Row) int {
	q.begin(r)
	last, i := &q.stretches[0], 0
	for {
		s := q.follow(last, piece[i:])
		if s == nil {
			return 0
		}
		i += len(s.text)
		if s.what == none {
			q.end(piece, r)
			return i
		}
		if s.what <= anyString {
			end := quoteOrBackslash(piece, i)
			if piece[end] != '"' {
				if s.what != anyString {
					return 0
				}
				if end = quickString(piece, end); end == 0 {
					return 0
				}
			}
			q.words[s.what] = span{i, end}
			i = end
		} else if i = q.value(piece, i, s.what, r); i == 0 {
			return 0
		}
		last = s
	}
}

// follow returns the known stretch with which the rest of the row begins, or nil.
func (q *quick) follow(last *stretch, rest []byte) *stretch {
	for i, n := range last.next {
		if n == 0 {
			return nil
		}
		if s := &q.stretches[n]; bytes.HasPrefix(rest, s.text) {
			if i > 0 {
				last.next[i], last.next[i-1] = last.next[i-1], n
			}
			return s
		}
	}
	return nil
}

// learn takes in the stretches of a row, as far as there is room.
func (q *quick) learn(row []byte) {
	last, i, in := &q.stretches[0], 0, nesting(0)
	for _, v := range append(q.values, found{begin: len(row), what: none}) {
		s := q.follow(last, row[i:v.begin])
		if s == nil || len(s.text) != v.begin-i {
			n := q.place(stretch{text: row[i:v.begin], nesting: in, what: v.what})
			if n == 0 {
				return
			}
			copy(last.next[1:], last.next[:])
			last.next[0] = n
			s = &q.stretches[n]
		}
		last, i, in = s, v.end, v.nesting
	}
}

// place returns where the stretch is among those that are known, or 0 if it is not and there is no room.
func (q *quick) place(s stretch) uint8 {
	n := slices.IndexFunc(q.stretches, func(k stretch) bool { return k.nesting == s.nesting && bytes.Equal(k.text, s.text) })
	if n < 0 && len(q.stretches) < maxStretches && len(s.text) <= maxTexts-len(q.texts) {
		begin := len(q.texts)
		q.texts = append(q.texts, s.text...)
		s.text = q.texts[begin:]
		n = len(q.stretches)
		q.stretches = append(q.stretches, s)
	}
	return uint8(max(0, n))
}

// value reads a value in which rows differ; a string from behind its quote and up to the other.
func (q *quick) value(piece []byte, i int, w what, r *Row) int {
	switch w {
	case anyString:
		return quickString(piece, i)
	case anyNumber:
		return quickNumber(piece, i)
	case timestamp:
		return quickTimestamp(piece, i, r)
	default:
		end := quoteOrBackslash(piece, i)
		if piece[end] != '"' {
			return 0
		}
		q.words[w] = span{i, end}
		return end
	}
}

// unknown reads a row and finds its values.
func (q *quick) unknown(piece []byte, r *Row) int {
	q.begin(r)
	q.values, q.usual = q.room.values[:0], true
	i := 0
	for {
		if i = quickSpace(piece, i); piece[i] != '"' {
			return 0
		}
		begin := i + 1
		end := quoteOrBackslash(piece, begin)
		if i = quickColon(piece, end); i == 0 {
			return 0
		}
		if i = q.member(piece, i, whatOf(piece[begin:end]), r); i == 0 {
			return 0
		}
		i = quickSpace(piece, i) + 1
		switch piece[i-1] {
		case ',':
		case '}':
			q.end(piece, r)
			return i
		default:
			return 0
		}
	}
}

// whatOf is what the member of a row with this key is, if it is a string.
func whatOf(key []byte) what {
	switch string(key) {
	case "idMessage":
		return idMessage
	case "typeMessage":
		return typeMessage
	case "statusMessage":
		return statusMessage
	case "timestamp":
		return timestamp
	default:
		return anyString
	}
}

// member reads the value of a member of the row.
func (q *quick) member(piece []byte, i int, w what, r *Row) int {
	c := piece[i]
	switch {
	case c == '"':
		return q.quoted(piece, i, w, inRow, r)
	case w == timestamp:
		return q.find(piece, i, w, inRow, r)
	case w != anyString:
		q.words[w], q.usual = span{}, false
	}
	return q.other(piece, i, r)
}

// find reads a value in which rows differ.
func (q *quick) find(piece []byte, i int, w what, in nesting, r *Row) int {
	end := q.value(piece, i, w, r)
	switch {
	case w == anyString && end == i || w == anyNumber && end == i+1:
		// So many rows have the same, as an empty title, that it is rather part of the stretch.
	case len(q.values) == maxValues:
		q.usual = false
	default:
		q.values = append(q.values, found{i, end, w, in})
	}
	return end
}

// quoted does so with one in quotes, from the one to behind the other.
func (q *quick) quoted(piece []byte, i int, w what, in nesting, r *Row) int {
	if i = q.find(piece, i+1, w, in, r); i == 0 || piece[i] != '"' {
		return 0
	}
	return i + 1
}

// other reads any value of which nothing counts.
func (q *quick) other(piece []byte, i int, r *Row) int {
	in := inRow
	for {
		c := piece[i]
		switch {
		case c == '"':
			i = q.quoted(piece, i, anyString, in, r)
		case c == '{' || c == '[':
			if in >= deepest {
				return 0
			}
			in <<= 1
			if c == '{' {
				in |= 1
			}
			i = quickSpace(piece, i+1)
			if c = piece[i]; c != '}' && c != ']' {
				if i = quickKey(piece, i, in); i == 0 {
					return 0
				}
				continue
			}
		case c == '-' || isDigit(c):
			i = q.find(piece, i, anyNumber, in, r)
		default:
			i = quickLiteral(piece, i)
		}
		// A value has ended, or an object or array without any has begun.
		for {
			if i == 0 || in == inRow {
				return i
			}
			i = quickSpace(piece, i) + 1
			c = piece[i-1]
			if c == ',' {
				break
			}
			if c != "]}"[in&1] {
				return 0
			}
			in >>= 1
		}
		if i = quickKey(piece, quickSpace(piece, i), in); i == 0 {
			return 0
		}
	}
}

// quickKey skips a key and its colon, in an object.
func quickKey(piece []byte, i int, in nesting) int {
	switch {
	case in&1 == 0:
		return i
	case piece[i] != '"':
		return 0
	default:
		return quickColon(piece, quoteOrBackslash(piece, i+1))
	}
}

// quickColon skips the quote behind a key and its colon.
func quickColon(piece []byte, i int) int {
	if piece[i] != '"' {
		return 0
	}
	if i = quickSpace(piece, i+1); piece[i] != ':' {
		return 0
	}
	return quickSpace(piece, i+1)
}

// quickSpace skips white space; it never gives up.
func quickSpace(piece []byte, i int) int {
	for piece[i] <= ' ' && isSpace(piece[i]) {
		i++
	}
	return i
}

// quickTimestamp reads a number of seconds.
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

// quickLiteral skips true, false or null.
func quickLiteral(piece []byte, i int) int {
	for _, literal := range [...]string{"true", "false", "null"} {
		if end := i + len(literal); end < len(piece) && string(piece[i:end]) == literal {
			return end
		}
	}
	return 0
}

// quickString skips a string up to the quote behind it.
func quickString(piece []byte, i int) int {
	for {
		i = quoteOrBackslash(piece, i)
		switch piece[i] {
		case '"':
			return i
		case '\\':
			i++
		default:
			return 0
		}
		switch piece[i] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			i++
		case 'u':
			for range 4 {
				if i++; !isHex(piece[i]) {
					return 0
				}
			}
			i++
		default:
			return 0
		}
	}
}

// quoteOrBackslash returns where the first quote or backslash is, or where the byte 0 is behind the piece.
//
// Most strings are a few bytes long, and calling bytes.IndexByte costs as much as looking at them, eight at a time: the
// highest bit is set in the first byte of w^quotes-ones that was a quote, by the borrow. Of the long ones, IndexByte
// looks at 32 bytes at a time.
func quoteOrBackslash(piece []byte, i int) int {
	const (
		ones        = 0x0101010101010101
		quotes      = '"' * ones
		backslashes = '\\' * ones
		short       = 64
	)
	last := len(piece) - 1
	for stop := min(i+short, last-8); i <= stop; i += 8 {
		w := binary.LittleEndian.Uint64(piece[i:])
		q, b := w^quotes, w^backslashes
		if found := ((q-ones)&^q | (b-ones)&^b) & (0x80 * ones); found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	rest := piece[i:last]
	if quote := bytes.IndexByte(rest, '"'); quote >= 0 {
		rest = rest[:quote]
	}
	if backslash := bytes.IndexByte(rest, '\\'); backslash >= 0 {
		return i + backslash
	}
	return i + len(rest)
}
