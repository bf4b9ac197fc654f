package jsonstream

// ReadWord reads the rest of the number or literal whose first byte is c. The literals are true,
// false, null, NaN, Infinity and -Infinity. ReadWord returns the first MaxLen bytes, which are
// valid until the next read. A word at the end of the stream counts as truncated.
func (s *Scanner) ReadWord(c byte) []byte {
	if !isWordByte(c) {
		s.Invalid("invalid value")
		return nil
	}
	start := s.Offset() - 1
	s.text = s.textBuf[:0]
	for isWordByte(c) {
		if len(s.text) < MaxLen {
			s.text = append(s.text, c)
		}
		c = s.next()
	}
	if s.err != nil {
		return nil
	}
	s.pos--
	s.needComma = true
	first := s.text[0]
	longNumber := len(s.text) == MaxLen && (first == '-' || isDigit(first)) // and not checked
	if !s.AnyWord && !longNumber && !IsLiteral(s.text) && !IsNumber(s.text) {
		s.Fail(&SyntaxError{start, "invalid value"})
		return nil
	}
	return s.text
}

// IsLiteral reports whether a word is a literal of ReadWord.
func IsLiteral(word []byte) bool {
	switch string(word) {
	case "true", "false", "null", "NaN", "Infinity", "-Infinity":
		return true
	default:
		return false
	}
}

// IsNumber reports whether a word of at most MaxLen bytes is a JSON number.
func IsNumber(word []byte) bool {
	var text [MaxLen + 1]byte // ends in a NUL
	n := copy(text[:MaxLen], word)
	return n > 0 && SkipNumber(text[:], 0) == n
}

// SkipWord returns the index after the word at text[i].
func SkipWord(text []byte, i int) int {
	for isWordByte(text[i]) {
		i++
	}
	return i
}

func isWordByte(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || isDigit(c) ||
		c == '+' || c == '-' || c == '.' || c == '_'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
