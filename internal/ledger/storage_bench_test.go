package ledger

import (
	"os"
	"testing"
	"time"

	"github.com/go-kit/log"
)

// million is a ledger of a million messages on a disk.
func million(b *testing.B) (*disk, *Ledger) {
	b.Helper()
	d := newDisk(b)
	d.storage.logger = log.NewNopLogger()
	l, err := d.storage.Ledger(id, testOptions(60), at(0))
	if err != nil {
		b.Fatal(err)
	}
	takeReading(l, 0, manyRows(1_000_000)...)
	l.persister.snapshots.Wait()
	return d, l
}

// BenchmarkSnapshot writes a snapshot of a million messages and brings it to disk. held-ms is for how long that holds up
// readings: the rest happens in the background.
func BenchmarkSnapshot(b *testing.B) {
	d, l := million(b)
	var held time.Duration
	for b.Loop() {
		begin := time.Now()
		l.persister.file.dueSize = 0
		l.persister.file.snapshotDue()
		snapshot, err := l.snapshotRecord()
		held += time.Since(begin)
		if err != nil {
			b.Fatal(err)
		}
		if err := l.persister.file.replace(snapshot); err != nil {
			b.Fatal(err)
		}
	}
	info, err := os.Stat(d.path())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(held.Microseconds())/1e3/float64(b.N), "held-ms")
	b.ReportMetric(float64(info.Size())/1e6, "B/message")
}

// BenchmarkLoad reads the ledger of a million messages from its file.
func BenchmarkLoad(b *testing.B) {
	d, l := million(b)
	l.Close()
	b.ResetTimer()
	for b.Loop() {
		l, err := d.storage.Ledger(id, l.options, at(0))
		if err != nil || len(l.messages.list) != 1_000_000 {
			b.Fatalf("%d messages, %v", len(l.messages.list), err)
		}
	}
}

// BenchmarkAppend puts on file what a reading has changed, a hundred messages of a million, and what a call has.
func BenchmarkAppend(b *testing.B) {
	b.Run("changed=100", func(b *testing.B) {
		_, l := million(b)
		l.persister.file.dueSize = 1 << 60
		count := &Batch{changes: make([]change, 100)}
		for i, row := range manyRows(100) {
			count.changes[i].key = row.Key
		}
		for b.Loop() {
			l.markDirty(count, false)
			l.Persist(PollState{Begun: at(0), Next: at(1)})
		}
	})
	b.Run("call", func(b *testing.B) {
		_, l := million(b)
		l.persister.file.dueSize = 1 << 60
		for b.Loop() {
			l.Persist(PollState{Begun: at(0), Next: at(1)})
		}
	})
}

// BenchmarkReading counts a thousand messages that are known and puts on file that the call begins and has ended.
func BenchmarkReading(b *testing.B) {
	d := newDisk(b)
	l := d.ledger(b, 0)
	rows := thousandRows(0)
	takeReading(l, 0, rows...)
	minute := 0.0
	b.ReportAllocs()
	for b.Loop() {
		minute++
		l.Persist(PollState{Begun: at(minute), Next: at(minute + 1)})
		takeReading(l, minute, rows...)
	}
}
