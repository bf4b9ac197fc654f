package jsonstream

// Skip reads the rest of a value whose first byte is c.
func (s *Scanner) Skip(c byte) error {
	for depth := 0; ; {
		var err error
		switch c {
		case '{', '[':
			if depth == MaxDepth {
				return s.Invalid("nested too deeply")
			}
			s.closers[depth] = c + 2 // '}' or ']' in ASCII
			depth++
			s.needComma = false
		case '"':
			_, err = s.ReadString(nil)
		case 't':
			err = s.literal("rue")
		case 'f':
			err = s.literal("alse")
		case 'n':
			err = s.literal("ull")
		default:
			_, err = s.ReadNumber(c)
		}
		if err != nil {
			return err
		}
		for {
			if depth == 0 {
				s.needComma = true
				return nil
			}
			if c, err = s.Element(); err != nil {
				return err
			}
			if c != s.closers[depth-1] {
				break
			}
			depth--
		}
		if s.closers[depth-1] == '}' {
			if c, err = s.member(c); err != nil {
				return err
			}
		}
	}
}

// member skips a key whose first byte is c, and returns the first byte of the value.
func (s *Scanner) member(c byte) (byte, error) {
	if c != '"' {
		return 0, s.Invalid("a key is not a string")
	}
	if _, err := s.ReadString(nil); err != nil {
		return 0, err
	}
	return s.Value()
}

// literal reads true, false or null, of which rest follows the first byte.
func (s *Scanner) literal(rest string) error {
	s.needComma = true
	return s.expect(rest, "invalid value")
}
