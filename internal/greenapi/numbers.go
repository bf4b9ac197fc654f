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
	state, _ := numberBegin(c)
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
		if len(s.text) < maxValueLen {
			s.text = append(s.text, c)
		}
	}
	if !numberMayEnd(state) {
		s.pos++
		return nil, s.syntax("no number")
	}
	return s.text, nil
}

// numberBegin is the state behind the first byte of a number; ok if it can be one.
func numberBegin(c byte) (state int, ok bool) {
	switch c {
	case '-':
		return afterMinus, true
	case '0':
		return afterZero, true
	default:
		return inInteger, isDigit(c)
	}
}

// numberMayEnd reports whether what has been read up to this state is a number.
func numberMayEnd(state int) bool {
	return state == afterZero || state == inInteger || state == inFraction || state == inExponent
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

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
