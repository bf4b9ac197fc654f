// Package jsonstream reads JSON from a stream in constant memory, without an allocation per value.
//
// It is more tolerant than encoding/json. It accepts superfluous commas in arrays and objects, a
// byte order mark, and control characters and invalid UTF-8 in strings.
package jsonstream

import "io"

const (
	bufferSize = 64 << 10
	// MaxDepth is the limit on the nesting of a skipped value. It is the limit of encoding/json.
	MaxDepth = 10_000
	// MaxLen is the limit on the length of a result of ReadString or ReadNumber, in bytes.
	MaxLen = 128
)

// A Scanner reads one JSON value from a stream. Its methods follow the grammar: Start returns the
// first byte of the value. Given that byte, the caller reads a string with ReadString, a number
// with ReadNumber, an array with Element, an object with Key and Value, and any value with Skip.
// End checks that nothing follows.
//
// The methods return the errors of the reader, io.ErrUnexpectedEOF for truncated input, and a
// *SyntaxError for invalid input. After an error, the Scanner must not be used.
type Scanner struct {
	r       io.Reader
	buf     []byte
	pos     int   // buf[pos:end] is unread
	end     int   // below len(buf), which leaves room for the NUL of Buffered
	base    int64 // offset of buf[0] in the stream
	readErr error // from r; no read follows it

	needComma bool   // set after a value
	text      []byte // the number that ReadNumber reads, in textBuf
	textBuf   [MaxLen]byte
}

// New returns a Scanner that reads from r.
func New(r io.Reader) *Scanner {
	return &Scanner{r: r, buf: make([]byte, bufferSize)}
}

// Offset returns the number of bytes read.
func (s *Scanner) Offset() int64 { return s.base + int64(s.pos) }

// Start skips a byte order mark and white space, and returns the first byte of the value.
func (s *Scanner) Start() (byte, error) {
	c, err := s.next()
	switch {
	case err != nil:
		return 0, err
	case c == 0xEF:
		if err := s.expect("\xBB\xBF", "incomplete byte order mark"); err != nil {
			return 0, err
		}
	default:
		s.pos--
	}
	return s.token()
}

// Element skips commas and returns the first byte of the next element of an array, or the bracket
// that closes the array. In an object, Element returns the quote before a key, or the brace.
func (s *Scanner) Element() (byte, error) {
	for {
		c, err := s.token()
		switch {
		case err != nil:
			return 0, err
		case c == ',':
			s.needComma = false
		case c == ']' || c == '}':
			s.needComma = true
			return c, nil
		case s.needComma:
			return 0, s.Invalid("missing comma")
		default:
			return c, nil
		}
	}
}

// Key returns the next key of an object, as ReadString does. It reports false after the last one.
func (s *Scanner) Key() (key []byte, ok bool, err error) {
	switch c, err := s.Element(); {
	case err != nil:
		return nil, false, err
	case c == '}':
		return nil, false, nil
	case c != '"':
		return nil, false, s.Invalid("a key is not a string")
	}
	key, err = s.ReadString(nil)
	return key, err == nil, err
}

// Value reads the colon after a key and returns the first byte of the value.
func (s *Scanner) Value() (byte, error) {
	switch c, err := s.token(); {
	case err != nil:
		return 0, err
	case c != ':':
		return 0, s.Invalid("missing colon after a key")
	}
	s.needComma = false
	return s.token()
}

// End reads the rest of the stream, which must be white space.
func (s *Scanner) End() error {
	_, err := s.token()
	switch {
	case err == nil:
		return s.Invalid("data after the end")
	case s.readErr == io.EOF:
		return nil
	default:
		return err
	}
}

// next reads a byte.
func (s *Scanner) next() (byte, error) {
	if s.pos == s.end {
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
	c := s.buf[s.pos]
	s.pos++
	return c, nil
}

// token skips white space and reads a byte.
func (s *Scanner) token() (byte, error) {
	for {
		for s.pos < s.end {
			c := s.buf[s.pos]
			s.pos++
			if c != ' ' && c != '\n' && c != '\r' && c != '\t' {
				return c, nil
			}
		}
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
}

// expect reads the bytes of text.
func (s *Scanner) expect(text, reason string) error {
	for i := range len(text) {
		c, err := s.next()
		if err != nil {
			return err
		}
		if c != text[i] {
			return s.Invalid(reason)
		}
	}
	return nil
}
