package greenapi

import "io"

const (
	bufferSize = 64 << 10
	// maxDepth is how deep the values of a row may nest, as deep as encoding/json goes.
	maxDepth = 10_000
	// maxValueLen is how much of a string or number is kept where it is read and not skipped.
	maxValueLen = 128
)

// scanner reads JSON from a stream through one buffer of fixed size. Strings are what a journal mostly consists of
// (thumbnails), so they are skipped with bytes.IndexByte, many bytes a step; everything else is read byte by byte.
type scanner struct {
	r        io.Reader
	buf      []byte
	pos      int // buf[pos:end] is not yet read
	end      int
	base     int64        // the offset of buf[0] in the stream
	readErr  error        // what the reader said last; no read follows
	template *rowTemplate // nil: it learns nothing

	text   []byte // what readString and number have kept
	room   [maxValueLen]byte
	nested [maxDepth/64 + 1]uint64 // a bit a level of nesting: 1 is an object
}

func newScanner(r io.Reader) *scanner {
	s := &scanner{r: r, buf: make([]byte, bufferSize)}
	s.text = s.room[:0]
	return s
}

// offset is how many bytes of the stream have been read.
func (s *scanner) offset() int64 { return s.base + int64(s.pos) }

// syntax complains about the byte read last.
func (s *scanner) syntax(reason string) error {
	return &SyntaxError{max(0, s.offset()-1), reason}
}

// fill replaces the buffer, all of which has been read, by the next bytes of the stream.
func (s *scanner) fill() error {
	s.base += int64(s.end)
	s.pos, s.end = 0, 0
	if s.read(); s.end > 0 {
		return nil
	}
	if s.readErr == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return s.readErr
}

// read adds the next bytes of the stream to those in the buffer, or else there is a readErr.
func (s *scanner) read() {
	for range 100 {
		if s.readErr != nil {
			return
		}
		n, err := s.r.Read(s.buf[s.end : bufferSize-1]) // a byte is for piece
		s.end, s.readErr = s.end+n, err
		if n > 0 {
			return
		}
	}
	if s.readErr == nil {
		s.readErr = io.ErrNoProgress
	}
}

// prefetch has the next n bytes of the stream lie in the buffer, or all that are left, however long the stream takes for that. It
// reports whether it has read any.
func (s *scanner) prefetch(n int) bool {
	if s.end-s.pos >= n || s.readErr != nil {
		return false
	}
	s.base += int64(s.pos)
	s.pos, s.end = 0, copy(s.buf, s.buf[s.pos:s.end])
	for s.end < n && s.readErr == nil {
		s.read()
	}
	return true
}

// buffered is what lies in the buffer, and a byte 0 behind it.
func (s *scanner) buffered() []byte {
	s.buf[s.end] = 0
	return s.buf[s.pos : s.end+1]
}

// next reads a byte.
func (s *scanner) next() (byte, error) {
	if s.pos == s.end {
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
	c := s.buf[s.pos]
	s.pos++
	return c, nil
}

// token reads up to and with the next byte that is not white space.
func (s *scanner) token() (byte, error) {
	for {
		for s.pos < s.end {
			c := s.buf[s.pos]
			s.pos++
			if !isSpace(c) {
				return c, nil
			}
		}
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// valueAfterColon reads a colon and returns the first byte of the value behind it.
func (s *scanner) valueAfterColon() (byte, error) {
	c, err := s.token()
	if err != nil {
		return 0, err
	}
	if c != ':' {
		return 0, s.syntax("no colon behind a key")
	}
	return s.token()
}

func (s *scanner) skipByteOrderMark() error {
	c, err := s.next()
	if err != nil {
		return err
	}
	if c != 0xEF {
		s.pos--
		return nil
	}
	for _, want := range []byte{0xBB, 0xBF} {
		if c, err = s.next(); err != nil {
			return err
		}
		if c != want {
			return s.syntax("the body begins with part of a byte order mark")
		}
	}
	return nil
}

// members reads an object from behind its brace; member reads each of them from behind the quote of its key.
func (s *scanner) members(member func() error) error {
	wantComma := false
	for {
		c, err := s.token()
		if err != nil {
			return err
		}
		switch {
		case c == ',':
			wantComma = false
		case c == '}':
			return nil
		case wantComma:
			return s.syntax("no comma between members")
		case c == '"':
			if err := member(); err != nil {
				return err
			}
			wantComma = true
		default:
			return s.syntax("a key is no string")
		}
	}
}

// finishBody reads what is behind the end of the array or object: nothing but white space.
func (s *scanner) finishBody() error {
	_, err := s.token()
	switch {
	case err == nil:
		return s.syntax("bytes behind the end")
	case err == io.ErrUnexpectedEOF && s.readErr == io.EOF:
		return nil
	default:
		return err
	}
}
