package greenapi

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"
)

// skipString reads a string from behind its quote.
func (s *scanner) skipString() error {
	for {
		quote := bytes.IndexByte(s.buf[s.pos:s.end], '"')
		stop := s.end
		if quote >= 0 {
			stop = s.pos + quote
		}
		// Backslashes are looked for no further than the quote, and the quote not again for each of them: however a
		// string is made, its bytes are looked at twice and no more.
		base := s.base
		for s.base == base && s.pos < stop {
			backslash := bytes.IndexByte(s.buf[s.pos:stop], '\\')
			if backslash < 0 {
				s.pos = stop
				break
			}
			s.pos += backslash + 1
			if _, err := s.escape(); err != nil {
				return err
			}
		}
		switch {
		case s.base != base || s.pos > stop:
			// The escape took in the quote, or the end of the buffer.
		case quote >= 0:
			s.pos++
			return nil
		default:
			if err := s.fill(); err != nil {
				return err
			}
		}
	}
}

// readString reads a string from behind its quote and returns the first bytes of what it means, maxText or more where
// it is longer; they are valid until the next is read. Where hash is not nil, it becomes the xxhash of all of it.
func (s *scanner) readString(hash *uint64) ([]byte, error) {
	rest := s.buf[s.pos:s.end]
	quote := bytes.IndexByte(rest, '"')
	if quote < 0 || bytes.IndexByte(rest[:quote], '\\') >= 0 {
		return s.readSplitString(hash)
	}
	s.pos += quote + 1
	if hash != nil {
		*hash = xxhash.Sum64(rest[:quote])
	}
	return rest[:quote], nil
}

// readSplitString is readString for one with escapes, or one that does not end in this buffer.
func (s *scanner) readSplitString(hash *uint64) ([]byte, error) {
	m := unescaped{text: s.text[:0]}
	m.digest.Reset()
	for {
		plain := s.pos
		for s.pos < s.end && s.buf[s.pos] != '"' && s.buf[s.pos] != '\\' {
			s.pos++
		}
		m.add(s.buf[plain:s.pos])
		c, err := s.next()
		if err != nil {
			return nil, err
		}
		switch c {
		case '"':
			m.flushSurrogate()
			if hash != nil {
				*hash = m.digest.Sum64()
			}
			s.text = m.text
			return m.text, nil
		case '\\':
			r, err := s.escape()
			if err != nil {
				return nil, err
			}
			m.addEscape(r)
		default:
			s.pos-- // the first byte of the next buffer
		}
	}
}

// unescaped is what a string means, as far as it has been read: the first maxText bytes, and the hash of all.
type unescaped struct {
	text   []byte
	digest xxhash.Digest
	high   rune // the first half of a surrogate pair, waiting for the second
}

// add adds bytes that mean themselves.
func (m *unescaped) add(piece []byte) {
	if len(piece) > 0 {
		m.flushSurrogate()
		m.keep(piece)
	}
}

// addEscape adds the UTF-16 code unit of an escape.
func (m *unescaped) addEscape(r rune) {
	if whole := utf16.DecodeRune(m.high, r); whole != utf8.RuneError {
		m.high = 0
		m.keepRune(whole)
		return
	}
	m.flushSurrogate()
	if utf16.IsSurrogate(r) && r < 0xDC00 {
		m.high = r
		return
	}
	m.keepRune(r)
}

// flushSurrogate adds a surrogate whose other half has not come: U+FFFD, as in encoding/json.
func (m *unescaped) flushSurrogate() {
	if m.high != 0 {
		m.high = 0
		m.keepRune(utf8.RuneError)
	}
}

func (m *unescaped) keepRune(r rune) {
	var encoded [utf8.UTFMax]byte
	m.keep(encoded[:utf8.EncodeRune(encoded[:], r)])
}

func (m *unescaped) keep(piece []byte) {
	_, _ = m.digest.Write(piece)
	m.text = append(m.text, piece[:min(len(piece), maxValueLen-len(m.text))]...)
}

// escape reads an escape from behind its backslash. One with \u means a UTF-16 code unit.
func (s *scanner) escape() (rune, error) {
	c, err := s.next()
	if err != nil {
		return 0, err
	}
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		return s.hex()
	default:
		return 0, s.syntax("an escape that JSON does not have")
	}
}

func (s *scanner) hex() (rune, error) {
	var r rune
	for range 4 {
		c, err := s.next()
		if err != nil {
			return 0, err
		}
		switch {
		case isDigit(c):
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, s.syntax("an escape that JSON does not have")
		}
	}
	return r, nil
}

// quickString goes on from a backslash to the quote behind the string. The quote is not looked for again behind each
// escape. It returns 0 to give up.
func quickString(piece []byte, i int) int {
	quote, last := 0, len(piece)-1
	for piece[i] == '\\' {
		switch i++; piece[i] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		case 'u':
			for range 4 {
				if i++; !isHex(piece[i]) {
					return 0
				}
			}
		default:
			return 0
		}
		if i++; i > quote {
			if quote = bytes.IndexByte(piece[i:last], '"'); quote < 0 {
				quote = last - i
			}
			quote += i
		}
		backslash := bytes.IndexByte(piece[i:quote], '\\')
		if backslash < 0 {
			return quote
		}
		i += backslash
	}
	return i
}

// quoteOrBackslash returns where the first quote or backslash is, or else where the piece ends in a byte 0; it and
// quickString are for quick, which says more of pieces.
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
