package jsonstream

// Skip reads the rest of a value whose first byte is c.
func (s *Scanner) Skip(c byte) { s.skip(c, 0) }

// skip is Skip for a value at the given nesting depth.
func (s *Scanner) skip(c byte, depth int) {
	if (c == '{' || c == '[') && depth == maxDepth {
		s.Invalid("nested too deeply")
	}
	switch c {
	case '{':
		for _, ok := s.Key(); ok; _, ok = s.Key() {
			s.skip(s.Value(), depth+1)
		}
	case '[':
		for c, ok := s.Element(); ok; c, ok = s.Element() {
			s.skip(c, depth+1)
		}
	case '"':
		s.readString(nil)
	default:
		s.ReadWord(c)
	}
}
