package ledger

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// The file of a ledger is a line that says what it is, and records. Integers are little-endian.
//
//	greenapi_exporter ledger VERSION NAME\n
//
//	uint32   length of the news
//	uint32   number of messages
//	         the news, as JSON: see news
//	16 bytes for each message: uint64 key, uint32 the statuses it has reached, uint32 when it was last shown
//	uint64   xxHash of all of the file before it
//
// The first record is the snapshot: everything at one time. Each further one says what has changed since; what it says
// takes the place of what was said before. So a record either stands as a whole or not at all, and since each sum takes
// in all that comes before it, nothing can be changed, left out or added in between.
const (
	magic         = "greenapi_exporter ledger "
	version       = 1
	messageLength = 16
	maxHeader     = 128 // bytes
)

// recordHeader is what a record says beside messages; what is nil has not changed.
type recordHeader struct {
	State *state     `json:"state,omitempty"`
	Call  *PollState `json:"call,omitempty"`
}

// header is the line at the begin of the file.
func header(name string) []byte { return fmt.Appendf(nil, "%s%d %s\n", magic, version, name) }

// Why a file cannot be used.
var (
	errEmpty   = errors.New("it is empty")
	errForeign = errors.New("it is not a ledger")
	errDamaged = errors.New("it is damaged")
)

// parseHeader returns the name and how long the line is.
func parseHeader(data []byte) (name string, length int, _ error) {
	if len(data) == 0 {
		return "", 0, errEmpty
	}
	line, _, whole := bytes.Cut(data[:min(len(data), maxHeader)], []byte("\n"))
	words, ours := strings.CutPrefix(string(line), magic)
	if !ours || !whole {
		return "", 0, errForeign
	}
	number, name, _ := strings.Cut(words, " ")
	if written, err := strconv.Atoi(number); err != nil {
		return "", 0, errForeign
	} else if written != version {
		return "", 0, fmt.Errorf("it is of version %d, and this program reads version %d", written, version)
	}
	return name, len(line) + 1, nil
}

// appendChecksum appends to a record the sum of all of the file up to there; sum is that of what comes before the record, and
// afterwards that of all of it.
func appendChecksum(record []byte, sum *xxhash.Digest) []byte {
	_, _ = sum.Write(record)
	sealed := binary.LittleEndian.AppendUint64(record, sum.Sum64())
	_, _ = sum.Write(sealed[len(record):])
	return sealed
}

// sumOf begins the sum of a file with its first line.
func sumOf(header []byte) xxhash.Digest {
	var sum xxhash.Digest
	sum.Reset()
	_, _ = sum.Write(header)
	return sum
}

// newRecord returns a record of so many messages without its sum, for which there is room.
func newRecord(n recordHeader, count int, messages iter.Seq[*message]) ([]byte, error) {
	text, err := json.Marshal(n)
	if err != nil {
		return nil, err
	}
	if uint64(count) > math.MaxUint32 {
		return nil, errors.New("more messages than a file can hold")
	}
	length := 8 + len(text)
	record := make([]byte, length+count*messageLength, length+count*messageLength+8)
	binary.LittleEndian.PutUint32(record, uint32(len(text)))
	binary.LittleEndian.PutUint32(record[4:], uint32(count))
	copy(record[8:], text)
	for m := range messages {
		binary.LittleEndian.PutUint64(record[length:], m.key)
		binary.LittleEndian.PutUint32(record[length+8:], uint32(m.reached))
		binary.LittleEndian.PutUint32(record[length+12:], uint32(m.lastSeen))
		length += messageLength
	}
	return record, nil
}

// record is a record as it lies in the file.
type record struct {
	recordHeader
	messages []byte
	length   int
}

// parseRecord parses the record at the begin of data and checks that its sum goes on from sum, which takes it in.
func parseRecord(data []byte, sum *xxhash.Digest) (record, error) {
	if len(data) < 8 {
		return record{}, errDamaged
	}
	text, messages := uint64(binary.LittleEndian.Uint32(data)), uint64(binary.LittleEndian.Uint32(data[4:]))
	end := 8 + text + messages*messageLength
	if uint64(len(data)) < end+8 {
		return record{}, errDamaged
	}
	_, _ = sum.Write(data[:end])
	if binary.LittleEndian.Uint64(data[end:]) != sum.Sum64() {
		return record{}, errDamaged
	}
	_, _ = sum.Write(data[end : end+8])
	r := record{messages: data[8+text : end], length: int(end) + 8}
	if err := json.Unmarshal(data[8:8+text], &r.recordHeader); err != nil {
		return record{}, errDamaged
	}
	return r, nil
}
