package jsonstream

// Skip reads the rest of a value whose first byte is c.
func (s *Scanner) Skip(c byte) error { return s.skip(c, 0) }

// skip skips a value inside depth arrays and objects.
func (s *Scanner) skip(c byte, depth int) error {
	if (c == '{' || c == '[') && depth == MaxDepth {
		return s.Invalid("nested too deeply")
	}
	s.needComma = false
	switch c {
	case '{':
		for {
			c, ok, err := s.skipKey()
			if err != nil || !ok {
				return err
			}
			if err := s.skip(c, depth+1); err != nil {
				return err
			}
		}
	case '[':
		for {
			c, err := s.Element()
			if err != nil || c == ']' {
				return err
			}
			if err := s.skip(c, depth+1); err != nil {
				return err
			}
		}
	case '"':
		if _, ok := s.plainString(); ok {
			return nil
		}
		return s.readString(nil)
	case 't':
		return s.literal("rue")
	case 'f':
		return s.literal("alse")
	case 'n':
		return s.literal("ull")
	default:
		_, err := s.ReadNumber(c)
		return err
	}
}

// skipKey reads the next key of an object, and the first byte of its value.
func (s *Scanner) skipKey() (c byte, ok bool, err error) {
	if _, ok, err = s.Key(); ok {
		c, err = s.Value()
	}
	return c, ok, err
}

// literal reads the rest of true, false or null.
func (s *Scanner) literal(rest string) error {
	s.needComma = true
	return s.expect(rest, "invalid value")
}
