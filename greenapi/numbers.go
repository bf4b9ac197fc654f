package greenapi

// The states of a number, by what has been read of it.
const (
	afterMinus = iota
	afterZero
	inInteger
	afterPoint
	inFraction
	afterE
	afterSign
	inExponent
)

// number reads the rest of a number that begins with c and returns the first maxText bytes of it, valid until the next
// is read. The byte behind it stays unread.
func (s *scanner) number(c byte) ([]byte, error) {
	s.text = append(s.text[:0], c)
	state := inInteger
	switch c {
	case '-':
		state = afterMinus
	case '0':
		state = afterZero
	}
	for {
		if s.pos == s.end {
			if err := s.fill(); err != nil {
				return nil, err
			}
		}
		c = s.buf[s.pos]
		next, ok := numberStep(state, c)
		if !ok {
			break
		}
		state = next
		s.pos++
		if len(s.text) < maxText {
			s.text = append(s.text, c)
		}
	}
	switch state {
	case afterZero, inInteger, inFraction, inExponent:
		return s.text, nil
	default:
		s.pos++
		return nil, s.syntax("no number")
	}
}

// numberStep is the grammar of JSON numbers (RFC 8259, section 6).
func numberStep(state int, c byte) (next int, ok bool) {
	digit := isDigit(c)
	switch state {
	case afterMinus:
		if c == '0' {
			return afterZero, true
		}
		return inInteger, digit
	case afterPoint:
		return inFraction, digit
	case afterE:
		if c == '+' || c == '-' {
			return afterSign, true
		}
		return inExponent, digit
	case afterSign, inExponent:
		return inExponent, digit
	}
	switch {
	case digit:
		return state, state != afterZero
	case c == '.':
		return afterPoint, state != inFraction
	default:
		return afterE, c == 'e' || c == 'E'
	}
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
