package ledger

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"pgregory.net/rapid"
)

const id = "1101000001"

// disk is a directory for ledgers, and what has been logged about it.
type disk struct {
	directory string
	storage   *Storage
	last      *Ledger
	log       bytes.Buffer
}

func newDisk(t testing.TB) *disk {
	d := &disk{directory: t.TempDir()}
	d.mount(t)
	t.Cleanup(func() {
		d.wait()
		_ = d.storage.Close()
	})
	return d
}

// wait waits until the last run writes nothing any more.
func (d *disk) wait() {
	if d.last != nil {
		d.last.persister.snapshots.Wait()
	}
}

// fatal is what *testing.T, *testing.B and *rapid.T have in common.
type fatal interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// mount opens the directory as a new run of the program does; the one before has been killed.
func (d *disk) mount(t fatal) {
	t.Helper()
	if d.storage != nil {
		_ = d.storage.Close() // as the kernel does for who was killed
	}
	storage, err := OpenStorage(d.directory, log.NewLogfmtLogger(&d.log))
	if err != nil {
		t.Fatal(err)
	}
	d.storage = storage
}

// ledger reads the ledger from its file at so many minutes behind noon, as a new run does.
func (d *disk) ledger(t fatal, minutes float64) *Ledger {
	t.Helper()
	return d.ledgerWith(t, testOptions(60), minutes)
}

func (d *disk) ledgerWith(t fatal, options Options, minutes float64) *Ledger {
	t.Helper()
	d.wait() // who was killed writes no more
	d.mount(t)
	l, err := d.storage.Ledger(id, options, at(minutes))
	if err != nil {
		t.Fatal(err)
	}
	d.last = l
	return l
}

func (d *disk) path() string { return filepath.Join(d.directory, id+".ledger") }

func (d *disk) read(t fatal) []byte {
	t.Helper()
	data, err := os.ReadFile(d.path())
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (d *disk) size(t fatal) int {
	t.Helper()
	info, err := os.Stat(d.path())
	if err != nil {
		t.Fatal(err)
	}
	return int(info.Size())
}

func (d *disk) write(t fatal, data []byte) {
	t.Helper()
	if err := os.WriteFile(d.path(), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// fail takes the directory away and puts a file in its place, so that nothing can be written; repair puts it back.
func (d *disk) fail(t fatal) {
	t.Helper()
	if err := errors.Join(os.Rename(d.directory, d.directory+".away"), os.WriteFile(d.directory, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
}

func (d *disk) repair(t fatal) {
	t.Helper()
	if err := errors.Join(os.Remove(d.directory), os.Rename(d.directory+".away", d.directory)); err != nil {
		t.Fatal(err)
	}
}

// logged returns the lines of the log that are warnings or errors, and forgets them.
func (d *disk) logged() []string {
	defer d.log.Reset()
	var lines []string
	for line := range strings.Lines(d.log.String()) {
		if strings.Contains(line, "level=warn") || strings.Contains(line, "level=error") {
			lines = append(lines, line)
		}
	}
	return lines
}

// dumpLedger is all that a ledger has to keep, in a form that can be compared.
func dumpLedger(t fatal, l *Ledger) string {
	t.Helper()
	messages := make(map[uint64]string)
	for _, m := range l.messages.list {
		messages[m.key] = fmt.Sprintf("%b %d", m.reached, m.lastSeen)
	}
	text, err := json.MarshalIndent([]any{l.state(), l.pollState, messages}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// equalSummaries compares what two readings show.
func equalSummaries(a, b *Summary) bool {
	if a == nil || b == nil {
		return a == b
	}
	return fmt.Sprintf("%+v", utc(a)) == fmt.Sprintf("%+v", utc(b))
}

func utc(r *Summary) Summary {
	c := *r
	c.RequestedAt, c.CountingSince, c.Types = c.RequestedAt.UTC().Round(0), c.CountingSince.UTC().Round(0), nil
	for _, t := range r.Types {
		t.Messages.Created, t.Statuses = t.Messages.Created.UTC().Round(0), append([]Status(nil), t.Statuses...)
		for i := range t.Statuses {
			t.Statuses[i].Reached.Created = t.Statuses[i].Reached.Created.UTC().Round(0)
		}
		c.Types = append(c.Types, t)
	}
	return c
}

func TestALedgerSurvivesBeingKilled(t *testing.T) {
	d := newDisk(t)
	l := d.ledger(t, 0)
	if l.Summary() != nil || !l.LastPollState().Begun.IsZero() {
		t.Errorf("a new ledger has the reading %+v and the call %+v", l.Summary(), l.LastPollState())
	}
	call := PollState{Begun: at(1), Next: at(1.5), Failures: 3, Result: "timeout", Took: time.Second, Settings: "abc"}
	var last *Summary
	for i, step := range []func(){
		func() { l.Persist(call) },
		func() {
			last = takeReading(l, 0, messageRow(1, "text", "sent", -5), messageRow(2, "text", "pending", -1))
		},
		func() {
			last = takeReading(l, 1, messageRow(1, "text", "read", -5), messageRow(3, "oddType", "oddStatus", 0.5))
		},
		func() {
			last = takeReading(l, 2, messageRow(4, "text", "", 1), Row{Type: []byte("text"), Status: []byte("sent")})
		},
		func() { call.Result = ""; l.Persist(call) },
	} {
		step()
		l = d.ledger(t, 3)
		if r := l.Summary(); !equalSummaries(r, last) {
			t.Fatalf("after step %d: got\n%+v, want\n%+v", i, r, last)
		}
		if got := l.LastPollState(); !got.Begun.Equal(call.Begun) || !got.Next.Equal(call.Next) || got.Failures != 3 || got.Result != call.Result || got.Settings != "abc" || got.Took != time.Second {
			t.Fatalf("after step %d: the call is %+v", i, got)
		}
	}
	before := dumpLedger(t, l)
	l.Close()
	if l = d.ledger(t, 3); dumpLedger(t, l) != before {
		t.Errorf("after a proper end: got %s, want %s", dumpLedger(t, l), before)
	}
	if lines := d.logged(); len(lines) > 0 || d.storage.Failures()+d.storage.Damaged() > 0 {
		t.Errorf("%d failures, %d damaged, logged %q", d.storage.Failures(), d.storage.Damaged(), lines)
	}
}

func TestWithoutADirectoryNothingIsKept(t *testing.T) {
	s, err := OpenStorage("", log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		l, err := s.Ledger(id, testOptions(60), at(0))
		if err != nil || l.Summary() != nil {
			t.Fatalf("%+v, %v", l.Summary(), err)
		}
		takeReading(l, 0, messageRow(1, "text", "sent", 0))
		l.Persist(PollState{Begun: at(0)})
		l.Close()
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestRestartsChangeNothing reads the same journal into a ledger that is never stopped and into one that is killed and
// started again at any time, whose disk goes away and comes back, and which takes snapshots at any time.
func TestRestartsChangeNothing(t *testing.T) {
	root := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		directory, err := os.MkdirTemp(root, "")
		if err != nil {
			t.Fatal(err)
		}
		d := &disk{directory: directory}
		defer func() {
			d.wait()
			_ = d.storage.Close()
			_ = os.RemoveAll(directory)
			_ = os.RemoveAll(directory + ".away")
		}()
		kept, twin := d.ledger(t, 0), newTestLedger(60)
		there, minute := true, 0.0
		statuses := []string{"pending", "sent", "delivered", "read", "noAccount", "oddWord", "not a word", ""}
		drawRow := rapid.Custom(func(t *rapid.T) Row {
			key := rapid.Uint64Range(0, 40).Draw(t, "key")
			return messageRow(key, []string{"textMessage", "stickerMessage", "oddType"}[key%3], rapid.SampledFrom(statuses).Draw(t, "status"), float64(key)-10)
		})
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			minute += rapid.SampledFrom([]float64{0.02, 1, 30, 300}).Draw(t, "pause") // too short to forget
			kept.persister.snapshots.Wait()
			switch rapid.SampledFrom([]string{"read", "read", "read", "read and fail", "call", "kill", "end", "disk", "snapshot"}).Draw(t, "step") {
			case "read":
				rows := rapid.SliceOfN(drawRow, 0, 20).Draw(t, "rows")
				got, want := takeReading(kept, minute, rows...), takeReading(twin, minute, rows...)
				if fmt.Sprint(totals(got)) != fmt.Sprint(totals(want)) || got.Messages != want.Messages || got.LastMessage != want.LastMessage {
					t.Fatalf("got %+v, want %+v", utc(got), utc(want))
				}
			case "read and fail":
				for _, l := range []*Ledger{kept, twin} {
					count := l.NewBatch(at(minute))
					count.SetServerTime(at(minute))
					count.Add(messageRow(1, "textMessage", "read", 1))
				}
			case "call":
				kept.Persist(PollState{Begun: at(minute)})
			case "kill", "end":
				if !there { // what it could not write would be read from the journal again
					continue
				}
				if kept.persister.dirty { // nothing was read since the disk came back
					kept.Persist(kept.pollState)
				}
				if rapid.Bool().Draw(t, "properly") {
					kept.Close()
				}
				shown := kept.Summary()
				kept.persister.snapshots.Wait()
				kept = d.ledger(t, minute)
				if !equalSummaries(kept.Summary(), shown) {
					t.Fatalf("a restart shows %+v, and showed %+v", kept.Summary(), shown)
				}
			case "disk":
				if there = !there; there {
					d.repair(t)
				} else {
					d.fail(t)
				}
			case "snapshot":
				kept.persister.file.mu.Lock()
				kept.persister.file.dueSize = 0
				kept.persister.file.mu.Unlock()
			}
		}
		if n := d.storage.Damaged(); n > 0 {
			t.Fatalf("%d damaged files:\n%s", n, &d.log)
		}
	})
}

// stride returns the step between the offsets at which tests damage a file. TEST_THOROUGH=1 covers
// every offset.
func stride() int {
	switch {
	case os.Getenv("TEST_THOROUGH") == "1":
		return 1
	case testing.Short():
		return 61
	default:
		return 17
	}
}

// history writes a file of many records, and returns it with what the ledger is after each: by how long the file is.
func history(t *testing.T) (file []byte, after map[int]string) {
	d := newDisk(t)
	l := d.ledger(t, 0)
	after = make(map[int]string)
	for _, step := range []func(){
		func() { l.Persist(PollState{Begun: at(0), Next: at(1)}) },
		func() { takeReading(l, 0, messageRow(1, "text", "sent", -5), messageRow(2, "text", "pending", -1)) },
		func() {
			takeReading(l, 1, messageRow(1, "text", "read", -5), messageRow(3, "oddType", "oddStatus", 0.5))
		},
		func() { l.Persist(PollState{Begun: at(1), Next: at(2), Result: "timeout"}) },
	} {
		step()
		l.persister.snapshots.Wait()
		before := file
		if file = d.read(t); !bytes.HasPrefix(file, before) { // a snapshot has taken its place
			after = make(map[int]string)
		}
		after[len(file)] = dumpLedger(t, d.ledgerAsIs(t))
	}
	return file, after
}

// ledgerAsIs loads the ledger without going on with it.
func (d *disk) ledgerAsIs(t fatal) *Ledger {
	t.Helper()
	l := newTestLedger(60)
	if _, err := load(d.read(t), id, l); err != nil {
		t.Fatal(err)
	}
	return l
}

// mustOpen opens the ledger without locking the directory anew, for the many who do.
func mustOpen(t *testing.T, d *disk) *Ledger {
	t.Helper()
	d.wait()
	d.storage.damaged.Store(0)
	l, err := d.storage.Ledger(id, testOptions(60), at(2))
	if err != nil {
		t.Fatal(err)
	}
	d.last = l
	return l
}

// TestAWriteThatWasCutShortIsCutOff cuts the file at every offset, as a kill or a power cut in a write does: what it
// says is what its whole records say, and writing goes on behind them.
func TestAWriteThatWasCutShortIsCutOff(t *testing.T) {
	t.Parallel()
	file, after := history(t)
	whole := 0
	d := newDisk(t)
	for length := range len(file) {
		if after[length] != "" {
			whole = length
		}
		_, end := after[length+1]
		if length%stride() != 0 && length != whole && length != whole+1 && !end {
			continue
		}
		d.write(t, file[:length])
		l := mustOpen(t, d)
		lines, damaged := d.logged(), d.storage.Damaged()
		switch {
		case whole == 0: // not even the snapshot
			if l.Summary() != nil || len(lines) != 1 || !strings.Contains(lines[0], "set aside") || damaged != 1 {
				t.Fatalf("%d bytes: %d damaged, logged %q", length, damaged, lines)
			}
		case length == whole:
			if len(lines) > 0 || damaged > 0 {
				t.Fatalf("%d bytes: %d damaged, logged %q", length, damaged, lines)
			}
		default:
			if len(lines) != 1 || !strings.Contains(lines[0], fmt.Sprintf("bytes=%d", length-whole)) || damaged != 1 || len(d.read(t)) != whole {
				t.Fatalf("%d bytes: %d damaged, %d bytes left, logged %q", length, damaged, len(d.read(t)), lines)
			}
		}
		if whole > 0 && dumpLedger(t, d.ledgerAsIs(t)) != after[whole] {
			t.Fatalf("%d bytes: got %s, want %s", length, dumpLedger(t, d.ledgerAsIs(t)), after[whole])
		}
		r := takeReading(l, 1.5, messageRow(6, "text", "sent", 1))
		if again := mustOpen(t, d); !equalSummaries(again.Summary(), r) || len(d.logged()) > 0 {
			t.Fatalf("%d bytes: it does not go on: %+v, want %+v", length, again.Summary(), r)
		}
		_ = os.Remove(d.path()) // as the name of what is set aside is good for one
	}
}

// TestABaselineThatWasCutShortIsSaid: there is nothing to ask for again.
func TestABaselineThatWasCutShortIsSaid(t *testing.T) {
	d := newDisk(t)
	l := d.ledger(t, 0)
	l.Persist(PollState{Begun: at(0), Next: at(60)})
	l.persister.file.snapshotting = true // so that the snapshot does not take its place
	takeReading(l, 0, manyRows(100)...)
	data := d.read(t)
	d.write(t, data[:len(data)-1])
	l = mustOpen(t, d)
	if lines := d.logged(); len(lines) != 1 || !strings.Contains(lines[0], "counting starts again") || l.Summary() != nil || !l.LastPollState().Next.Equal(at(60)) {
		t.Errorf("logged %q, reading %+v, call %+v", lines, l.Summary(), l.LastPollState())
	}
}

// TestTheBaselineIsInASnapshotAtOnce: all that follows means nothing without it.
func TestTheBaselineIsInASnapshotAtOnce(t *testing.T) {
	d := newDisk(t)
	l := d.ledger(t, 0)
	l.Persist(PollState{Begun: at(0)})
	last := takeReading(l, 0, manyRows(100)...)
	l.persister.snapshots.Wait()
	if f := l.persister.file; f.size > f.snapshot {
		t.Error("there is more in the file than a snapshot")
	}
	takeReading(l, 1, manyRows(100)...)
	data := d.read(t)
	d.write(t, data[:len(data)-1])
	if r := mustOpen(t, d).Summary(); r == nil || r.Messages != last.Messages {
		t.Errorf("of a file without its end there is left %+v", r)
	}
}

// TestAFlippedBitIsNoticed flips one at every offset: it is said in one line, and what is left is what was true once.
func TestAFlippedBitIsNoticed(t *testing.T) {
	t.Parallel()
	file, after := history(t)
	outcomes := map[string]int{}
	d := newDisk(t)
	for offset := 0; offset < len(file); offset += stride() {
		flipped := append([]byte(nil), file...)
		flipped[offset] ^= 1 << (offset % 8)
		d.write(t, flipped)
		l := mustOpen(t, d)
		lines := d.logged()
		if len(lines) != 1 || !strings.Contains(lines[0], d.path()) || d.storage.Damaged() != 1 {
			t.Fatalf("offset %d: %d damaged, logged %q", offset, d.storage.Damaged(), lines)
		}
		kept, err := filepath.Glob(d.path() + ".set-aside-*")
		if err != nil {
			t.Fatal(err)
		}
		if len(kept) == 1 {
			outcomes["set aside"]++
			if data, err := os.ReadFile(kept[0]); err != nil || !bytes.Equal(data, flipped) || l.Summary() != nil {
				t.Fatalf("offset %d: set aside with %d bytes of %d, %v", offset, len(data), len(flipped), err)
			}
			if err := os.Remove(kept[0]); err != nil {
				t.Fatal(err)
			}
			continue
		}
		outcomes["cut off"]++
		left := d.read(t)
		if len(left) > offset || after[len(left)] == "" || dumpLedger(t, d.ledgerAsIs(t)) != after[len(left)] {
			t.Fatalf("offset %d: %d bytes are left", offset, len(left))
		}
	}
	if outcomes["set aside"] == 0 || outcomes["cut off"] == 0 {
		t.Errorf("outcomes: %v", outcomes)
	}
}

func TestFilesThatAreNoLedgerAreSetAside(t *testing.T) {
	file, _ := history(t)
	snapshot := func(header string, n recordHeader, messages ...message) []byte {
		record, err := newRecord(n, messages)
		if err != nil {
			t.Fatal(err)
		}
		sum := newChecksum([]byte(header))
		return append([]byte(header), appendChecksum(record, &sum)...)
	}
	valid := newTestLedger(60).state()
	spoilt := func(spoil func(*state)) recordHeader {
		s := *valid
		spoil(&s)
		return recordHeader{State: &s}
	}
	first := string(fileHeader(id))
	for name, c := range map[string]struct {
		data []byte
		says string
	}{
		"empty":                        {nil, "empty"},
		"another program's":            {[]byte("SQLite format 3\x00 and so on"), "not a ledger"},
		"a line without end":           {[]byte(strings.Repeat("x", 1<<20)), "not a ledger"},
		"of version 0":                 {bytes.Replace(file, []byte("ledger 1 "), []byte("ledger 0 "), 1), "version 0"},
		"of version 2":                 {bytes.Replace(file, []byte("ledger 1 "), []byte("ledger 2 "), 1), "version 2"},
		"of no version":                {bytes.Replace(file, []byte("ledger 1 "), []byte("ledger x "), 1), "not a ledger"},
		"of another instance":          {snapshot(string(fileHeader("1101000002")), recordHeader{State: valid}), "1101000002"},
		"nothing but its first line":   {[]byte(first), "damaged"},
		"another first line":           {bytes.Replace(file, []byte(id), []byte("1101000002"), 1), "damaged"},
		"lengths beyond everything":    {append([]byte(first), bytes.Repeat([]byte{0xff}, 100)...), "damaged"},
		"a snapshot without a state":   {snapshot(first, recordHeader{Call: new(PollState)}), "damaged"},
		"messages without a state":     {snapshot(first, recordHeader{}, message{key: 1}), "damaged"},
		"a message without a key":      {snapshot(first, recordHeader{State: valid}, message{key: 0}), "damaged"},
		"statuses without a word":      {snapshot(first, recordHeader{State: valid}, message{key: 1, reached: 1 << 31}), "damaged"},
		"a birth without a reading":    {snapshot(first, spoilt(func(s *state) { s.Birth = 1 })), "damaged"},
		"a negative time":              {snapshot(first, spoilt(func(s *state) { s.Birth, s.LastGood = -1, -1 })), "damaged"},
		"a clock that runs backwards":  {snapshot(first, spoilt(func(s *state) { s.Clock = -1 })), "damaged"},
		"a clock beyond its end":       {snapshot(first, spoilt(func(s *state) { s.Clock = int64(maxClock) + 1 })), "damaged"},
		"negative unread time":         {snapshot(first, spoilt(func(s *state) { s.Unread = -1 })), "damaged"},
		"more statuses than places":    {snapshot(first, spoilt(func(s *state) { s.Statuses = make([]string, 33) })), "damaged"},
		"more types than places":       {snapshot(first, spoilt(func(s *state) { s.Types = make([]string, 257) })), "damaged"},
		"totals without a type":        {snapshot(first, spoilt(func(s *state) { s.Types, s.Totals = nil, make([]typeState, 1) })), "damaged"},
		"totals without a status":      {snapshot(first, spoilt(func(s *state) { s.Totals = []typeState{{Statuses: make([]counterState, 13)}} })), "damaged"},
		"a count without a time":       {snapshot(first, spoilt(func(s *state) { s.Totals = []typeState{{Messages: counterState{1, 0}}} })), "damaged"},
		"a status count without one":   {snapshot(first, spoilt(func(s *state) { s.Totals = []typeState{{Statuses: []counterState{{1, 0}}}} })), "damaged"},
		"a time beyond the last":       {snapshot(first, spoilt(func(s *state) { s.Totals = []typeState{{Messages: counterState{1, 1 << 63}}} })), "damaged"},
		"rows without a type":          {snapshot(first, spoilt(func(s *state) { s.Types, s.Rows = nil, [][]int{{1}} })), "damaged"},
		"rows without a status":        {snapshot(first, spoilt(func(s *state) { s.Rows = [][]int{make([]int, 13)} })), "damaged"},
		"more rows than there can be":  {snapshot(first, spoilt(func(s *state) { s.Rows = [][]int{{1 << 40}} })), "damaged"},
		"fewer than no rows":           {snapshot(first, spoilt(func(s *state) { s.Rows = [][]int{{-1}} })), "damaged"},
		"failures below none":          {snapshot(first, recordHeader{State: valid, Call: &PollState{Failures: -1}}), "damaged"},
		"a call that took less than 0": {snapshot(first, recordHeader{State: valid, Call: &PollState{Took: -1}}), "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisk(t)
			d.write(t, c.data)
			l := mustOpen(t, d)
			lines := d.logged()
			if len(lines) != 1 || !strings.Contains(lines[0], "reason=") || !strings.Contains(lines[0], c.says) || d.storage.Damaged() != 1 {
				t.Errorf("%d damaged, logged %q; want one line with %q", d.storage.Damaged(), lines, c.says)
			}
			kept, err := filepath.Glob(d.path() + ".set-aside-*")
			if err != nil || len(kept) != 1 {
				t.Fatalf("set aside as %v, %v", kept, err)
			}
			if data, err := os.ReadFile(kept[0]); err != nil || !bytes.Equal(data, c.data) {
				t.Errorf("%d bytes of %d are left, %v", len(data), len(c.data), err)
			}
			if l.Summary() != nil {
				t.Error("it shows a reading")
			}
			takeReading(l, 3, messageRow(1, "text", "sent", 1))
			if r := d.ledger(t, 3).Summary(); r == nil || r.Messages != 1 || len(d.logged()) > 0 {
				t.Errorf("the ledger that takes its place does not last: %+v", r)
			}
		})
	}
}

func TestAFileThatCannotBeReadIsAnError(t *testing.T) {
	for name, make := range map[string]func(path string) error{
		"a directory": func(path string) error { return os.Mkdir(path, 0o700) },
		"a loop":      func(path string) error { return os.Symlink(path, path) },
	} {
		d := newDisk(t)
		if err := make(d.path()); err != nil {
			t.Fatal(err)
		}
		_, err := d.storage.Ledger(id, testOptions(60), at(0))
		if err == nil || !strings.Contains(err.Error(), d.path()) || !strings.Contains(err.Error(), "move it away") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOneExporterADirectory(t *testing.T) {
	d := newDisk(t)
	if _, err := OpenStorage(d.directory, log.NewNopLogger()); err == nil || !strings.Contains(err.Error(), d.directory+" is in use by another exporter") {
		t.Errorf("a second one: %v", err)
	}
	if err := d.storage.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := OpenStorage(d.directory, log.NewNopLogger())
	if err != nil {
		t.Fatalf("after the first has ended: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}

// TestTheLockCannotBeTakenAway: who removes it, or the directory, does not let a second exporter in.
func TestTheLockCannotBeTakenAway(t *testing.T) {
	for name, remove := range map[string]func(*disk) error{
		"the lock":      func(d *disk) error { return os.Remove(filepath.Join(d.directory, "lock")) },
		"the directory": func(d *disk) error { return os.RemoveAll(d.directory) },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisk(t)
			l := d.ledger(t, 0)
			takeReading(l, 0, messageRow(1, "text", "sent", -5))
			if err := remove(d); err != nil {
				t.Fatal(err)
			}
			last := takeReading(l, 1, messageRow(2, "text", "sent", 0.5))
			if _, err := OpenStorage(d.directory, log.NewNopLogger()); !errors.Is(err, errLocked) {
				t.Errorf("a second one: %v", err)
			}
			if r := d.ledger(t, 1).Summary(); !equalSummaries(r, last) || len(d.logged()) > 0 {
				t.Errorf("on file is %+v, want %+v", r, last)
			}
		})
	}
}

// TestWhoLostTheLockWritesNothing: a second one was quicker to take it.
func TestWhoLostTheLockWritesNothing(t *testing.T) {
	d := newDisk(t)
	l := d.ledger(t, 0)
	takeReading(l, 0, messageRow(1, "text", "sent", -5))
	if err := os.Remove(filepath.Join(d.directory, "lock")); err != nil {
		t.Fatal(err)
	}
	second, err := OpenStorage(d.directory, log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	before := d.read(t)
	for minute := range 3 {
		if r := takeReading(l, float64(minute+1), messageRow(uint64(minute+2), "text", "sent", 0.5)); r.Messages != minute+2 {
			t.Errorf("%d messages", r.Messages)
		}
	}
	lines := d.logged()
	if !bytes.Equal(d.read(t), before) || len(lines) != 1 || !strings.Contains(lines[0], "in use by another exporter") || d.storage.Failures() != 3 {
		t.Errorf("%d failures, logged %q", d.storage.Failures(), lines)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	last := takeReading(l, 4, messageRow(5, "text", "read", 0.5))
	if r := d.ledger(t, 4).Summary(); !equalSummaries(r, last) {
		t.Errorf("when the other has ended: %+v, want %+v", r, last)
	}
}

// TestAnEndWithoutADiskSaysWhatIsLost, and one with a disk that has come back writes it.
func TestAnEndWithoutADiskSaysWhatIsLost(t *testing.T) {
	for _, repaired := range []bool{false, true} {
		d := newDisk(t)
		l := d.ledger(t, 0)
		takeReading(l, 0, messageRow(1, "text", "sent", -5))
		d.fail(t)
		last := takeReading(l, 1, messageRow(2, "text", "sent", 0.5))
		if !d.storage.Failing() {
			t.Error("the storage is not said to fail")
		}
		if repaired {
			d.repair(t)
		}
		l.Close()
		if d.storage.Failing() {
			t.Errorf("repaired: %t, a ledger that was let go is still waited for", repaired)
		}
		lines := d.logged()
		if said := len(lines) == 2 && strings.Contains(lines[1], "not on disk"); said == repaired {
			t.Errorf("repaired: %t, logged %q", repaired, lines)
		}
		if !repaired {
			d.repair(t)
		}
		if r := d.ledger(t, 1).Summary(); equalSummaries(r, last) != repaired {
			t.Errorf("repaired: %t, on file is %+v", repaired, r)
		}
	}
}

// TestASnapshotWithoutTheLockIsTakenLater: it is given up as a whole, with what was put by for it.
func TestASnapshotWithoutTheLockIsTakenLater(t *testing.T) {
	d := newDisk(t)
	l := d.ledger(t, 0)
	takeReading(l, 0, messageRow(1, "text", "sent", -5))
	l.persister.snapshots.Wait()
	f := l.persister.file
	f.requestSnapshot()
	if !f.snapshotDue() {
		t.Fatal("it is not due")
	}
	d.fail(t)
	snapshot, err := l.snapshotRecord()
	if err == nil {
		err = f.replace(snapshot)
	}
	if err == nil {
		t.Fatal("it was written")
	}
	d.repair(t)
	takeReading(l, 1, messageRow(2, "text", "sent", 0.5))
	if len(f.tail) > 0 {
		t.Errorf("%d records are put by for it", len(f.tail))
	}
	f.requestSnapshot()
	last := takeReading(l, 2, messageRow(3, "text", "sent", 1.5))
	l.persister.snapshots.Wait()
	if f.size > f.snapshot {
		t.Error("no other was taken")
	}
	if r := d.ledger(t, 2).Summary(); !equalSummaries(r, last) {
		t.Errorf("on file is %+v, want %+v", r, last)
	}
}

func TestADirectoryThatCannotBeWrittenIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	directories := []string{file, filepath.Join(file, "below")}
	if runtime.GOOS == "linux" {
		directories = append(directories, "/proc", "/proc/below")
	}
	for _, directory := range directories {
		if _, err := OpenStorage(directory, log.NewNopLogger()); err == nil || !strings.Contains(err.Error(), "may write") {
			t.Errorf("%s: %v", directory, err)
		}
	}
}

// TestADiskThatFailsCostsNothing takes the directory away: counting goes on, the failure is counted and logged once, and
// what is missing is written when it can be.
func TestADiskThatFailsCostsNothing(t *testing.T) {
	for name, before := range map[string]int{"at the baseline": 0, "in mid-run": 2} {
		t.Run(name, func(t *testing.T) {
			d := newDisk(t)
			l := d.ledger(t, 0)
			minute := 0.0
			next := func(status string) *Summary {
				minute++
				return takeReading(l, minute, messageRow(1, "text", "pending", -1), messageRow(uint64(minute)+1, "text", status, minute-0.5))
			}
			for range before {
				next("sent")
			}
			d.fail(t)
			for i := range 5 {
				if r := next("delivered"); r.Messages != before+i+2 {
					t.Errorf("%d messages are remembered", r.Messages)
				}
				l.Persist(PollState{Begun: at(minute)})
			}
			lines := d.logged()
			if len(lines) != 1 || !strings.Contains(lines[0], "cannot write the ledger") || d.storage.Failures() != 10 {
				t.Errorf("%d failures, logged %q", d.storage.Failures(), lines)
			}
			d.repair(t)
			last := next("read")
			if !strings.Contains(d.log.String(), "works again") || d.storage.Failures() != 10 {
				t.Errorf("%d failures, logged %s", d.storage.Failures(), &d.log)
			}
			if r := d.ledger(t, minute).Summary(); !equalSummaries(r, last) {
				t.Errorf("on file is %+v, want %+v", r, last)
			}
		})
	}
}

func TestAFileThatIsTakenAwayIsWrittenAnew(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"removed": os.Remove,
		"cut":     func(path string) error { return os.Truncate(path, 100) },
		"another in its place": func(path string) error {
			data, err := os.ReadFile(path)
			info, failed := os.Stat(path)
			if err = errors.Join(err, failed); err != nil {
				return err
			}
			data[len(data)-1] ^= 1
			return errors.Join(os.WriteFile(path+".copy", data, 0o600), os.Chtimes(path+".copy", time.Now(), info.ModTime()), os.Rename(path+".copy", path))
		},
		"written by another": func(path string) error {
			data, err := os.ReadFile(path)
			data[len(data)-1] ^= 1
			return errors.Join(err, os.WriteFile(path, data, 0o600), os.Chtimes(path, time.Now(), time.Now().Add(time.Second)))
		},
		"longer": func(path string) error {
			file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
			if err == nil {
				_, err = file.WriteString("something")
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisk(t)
			l := d.ledger(t, 0)
			takeReading(l, 0, messageRow(1, "text", "sent", -5))
			if err := spoil(d.path()); err != nil {
				t.Fatal(err)
			}
			last := takeReading(l, 1, messageRow(2, "text", "sent", 0.5))
			if r := d.ledger(t, 2).Summary(); !equalSummaries(r, last) || d.storage.Damaged() > 0 {
				t.Errorf("got %+v, want %+v\n%s", r, last, &d.log)
			}
		})
	}
}

// TestSnapshotsKeepTheFileShort reads 3000 times; the appended part never gets much longer than allowed.
func TestSnapshotsKeepTheFileShort(t *testing.T) {
	d := newDisk(t)
	l := d.ledger(t, 0)
	longest, snapshots := 0, 0
	var last *Summary
	for i := range 3000 {
		before := l.persister.file.snapshot
		last = takeReading(l, float64(i), messageRow(uint64(i%500+1), "text", []string{"sent", "read"}[i/500%2], float64(i)))
		l.persister.snapshots.Wait()
		if l.persister.file.snapshot > before {
			snapshots++
		}
		longest = max(longest, d.size(t))
	}
	if snapshots < 2 || longest > minAppended+100<<10 {
		t.Errorf("%d snapshots, the file was %d bytes long", snapshots, longest)
	}
	if r := d.ledger(t, 3000).Summary(); !equalSummaries(r, last) {
		t.Errorf("got %+v, want %+v", r, last)
	}
	if left, err := filepath.Glob(d.directory + "/*" + tmpSuffix); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestKillsDoNotLetTheFileGrow: each run appends less than what makes a snapshot due, and takes none at its end.
func TestKillsDoNotLetTheFileGrow(t *testing.T) {
	d := newDisk(t)
	longest := 0
	for run := range 20 {
		l := d.ledger(t, float64(run*100))
		for i := range 100 {
			takeReading(l, float64(run*100+i), messageRow(1, "text", "sent", 0))
		}
		l.persister.snapshots.Wait()
		longest = max(longest, d.size(t))
	}
	if longest < minAppended/2 || longest > minAppended+minAppended/2 {
		t.Errorf("it became %d bytes long", longest)
	}
}

// TestReadingsGoOnWhileASnapshotIsWritten: what is appended meanwhile is behind the snapshot too.
func TestReadingsGoOnWhileASnapshotIsWritten(t *testing.T) {
	d := newDisk(t)
	l := d.ledger(t, 0)
	takeReading(l, 0, messageRow(1, "text", "sent", -5))
	takeReading(l, 0.5, messageRow(1, "text", "read", -5))
	l.persister.snapshots.Wait()
	f := l.persister.file
	f.dueSize = 0
	if !f.snapshotDue() || f.snapshotDue() {
		t.Fatal("it is due once")
	}
	for minute := 1.0; minute < 7; minute += 3 { // a second one has nothing of the first behind it
		f.snapshotting = true
		snapshot, err := l.snapshotRecord()
		if err != nil {
			t.Fatal(err)
		}
		takeReading(l, minute, messageRow(uint64(minute)+1, "text", "sent", 0.5))
		last := takeReading(l, minute+1, messageRow(uint64(minute)+1, "text", "read", 0.5))
		before := d.read(t)
		if err := f.replace(snapshot); err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(before, d.read(t)) || len(f.tail) > 0 {
			t.Errorf("the file is the same, or the next snapshot will have %d records of this one behind it", len(f.tail))
		}
		if r := d.ledgerAsIs(t).Summary(); !equalSummaries(r, last) {
			t.Errorf("got %+v, want %+v", r, last)
		}
		last = takeReading(l, minute+2, messageRow(uint64(minute)+2, "text", "sent", 2.5))
		if r := d.ledgerAsIs(t).Summary(); !equalSummaries(r, last) {
			t.Errorf("after another reading: got %+v, want %+v", r, last)
		}
	}
}

// TestASnapshotThatFailsLosesNothing: the file of before stays, and is tried to be replaced only when it has grown.
func TestASnapshotThatFailsLosesNothing(t *testing.T) {
	d := newDisk(t)
	l := d.ledger(t, 0)
	takeReading(l, 0, messageRow(1, "text", "sent", -5))
	if err := os.Mkdir(d.path()+tmpSuffix, 0o700); err != nil { // where it is to be written
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.path()+tmpSuffix, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var last *Summary
	for i := range 3 {
		l.persister.file.dueSize = 0
		last = takeReading(l, float64(i+1), messageRow(uint64(i+2), "text", "sent", float64(i)))
		l.persister.snapshots.Wait()
		if l.persister.file.dueSize < minAppended {
			t.Error("the next reading would try again")
		}
	}
	lines := d.logged()
	if len(lines) != 1 || !strings.Contains(lines[0], "cannot write a snapshot of the ledger") || d.storage.Failures() != 3 {
		t.Errorf("%d failures, logged %q", d.storage.Failures(), lines)
	}
	if r := d.ledger(t, 4).Summary(); !equalSummaries(r, last) {
		t.Errorf("got %+v, want %+v", r, last)
	}
}

// TestWhatIsInTheFutureIsNow: the clock has been set back by a day since the file was written.
func TestWhatIsInTheFutureIsNow(t *testing.T) {
	d := newDisk(t)
	l := d.ledger(t, 0)
	takeReading(l, 0, messageRow(1, "text", "sent", -5))
	takeReading(l, 1, messageRow(2, "text", "sent", 0.5))
	l.Persist(PollState{Begun: at(1), Next: at(61)})
	l = d.ledger(t, -1440)
	r := l.Summary()
	if !r.RequestedAt.Equal(at(-1440)) || !r.CountingSince.Equal(at(-1440)) {
		t.Errorf("asked at %s, born %s", r.RequestedAt, r.CountingSince)
	}
	for _, typ := range r.Types {
		for _, s := range typ.Statuses {
			if s.Reached.Created.After(at(-1440)) || typ.Messages.Created.After(at(-1440)) {
				t.Errorf("%s of %s: created %s", s.Word, typ.Word, s.Reached.Created)
			}
		}
	}
	if c := l.LastPollState(); !c.Begun.Equal(at(-1440)) || !c.Next.Equal(at(-1380)) {
		t.Errorf("the last call: %+v", c)
	}
	if got, want := asks(l, -1440), (360-24)*60; got != want {
		t.Errorf("it asks for %d minutes, want all of %d", got, want)
	}
	if got, want := asks(l, -100), (360-24)*60; got != want {
		t.Errorf("a day later it asks for %d minutes, want all of %d", got, want)
	}
	if r := takeReading(l, -100, messageRow(2, "text", "read", 0.5)); r.Uncovered != 0 {
		t.Errorf("%s unread", r.Uncovered)
	}
	if got := asks(l, -99); got != 60 {
		t.Errorf("after a good reading it asks for %d minutes", got)
	}
}

func TestAfterARestartThePauseIsAskedFor(t *testing.T) {
	for gap, want := range map[float64]int{0: 65, 0.25: 66, 4: 69, 600: 665, 30 * 1440: (360 - 24) * 60} {
		d := newDisk(t)
		takeReading(d.ledger(t, 0), 0, messageRow(1, "text", "sent", -5))
		l := d.ledger(t, gap/2)
		if got := asks(l, gap); got != want {
			t.Errorf("%v minutes after the last reading it asks for %d, want %d", gap, got, want)
		}
		l.NewBatch(at(gap)) // which fails
		if got := asks(l, gap); got != want {
			t.Errorf("%v minutes: after a failure it asks for %d, want %d", gap, got, want)
		}
		l.NewBatch(at(gap)).Shrink()
		if got, narrower := asks(l, gap), 60+(want-60)/2; got != narrower {
			t.Errorf("%v minutes: after a failure by its size it asks for %d, want %d", gap, got, narrower)
		}
		count := l.NewBatch(at(gap))
		count.SetServerTime(at(gap))
		r := count.Commit()
		if unread := max(0, gap-float64(count.Minutes())); r.Uncovered.Minutes() != unread {
			t.Errorf("%v minutes: %s unread, want %v minutes", gap, r.Uncovered, unread)
		}
		if got := asks(l, gap+1); got != 60 {
			t.Errorf("%v minutes: after a good reading it asks for %d", gap, got)
		}
		l.Persist(PollState{})
		if kept := d.ledger(t, gap).Summary(); kept.Uncovered != r.Uncovered {
			t.Errorf("%v minutes: %s unread are kept of %s", gap, kept.Uncovered, r.Uncovered)
		}
		if got, want := asks(l, gap+100), 60+100+5; got != want {
			t.Errorf("%v minutes: after another pause it asks for %d, want %d as nothing has failed since", gap, got, want)
		}
	}
	if got := asks(newDisk(t).ledger(t, 0), 0); got != 60 {
		t.Errorf("a new ledger asks for %d", got)
	}
}

// TestAClockThatGoesBackwardsInARunAsksForAll: the monotonic clock does not, but a time may come without it.
func TestAClockThatGoesBackwardsInARunAsksForAll(t *testing.T) {
	l := newTestLedger(60)
	takeReading(l, 0)
	if got, want := asks(l, -1), (360-24)*60; got != want {
		t.Errorf("it asks for %d, want %d", got, want)
	}
	now := time.Now()
	count := l.NewBatch(now)
	count.SetServerTime(now)
	count.Commit()
	if got := l.NewBatch(time.Now()).Minutes(); got != 60 {
		t.Errorf("a moment later by the monotonic clock it asks for %d", got)
	}
}

// TestWhatWasShownBeforeAKillIsRememberedFromThen: records do not say that a message was shown without anything new.
func TestWhatWasShownBeforeAKillIsRememberedFromThen(t *testing.T) {
	d := newDisk(t)
	options := Options{Minutes: 60, Retention: 25 * time.Hour}
	open := func(minute float64) *Ledger { return d.ledgerWith(t, options, minute) }
	l := open(0)
	gone, stays := messageRow(1, "text", "sent", -1), messageRow(2, "text", "sent", -1)
	takeReading(l, 0, gone, stays)
	takeReading(l, 60, stays)
	l.Close() // with a snapshot in which the first was not shown
	l = open(60)
	for hour := 2.0; hour <= 20; hour++ {
		takeReading(l, hour*60, stays)
	}
	l = open(20 * 60) // killed
	if r := takeReading(l, 30*60); r.Messages != 1 {
		t.Fatalf("%d messages, want the one that was shown 10 hours ago", r.Messages)
	}
	if r := takeReading(l, 30*60+1, stays); len(totals(r)) > 0 {
		t.Errorf("it was counted: %v", totals(r))
	}
	if r := takeReading(l, 57*60); r.Messages != 0 {
		t.Errorf("%d messages past the retention", r.Messages)
	}
}

// TestWhatAPauseShowedAgainIsRememberedFromThen: it had left the window before the snapshot, and only a wider call shows
// it, without anything new.
func TestWhatAPauseShowedAgainIsRememberedFromThen(t *testing.T) {
	const day = 1440
	d := newDisk(t)
	l := d.ledger(t, 0)
	old := messageRow(1, "text", "sent", -1)
	takeReading(l, 0, old)
	takeReading(l, 1*day)
	l.Close()
	l = d.ledger(t, 1*day)
	count := l.NewBatch(at(12 * day)) // fails, but has seen it
	count.SetServerTime(at(12 * day))
	count.Add(old)
	takeReading(l, 13*day, old)
	takeReading(l, 13*day+1)
	l = d.ledger(t, 13*day+1) // killed
	takeReading(l, 16*day)
	if r := takeReading(l, 16*day+60, old); r.Messages != 1 || len(totals(r)) > 0 {
		t.Errorf("%d messages, counted %v", r.Messages, totals(r))
	}
}

// TestACallThatCouldNotBeWrittenIsAtTheEnd.
func TestACallThatCouldNotBeWrittenIsAtTheEnd(t *testing.T) {
	d := newDisk(t)
	l := d.ledger(t, 0)
	takeReading(l, 0, messageRow(1, "text", "sent", -5))
	d.fail(t)
	l.Persist(PollState{Begun: at(1), Next: at(100)})
	d.repair(t)
	l.Close()
	if c := d.ledger(t, 1).LastPollState(); !c.Next.Equal(at(100)) {
		t.Errorf("on file is %+v", c)
	}
}

// TestWhatIsUnwrittenIsBounded by what is remembered, however long the disk fails.
func TestWhatIsUnwrittenIsBounded(t *testing.T) {
	d := newDisk(t)
	l := d.ledger(t, 0)
	takeReading(l, 0, manyRows(100)...)
	d.fail(t)
	for i := range 100 {
		takeReading(l, float64(2*i+1))
		takeReading(l, float64(2*i+2), manyRows(100)...) // shown again
	}
	if n, most := len(l.persister.dirtyKeys), 2*len(l.messages.list)+1000; n > most {
		t.Errorf("%d are unwritten, want at most %d", n, most)
	}
	d.repair(t)
	last := takeReading(l, 3000)
	if r := d.ledger(t, 3000).Summary(); !equalSummaries(r, last) {
		t.Errorf("on file is %+v, want %+v", r, last)
	}
}

// TestACallTakesLittleRoom where no reading has changed anything.
func TestACallTakesLittleRoom(t *testing.T) {
	d := newDisk(t)
	l := d.ledger(t, 0)
	takeReading(l, 0, manyRows(100)...)
	l.persister.snapshots.Wait()
	before := d.size(t)
	l.Persist(PollState{Begun: at(1), Next: at(2), Result: "timeout", Took: time.Minute, Settings: "0123456789abcdef"})
	if grown := d.size(t) - before; grown > 300 {
		t.Errorf("it takes %d bytes", grown)
	}
}

// TestTheLockIsTakenLater where it could not be at the start, since the disk was full.
func TestTheLockIsTakenLater(t *testing.T) {
	d := &disk{directory: filepath.Join(t.TempDir(), "ledgers")}
	d.storage = &Storage{directory: d.directory, logger: log.NewLogfmtLogger(&d.log), words: documentedWords()}
	t.Cleanup(func() { _ = d.storage.Close() })
	l, err := d.storage.Ledger(id, testOptions(60), at(0))
	if err != nil {
		t.Fatal(err)
	}
	last := takeReading(l, 0, messageRow(1, "text", "sent", -5))
	l.persister.snapshots.Wait()
	if _, err := OpenStorage(d.directory, log.NewNopLogger()); !errors.Is(err, errLocked) {
		t.Errorf("a second one: %v", err)
	}
	if r := d.ledger(t, 1).Summary(); !equalSummaries(r, last) {
		t.Errorf("on file is %+v, want %+v", r, last)
	}
}

func TestWhatAKilledRunHasLeftIsRemoved(t *testing.T) {
	d := newDisk(t)
	if err := os.WriteFile(d.path()+tmpSuffix, []byte("half a snapshot"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.ledger(t, 0)
	if left, err := filepath.Glob(d.path() + "*"); err != nil || len(left) > 0 {
		t.Errorf("left is %v, %v", left, err)
	}
}

// TestWordsOfAnotherVersion: the file says what its places mean; here a word has become documented, one is new, and two
// share a place.
func TestWordsOfAnotherVersion(t *testing.T) {
	s := &state{
		Statuses: []string{"unknown", "other", "sent", "pending", "brandNew", "not a word"},
		Types:    []string{"imageMessage", "strangeMessage"},
		Totals: []typeState{
			{counterState{7, 1}, []counterState{{0, 1}, {2, 1}, {5, 1}, {7, 1}, {3, 1}, {1, 1}}},
			{counterState{1, 2}, []counterState{{}, {}, {1, 2}}},
		},
		Rows:  [][]int{{0, 0, 4, 3}},
		Birth: 1, LastGood: 5,
	}
	record, err := newRecord(recordHeader{State: s}, []message{{key: 9, reached: 0b11100}})
	if err != nil {
		t.Fatal(err)
	}
	sum := newChecksum(fileHeader(id))
	d := newDisk(t)
	d.write(t, append(fileHeader(id), appendChecksum(record, &sum)...))
	l := d.ledger(t, 0)
	expect(t, "totals", totals(l.Summary()), map[string]uint64{
		"imageMessage": 7, "sent/imageMessage": 5, "pending/imageMessage": 7, "brandNew/imageMessage": 3, "other/imageMessage": 3,
		"strangeMessage": 1, "sent/strangeMessage": 1,
	})
	expect(t, "window", windowRows(l.Summary()), map[string]int{"sent/imageMessage": 4, "pending/imageMessage": 3})
	r := takeReading(l, 1, messageRow(9, "imageMessage", "brandNew", 0), messageRow(9, "imageMessage", "delivered", 0))
	if got := totals(r); got["delivered/imageMessage"] != 1 || got["brandNew/imageMessage"] != 3 || got["sent/imageMessage"] != 5 {
		t.Errorf("what the message had reached was forgotten: %v", got)
	}
}

// TestASnapshotTakesAtMost24BytesAMessage, all told.
func TestASnapshotTakesAtMost24BytesAMessage(t *testing.T) {
	const n = 100_000
	d := newDisk(t)
	l := d.ledger(t, 0)
	takeReading(l, 0, manyRows(n)...)
	l.Close()
	if each := float64(len(d.read(t))) / n; each > 24 {
		t.Errorf("%.1f bytes each", each)
	}
	if r := d.ledger(t, 0).Summary(); r.Messages != n {
		t.Errorf("%d messages", r.Messages)
	}
}

func manyRows(n int) []Row {
	rows := make([]Row, n)
	var types, statuses [][]byte // which the rows share
	for i := range rows {
		if i < 10 {
			types, statuses = append(types, []byte(defaultTypes[i%8])), append(statuses, []byte(documentedStatuses[i]))
		}
		rows[i] = messageRow(uint64(i)*0x9E3779B97F4A7C15+1, "", "", -1)
		rows[i].Type, rows[i].Status = types[i%8], statuses[i%10]
	}
	return rows
}

// FuzzLoad: no bytes panic or take much more memory than they are, and what is accepted is written back to the same
// meaning.
func FuzzLoad(f *testing.F) {
	l := newTestLedger(60)
	takeReading(l, 0, messageRow(1, "text", "sent", -5))
	takeReading(l, 1, messageRow(1, "oddType", "oddStatus", -5), messageRow(2, "text", "", 0))
	l.pollState = PollState{Begun: at(1), Next: at(2), Failures: 2, Result: "timeout", Took: 5, Settings: "x"}
	record, err := l.snapshotRecord()
	if err != nil {
		f.Fatal(err)
	}
	text := binary.LittleEndian.Uint32(record)
	f.Add(record[8:8+text], record[8+text:], []byte(`{"call":{"begun":"2026-05-04T12:00:00Z","next":"2026-05-04T13:00:00+07:00"}}`), []byte(nil))
	f.Add([]byte(`{"state":{}}`), []byte(nil), []byte(`{"state":{"statuses":["pending","x"],"rows":[]}}`), make([]byte, 16))
	f.Add([]byte(`{"state":{"statuses":["sent","pending","sent"],"types":["a","a"],"totals":[{"messages":[1,1],"statuses":[[1,2]]},{"messages":[3,4]}],"rows":[[1,2,3],[4]],"birth":1,"last_good":1}}`),
		bytes.Repeat([]byte{1, 0, 0, 0}, 8), []byte(`null`), []byte(nil))
	f.Fuzz(func(t *testing.T, text1, messages1, text2, messages2 []byte) {
		file := fileHeader(id)
		sum := newChecksum(file)
		for _, part := range [][2][]byte{{text1, messages1}, {text2, messages2}} {
			record := binary.LittleEndian.AppendUint32(nil, uint32(len(part[0])))
			record = binary.LittleEndian.AppendUint32(record, uint32(len(part[1])/messageLength))
			record = append(append(record, part[0]...), part[1][:len(part[1])/messageLength*messageLength]...)
			file = append(file, appendChecksum(record, &sum)...)
		}
		checkLoad(t, file)
	})
}

// FuzzFile does the same with all bytes of a file.
func FuzzFile(f *testing.F) {
	d := &disk{directory: f.TempDir()}
	d.mount(f)
	l, err := d.storage.Ledger(id, testOptions(60), at(0))
	if err != nil {
		f.Fatal(err)
	}
	takeReading(l, 0, messageRow(1, "text", "sent", -5))
	f.Add(d.read(f))
	f.Add([]byte(nil))
	f.Add(fileHeader(id))
	f.Fuzz(func(t *testing.T, data []byte) { checkLoad(t, data) })
}

func checkLoad(t *testing.T, data []byte) {
	options := testOptions(60)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	l := New(options)
	valid, err := load(data, id, l)
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20+100*uint64(len(data)) {
		t.Fatalf("%d bytes take %d of memory", len(data), grown)
	}
	if err != nil {
		return
	}
	if valid.length > int64(len(data)) || valid.snapshot > valid.length {
		t.Fatalf("valid are %d of %d bytes, of the snapshot %d", valid.length, len(data), valid.snapshot)
	}
	record, err := l.snapshotRecord()
	if err != nil {
		t.Fatalf("it cannot be written back: %v", err)
	}
	sum := newChecksum(fileHeader(id))
	again := New(options)
	if _, err := load(append(fileHeader(id), appendChecksum(record, &sum)...), id, again); err != nil {
		t.Fatalf("what was written back cannot be read: %v", err)
	}
	if got, want := dumpLedger(t, again), dumpLedger(t, l); got != want {
		t.Fatalf("written back it is %s\nand was %s", got, want)
	}
	if !reflect.DeepEqual(again.Summary(), l.Summary()) {
		t.Fatalf("written back it shows %+v\nand showed %+v", again.Summary(), l.Summary())
	}
	l.resume(at(0))
	takeReading(l, 1, messageRow(3, "text", "sent", 0))
}
