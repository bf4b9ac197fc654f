// Package jsonstream reads JSON from a stream in constant memory, without an allocation per value.
//
// It is more tolerant than encoding/json. It accepts superfluous commas in arrays and objects, a
// byte order mark, NaN, Infinity and -Infinity, and control characters and invalid UTF-8 in
// strings.
package jsonstream

import "io"

const (
	bufferSize = 64 << 10
	// maxDepth is the limit on the nesting of a skipped value, as in encoding/json.
	maxDepth = 10_000
	// MaxLen is the limit on the length of a result of ReadString or ReadWord, in bytes.
	MaxLen = 128
)

// A Scanner reads one JSON value from a stream. Its methods follow the grammar: Start returns the
// first byte of the value. Given that byte, the caller reads a string with ReadString, a number or
// literal with ReadWord, an array with Element, an object with Key and Value, and any value with
// Skip.
//
// The first error ends the input: Element and Key report false, and the other methods return zero
// values. Therefore it is enough to check for errors once, with End.
type Scanner struct {
	// AnyWord, if true, accepts any text of ASCII letters, digits and +-._ as a literal, such as
	// None or 0x1F.
	AnyWord bool

	r       io.Reader
	buf     []byte
	pos     int   // buf[pos:end] is unread
	end     int   // less than len(buf), to leave room for the NUL of Buffered
	base    int64 // offset of buf[0] in the stream
	readErr error // from r; no read follows it, unless it is ErrPartEnd
	err     error // the first error

	complete  bool   // set after the value
	needComma bool   // set after a value
	text      []byte // the word that ReadWord reads, in textBuf
	textBuf   [MaxLen]byte
}

// New returns a Scanner that reads from r.
func New(r io.Reader) *Scanner {
	return &Scanner{r: r, buf: make([]byte, bufferSize)}
}

// Offset returns the number of bytes read.
func (s *Scanner) Offset() int64 { return s.base + int64(s.pos) }

// Err returns the first error: a read error, io.ErrUnexpectedEOF for truncated input, a
// *SyntaxError for invalid input, or an error passed to Fail.
func (s *Scanner) Err() error { return s.err }

// Fail ends the input with err, unless an error has already ended it.
func (s *Scanner) Fail(err error) {
	if s.err == nil {
		s.err = err
		s.end = s.pos
	}
}

// Invalid calls Fail with a *SyntaxError at the last byte read.
func (s *Scanner) Invalid(reason string) {
	s.Fail(&SyntaxError{max(0, s.Offset()-1), reason})
}

// Start skips a byte order mark and white space, and returns the first byte of the value.
func (s *Scanner) Start() byte {
	c := s.token()
	if c != 0xEF || s.Offset() != 1 {
		return c
	}
	if s.next() != 0xBB || s.next() != 0xBF {
		s.Invalid("incomplete byte order mark")
	}
	return s.token()
}

// Element skips commas and returns the first byte of the next element of an array. It reports false
// after the last one.
func (s *Scanner) Element() (c byte, ok bool) { return s.element(']') }

// Key returns the next key of an object, as ReadString does. It reports false after the last one.
func (s *Scanner) Key() (key []byte, ok bool) {
	c, ok := s.element('}')
	if !ok {
		return nil, false
	}
	if c != '"' {
		s.Invalid("a key is not a string")
		return nil, false
	}
	key = s.ReadString(nil)
	return key, s.err == nil
}

// Value reads the colon after a key and returns the first byte of the value.
func (s *Scanner) Value() byte {
	if s.token() != ':' {
		s.Invalid("missing colon after a key")
	}
	s.needComma = false
	return s.token()
}

// End reads the rest of the stream, or of its current part, which must be white space. It returns
// the first error.
func (s *Scanner) End() error {
	if s.err != nil {
		return s.err
	}
	s.complete = true
	s.token()
	switch {
	case s.err == nil:
		s.Invalid("data after the end")
	case s.readErr == io.EOF, s.readErr == ErrPartEnd: // as expected
		s.err = nil
	}
	return s.err
}

func (s *Scanner) element(closing byte) (c byte, ok bool) {
	for {
		switch c = s.token(); {
		case c == ',':
			s.needComma = false
		case c == closing:
			s.needComma = true
			return c, false
		case s.needComma:
			s.Invalid("missing comma")
			return c, false
		default:
			return c, s.err == nil
		}
	}
}

// token skips white space and reads the next byte.
func (s *Scanner) token() byte {
	for s.pos < s.end || s.fill() {
		c := s.buf[s.pos]
		s.pos++
		if c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c
		}
	}
	return 0
}

// next reads the next byte.
func (s *Scanner) next() byte {
	if s.pos == s.end && !s.fill() {
		return 0
	}
	s.pos++
	return s.buf[s.pos-1]
}
