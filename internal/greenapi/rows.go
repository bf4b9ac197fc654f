package greenapi

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/cespare/xxhash/v2"
)

// maxWord is how much of a type or status is kept. It is one more than a label value may be long, so that those who
// judge a word by its length judge right.
const maxWord = 65

// Row is what is kept of one row of a journal; content (texts, thumbnails, phone numbers) is not.
type Row struct {
	// Key stands for the message: a 64-bit xxhash of idMessage and typeMessage as they are written. 0 if the row lacks
	// either (absent, empty, null, or no string), as rows for numbers without an account can.
	Key uint64
	// Type and Status are typeMessage and statusMessage, at most 65 bytes of them; empty if absent, empty, null or of
	// another JSON type. Their bytes are valid until the function that was given the row returns.
	Type, Status []byte
	// Timestamp is the row's UNIX time in seconds, if Timed. The documentation calls it the time of the last action.
	Timestamp float64
	Timed     bool
}

// readJournal reads the body of an answer with status 200 and hands each row to row, in the order in which they stand.
// Memory does not grow with the body. It returns nil only when the whole body has been read and was a legal journal;
// until then the rows are not to be trusted. The *Row is used again for the next.
//
// A journal is a JSON array of objects, read more leniently than a strict library does, as the live service has been
// seen to need: stray commas between rows and between members, a byte order mark, control characters and bad UTF-8 in
// strings. Only the members of the row itself count; of a member given twice the last, though every timestamp must be one.
//
// The error is that of the reader, io.ErrUnexpectedEOF for a body that is cut off, a *SyntaxError, or an *Error for the
// failures that the API tells with status 200 and an object.
func readJournal(body io.Reader, row func(*Row)) error {
	p := newRowParser(body, newRowTemplate())
	return p.array(func() error {
		if err := p.next(); err != nil {
			return err
		}
		row(&p.row)
		return nil
	})
}

// prefetchSize is how many bytes of the stream lie in the buffer before quick gives up: more than a row has but for rare ones.
const prefetchSize = 16 << 10

// SyntaxError says where a body stops being a journal. It does not repeat any of the body.
type SyntaxError struct {
	Offset int64 // bytes of the (decompressed) body before the place
	Reason string
}

// Error implements error.
func (e *SyntaxError) Error() string { return fmt.Sprintf("%s at offset %d", e.Reason, e.Offset) }

type rowParser struct {
	*scanner
	row    Row
	id     stringField
	kind   stringField
	status stringField
}

// stringField is a string member of interest: the first bytes of it, and a hash of all of it.
type stringField struct {
	text [maxWord]byte
	n    int
	hash uint64
}

func newRowParser(body io.Reader, q *rowTemplate) *rowParser {
	p := &rowParser{scanner: newScanner(body)}
	p.template = q
	return p
}

// next reads one row from behind its brace, quickly if it can.
func (p *rowParser) next() error {
	n := p.template.row(p.buffered(), &p.row)
	if n == 0 && p.prefetch(prefetchSize) {
		n = p.template.row(p.buffered(), &p.row)
	}
	if n > 0 {
		p.pos += n
		return nil
	}
	begin := p.offset()
	if err := p.object(); err != nil {
		return err
	}
	if begin >= p.base { // all of it lies in the buffer still
		p.template.learn(p.buf[begin-p.base:p.pos], begin)
	}
	return nil
}

// object reads one row from behind its brace.
func (p *rowParser) object() error {
	p.template.begin()
	p.row = Row{}
	p.id.n, p.kind.n, p.status.n = 0, 0, 0
	if err := p.members(p.member); err != nil {
		return err
	}
	p.row.Type, p.row.Status = p.kind.text[:p.kind.n], p.status.text[:p.status.n]
	if p.id.n > 0 && p.kind.n > 0 {
		p.row.Key = rowKey(p.id.hash, p.kind.hash)
	}
	return nil
}

// member reads a key from behind its quote, the colon and the value.
func (p *rowParser) member() error {
	key, err := p.readString(nil)
	if err != nil {
		return err
	}
	// The switch decides before the buffer that holds the key can change.
	var into *stringField
	member := skipString
	switch string(key) {
	case "idMessage":
		into, member = &p.id, idMessage
	case "typeMessage":
		into, member = &p.kind, typeMessage
	case "statusMessage":
		into, member = &p.status, statusMessage
	case "timestamp":
		member = timestamp
	}
	c, err := p.valueAfterColon()
	if err != nil {
		return err
	}
	switch {
	case into != nil:
		return p.word(c, into, member)
	case member == timestamp:
		return p.timestamp(c)
	default:
		return p.skipValue(c)
	}
}

// stringField reads the value that begins with c into w; one that is no string leaves w empty.
func (p *rowParser) word(c byte, w *stringField, member field) error {
	w.n = 0
	if c != '"' {
		p.template.noteNull(member)
		return p.skipValue(c)
	}
	begin := p.offset()
	text, err := p.readString(&w.hash)
	if err != nil {
		return err
	}
	p.template.noteValue(begin, p.offset()-1, member, inRow)
	w.n = copy(w.text[:], text)
	return nil
}

// timestamp reads the value that begins with c: a number, a string of digits, or null for none.
func (p *rowParser) timestamp(c byte) error {
	p.row.Timestamp, p.row.Timed = 0, false
	start := p.offset() - 1
	var text []byte
	switch {
	case c == 'n':
		p.template.noteNull(timestamp)
		return p.literal(c)
	case c == '"':
		digits, err := p.readString(nil)
		if err != nil {
			return err
		}
		p.template.noteValue(start+1, p.offset()-1, timestamp, inRow)
		if len(digits) == 0 || len(bytes.Trim(digits, "0123456789")) != 0 {
			return &SyntaxError{start, "a timestamp that is no number"}
		}
		text = digits
	case c == '-' || isDigit(c):
		number, err := p.number(c)
		if err != nil {
			return err
		}
		p.template.noteValue(start, p.offset(), timestamp, inRow)
		text = number
	default:
		return &SyntaxError{start, "a timestamp that is no number"}
	}
	seconds, err := strconv.ParseFloat(string(text), 64)
	if err != nil || len(text) >= maxValueLen || math.Abs(seconds) > 1<<53 {
		return &SyntaxError{start, "a timestamp that is out of range"}
	}
	p.row.Timestamp, p.row.Timed = seconds, true
	return nil
}

// rowKey is the Key of the message with the id and type of which these are the hashes.
func rowKey(id, kind uint64) uint64 {
	var both [16]byte
	binary.LittleEndian.PutUint64(both[:8], id)
	binary.LittleEndian.PutUint64(both[8:], kind)
	return max(1, xxhash.Sum64(both[:]))
}
