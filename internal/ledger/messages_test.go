package ledger

import (
	"fmt"
	"maps"
	"runtime"
	"testing"

	"github.com/go-kit/log"
	"pgregory.net/rapid"
)

// TestMemoriesAreAMap that forgets, whatever is done with them in whichever order.
func TestMemoriesAreAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m messageIndex
		want := make(map[uint64]message)
		keys := rapid.OneOf(rapid.Uint64Range(1, 100), rapid.Uint64Min(1))
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				for _, key := range rapid.SliceOf(keys).Draw(t, "keys") {
					known := message{key, 1, seconds(rapid.Uint32Range(0, 9).Draw(t, "shown"))}
					m.put(known)
					want[key] = known
				}
			},
			"forget": func(t *rapid.T) {
				before := seconds(rapid.Uint32Range(0, 9).Draw(t, "before"))
				m.deleteFunc(func(known message) bool { return known.lastSeen < before })
				maps.DeleteFunc(want, func(_ uint64, known message) bool { return known.lastSeen < before })
			},
			"grow": func(t *rapid.T) { m.grow(rapid.IntRange(0, 50).Draw(t, "n")) },
			"": func(t *rapid.T) {
				got := make(map[uint64]message)
				for _, known := range m.list {
					got[known.key] = known
				}
				if !maps.Equal(got, want) || len(m.list) != len(want) {
					t.Fatalf("%d messages: %v, want %v", len(m.list), got, want)
				}
				for key := range want {
					if known := m.get(key); known == nil || *known != want[key] {
						t.Fatalf("%d: got %v, want %v", key, known, want[key])
					}
				}
				if key := keys.Draw(t, "key"); m.get(key) == nil != (want[key] == message{}) {
					t.Fatalf("%d: got %v, want %v", key, m.get(key), want[key])
				}
			},
		})
	})
}

// TestNobodyCanMakeMessagesCrowd by choosing their keys: without a lot, all of these would have the same own place.
func TestNobodyCanMakeMessagesCrowd(t *testing.T) {
	const n = 10_000
	var m messageIndex
	m.grow(n)
	for i := range n {
		m.put(message{key: uint64(i + 1)})
	}
	longest, row := 0, 0
	for _, place := range m.buckets {
		if row++; place == 0 {
			row = 0
		}
		longest = max(longest, row)
	}
	if longest > 1000 {
		t.Errorf("%d messages lie in a row", longest)
	}
}

// heap is how many bytes are in use.
func heap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // what was pooled or finalized goes with the second
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func TestAMessageTakesAtMost24Bytes(t *testing.T) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		before := heap()
		l := newTestLedger(60)
		count := l.NewBatch(at(0))
		count.SetServerTime(at(0))
		for i := range n {
			count.Add(messageRow(uint64(i)*0x9E3779B97F4A7C15+1, "textMessage", "sent", -1))
		}
		count.Commit()
		count = nil
		if each := float64(heap()-before) / float64(n); each > 24 {
			t.Errorf("%d messages take %.1f bytes each", n, each)
		}
		runtime.KeepAlive(l)
	}
}

// TestALedgerOfAThousandMessagesTakesAtMost34KB with what it has shown, be it kept on file or not.
func TestALedgerOfAThousandMessagesTakesAtMost34KB(t *testing.T) {
	const n, most = 100, 34_000
	options := testOptions(60)
	for _, directory := range []string{"", t.TempDir()} {
		storage, err := OpenStorage(directory, log.NewNopLogger())
		if err != nil {
			t.Fatal(err)
		}
		ledgers, readings := make([]*Ledger, n), make([]*Summary, n)
		expect := func(when string, before uint64) {
			t.Helper()
			each := (heap() - before) / n
			if t.Logf("in %q %s it takes %d bytes", directory, when, each); each > most {
				t.Errorf("want at most %d", most)
			}
			runtime.KeepAlive(ledgers)
			runtime.KeepAlive(readings)
		}
		open := func(i int, minute float64) {
			if ledgers[i], err = storage.Ledger(fmt.Sprint(i), options, at(minute)); err != nil {
				t.Fatal(err)
			}
		}
		first, second := thousandRows(0), thousandRows(1)
		before := heap()
		for i := range ledgers {
			open(i, 0)
			takeReading(ledgers[i], 0, first...)
			readings[i] = takeReading(ledgers[i], 1, second...)
		}
		for _, l := range ledgers {
			if l.persister != nil {
				l.persister.snapshots.Wait()
			}
		}
		expect("after two readings", before)
		if directory == "" {
			continue
		}
		for _, l := range ledgers {
			l.Close()
		}
		clear(ledgers)
		clear(readings)
		before = heap()
		for i := range ledgers {
			open(i, 2)
			readings[i] = ledgers[i].Summary()
		}
		expect("after a restart", before)
		for _, l := range ledgers {
			l.Close()
		}
		if err := storage.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// thousandRows are as an instance has them: nine in ten are texts. The step says how far the messages have come.
func thousandRows(step int) []Row {
	rows := manyRows(1000)
	for i := range rows {
		rows[i].Status = []byte(documentedStatuses[(i+step)%5])
		rows[i].Type = []byte("textMessage")
		if i%10 == 0 {
			rows[i].Type = []byte(defaultTypes[i/10%8])
		}
	}
	return rows
}
