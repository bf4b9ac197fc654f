package ledger

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// The file of a ledger is a header line followed by records. Integers are little-endian.
//
//	greenapi_exporter ledger VERSION NAME\n
//
//	uint32   length of the record header
//	uint32   number of messages
//	         record header as JSON
//	28 bytes for each message:
//	  uint64 key
//	  uint32 statuses reached
//	  uint32 clock when last seen
//	  uint32 time
//	  uint8  latest status, latest type, first type: indexes of words
//	  uint8  flags: 1 if the message is observable, 2 if it is returned
//	  uint32 listed
//	uint64   xxHash of the whole file up to here
//
// The first record is a snapshot of the ledger. Each further record replaces what has changed. Each
// checksum covers everything before it, so a changed, missing or inserted record is detected.
//
// In files of version 1, a message ends after the clock, and in those of version 2, before listed.
// The first write replaces such a file.
const (
	magic           = "greenapi_exporter ledger "
	version         = 3
	messageLength   = 28
	messageLengthV1 = 16
	messageLengthV2 = 24
	maxHeader       = 128 // bytes
)

// recordHeader is the part of a record before the messages. Fields that have not changed are nil.
type recordHeader struct {
	State     *state     `json:"state,omitempty"`
	PollState *PollState `json:"call,omitempty"`
}

// The reasons why a file is unusable.
var (
	errEmpty   = errors.New("the file is empty")
	errForeign = errors.New("the file is not a ledger")
	errDamaged = errors.New("the file is damaged")
)

func fileHeader(name string) []byte { return fmt.Appendf(nil, "%s%d %s\n", magic, version, name) }

// parsedHeader is the first line of a file.
type parsedHeader struct {
	name          string
	length        int // of the line
	messageLength int // in the records
}

func parseFileHeader(data []byte) (h parsedHeader, _ error) {
	if len(data) == 0 {
		return h, errEmpty
	}
	line, _, isComplete := bytes.Cut(data[:min(len(data), maxHeader)], []byte("\n"))
	var v int
	if _, err := fmt.Sscanf(string(line), magic+"%d %s", &v, &h.name); err != nil || !isComplete {
		return h, errForeign
	}
	h.length = len(line) + 1
	switch v {
	case 1:
		h.messageLength = messageLengthV1
	case 2:
		h.messageLength = messageLengthV2
	case version:
		h.messageLength = messageLength
	default:
		return h, fmt.Errorf("the file has version %d; this program supports 1 to %d", v, version)
	}
	return h, nil
}

// newChecksum returns the checksum of a file that contains only its header line.
func newChecksum(fileHeader []byte) xxhash.Digest {
	var sum xxhash.Digest
	sum.Reset()
	_, _ = sum.Write(fileHeader)
	return sum
}

// appendChecksum appends the checksum of the file to a record. On entry, sum covers everything
// before the record. On return, it includes the record and its checksum.
func appendChecksum(record []byte, sum *xxhash.Digest) []byte {
	_, _ = sum.Write(record)
	sealed := binary.LittleEndian.AppendUint64(record, sum.Sum64())
	_, _ = sum.Write(sealed[len(record):])
	return sealed
}

// newRecord returns a record without its checksum, but with capacity for it.
func newRecord(h recordHeader, messages []message) ([]byte, error) {
	text, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	record := make([]byte, 0, 8+len(text)+len(messages)*messageLength+8)
	record = binary.LittleEndian.AppendUint32(record, uint32(len(text)))
	record = binary.LittleEndian.AppendUint32(record, uint32(len(messages)))
	record = append(record, text...)
	for _, m := range messages {
		record = binary.LittleEndian.AppendUint64(record, m.key.uint64())
		record = binary.LittleEndian.AppendUint32(record, uint32(m.reached))
		record = binary.LittleEndian.AppendUint32(record, uint32(m.lastSeen))
		record = binary.LittleEndian.AppendUint32(record, m.time)
		record = append(record, m.latestStatus, m.latestType, m.firstType, byte(m.flags))
		record = binary.LittleEndian.AppendUint32(record, m.listed)
	}
	return record, nil
}

// decodeMessage decodes a message of any version. The length of data determines the version. Before
// version 3, messages did not contain listed, so decodeMessage sets it to the message's time.
func decodeMessage(data []byte) message {
	m := message{
		key:      packKey(binary.LittleEndian.Uint64(data)),
		reached:  statusSet(binary.LittleEndian.Uint32(data[8:])),
		lastSeen: seconds(binary.LittleEndian.Uint32(data[12:])),
	}
	if len(data) >= messageLengthV2 {
		m.time = binary.LittleEndian.Uint32(data[16:])
		m.latestStatus, m.latestType, m.firstType = data[20], data[21], data[22]
		m.flags = messageFlags(data[23])
	}
	m.listed = max(m.time, 1)
	if len(data) == messageLength {
		m.listed = binary.LittleEndian.Uint32(data[24:])
	}
	return m
}

// record is a parsed record.
type record struct {
	recordHeader
	messages      []byte // encoded
	messageLength int
	length        int // in the file, with the checksum
}

// parseRecord parses and validates the record at the start of data. On entry, sum covers everything
// before the record. On return, it includes the record.
func parseRecord(data []byte, messageLength int, sum *xxhash.Digest) (record, error) {
	if len(data) < 8 {
		return record{}, errDamaged
	}
	text := uint64(binary.LittleEndian.Uint32(data))
	end := 8 + text + uint64(binary.LittleEndian.Uint32(data[4:]))*uint64(messageLength)
	if uint64(len(data)) < end+8 {
		return record{}, errDamaged
	}
	_, _ = sum.Write(data[:end])
	if binary.LittleEndian.Uint64(data[end:]) != sum.Sum64() {
		return record{}, errDamaged
	}
	_, _ = sum.Write(data[end : end+8])
	r := record{
		messages: data[8+text : end], messageLength: messageLength, length: int(end) + 8,
	}
	if err := json.Unmarshal(data[8:8+text], &r.recordHeader); err != nil || !r.valid() {
		return record{}, errDamaged
	}
	return r, nil
}

func (r record) valid() bool {
	if r.PollState != nil && !r.PollState.valid() {
		return false
	}
	if r.State == nil {
		return len(r.messages) == 0
	}
	statuses, types := len(r.State.Statuses), len(r.State.Types)
	for data := range slices.Chunk(r.messages, r.messageLength) {
		m := decodeMessage(data)
		if m.key.uint64() == 0 || m.reached>>statuses != 0 {
			return false
		}
		if r.messageLength > messageLengthV1 && (int(m.latestStatus) >= statuses ||
			int(m.latestType) >= types || int(m.firstType) >= types ||
			m.flags > observable|returned) {
			return false
		}
	}
	return r.State.valid()
}
