package jsonstream

// The states of the grammar of numbers (RFC 8259, section 6).
const (
	start = iota
	minus
	zero
	integer
	point
	fraction
	exponentMark
	exponentSign
	exponent
)

// ReadNumber reads the rest of a number whose first byte is c. It returns the first MaxLen bytes of
// the number, which are valid until the next read. The byte after the number remains unread.
func (s *Scanner) ReadNumber(c byte) ([]byte, error) {
	state, ok := nextState(start, c)
	if !ok {
		return nil, s.Invalid("invalid value")
	}
	s.text = s.textBuf[:0]
	for ok {
		if len(s.text) < MaxLen {
			s.text = append(s.text, c)
		}
		var err error
		if c, err = s.next(); err != nil {
			return nil, err
		}
		var next int
		if next, ok = nextState(state, c); ok {
			state = next
		}
	}
	switch state {
	case zero, integer, fraction, exponent:
		s.pos--
		s.needComma = true
		return s.text, nil
	default:
		return nil, s.Invalid("invalid number")
	}
}

// nextState returns the state after c. It reports false if the number cannot continue with c.
func nextState(state int, c byte) (next int, ok bool) {
	digit := '0' <= c && c <= '9'
	switch {
	case state == start && c == '-':
		return minus, true
	case (state == start || state == minus) && c == '0':
		return zero, true
	case state == start || state == minus || state == integer && digit:
		return integer, digit
	case (state == zero || state == integer) && c == '.':
		return point, true
	case (state == point || state == fraction) && digit:
		return fraction, true
	case state == exponentMark && (c == '+' || c == '-'):
		return exponentSign, true
	case (state == exponentMark || state == exponentSign || state == exponent) && digit:
		return exponent, true
	default:
		mayFollow := state == zero || state == integer || state == fraction
		return exponentMark, mayFollow && (c == 'e' || c == 'E')
	}
}
