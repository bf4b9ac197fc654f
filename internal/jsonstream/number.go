package jsonstream

// ReadNumber reads the rest of the number whose first byte is c. It returns the first MaxLen bytes
// of the number, which are valid until the next read. A number at the end of the stream counts as
// truncated. -Infinity is a number.
func (s *Scanner) ReadNumber(c byte) []byte {
	if c != '-' && !isDigit(c) {
		s.Invalid("invalid value")
		return nil
	}
	s.text = s.textBuf[:0]
	if c == '-' {
		c = s.accept(c)
	}
	if c == 'I' {
		if s.literal("nfinity"); s.err != nil {
			return nil
		}
		return append(s.text, "Infinity"...)
	}
	if c == '0' {
		c = s.accept(c)
	} else {
		c = s.acceptDigits(c)
	}
	if c == '.' {
		c = s.acceptDigits(s.accept(c))
	}
	if c == 'e' || c == 'E' {
		if c = s.accept(c); c == '+' || c == '-' {
			c = s.accept(c)
		}
		s.acceptDigits(c)
	}
	if s.err != nil {
		return nil
	}
	s.pos--
	s.needComma = true
	return s.text
}

// accept appends c to text if there is room, and returns the next byte.
func (s *Scanner) accept(c byte) (next byte) {
	if len(s.text) < MaxLen {
		s.text = append(s.text, c)
	}
	return s.next()
}

// acceptDigits accepts one or more digits, and returns the byte after them.
func (s *Scanner) acceptDigits(c byte) (next byte) {
	if !isDigit(c) {
		s.Invalid("invalid number")
	}
	for isDigit(c) {
		c = s.accept(c)
	}
	return c
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
