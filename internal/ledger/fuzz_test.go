package ledger

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"testing"
)

// FuzzLoad loads files of two records with valid checksums.
func FuzzLoad(f *testing.F) {
	l := newTestLedger(60)
	commit(l, 0, testRow(1, "text", "sent", -5))
	commit(l, 1, testRow(1, "oddType", "oddStatus", -5), testRow(2, "text", "", 0))
	l.pollState = PollState{Called: at(1), Next: at(2), Failures: 2, Result: "timeout", Took: 5,
		Settings: "x"}
	record, err := l.snapshotRecord()
	if err != nil {
		f.Fatal(err)
	}
	text := binary.LittleEndian.Uint32(record)
	f.Add(uint8(2), record[8:8+text], record[8+text:],
		[]byte(`{"call":{"begun":"2026-05-04T12:00:00Z","next":"2026-05-04T13:00:00+07:00"}}`),
		[]byte(nil))
	f.Add(uint8(0), []byte(`{"state":{}}`), []byte(nil),
		[]byte(`{"state":{"statuses":["pending","x"],"rows":[]}}`), make([]byte, 16))
	state := []byte(`{"state":{"statuses":["sent","pending","sent"],"types":["a","a"],` +
		`"totals":[{"messages":[1,1],"statuses":[[1,2]]},{"messages":[3,4]}],` +
		`"rows":[[1,2,3],[4]],"birth":1,"last_good":1}}`)
	f.Add(uint8(0), state, bytes.Repeat([]byte{1, 0, 0, 0}, 8), []byte(`null`), []byte(nil))
	f.Add(uint8(1), state, bytes.Repeat([]byte{1, 1, 0, 1}, 12), []byte(`null`), []byte(nil))
	f.Add(uint8(2), state, bytes.Repeat([]byte{1, 1, 0, 1}, 14), []byte(`null`), []byte(nil))
	lengths := []int{messageLengthV1, messageLengthV2, messageLength}
	f.Fuzz(func(t *testing.T, v uint8, text1, messages1, text2, messages2 []byte) {
		v %= uint8(len(lengths))
		file, length := fmt.Appendf(nil, "%s%d %s\n", magic, v+1, testID), lengths[v]
		sum := newChecksum(file)
		for _, part := range [][2][]byte{{text1, messages1}, {text2, messages2}} {
			text, n := part[0], len(part[1])/length
			record := binary.LittleEndian.AppendUint32(nil, uint32(len(text)))
			record = binary.LittleEndian.AppendUint32(record, uint32(n))
			record = append(append(record, text...), part[1][:n*length]...)
			file = append(file, appendChecksum(record, &sum)...)
		}
		checkLoad(t, file)
	})
}

// FuzzFile loads arbitrary bytes.
func FuzzFile(f *testing.F) {
	s := &testStorage{directory: f.TempDir()}
	commit(s.restart(f, 0), 0, testRow(1, "text", "sent", -5))
	s.wait()
	f.Add(s.read(f))
	v1, err := os.ReadFile("testdata/v1.ledger")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(v1)
	f.Add([]byte(nil))
	f.Add(fileHeader(testID))
	if err := s.storage.Close(); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(checkLoad)
}

// checkLoad checks that load takes little memory, and that a ledger that it accepts can be used and
// written again without loss.
func checkLoad(t *testing.T, data []byte) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	l := newTestLedger(60)
	valid, err := load(data, testID, l)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20+100*uint64(len(data)) {
		t.Fatalf("loading %d bytes takes %d bytes of memory", len(data), n)
	}
	if err != nil {
		return
	}
	if valid.size > int64(len(data)) || valid.snapshot > valid.size {
		t.Fatalf("valid part %d and snapshot %d of %d bytes", valid.size, valid.snapshot, len(data))
	}
	again := newTestLedger(60)
	file := sealedFile(t, testID, recordHeader{l.state(), &l.pollState}, l.messages.list...)
	if _, err := load(file, testID, again); err != nil {
		t.Fatalf("written again: %v", err)
	}
	if got, want := dumpLedger(t, again), dumpLedger(t, l); got != want {
		t.Fatalf("written again: got %s\nwant %s", got, want)
	}
	if !reflect.DeepEqual(again.Summary(), l.Summary()) {
		t.Fatalf("written again: got %+v\nwant %+v", again.Summary(), l.Summary())
	}
	l.resume(at(0))
	commit(l, 1, testRow(3, "text", "sent", 0))
}
