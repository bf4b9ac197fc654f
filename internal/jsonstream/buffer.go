package jsonstream

import "io"

// Buffered returns the buffered bytes that are not yet read, followed by a NUL. The slice is valid
// until the next read.
func (s *Scanner) Buffered() []byte {
	s.buf[s.end] = 0
	return s.buf[s.pos : s.end+1]
}

// Prefetch reads from the stream until n bytes are buffered, or the stream or a part of it ends. n
// must be less than 64 KiB. Prefetch reports whether it has read from the stream. A read error
// takes effect after the buffered bytes.
func (s *Scanner) Prefetch(n int) bool {
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

// Discard skips n buffered bytes, which must end with a value.
func (s *Scanner) Discard(n int) {
	s.pos += n
	s.needComma = true
}

// Since returns the bytes read since the offset, or nil if the buffer no longer holds all of them.
// The slice is valid until the next read.
func (s *Scanner) Since(offset int64) []byte {
	if offset < s.base {
		return nil
	}
	return s.buf[offset-s.base : s.pos]
}

// fill reads the next bytes of the stream into the buffer. All buffered bytes must have been read.
// It reports false after an error.
func (s *Scanner) fill() bool {
	if s.err != nil {
		return false
	}
	s.base += int64(s.end)
	s.pos, s.end = 0, 0
	for s.end == 0 && (s.readErr == nil || s.readErr == ErrPartEnd && !s.complete) {
		s.read()
	}
	if s.end > 0 {
		return true
	}
	s.err = s.readErr
	if s.err == io.EOF {
		s.err = io.ErrUnexpectedEOF
	}
	return false
}

// read appends the next bytes of the stream to the buffer. After an error, it sets readErr.
func (s *Scanner) read() {
	const maxEmptyReads = 100 // as in bufio
	for range maxEmptyReads {
		n, err := s.r.Read(s.buf[s.end : bufferSize-1])
		s.end, s.readErr = s.end+n, err
		if n > 0 || err != nil {
			return
		}
	}
	s.readErr = io.ErrNoProgress
}
