package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-kit/log"
)

// testNow is the time of minute 0 by every clock.
var testNow = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func at(minute float64) time.Time {
	// Without rounding, 524.0/60 minutes would be a nanosecond less than 524 seconds.
	return testNow.Add(time.Duration(math.Round(minute * float64(time.Minute))))
}

// testOptions returns options with a retention of 15 days. Calls request at most 14.
func testOptions(minutes int) Options {
	return Options{Minutes: minutes, MaxMinutes: 14 * 24 * 60, Retention: 360 * time.Hour}
}

func newTestLedger(minutes int) *Ledger { return New(testOptions(minutes)) }

// testRow returns a row with the timestamp of the given minute.
func testRow(key uint64, typ, status string, minute float64) Row {
	return Row{
		Key: key, Type: []byte(typ), Status: []byte(status),
		Timestamp: unixSeconds(at(minute)), Timed: true,
	}
}

// manyRows returns n rows with distinct keys. Types and statuses vary and share memory.
func manyRows(n int) []Row {
	types, statuses := bytesOf(defaultTypes), bytesOf(documentedStatuses)
	rows := make([]Row, n)
	for i := range rows {
		rows[i] = testRow(uint64(i)*0x9E3779B97F4A7C15+1, "", "", -1)
		rows[i].Type, rows[i].Status = types[i%len(types)], statuses[i%len(statuses)]
	}
	return rows
}

// typicalRows returns 1,000 rows. More than nine in ten are texts. A larger step moves the
// messages to later statuses.
func typicalRows(step int) []Row {
	types, statuses := bytesOf(defaultTypes), bytesOf(documentedStatuses)
	rows := manyRows(1000)
	for i := range rows {
		rows[i].Type, rows[i].Status = types[0], statuses[(i+step)%5]
		if i%10 == 0 {
			rows[i].Type = types[i/10%len(types)]
		}
	}
	return rows
}

func bytesOf(words []string) [][]byte {
	var all [][]byte
	for _, word := range words {
		all = append(all, []byte(word))
	}
	return all
}

// startBatch starts a reading. The server's clock equals the local clock.
func startBatch(l *Ledger, minute float64, rows ...Row) *Batch {
	b := l.NewBatch(at(minute))
	b.SetServerTime(at(minute), at(minute), 0)
	for _, row := range rows {
		b.Add(row)
	}
	return b
}

// commit commits a reading of the given rows and writes it to the file.
func commit(l *Ledger, minute float64, rows ...Row) *Summary {
	s := startBatch(l, minute, rows...).Commit()
	l.Persist(l.LastPollState())
	return s
}

// nextMinutes returns how many minutes the next call would request.
func nextMinutes(l *Ledger, minute float64) int { return l.NewBatch(at(minute)).Minutes() }

// totals returns the counters that are not 0, as "type" and "status/type".
func totals(s *Summary) map[string]uint64 {
	m := make(map[string]uint64)
	for _, t := range s.Types {
		if t.Messages.Count > 0 {
			m[t.Word] = t.Messages.Count
		}
		for _, status := range t.Statuses {
			if status.Reached.Count > 0 {
				m[status.Word+"/"+t.Word] = status.Reached.Count
			}
		}
	}
	return m
}

// windowRows returns the row counts that are not 0, as "status/type".
func windowRows(s *Summary) map[string]int {
	m := make(map[string]int)
	for _, t := range s.Types {
		for _, status := range t.Statuses {
			if status.Rows > 0 {
				m[status.Word+"/"+t.Word] = status.Rows
			}
		}
	}
	return m
}

func assertEqual[K, V comparable](t *testing.T, what string, got, want map[K]V) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// heapInUse returns the size of the live heap in bytes.
func heapInUse() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // the second collection frees pooled and finalized memory
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// testID is the name of the ledger in a testStorage.
const testID = "1101000001"

// testStorage is a directory with one ledger, and the log about it.
type testStorage struct {
	directory string
	storage   *Storage
	ledger    *Ledger // of the latest run
	log       bytes.Buffer
}

func newTestStorage(t testing.TB) *testStorage {
	s := &testStorage{directory: t.TempDir()}
	s.open(t)
	t.Cleanup(func() {
		s.wait()
		_ = s.storage.Close()
		// Background writes of further ledgers can create files while the directory is removed.
		for errors.Is(os.RemoveAll(s.directory), syscall.ENOTEMPTY) {
			runtime.Gosched()
		}
	})
	return s
}

// newStorageIn returns a storage in a new directory below root. The first restart opens it. The
// caller must call remove.
func newStorageIn(t tester, root string) *testStorage {
	t.Helper()
	directory, err := os.MkdirTemp(root, "")
	if err != nil {
		t.Fatal(err)
	}
	return &testStorage{directory: directory}
}

// remove closes the storage and removes its directory, also one that a test has moved away.
func (s *testStorage) remove() {
	s.wait()
	_ = s.storage.Close()
	_ = os.RemoveAll(s.directory)
	_ = os.RemoveAll(s.directory + ".away")
}

// tester is implemented by *testing.T, *testing.B, *testing.F and *rapid.T.
type tester interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// wait waits for the snapshots of the latest run.
func (s *testStorage) wait() {
	if s.ledger != nil {
		s.ledger.file.snapshots.Wait()
	}
}

// open opens the directory as a new run does after the previous run was killed.
func (s *testStorage) open(t tester) {
	t.Helper()
	if s.storage != nil {
		_ = s.storage.Close()
	}
	storage, err := OpenStorage(s.directory, log.NewLogfmtLogger(log.NewSyncWriter(&s.log)))
	if err != nil {
		t.Fatal(err)
	}
	s.storage = storage
}

// restartFrom loads a ledger from a file in testdata.
func restartFrom(t *testing.T, name string) (*testStorage, *Ledger) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	s := newTestStorage(t)
	s.write(t, data)
	return s, s.restart(t, 2)
}

// restart loads the ledger as a new run does after the previous run was killed.
func (s *testStorage) restart(t tester, minute float64) *Ledger {
	t.Helper()
	return s.restartWith(t, testOptions(60), minute)
}

func (s *testStorage) restartWith(t tester, options Options, minute float64) *Ledger {
	t.Helper()
	s.wait()
	s.open(t)
	return s.load(t, options, minute)
}

// reload loads the ledger without opening the directory again, and resets the number of damaged
// files.
func (s *testStorage) reload(t tester) *Ledger {
	t.Helper()
	s.wait()
	s.storage.damaged.Store(0)
	return s.load(t, testOptions(60), 2)
}

func (s *testStorage) load(t tester, options Options, minute float64) *Ledger {
	t.Helper()
	l, err := s.storage.Ledger(testID, options, at(minute))
	if err != nil {
		t.Fatal(err)
	}
	s.ledger = l
	return l
}

// stored returns the contents of the file as a ledger, without side effects.
func (s *testStorage) stored(t tester) *Ledger {
	t.Helper()
	l := newTestLedger(60)
	if _, err := load(s.read(t), testID, l); err != nil {
		t.Fatal(err)
	}
	return l
}

func (s *testStorage) path() string { return filepath.Join(s.directory, testID+".ledger") }

func (s *testStorage) read(t tester) []byte {
	t.Helper()
	data, err := os.ReadFile(s.path())
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (s *testStorage) write(t tester, data []byte) {
	t.Helper()
	if err := os.WriteFile(s.path(), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *testStorage) size(t tester) int {
	t.Helper()
	info, err := os.Stat(s.path())
	if err != nil {
		t.Fatal(err)
	}
	return int(info.Size())
}

// glob returns the files that match the path of the ledger plus the pattern.
func (s *testStorage) glob(t tester, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(s.path() + pattern)
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// fail replaces the directory by a file, so that writes fail until repair.
func (s *testStorage) fail(t tester) {
	t.Helper()
	err := os.Rename(s.directory, s.directory+".away")
	if err = errors.Join(err, os.WriteFile(s.directory, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
}

func (s *testStorage) repair(t tester) {
	t.Helper()
	err := os.Remove(s.directory)
	if err = errors.Join(err, os.Rename(s.directory+".away", s.directory)); err != nil {
		t.Fatal(err)
	}
}

// warnings returns and resets the warnings and errors of the log.
func (s *testStorage) warnings() []string {
	defer s.log.Reset()
	var lines []string
	for line := range strings.Lines(s.log.String()) {
		if strings.Contains(line, "level=warn") || strings.Contains(line, "level=error") {
			lines = append(lines, line)
		}
	}
	return lines
}

// assertWarnings checks that the log contains one warning or error for each of the substrings.
func (s *testStorage) assertWarnings(t *testing.T, substrings ...string) {
	t.Helper()
	lines := s.warnings()
	if !slices.EqualFunc(lines, substrings, strings.Contains) {
		t.Errorf("logged %q, want lines with %q", lines, substrings)
	}
}

// assertLocked checks that no other Storage can open the directory.
func (s *testStorage) assertLocked(t *testing.T) {
	t.Helper()
	_, err := OpenStorage(s.directory, log.NewNopLogger())
	if !errors.Is(err, errLocked) || !strings.Contains(err.Error(), s.directory) {
		t.Errorf("second storage: got error %v, want errLocked with the directory", err)
	}
}

// assertStored checks that a ledger restarted from the file has the given summary.
func (s *testStorage) assertStored(t *testing.T, minute float64, want *Summary) {
	t.Helper()
	if got := s.restart(t, minute).Summary(); !equalSummaries(got, want) {
		t.Errorf("after a restart: got\n%+v, want\n%+v", got, want)
	}
}

// dumpLedger returns everything that the file of a ledger stores, in a comparable form.
func dumpLedger(t tester, l *Ledger) string {
	t.Helper()
	messages := make(map[uint64]string)
	for _, m := range l.messages.list {
		messages[m.key.uint64()] = fmt.Sprintf("%+v", m)
	}
	text, err := json.MarshalIndent([]any{l.state(), l.pollState, messages}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// equalSummaries compares summaries and ignores the time zones and monotonic clocks of times.
func equalSummaries(a, b *Summary) bool {
	if a == nil || b == nil {
		return a == b
	}
	return fmt.Sprintf("%+v", normalize(a)) == fmt.Sprintf("%+v", normalize(b))
}

func normalize(s *Summary) Summary {
	utc := func(t *time.Time) { *t = t.UTC().Round(0) }
	c := *s
	utc(&c.RequestedAt)
	utc(&c.CountingSince)
	c.Types = slices.Clone(s.Types)
	for i := range c.Types {
		t := &c.Types[i]
		utc(&t.Messages.Created)
		t.Statuses = slices.Clone(t.Statuses)
		for j := range t.Statuses {
			utc(&t.Statuses[j].Reached.Created)
		}
	}
	return c
}

// isThorough reports whether tests cover everything, however long it takes.
func isThorough() bool { return os.Getenv("TEST_THOROUGH") == "1" }

// raceDetector reports whether the race detector is on.
func raceDetector() bool {
	info, _ := debug.ReadBuildInfo()
	return slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// stride returns the step between the offsets at which tests damage a file. The race detector makes
// a test of every offset slow, and finds nothing in a single goroutine.
func stride() int {
	switch {
	case isThorough() && !raceDetector():
		return 1
	case testing.Short():
		return 61
	default:
		return 17
	}
}
