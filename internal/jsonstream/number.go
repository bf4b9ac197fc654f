package jsonstream

// ReadNumber reads the rest of a number whose first byte is c. It returns the first MaxLen bytes of
// the number, which are valid until the next read. The byte after the number remains unread, so a
// number must not end the stream.
func (s *Scanner) ReadNumber(c byte) []byte {
	if c != '-' && !isDigit(c) {
		s.Invalid("invalid value")
		return nil
	}
	s.text = s.textBuf[:0]
	if c == '-' {
		c = s.keep(c)
	}
	if c == '0' {
		c = s.keep(c)
	} else {
		c = s.keepDigits(c)
	}
	if c == '.' {
		c = s.keepDigits(s.keep(c))
	}
	if c == 'e' || c == 'E' {
		if c = s.keep(c); c == '+' || c == '-' {
			c = s.keep(c)
		}
		s.keepDigits(c)
	}
	if s.err != nil {
		return nil
	}
	s.pos--
	s.needComma = true
	return s.text
}

// keep appends c to text, if there is room, and returns the next byte.
func (s *Scanner) keep(c byte) (next byte) {
	if len(s.text) < MaxLen {
		s.text = append(s.text, c)
	}
	return s.next()
}

// keepDigits keeps one or more digits.
func (s *Scanner) keepDigits(c byte) (next byte) {
	if !isDigit(c) {
		s.Invalid("invalid number")
	}
	for isDigit(c) {
		c = s.keep(c)
	}
	return c
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
