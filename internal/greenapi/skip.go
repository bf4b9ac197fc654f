package greenapi

// skipValue reads the rest of a value that begins with c.
func (s *scanner) skipValue(c byte) error {
	if c != '{' && c != '[' {
		return s.skipScalar(c, inRow)
	}
	depth := 0
	s.open(depth, c)
	wantComma := false
	for {
		c, err := s.token()
		if err != nil {
			return err
		}
		object := s.nested[depth/64]>>(depth%64)&1 == 1
		switch {
		case c == ',':
			wantComma = false
			continue
		case c == ']' && !object, c == '}' && object:
			if depth == 0 {
				return nil
			}
			depth--
			wantComma = true
			continue
		case wantComma:
			return s.syntax("no comma between values")
		case object:
			if c != '"' {
				return s.syntax("a key is no string")
			}
			if err := s.skipString(); err != nil {
				return err
			}
			if c, err = s.valueAfterColon(); err != nil {
				return err
			}
		}
		if c == '{' || c == '[' {
			if depth++; depth == maxDepth {
				return s.syntax("nested too deeply")
			}
			s.open(depth, c)
			wantComma = false
			continue
		}
		if err := s.skipScalar(c, s.nesting(depth)); err != nil {
			return err
		}
		wantComma = true
	}
}

func (s *scanner) open(depth int, c byte) {
	bit := uint64(1) << (depth % 64)
	s.nested[depth/64] &^= bit
	if c == '{' {
		s.nested[depth/64] |= bit
	}
}

// nesting is that of a value at this depth. quick learns nothing from a row that is deeper than it can tell.
func (s *scanner) nesting(depth int) nesting {
	if depth > 61 {
		s.template.unlearnable()
		return 0
	}
	behind := nesting(2) << depth
	return behind | nesting(s.nested[0])&(behind-1)
}

// skipScalar reads the rest of a value that begins with c and is neither array nor object.
func (s *scanner) skipScalar(c byte, in nesting) error {
	begin := s.offset()
	switch {
	case c == '"':
		if err := s.skipString(); err != nil {
			return err
		}
		s.template.noteValue(begin, s.offset()-1, skipString, in)
	case c == '-' || isDigit(c):
		if _, err := s.number(c); err != nil {
			return err
		}
		s.template.noteValue(begin-1, s.offset(), skipNumber, in)
	default:
		return s.literal(c)
	}
	return nil
}

// literal reads the rest of true, false or null, of which c is the first byte.
func (s *scanner) literal(c byte) error {
	rest := ""
	switch c {
	case 't':
		rest = "rue"
	case 'f':
		rest = "alse"
	case 'n':
		rest = "ull"
	default:
		return s.syntax("no value")
	}
	for i := range len(rest) {
		c, err := s.next()
		if err != nil {
			return err
		}
		if c != rest[i] {
			return s.syntax("no value")
		}
	}
	return nil
}
