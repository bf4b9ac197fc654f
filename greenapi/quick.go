package greenapi

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"github.com/cespare/xxhash/v2"
)

// Nearly all that a journal costs is reading its rows, and nearly all rows are alike: compact JSON that lies in the
// buffer as a whole. quickRow reads those and gives up on everything else: stray commas, escapes in what counts, errors,
// a row that is cut off. The reader in rows.go, which knows all that is legal, then reads the row from its begin; so what
// quickRow gives up on costs time and nothing else, and what it accepts means the same to both (FuzzQuickRow).
//
// Every function here is given a piece that ends in a byte 0. Outside of strings that is legal nowhere, and so nobody
// needs to look for the end. They return 0 to give up.

// quickRow reads the row at the head of piece from behind its brace into r, and returns how long it is.
func quickRow(piece []byte, r *Row) (length int) {
	var id, kind, status []byte
	r.Timestamp, r.Timed = 0, false
	i := 0
	for {
		if i = quickSpace(piece, i); piece[i] != '"' {
			return 0
		}
		i++
		end := quoteOrBackslash(piece, i)
		key := piece[i:end]
		if i = quickColon(piece, end); i == 0 {
			return 0
		}
		word, timestamp := (*[]byte)(nil), false
		switch string(key) {
		case "idMessage":
			word = &id
		case "typeMessage":
			word = &kind
		case "statusMessage":
			word = &status
		case "timestamp":
			timestamp = true
		}
		switch {
		case word != nil && piece[i] == '"':
			i++
			end := quoteOrBackslash(piece, i)
			if piece[end] != '"' {
				return 0
			}
			*word = piece[i:end]
			i = end + 1
		case timestamp:
			i = quickTimestamp(piece, i, r)
		default:
			if word != nil {
				*word = nil
			}
			i = quickValue(piece, i)
		}
		if i == 0 {
			return 0
		}
		i = quickSpace(piece, i)
		switch piece[i] {
		case ',':
			i++
		case '}':
			r.set(id, kind, status)
			return i + 1
		default:
			return 0
		}
	}
}

// set makes the row of what its words are.
func (r *Row) set(id, kind, status []byte) {
	r.Key = 0
	if len(id) > 0 && len(kind) > 0 {
		r.Key = rowKey(xxhash.Sum64(id), xxhash.Sum64(kind))
	}
	r.Type, r.Status = kind[:min(len(kind), maxWord)], status[:min(len(status), maxWord)]
}

// quickSpace returns where the white space at i ends.
func quickSpace(piece []byte, i int) int {
	for piece[i] <= ' ' && isSpace(piece[i]) {
		i++
	}
	return i
}

// quickColon reads from the quote behind a key at i to the value.
func quickColon(piece []byte, i int) int {
	if piece[i] != '"' {
		return 0
	}
	if i = quickSpace(piece, i+1); piece[i] != ':' {
		return 0
	}
	return quickSpace(piece, i+1)
}

// quickTimestamp reads the whole number at i, be it in quotes or not, into r.
func quickTimestamp(piece []byte, i int, r *Row) int {
	quoted := piece[i] == '"'
	if quoted {
		i++
	}
	begin, seconds := i, uint64(0)
	for ; isDigit(piece[i]); i++ {
		seconds = seconds*10 + uint64(piece[i]-'0')
	}
	if i == begin || i > begin+15 || piece[begin] == '0' {
		return 0
	}
	switch piece[i] {
	case '"':
		if !quoted {
			return 0
		}
		i++
	case '.', 'e', 'E':
		return 0
	default:
		if quoted {
			return 0
		}
	}
	r.Timestamp, r.Timed = float64(seconds), true
	return i
}

// quickValue skips the value at i.
func quickValue(piece []byte, i int) int {
	const deepest = 63
	depth, objects := 0, uint64(0) // a bit a level of nesting: 1 is an object, and the lowest is the innermost
	for {
		c := piece[i]
		switch {
		case c == '"':
			i = quickString(piece, i+1)
		case c == '{' || c == '[':
			if depth++; depth > deepest {
				return 0
			}
			objects <<= 1
			if c == '{' {
				objects |= 1
			}
			i = quickSpace(piece, i+1)
			if close := piece[i]; close != '}' && close != ']' {
				if objects&1 == 0 {
					continue
				}
				if i = quickKey(piece, i); i == 0 {
					return 0
				}
				continue
			}
		default:
			i = quickScalar(piece, i)
		}
		// Here a value has ended, or an array or object that is empty has begun.
		for {
			if i == 0 || depth == 0 {
				return i
			}
			i = quickSpace(piece, i)
			c := piece[i]
			i++
			if c == ',' {
				break
			}
			if c != "]}"[objects&1] {
				return 0
			}
			depth--
			objects >>= 1
		}
		i = quickSpace(piece, i)
		if objects&1 == 1 {
			if i = quickKey(piece, i); i == 0 {
				return 0
			}
		}
	}
}

// quickKey skips the key at i and its colon.
func quickKey(piece []byte, i int) int {
	if piece[i] != '"' {
		return 0
	}
	return quickColon(piece, quoteOrBackslash(piece, i+1))
}

// quickScalar skips the number or literal at i.
func quickScalar(piece []byte, i int) int {
	literal := ""
	switch piece[i] {
	case 't':
		literal = "true"
	case 'f':
		literal = "false"
	case 'n':
		literal = "null"
	default:
		return quickNumber(piece, i)
	}
	if len(piece)-i < len(literal) || string(piece[i:i+len(literal)]) != literal {
		return 0
	}
	return i + len(literal)
}

// quickNumber skips the number at i.
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

// quickString skips the string at i, from behind its quote.
func quickString(piece []byte, i int) int {
	for {
		i = quoteOrBackslash(piece, i)
		switch piece[i] {
		case '"':
			return i + 1
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

// quoteOrBackslash returns where the first quote or backslash is from i on, or where the byte 0 is behind the piece.
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
