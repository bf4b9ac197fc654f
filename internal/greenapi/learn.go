package greenapi

import (
	"bytes"

	"greenapi_exporter/internal/jsonstream"
)

// lesson is the state of learn.
type learner struct {
	*rowTemplate
	row    []byte
	last   *segment
	start  int      // of the current segment
	from   nesting  // at start
	nulls  fieldSet // of the current segment
	values int      // number of values so far
}

// learn learns the segments of a valid row, given its text after the opening brace.
func (t *rowTemplate) learn(row []byte) {
	if t.misses == maxMisses {
		return
	}
	l := learner{rowTemplate: t, row: row, last: &t.segments[0]}
	in, member, isValue := inRow, otherField, false
	for i, ok := 0, true; i < len(row) && ok; i++ {
		switch c := row[i]; {
		case c == '"':
			start := i + 1
			i = jsonstream.SkipString(row, start)
			isKey := in&1 == 1 && !isValue
			switch {
			case isKey && in == inRow:
				member = fieldOf(row[start:i])
				ok = bytes.IndexByte(row[start:i], '\\') < 0 // an escaped key can be any field
			case isKey:
			case i == start && member == otherField:
				// The string is probably empty in other rows too. It remains part of the segment.
			default:
				ok = l.add(start, i, member, in)
			}
		case c == ':':
			isValue = true
		case c == ',':
			isValue = false
		case c == '{' || c == '[':
			l.setNull(member)
			// If in>>63 is not 0, in has no room for the value. Such a timestamp is bad.
			ok = in>>63 == 0 && member != timestamp
			if in <<= 1; c == '{' {
				in |= 1
			}
			member, isValue = otherField, false
		case (c == '}' || c == ']') && in == inRow:
			l.add(len(row), len(row), rowEnd, 0)
		case c == '}' || c == ']':
			in >>= 1
		default:
			start := i
			i = jsonstream.SkipWord(row, start)
			if i == start {
				continue // white space
			}
			ok = l.word(start, i, member, in)
			i--
		}
	}
}

// word learns the number or literal in row[start:end]. It reports whether to continue.
func (l *learner) word(start, end int, member field, in nesting) bool {
	word, value := l.row[start:end], number
	switch {
	case string(word) == "null":
		l.setNull(member)
		return true
	case jsonstream.IsLiteral(word):
		l.setNull(member)
		return member != timestamp // such a timestamp is bad
	case jsonstream.SkipNumber(l.row, start) != end:
		return false
	case member == timestamp:
		value = timestamp
	case member == idMessage:
		value = idNumber
	default:
		l.setNull(member)
	}
	return l.add(start, end, value, in)
}

func (l *learner) setNull(f field) {
	if f != otherField {
		l.nulls |= 1 << f
	}
}

// add learns the segment before the value in row[start:end]. It reports whether to continue. If
// there is no room for it, the template drops all segments, because they do not match recent rows.
func (l *learner) add(start, end int, value field, in nesting) bool {
	text := l.row[l.start:start]
	s := l.successor(l.last, text)
	if s == nil || len(s.text) != len(text) {
		n := l.intern(segment{text: text, from: l.from, value: value, nulls: l.nulls})
		if n == 0 {
			l.n, l.used, l.segments[0] = 0, 0, segment{}
			return false
		}
		copy(l.last.next[1:], l.last.next[:])
		l.last.next[0] = n
		s = &l.segments[n]
	}
	l.last, l.start, l.from, l.nulls = s, end, in, 0
	l.values++
	return l.values < maxValues
}

// intern returns the index of a segment, and adds the segment if it is new. It returns 0 if there
// is no room for it.
func (t *rowTemplate) intern(s segment) uint8 {
	t.n = max(t.n, 1)
	for n := 1; n < t.n; n++ {
		if known := &t.segments[n]; known.from == s.from && bytes.Equal(known.text, s.text) {
			return uint8(n)
		}
	}
	if t.n == maxSegments || len(s.text) > maxTexts-t.used {
		return 0
	}
	start := t.used
	t.used += copy(t.texts[start:], s.text)
	s.text = t.texts[start:t.used]
	t.segments[t.n] = s
	t.n++
	return uint8(t.n - 1)
}
