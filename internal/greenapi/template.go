package greenapi

import (
	"bytes"

	"greenapi_exporter/internal/jsonstream"
)

// A rowTemplate reads rows that resemble earlier rows of the journal, as nearly all rows do.
// Similar rows differ only in some strings and numbers. A segment is the text between two such
// values: keys, punctuation and literals. A rowTemplate learns the segments of rows that
// rowReader.readMembers has accepted, and compares the text of later rows with them. A row of 30
// members has about a dozen segments.
//
// A rowTemplate rejects a row with an unknown segment, a row that is not buffered completely, a
// timestamp that is neither null nor digits, and escapes in the fields of Row. Then readMembers
// reads the row, so a rejection costs only time. An accepted row consists of segments that follow
// each other in valid rows, with valid strings and numbers between them. Therefore it is valid, and
// readMembers would return the same Row for it. FuzzRowTemplate checks this.
type rowTemplate struct {
	segments [maxSegments]segment // segments[0] is the start of a row
	n        int                  // number of segments
	texts    [maxTexts]byte       // the texts of the segments
	used     int                  // length of texts
	misses   int                  // recent rejections minus recent successes, at least 0
}

// The limits of a template. An ordinary journal has fewer than a hundred segments.
const (
	maxSegments = 256     // the range of segment.next
	maxTexts    = 8 << 10 // bytes
	maxValues   = 64      // values to learn from a row
	maxMisses   = 1000    // disables the template if rows are not similar
)

// segment is the text before a value, or after the last value of a row.
type segment struct {
	text  []byte
	from  nesting  // at the start of the text; with the text, it determines value and nulls
	value field    // the value after the text
	nulls fieldSet // fields whose value in the text is null or has an unusable type
	next  [8]uint8 // indexes of the segments that have followed, the likeliest first; 0 is none
}

// Values after a segment, in addition to the fields of Row and to otherField, a string of any other
// member.
const (
	number   = otherField + 1 + iota // a number of any other member
	idNumber                         // a number of idMessage
	rowEnd                           // no value, because the row ends
)

// fieldSet has a bit for each field.
type fieldSet uint8

func (s fieldSet) has(f field) bool { return s>>f&1 == 1 }

// nesting has a bit for each array (0) and object (1) that contains a value. Its leading 1 is the
// row.
type nesting uint64

const inRow nesting = 1

// read reads the row at the start of text, after its opening brace. The text must end in a NUL.
// read returns the length of the row, or 0 if it rejects the row.
func (t *rowTemplate) read(text []byte, row *Row) (length int) {
	if t.misses == maxMisses {
		return 0
	}
	if length = t.match(text, row); length > 0 {
		t.misses = max(t.misses-1, 0)
	} else {
		t.misses++
	}
	return length
}

func (t *rowTemplate) match(text []byte, row *Row) (length int) {
	var strings [3][]byte // idMessage, typeMessage, statusMessage
	row.Timestamp, row.Timed, row.BadTimestamp = 0, false, false
	s, i := &t.segments[0], 0
	for {
		if s = t.successor(s, text[i:]); s == nil {
			return 0
		}
		i += len(s.text)
		if s.nulls != 0 { // the text can contain a member that an earlier segment had too
			for f := range strings {
				if s.nulls.has(field(f)) {
					strings[f] = nil
				}
			}
			if s.nulls.has(timestamp) {
				row.Timestamp, row.Timed = 0, false
			}
		}
		start := i
		switch s.value {
		case rowEnd:
			row.setStrings(strings[idMessage], strings[typeMessage], strings[statusMessage])
			return i
		case timestamp:
			row.Timestamp, i = readSeconds(text, i)
			row.Timed = true
		case number:
			i = jsonstream.SkipNumber(text, i)
		case idNumber:
			i = jsonstream.SkipNumber(text, i)
			if strings[idMessage] = nil; i > 0 && isNumericID(text[start:i]) {
				strings[idMessage] = text[start:i]
			}
		case otherField:
			i = jsonstream.SkipString(text, i)
		default:
			if i = jsonstream.PlainEnd(text, i); text[i] != '"' {
				return 0
			}
			strings[s.value] = text[start:i]
		}
		if i == 0 {
			return 0
		}
	}
}

// successor returns the segment at the start of text that has followed last in an earlier row, or
// nil.
func (t *rowTemplate) successor(last *segment, text []byte) *segment {
	for i, n := range last.next {
		if n == 0 {
			return nil
		}
		if s := &t.segments[n]; bytes.HasPrefix(text, s.text) {
			if i > 0 {
				last.next[i], last.next[i-1] = last.next[i-1], n
			}
			return s
		}
	}
	return nil
}

// readSeconds reads a UNIX time of at most 15 digits at text[i]. It returns the index after the
// time, or 0 if there is none.
func readSeconds(text []byte, i int) (seconds float64, end int) {
	start, n := i, uint64(0)
	for ; isDigit(text[i]); i++ {
		n = n*10 + uint64(text[i]-'0')
	}
	if i == start || i > start+15 || text[start] == '0' {
		return 0, 0
	}
	return float64(n), i
}
