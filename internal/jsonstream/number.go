package jsonstream

// ReadNumber reads the rest of a number whose first byte is c. It returns the first MaxLen bytes of
// the number, which are valid until the next read. The byte after the number remains unread, so a
// number must not end the stream.
func (s *Scanner) ReadNumber(c byte) (text []byte, err error) {
	if c != '-' && !isDigit(c) {
		return nil, s.Invalid("invalid value")
	}
	s.text = s.textBuf[:0]
	if c == '-' {
		c, err = s.keep(c)
	}
	if err == nil && c == '0' {
		c, err = s.keep(c)
	} else if err == nil {
		c, err = s.keepDigits(c)
	}
	if err == nil && c == '.' {
		if c, err = s.keep(c); err == nil {
			c, err = s.keepDigits(c)
		}
	}
	if err == nil && (c == 'e' || c == 'E') {
		if c, err = s.keep(c); err == nil && (c == '+' || c == '-') {
			c, err = s.keep(c)
		}
		if err == nil {
			_, err = s.keepDigits(c)
		}
	}
	if err != nil {
		return nil, err
	}
	s.pos--
	s.needComma = true
	return s.text, nil
}

// keep appends c to text, if there is room, and reads the next byte.
func (s *Scanner) keep(c byte) (next byte, err error) {
	if len(s.text) < MaxLen {
		s.text = append(s.text, c)
	}
	return s.next()
}

// keepDigits keeps one or more digits.
func (s *Scanner) keepDigits(c byte) (next byte, err error) {
	if !isDigit(c) {
		return 0, s.Invalid("invalid number")
	}
	for err == nil && isDigit(c) {
		c, err = s.keep(c)
	}
	return c, err
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
