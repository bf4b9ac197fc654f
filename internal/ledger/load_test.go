package ledger

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

// writeHistory writes a file with several records. It returns the file, and the dump of the ledger
// after each record by length of the file.
func writeHistory(t *testing.T) (file []byte, dumps map[int]string) {
	s := newTestStorage(t)
	l := s.restart(t, 0)
	dumps = make(map[int]string)
	for _, step := range []func(){
		func() { l.Persist(PollState{Called: at(0), Next: at(1)}) },
		func() { commit(l, 0, testRow(1, "text", "sent", -5), testRow(2, "text", "pending", -1)) },
		func() {
			commit(l, 1, testRow(1, "text", "read", -5), testRow(3, "oddType", "oddStatus", 0.5))
		},
		func() { l.Persist(PollState{Called: at(1), Next: at(2), Result: "timeout"}) },
	} {
		step()
		s.wait()
		before := file
		if file = s.read(t); !bytes.HasPrefix(file, before) { // replaced by a snapshot
			clear(dumps)
		}
		dumps[len(file)] = dumpLedger(t, s.stored(t))
	}
	return file, dumps
}

// TestTruncatedFileKeepsCompleteRecords truncates the file like a kill or a power cut during a
// write. It does so at every offset near the end of a record, and at some others.
func TestTruncatedFileKeepsCompleteRecords(t *testing.T) {
	t.Parallel()
	file, dumps := writeHistory(t)
	valid := 0 // length of the complete records
	s := newTestStorage(t)
	for length := range len(file) {
		if dumps[length] != "" {
			valid = length
		}
		if length%stride() != 0 && length > valid+1 && dumps[length+1] == "" {
			continue
		}
		s.write(t, file[:length])
		l := s.reload(t)
		damaged := s.storage.Damaged()
		switch {
		case valid == 0: // not even a snapshot
			s.assertWarnings(t, "set_aside=")
			if l.Summary() != nil || damaged != 1 {
				t.Fatalf("%d bytes: %d damaged, want 1 and a new ledger", length, damaged)
			}
		case length == valid:
			s.assertWarnings(t)
			if damaged > 0 {
				t.Fatalf("%d bytes: %d damaged, want 0", length, damaged)
			}
		default:
			s.assertWarnings(t, fmt.Sprintf("bytes=%d ", length-valid))
			if damaged != 1 || s.size(t) != valid {
				t.Fatalf("%d bytes: %d damaged, %d bytes remain, want %d",
					length, damaged, s.size(t), valid)
			}
		}
		if valid > 0 {
			if got := dumpLedger(t, s.stored(t)); got != dumps[valid] {
				t.Fatalf("%d bytes: got %s, want %s", length, got, dumps[valid])
			}
		}
		last := commit(l, 1.5, testRow(6, "text", "sent", 1))
		if got := s.reload(t).Summary(); !equalSummaries(got, last) {
			t.Fatalf("%d bytes, after another reading: got %+v, want %+v", length, got, last)
		}
		s.assertWarnings(t)
		_ = os.Remove(s.path()) // paths of files set aside repeat
		if t.Failed() {
			t.Fatalf("stopped at %d bytes", length)
		}
	}
}

// TestFlippedBitIsDetected flips one bit at a time. A damaged snapshot causes a new ledger, and
// later damage the state before it.
func TestFlippedBitIsDetected(t *testing.T) {
	t.Parallel()
	file, dumps := writeHistory(t)
	quarantined, truncated := 0, 0
	s := newTestStorage(t)
	for offset := 0; offset < len(file); offset += stride() {
		flipped := slices.Clone(file)
		flipped[offset] ^= 1 << (offset % 8)
		s.write(t, flipped)
		l := s.reload(t)
		s.assertWarnings(t, s.path())
		if t.Failed() || s.storage.Damaged() != 1 {
			t.Fatalf("offset %d: %d damaged, want 1", offset, s.storage.Damaged())
		}
		paths := s.glob(t, ".set-aside-*")
		if len(paths) == 0 {
			truncated++
			length := s.size(t)
			want := dumps[length]
			if length > offset || want == "" || dumpLedger(t, s.stored(t)) != want {
				t.Fatalf("offset %d: wrong state in %d bytes", offset, length)
			}
			continue
		}
		quarantined++
		data, err := os.ReadFile(paths[0])
		if err != nil || !bytes.Equal(data, flipped) || l.Summary() != nil {
			t.Fatalf("offset %d: set aside %d bytes of %d, error %v",
				offset, len(data), len(flipped), err)
		}
		if err := os.Remove(paths[0]); err != nil {
			t.Fatal(err)
		}
	}
	if quarantined == 0 || truncated == 0 {
		t.Errorf("%d files set aside, %d truncated, want some of each", quarantined, truncated)
	}
}

// The next reading is a new baseline, so the log must say that counting starts again.
func TestTruncatedBaselineStartsNewLedger(t *testing.T) {
	s := newTestStorage(t)
	l := s.restart(t, 0)
	l.Persist(PollState{Called: at(0), Next: at(60)})
	l.file.snapshotting = true // prevents a snapshot
	commit(l, 0, manyRows(100)...)
	data := s.read(t)
	s.write(t, data[:len(data)-1])
	l = s.reload(t)
	s.assertWarnings(t, "counting starts again")
	if l.Summary() != nil || !l.LastPollState().Next.Equal(at(60)) {
		t.Errorf("got %+v and %+v, want only the poll state", l.Summary(), l.LastPollState())
	}
}

// sealedFile returns a file with one record.
func sealedFile(t *testing.T, name string, h recordHeader, messages ...message) []byte {
	t.Helper()
	record, err := newRecord(h, messages)
	if err != nil {
		t.Fatal(err)
	}
	file := fileHeader(name)
	sum := newChecksum(file)
	return append(file, appendChecksum(record, &sum)...)
}

func TestUnusableFileIsSetAside(t *testing.T) {
	const otherID = "1101000002"
	file, _ := writeHistory(t)
	valid := newTestLedger(60).state()
	type unusable struct {
		data   []byte
		reason string
	}
	withVersion := func(v string) []byte {
		return bytes.Replace(file, []byte("ledger 3 "), []byte("ledger "+v+" "), 1)
	}
	cases := map[string]unusable{
		"empty":                   {nil, "empty"},
		"other program":           {[]byte("SQLite format 3\x00 and so on"), "not a ledger"},
		"endless line":            {[]byte(strings.Repeat("x", 1<<20)), "not a ledger"},
		"version 0":               {withVersion("0"), "version 0"},
		"version 1":               {withVersion("1"), "damaged"}, // the checksum covers the line
		"version 4":               {withVersion("4"), "version 4"},
		"version is not a number": {withVersion("x"), "not a ledger"},
		"other instance":          {sealedFile(t, otherID, recordHeader{State: valid}), otherID},
	}
	snapshot := func(messages ...message) []byte {
		return sealedFile(t, testID, recordHeader{State: valid}, messages...)
	}
	with := func(change func(*state)) []byte {
		s := *valid
		change(&s)
		return sealedFile(t, testID, recordHeader{State: &s})
	}
	withTotals := func(totals ...typeState) []byte {
		return with(func(s *state) { s.Totals = totals })
	}
	totals := []typeState{{}}
	withRows := func(rows ...[]int32) []byte { return with(func(s *state) { s.Rows = rows }) }
	withPollState := func(p PollState) []byte {
		return sealedFile(t, testID, recordHeader{valid, &p})
	}
	for name, data := range map[string][]byte{
		"only the header line":    fileHeader(testID),
		"changed header line":     bytes.Replace(file, []byte(testID), []byte(otherID), 1),
		"lengths beyond the end":  append(fileHeader(testID), bytes.Repeat([]byte{0xff}, 100)...),
		"snapshot without state":  sealedFile(t, testID, recordHeader{PollState: new(PollState)}),
		"messages without state":  sealedFile(t, testID, recordHeader{}, message{key: packKey(1)}),
		"message without key":     snapshot(message{key: packKey(0)}),
		"status without word":     snapshot(message{key: packKey(1), reached: 1 << 31}),
		"latest status unknown":   snapshot(message{key: packKey(1), latestStatus: 12}),
		"latest type unknown":     snapshot(message{key: packKey(1), latestType: 29}),
		"first type unknown":      snapshot(message{key: packKey(1), firstType: 29}),
		"negative delay creation": with(func(s *state) { s.Delays.Created = -1 }),
		"baseline without time":   with(func(s *state) { s.CountingSince = 1 }),
		"negative time":           with(func(s *state) { s.CountingSince, s.LastGood = -1, -1 }),
		"negative clock":          with(func(s *state) { s.Clock = -1 }),
		"clock too large":         with(func(s *state) { s.Clock = int64(maxClock) + 1 }),
		"negative uncovered time": with(func(s *state) { s.Uncovered = -1 }),
		"too many statuses":       with(func(s *state) { s.Statuses = make([]string, 33) }),
		"too many types":          with(func(s *state) { s.Types = make([]string, 257) }),
		"totals without type":     with(func(s *state) { s.Types, s.Totals = nil, totals }),
		"totals without status":   withTotals(typeState{Statuses: make([]counterState, 13)}),
		"count without creation":  withTotals(typeState{Messages: counterState{1, 0}}),
		"status without creation": withTotals(typeState{Statuses: []counterState{{1, 0}}}),
		"creation time too large": withTotals(typeState{Messages: counterState{1, 1 << 63}}),
		"rows without type":       with(func(s *state) { s.Types = nil; s.Rows = [][]int32{{1}} }),
		"rows without status":     withRows(make([]int32, 13)),
		"too many rows":           withRows([]int32{math.MaxInt32, 1}),
		"negative rows":           withRows([]int32{-1}),
		"negative recent rows":    with(func(s *state) { s.Recent = [][3]int32{{-1}} }),
		"recent without status":   with(func(s *state) { s.Recent = make([][3]int32, 13) }),
		"too many recent rows": with(func(s *state) {
			s.Recent = [][3]int32{{math.MaxInt32, 1}}
		}),
		"negative malformed rows": with(func(s *state) { s.Malformed[BadTimestamp] = -1 }),
		"negative failures":       withPollState(PollState{Failures: -1}),
		"negative duration":       withPollState(PollState{Took: -1}),
	} {
		cases[name] = unusable{data, "damaged"}
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := newTestStorage(t)
			s.write(t, c.data)
			l := s.reload(t)
			lines := s.warnings()
			if len(lines) != 1 || !strings.Contains(lines[0], "reason=") ||
				!strings.Contains(lines[0], c.reason) {
				t.Errorf("logged %q, want one line with %q", lines, c.reason)
			}
			if l.Summary() != nil || s.storage.Damaged() != 1 {
				t.Errorf("got %+v, %d damaged, want a new ledger and 1",
					l.Summary(), s.storage.Damaged())
			}
			paths := s.glob(t, ".set-aside-*")
			if len(paths) != 1 {
				t.Fatalf("files set aside: %v, want one", paths)
			}
			if data, err := os.ReadFile(paths[0]); err != nil || !bytes.Equal(data, c.data) {
				t.Errorf("set aside %d bytes of %d, error %v", len(data), len(c.data), err)
			}
			s.assertStored(t, 3, commit(l, 3, testRow(1, "text", "sent", 1)))
			s.assertWarnings(t)
		})
	}
}

// An earlier release wrote testdata/v1.ledger: a snapshot and two records.
func TestLoadReadsFileOfEarlierRelease(t *testing.T) {
	s, l := restartFrom(t, "v1.ledger")
	s.assertWarnings(t)
	assertEqual(t, "totals", totals(l.Summary()), map[string]uint64{
		"textMessage": 1, "pending/textMessage": 1, "delivered/textMessage": 1,
		"read/textMessage": 1,
		"oddType":          1, "pending/oddType": 1, "oddStatus/oddType": 1,
	})
	assertEqual(t, "window", windowRows(l.Summary()), map[string]int{
		"read/textMessage": 1, "pending/textMessage": 1, "oddStatus/oddType": 1,
	})
	got := *l.Summary()
	got.Types, got.Delays = nil, nil
	want := Summary{RequestedAt: at(1), CountingSince: at(0), Messages: 4,
		OldestPending: Timestamp{unixSeconds(at(0.75)), true},
		LastMessage:   Timestamp{unixSeconds(at(0.75)), true}}
	if !equalSummaries(&got, &want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	state := l.LastPollState()
	state.Called, state.Next = state.Called.UTC(), state.Next.UTC()
	wantState := PollState{Called: at(1), Next: at(2), Failures: 2, Result: "timeout", Took: 5000,
		Settings: "abc"}
	if state != wantState {
		t.Errorf("got %+v, want %+v", state, wantState)
	}
}

// The file defines its indexes. Here one word has become documented, one is new, and two map to the
// same index.
func TestLoadRemapsIndexes(t *testing.T) {
	s := newTestStorage(t)
	s.write(t, sealedFile(t, testID, recordHeader{State: &state{
		Statuses: []string{"unknown", "other", "sent", "pending", "brandNew", "not a word"},
		Types:    []string{"imageMessage", "strangeMessage"},
		Totals: []typeState{
			{counterState{7, 1}, []counterState{{0, 1}, {2, 1}, {5, 1}, {7, 1}, {3, 1}, {1, 1}}},
			{counterState{1, 2}, []counterState{{}, {}, {1, 2}}},
		},
		Rows:          [][]int32{{0, 0, 4, 3}},
		CountingSince: 1, LastGood: 5,
	}}, message{key: packKey(9), reached: 0b11100, latestStatus: 2, latestType: 1, firstType: 0}))
	l := s.restart(t, 0)
	m := l.messages.get(9)
	if l.statuses.words[m.latestStatus] != "sent" || l.types.words[m.firstType] != "imageMessage" ||
		l.types.words[m.latestType] != "strangeMessage" {
		t.Errorf("the message is %+v, want a sent strangeMessage that was an imageMessage", *m)
	}
	assertEqual(t, "totals", totals(l.Summary()), map[string]uint64{
		"imageMessage": 7, "sent/imageMessage": 5, "pending/imageMessage": 7,
		"brandNew/imageMessage": 3, "other/imageMessage": 3,
		"strangeMessage": 1, "sent/strangeMessage": 1,
	})
	assertEqual(t, "window", windowRows(l.Summary()),
		map[string]int{"sent/imageMessage": 4, "pending/imageMessage": 3})
	got := totals(commit(l, 1,
		testRow(9, "imageMessage", "brandNew", 0), testRow(9, "imageMessage", "delivered", 0)))
	for series, want := range map[string]uint64{
		"delivered/imageMessage": 1, "brandNew/imageMessage": 3, "sent/imageMessage": 5,
	} {
		if got[series] != want {
			t.Errorf("%s = %d after another reading, want %d", series, got[series], want)
		}
	}
}

// The file is sparse, so that it takes no space on the disk.
func TestForeignFileIsSetAsideUnread(t *testing.T) {
	const size = 1 << 40
	s := newTestStorage(t)
	s.write(t, []byte("something else\n"))
	if err := os.Truncate(s.path(), size); err != nil {
		t.Skip(err)
	}
	s.restart(t, 0)
	s.assertWarnings(t, "the file is not a ledger")
	paths := s.glob(t, ".set-aside-*")
	if len(paths) != 1 {
		t.Fatalf("files set aside: %v, want one", paths)
	}
	if info, err := os.Stat(paths[0]); err != nil || info.Size() != size {
		t.Errorf("set aside %+v, error %v; want a file of %d bytes", info, err, int64(size))
	}
}

// testdata/v2.ledger was written by a release with version 2 of the file. It has a snapshot and two
// records.
func TestLoadReadsFileOfVersion2(t *testing.T) {
	s, l := restartFrom(t, "v2.ledger")
	s.assertWarnings(t)
	summary := l.Summary()
	assertEqual(t, "totals", totals(summary), map[string]uint64{
		"textMessage": 1, "pending/textMessage": 1, "sent/textMessage": 1,
		"delivered/textMessage": 1, "read/textMessage": 1,
		"oddType": 1, "pending/oddType": 1, "oddStatus/oddType": 1,
	})
	assertDelays(t, "delays", summary, observed{1, 30})
	recent := []RecentStatus{
		{"sent", [3]int{1}}, {"read", [3]int{1}}, {"oddStatus", [3]int{1}},
	}
	if !slices.Equal(summary.Recent, recent) {
		t.Errorf("recent rows: got %v, want %v", summary.Recent, recent)
	}
	status := func(word string) statusSet {
		return impliedStatuses(uint8(slices.Index(l.statuses.words, word)))
	}
	typ := func(word string) uint8 { return uint8(slices.Index(l.types.words, word)) }
	text, extended, image := typ("textMessage"), typ("extendedTextMessage"), typ("imageMessage")
	odd, oddStatus := typ("oddType"), uint8(len(l.statuses.words)-1)
	second := func(minute float64) uint32 { return uint32(unixSeconds(at(minute))) }
	for i, want := range []message{
		{reached: status("read"), time: second(-5), latestStatus: read,
			latestType: extended, firstType: text},
		{reached: status("pending"), time: second(-1), latestStatus: pending,
			latestType: image, firstType: image},
		{reached: status("oddStatus"), time: second(0.75), latestStatus: oddStatus,
			latestType: odd, firstType: odd, flags: observable},
		{reached: status("sent"), time: second(0.5), latestStatus: sent,
			latestType: text, firstType: text, flags: observable},
	} {
		key := uint64(i + 1)
		want.key, want.lastSeen, want.listed = packKey(key), 60, want.time
		if got := l.messages.get(key); got == nil || *got != want {
			t.Errorf("message %d: got %+v, want %+v", key, got, want)
		}
	}
	s.assertStored(t, 3, commit(l, 3, testRow(2, "imageMessage", "sent", -1)))
}
