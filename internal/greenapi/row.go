package greenapi

import (
	"encoding/binary"
	"io"
	"strconv"

	"github.com/cespare/xxhash/v2"

	"greenapi_exporter/internal/jsonstream"
)

// Row contains the fields of a row of a journal that identify and classify a message. It does not
// contain texts, thumbnails or phone numbers.
type Row struct {
	// Key identifies the message. It is a 64-bit xxhash of idMessage and typeMessage. A number that
	// consists of digits is the same idMessage as the string of these digits. The types of texts
	// (textMessage, extendedTextMessage, quotedMessage) count as one type, because the API may
	// unify them. Key is 0 if the id or type is absent or unusable, as in rows for numbers without
	// an account.
	Key uint64
	// LegacyKey is the Key that earlier releases computed, which distinguished the types of texts.
	// It is 0 if it equals Key.
	LegacyKey uint64
	// Type and Status are the first 65 bytes of typeMessage and statusMessage. They are empty if
	// the member is absent or not a string. The bytes are valid until the next row is read.
	Type, Status []byte
	// Timestamp is a UNIX time in seconds. It is valid if Timed is true. The API's documentation
	// describes it as the time of the last action on the message.
	Timestamp float64
	Timed     bool
	// BadTimestamp reports that the row has a timestamp that is not null but unusable. Then Timed
	// is false.
	BadTimestamp bool
}

// maxString is the limit on the length of a type or status, in bytes. It exceeds the limit on label
// values by one, so a truncated string still exceeds that limit.
const maxString = 65

// prefetchSize is the number of bytes to buffer for the template. Nearly all rows are shorter.
const prefetchSize = 16 << 10

// rowReader reads the rows of a journal in constant memory.
//
// A journal is a JSON array of objects. Other elements are skipped. Members of nested objects are
// ignored. If a row has a member twice, the last one is used. Words that are not JSON, such as
// undefined or 01, are values that are not usable.
type rowReader struct {
	in       *jsonstream.Scanner
	template *rowTemplate
	latest   float64 // the last timestamp that is usable
	notRows  int     // number of elements skipped
	row      Row
	strings  [3]stringField // idMessage, typeMessage, statusMessage
}

// stringField is the value of a string member.
type stringField struct {
	text [maxString]byte // the first n bytes are used
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

// newRowReader returns a rowReader that regards timestamps after latest as bad.
func newRowReader(body io.Reader, latest float64) *rowReader {
	r := &rowReader{in: jsonstream.New(body), template: new(rowTemplate), latest: latest}
	r.in.AnyWord = true
	startArray(r.in)
	return r
}

// next reads the next row. It reports false after the last row or an error. Then the caller must
// check the error of in.End.
func (r *rowReader) next() bool {
	if !nextObject(r.in, &r.notRows) || !r.read() {
		return false
	}
	r.row.checkTimestamp(r.latest)
	return true
}

// checkTimestamp marks a timestamp that is not positive or after latest as bad.
func (r *Row) checkTimestamp(latest float64) {
	if r.Timed && (r.Timestamp <= 0 || r.Timestamp > latest) {
		r.Timestamp, r.Timed, r.BadTimestamp = 0, false, true
	}
}

// read reads a row after its opening brace. It does not check the range of the timestamp.
func (r *rowReader) read() bool {
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

// readMembers is read without the template.
func (r *rowReader) readMembers() {
	r.row = Row{}
	for i := range r.strings {
		r.strings[i].n = 0
	}
	for key, ok := r.in.Key(); ok; key, ok = r.in.Key() {
		f := fieldOf(key)
		switch c := r.in.Value(); f {
		case idMessage:
			r.readID(c)
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
		r.row.setKeys(id.hash, kind.hash)
	}
}

// readID is readString for an idMessage, which can also be a number that consists of digits.
func (r *rowReader) readID(c byte) {
	id := &r.strings[idMessage]
	if !isDigit(c) {
		r.readString(id, c)
		return
	}
	id.n = 0
	if digits := r.in.ReadWord(c); jsonstream.IsNumber(digits) && isNumericID(digits) {
		id.n, id.hash = copy(id.text[:], digits), xxhash.Sum64(digits)
	}
}

// isNumericID reports whether a number is an idMessage. A longer number can be truncated.
func isNumericID(number []byte) bool {
	return len(number) < jsonstream.MaxLen && isDigits(string(number))
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

// readTimestamp reads the value whose first byte is c. A number and a string of digits are usable,
// unless they can be truncated.
func (r *rowReader) readTimestamp(c byte) {
	var text []byte
	usable := false
	switch c {
	case '"':
		text = r.in.ReadString(nil)
		usable = isDigits(string(text))
	case '{', '[':
		r.in.Skip(c)
	default:
		text = r.in.ReadWord(c)
		usable = jsonstream.IsNumber(text)
	}
	seconds, err := strconv.ParseFloat(string(text), 64)
	if !usable || err != nil || len(text) == jsonstream.MaxLen {
		isNull := c == 'n' && string(text) == "null"
		r.row.Timestamp, r.row.Timed, r.row.BadTimestamp = 0, false, !isNull
		return
	}
	r.row.Timestamp, r.row.Timed, r.row.BadTimestamp = seconds, true, false
}

// setStrings sets the fields that depend on strings.
func (r *Row) setStrings(id, kind, status []byte) {
	r.Key, r.LegacyKey = 0, 0
	if len(id) > 0 && len(kind) > 0 {
		r.setKeys(xxhash.Sum64(id), xxhash.Sum64(kind))
	}
	r.Type, r.Status = kind[:min(len(kind), maxString)], status[:min(len(status), maxString)]
}

// The hashes of the types that are one type for Key.
var (
	textHash         = xxhash.Sum64String("textMessage")
	extendedTextHash = xxhash.Sum64String("extendedTextMessage")
	quotedHash       = xxhash.Sum64String("quotedMessage")
)

// setKeys sets Key and LegacyKey, given the hashes of idMessage and typeMessage.
func (r *Row) setKeys(id, kind uint64) {
	r.Key, r.LegacyKey = rowKey(id, kind), 0
	if kind == extendedTextHash || kind == quotedHash {
		r.Key, r.LegacyKey = rowKey(id, textHash), r.Key
	}
}

// rowKey combines the hashes of idMessage and typeMessage.
func rowKey(id, kind uint64) uint64 {
	var both [16]byte
	binary.LittleEndian.PutUint64(both[:8], id)
	binary.LittleEndian.PutUint64(both[8:], kind)
	return max(1, xxhash.Sum64(both[:]))
}
