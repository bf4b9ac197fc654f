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
func (s *Scanner) ReadString(hash *uint64) ([]byte, error) {
	s.needComma = true
	text := s.buf[s.pos:s.end]
	quote := bytes.IndexByte(text, '"')
	if quote < 0 || bytes.IndexByte(text[:quote], '\\') >= 0 {
		return s.readLongString(hash)
	}
	s.pos += quote + 1
	if hash != nil {
		*hash = xxhash.Sum64(text[:quote])
	}
	return text[:min(quote, MaxLen)], nil
}

// readLongString is ReadString for a string that has escapes or continues after the buffer.
func (s *Scanner) readLongString(hash *uint64) ([]byte, error) {
	u := unescaper{text: s.textBuf[:0], hashed: hash != nil}
	u.digest.Reset()
	for {
		plain := s.plain()
		u.add(s.buf[s.pos : s.pos+plain])
		s.pos += plain
		c, err := s.next()
		if err != nil {
			return nil, err
		}
		switch c {
		case '"':
			u.flushSurrogate()
			if u.hashed {
				*hash = u.digest.Sum64()
			}
			return u.text, nil
		case '\\':
			r, err := s.escape()
			if err != nil {
				return nil, err
			}
			u.addCodeUnit(r)
		default:
			s.pos--
		}
	}
}

// plain returns the number of buffered bytes before a quote or backslash. It looks at a few hundred
// bytes only, which bounds the cost of searching again after each escape.
func (s *Scanner) plain() int {
	text := s.buf[s.pos:min(s.end, s.pos+256)]
	if quote := bytes.IndexByte(text, '"'); quote >= 0 {
		text = text[:quote]
	}
	if backslash := bytes.IndexByte(text, '\\'); backslash >= 0 {
		return backslash
	}
	return len(text)
}

// escape reads an escape after its backslash and returns its UTF-16 code unit.
func (s *Scanner) escape() (rune, error) {
	const letters, values = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	c, err := s.next()
	if err != nil {
		return 0, err
	}
	if i := strings.IndexByte(letters, c); i >= 0 {
		return rune(values[i]), nil
	}
	if c != 'u' {
		return 0, s.Invalid("invalid escape")
	}
	var unit rune
	for range 4 {
		if c, err = s.next(); err != nil {
			return 0, err
		}
		digit := strings.IndexByte("0123456789abcdefABCDEF", c)
		switch {
		case digit < 0:
			return 0, s.Invalid("invalid escape")
		case digit >= 16:
			digit -= 6
		}
		unit = unit<<4 | rune(digit)
	}
	return unit, nil
}

// unescaper keeps the first MaxLen bytes of an unescaped string and hashes all of them.
type unescaper struct {
	text   []byte
	hashed bool
	digest xxhash.Digest
	high   rune // the first half of a surrogate pair, pending its second half
}

// add appends bytes that need no unescaping.
func (u *unescaper) add(text []byte) {
	if len(text) > 0 {
		u.flushSurrogate()
		u.append(text)
	}
}

func (u *unescaper) addCodeUnit(unit rune) {
	if pair := utf16.DecodeRune(u.high, unit); pair != utf8.RuneError {
		u.high = 0
		u.appendRune(pair)
		return
	}
	u.flushSurrogate()
	if 0xD800 <= unit && unit < 0xDC00 {
		u.high = unit
		return
	}
	u.appendRune(unit)
}

// flushSurrogate replaces an unpaired surrogate by U+FFFD, as encoding/json does.
func (u *unescaper) flushSurrogate() {
	if u.high != 0 {
		u.high = 0
		u.appendRune(utf8.RuneError)
	}
}

func (u *unescaper) appendRune(r rune) {
	var encoded [utf8.UTFMax]byte
	u.append(encoded[:utf8.EncodeRune(encoded[:], r)])
}

func (u *unescaper) append(text []byte) {
	if u.hashed {
		_, _ = u.digest.Write(text)
	}
	u.text = append(u.text, text[:min(len(text), MaxLen-len(u.text))]...)
}
