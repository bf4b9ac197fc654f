package jsonstream

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"
)

// ReadString reads the rest of a string after its opening quote. It returns the first MaxLen bytes
// of the unescaped string, which are valid until the next read. If hash is not nil, ReadString sets
// it to the xxhash of the whole unescaped string.
func (s *Scanner) ReadString(hash *uint64) []byte {
	text := s.Buffered()
	if end := PlainEnd(text, 0); text[end] == '"' {
		s.Discard(end + 1)
		if hash != nil {
			*hash = xxhash.Sum64(text[:end])
		}
		return text[:min(end, MaxLen)]
	}
	u := unescaper{text: s.textBuf[:0]}
	u.digest.Reset()
	s.readString(&u)
	if hash != nil {
		*hash = u.digest.Sum64()
	}
	return u.text
}

// readString reads the rest of any string into u, which can be nil.
func (s *Scanner) readString(u *unescaper) {
	s.needComma = true
	for s.pos < s.end || s.fill() {
		text := s.Buffered()
		end := PlainEnd(text, 0)
		u.add(text[:end])
		s.pos += end
		if s.pos == s.end {
			continue
		}
		s.pos++
		if text[end] == '"' {
			u.flushSurrogate()
			return
		}
		u.addCodeUnit(s.escape())
	}
}

// escape reads an escape sequence after its backslash and returns its UTF-16 code unit.
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

// unescaper stores the first MaxLen bytes of an unescaped string and hashes all of them. A nil
// *unescaper discards its input.
type unescaper struct {
	text   []byte
	digest xxhash.Digest
	high   rune // the first half of a surrogate pair, until the second half is read
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
