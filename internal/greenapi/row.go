package greenapi

import (
	"encoding/binary"
	"io"
	"math"
	"strconv"

	"github.com/cespare/xxhash/v2"

	"greenapi_exporter/internal/jsonstream"
)

// Row contains the fields of a row of a journal that identify and classify a message. It does not
// contain texts, thumbnails or phone numbers.
type Row struct {
	// Key identifies the message. It is a 64-bit xxhash of idMessage and typeMessage. It is 0 if
	// one of them is absent, empty or not a string, as in rows for numbers without an account.
	Key uint64
	// Type and Status are the first 65 bytes of typeMessage and statusMessage. They are empty if
	// the member is absent or not a string. The bytes are valid until the next row is read.
	Type, Status []byte
	// Timestamp is a UNIX time in seconds. It is valid if Timed is true. The API's documentation
	// describes it as the time of the last action on the message.
	Timestamp float64
	Timed     bool
}

// maxString is the limit on the length of a type or status, in bytes. It exceeds the limit on label
// values by one, so a truncated string still exceeds that limit.
const maxString = 65

// maxNumber is the limit on a time or count. A float64 represents all smaller integers exactly.
const maxNumber = 1 << 53

// prefetchSize is the number of bytes to buffer for the template. Nearly all rows are shorter.
const prefetchSize = 16 << 10

// rowReader reads the rows of a journal in constant memory.
//
// A journal is a JSON array of objects. Members of nested objects are ignored. If a row has a
// member twice, the last one is used, but every timestamp must be valid.
type rowReader struct {
	in       *jsonstream.Scanner
	template *rowTemplate
	row      Row
	strings  [3]stringField // idMessage, typeMessage, statusMessage
}

// stringField is the value of a string member.
type stringField struct {
	text [maxString]byte // of which the first n bytes are used
	n    int
	hash uint64 // of the whole string
}

// field identifies a member of a row.
type field uint8

const (
	idMessage field = iota
	typeMessage
	statusMessage
	timestamp
	otherField
)

func fieldOf(key []byte) field {
	switch string(key) {
	case "idMessage":
		return idMessage
	case "typeMessage":
		return typeMessage
	case "statusMessage":
		return statusMessage
	case "timestamp":
		return timestamp
	default:
		return otherField
	}
}

func newRowReader(body io.Reader) *rowReader {
	r := &rowReader{in: jsonstream.New(body), template: new(rowTemplate)}
	startArray(r.in)
	return r
}

// next reads the next row. It reports false after the last row or an error. Then the caller must
// check the error of in.End.
func (r *rowReader) next() bool {
	if !nextObject(r.in) {
		return false
	}
	n := r.template.read(r.in.Buffered(), &r.row)
	if n == 0 && r.in.Prefetch(prefetchSize) {
		n = r.template.read(r.in.Buffered(), &r.row)
	}
	if n > 0 {
		r.in.Discard(n)
		return true
	}
	start := r.in.Offset()
	r.readMembers()
	if r.in.Err() != nil {
		return false
	}
	r.template.learn(r.in.Since(start))
	return true
}

// readMembers reads any valid row after its opening brace.
func (r *rowReader) readMembers() {
	r.row = Row{}
	for i := range r.strings {
		r.strings[i].n = 0
	}
	for key, ok := r.in.Key(); ok; key, ok = r.in.Key() {
		f := fieldOf(key)
		switch c := r.in.Value(); f {
		case timestamp:
			r.readTimestamp(c)
		case otherField:
			r.in.Skip(c)
		default:
			r.readString(&r.strings[f], c)
		}
	}
	id, kind, status := &r.strings[idMessage], &r.strings[typeMessage], &r.strings[statusMessage]
	r.row.Type, r.row.Status = kind.text[:kind.n], status.text[:status.n]
	if id.n > 0 && kind.n > 0 {
		r.row.Key = rowKey(id.hash, kind.hash)
	}
}

// readString reads the value whose first byte is c. A value that is not a string counts as absent.
func (r *rowReader) readString(f *stringField, c byte) {
	f.n = 0
	if c == '"' {
		f.n = copy(f.text[:], r.in.ReadString(&f.hash))
	} else {
		r.in.Skip(c)
	}
}

// readTimestamp reads the value whose first byte is c: a number, a string of digits, or null.
func (r *rowReader) readTimestamp(c byte) {
	r.row.Timestamp, r.row.Timed = 0, false
	start := r.in.Offset() - 1
	var text []byte
	switch {
	case c == 'n':
		r.in.Skip(c)
		return
	case c == '"':
		text = r.in.ReadString(nil)
		if !isDigits(string(text)) {
			text = nil
		}
	case c == '-' || isDigit(c):
		text = r.in.ReadNumber(c)
	}
	seconds, err := strconv.ParseFloat(string(text), 64)
	if err != nil || len(text) == jsonstream.MaxLen || math.Abs(seconds) > maxNumber {
		r.in.Fail(&jsonstream.SyntaxError{Offset: start, Reason: "invalid timestamp"})
	}
	r.row.Timestamp, r.row.Timed = seconds, true
}

// setStrings sets the fields that depend on strings.
func (r *Row) setStrings(id, kind, status []byte) {
	r.Key = 0
	if len(id) > 0 && len(kind) > 0 {
		r.Key = rowKey(xxhash.Sum64(id), xxhash.Sum64(kind))
	}
	r.Type, r.Status = kind[:min(len(kind), maxString)], status[:min(len(status), maxString)]
}

// rowKey combines the hashes of idMessage and typeMessage.
func rowKey(id, kind uint64) uint64 {
	var both [16]byte
	binary.LittleEndian.PutUint64(both[:8], id)
	binary.LittleEndian.PutUint64(both[8:], kind)
	return max(1, xxhash.Sum64(both[:]))
}
