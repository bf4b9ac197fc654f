package jsonstream

import (
	"bytes"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"
)

// ReadString reads the rest of a string after its first quote. It returns the first MaxLen bytes of
// the unescaped string, which are valid until the next read. If hash is not nil, ReadString stores
// the xxhash of the whole unescaped string in it.
func (s *Scanner) ReadString(hash *uint64) []byte {
	if text, ok := s.plainString(); ok {
		if hash != nil {
			*hash = xxhash.Sum64(text)
		}
		return text[:min(len(text), MaxLen)]
	}
	u := unescaper{text: s.textBuf[:0]}
	u.digest.Reset()
	s.readString(&u)
	if hash != nil {
		*hash = u.digest.Sum64()
	}
	return u.text
}

// plainString reads a string without escapes that is in the buffer, or nothing.
func (s *Scanner) plainString() (text []byte, ok bool) {
	s.needComma = true
	text = s.buf[s.pos:s.end]
	quote := bytes.IndexByte(text, '"')
	if quote < 0 || bytes.IndexByte(text[:quote], '\\') >= 0 {
		return nil, false
	}
	s.pos += quote + 1
	return text[:quote], true
}

// readString reads any string. If u is nil, the string is skipped.
func (s *Scanner) readString(u *unescaper) {
	for s.pos < s.end || s.fill() {
		start := s.pos
		s.pos += s.plainLen()
		u.add(s.buf[start:s.pos])
		if s.pos == s.end {
			continue
		}
		switch s.buf[s.pos] {
		case '"':
			s.pos++
			u.flushSurrogate()
			return
		case '\\':
			s.pos++
			u.addCodeUnit(s.escape())
		}
	}
}

// plainLen returns the number of buffered bytes before a quote or backslash. It looks at a few
// hundred bytes only, which bounds the cost of searching again after each escape.
func (s *Scanner) plainLen() int {
	text := s.buf[s.pos:min(s.end, s.pos+256)]
	if backslash := bytes.IndexByte(text, '\\'); backslash >= 0 {
		text = text[:backslash]
	}
	if quote := bytes.IndexByte(text, '"'); quote >= 0 {
		text = text[:quote]
	}
	return len(text)
}

// escape reads an escape after its backslash and returns its UTF-16 code unit.
func (s *Scanner) escape() (unit rune) {
	const letters, values = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	c := s.next()
	if i := strings.IndexByte(letters, c); i >= 0 {
		return rune(values[i])
	}
	if c != 'u' {
		s.Invalid("invalid escape")
	}
	for range 4 {
		digit := strings.IndexByte("0123456789abcdefABCDEF", s.next())
		if digit < 0 {
			s.Invalid("invalid escape")
		}
		if digit >= 16 {
			digit -= 6
		}
		unit = unit<<4 | rune(digit)
	}
	return unit
}

// unescaper keeps the first MaxLen bytes of an unescaped string and hashes all of them. A nil
// *unescaper does nothing.
type unescaper struct {
	text   []byte
	digest xxhash.Digest
	high   rune // the first half of a surrogate pair, pending its second half
}

func (u *unescaper) add(text []byte) {
	if u == nil || len(text) == 0 {
		return
	}
	u.flushSurrogate()
	_, _ = u.digest.Write(text)
	u.text = append(u.text, text[:min(len(text), MaxLen-len(u.text))]...)
}

func (u *unescaper) addCodeUnit(unit rune) {
	if u == nil {
		return
	}
	if pair := utf16.DecodeRune(u.high, unit); pair != utf8.RuneError {
		u.high, unit = 0, pair
	}
	u.flushSurrogate()
	if 0xD800 <= unit && unit < 0xDC00 {
		u.high = unit
		return
	}
	u.addRune(unit)
}

// flushSurrogate replaces an unpaired surrogate by U+FFFD, as encoding/json does.
func (u *unescaper) flushSurrogate() {
	if u != nil && u.high != 0 {
		u.high = 0
		u.addRune(utf8.RuneError)
	}
}

// addRune adds r, or U+FFFD if r is a surrogate.
func (u *unescaper) addRune(r rune) {
	var encoded [utf8.UTFMax]byte
	u.add(encoded[:utf8.EncodeRune(encoded[:], r)])
}
