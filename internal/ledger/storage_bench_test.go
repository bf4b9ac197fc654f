package ledger

import (
	"testing"
	"time"

	"github.com/go-kit/log"
)

// newLargeLedger returns a stored ledger with a million messages.
func newLargeLedger(b *testing.B) (*testStorage, *Ledger) {
	b.Helper()
	s := newTestStorage(b)
	s.storage.logger = log.NewNopLogger()
	l := s.load(b, testOptions(60), 0)
	commit(l, 0, manyRows(1_000_000)...)
	s.wait()
	return s, l
}

// BenchmarkSnapshot writes and syncs a snapshot of a million messages. blocked-ms is the part that
// delays readings. The rest runs in the background.
func BenchmarkSnapshot(b *testing.B) {
	s, l := newLargeLedger(b)
	f := l.file
	var blocked time.Duration
	for b.Loop() {
		start := time.Now()
		f.requestSnapshot()
		f.snapshotDue()
		snapshot, err := l.snapshotRecord()
		blocked += time.Since(start)
		if err != nil {
			b.Fatal(err)
		}
		if err := f.replace(snapshot); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(blocked.Microseconds())/1e3/float64(b.N), "blocked-ms")
	b.ReportMetric(float64(s.size(b))/1e6, "B/message")
}

// BenchmarkLoad loads a ledger of a million messages.
func BenchmarkLoad(b *testing.B) {
	s, l := newLargeLedger(b)
	l.Close()
	b.ResetTimer()
	for b.Loop() {
		if l := s.load(b, l.options, 0); len(l.messages.list) != 1_000_000 {
			b.Fatalf("%d messages", len(l.messages.list))
		}
	}
}

// BenchmarkAppend appends a record with 100 changed messages of a million, and one with a poll
// state only.
func BenchmarkAppend(b *testing.B) {
	b.Run("changed=100", func(b *testing.B) {
		_, l := newLargeLedger(b)
		l.file.dueSize = 1 << 60
		batch := &Batch{changes: make([]message, 100)}
		for i, row := range manyRows(100) {
			batch.changes[i].key = packKey(row.Key)
		}
		for b.Loop() {
			l.markDirty(batch, false)
			l.Persist(PollState{Called: at(0), Next: at(1)})
		}
	})
	b.Run("pollstate", func(b *testing.B) {
		_, l := newLargeLedger(b)
		l.file.dueSize = 1 << 60
		for b.Loop() {
			l.Persist(PollState{Called: at(0), Next: at(1)})
		}
	})
}

// BenchmarkReading counts 1,000 known messages and persists the state before and after the call.
func BenchmarkReading(b *testing.B) {
	l := newTestStorage(b).restart(b, 0)
	rows := typicalRows(0)
	commit(l, 0, rows...)
	minute := 0.0
	b.ReportAllocs()
	for b.Loop() {
		minute++
		l.Persist(PollState{Called: at(minute), Next: at(minute + 1)})
		commit(l, minute, rows...)
	}
}
