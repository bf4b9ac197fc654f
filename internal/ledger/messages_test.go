package ledger

import (
	"fmt"
	"maps"
	"runtime"
	"testing"

	"github.com/go-kit/log"
	"pgregory.net/rapid"
)

// TestMessageIndexEqualsMap compares an index with a map under random operations.
func TestMessageIndexEqualsMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var x messageIndex
		want := make(map[uint64]message)
		keys := rapid.OneOf(rapid.Uint64Range(1, 100), rapid.Uint64Min(1))
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				for _, key := range rapid.SliceOf(keys).Draw(t, "keys") {
					lastSeen := seconds(rapid.Uint32Range(0, 9).Draw(t, "lastSeen"))
					m := message{key: packKey(key), reached: 1, lastSeen: lastSeen}
					x.put(m)
					want[key] = m
				}
			},
			"deleteFunc": func(t *rapid.T) {
				before := seconds(rapid.Uint32Range(0, 9).Draw(t, "before"))
				x.deleteFunc(func(m message) bool { return m.lastSeen < before })
				maps.DeleteFunc(want, func(_ uint64, m message) bool { return m.lastSeen < before })
			},
			"grow": func(t *rapid.T) { x.grow(rapid.IntRange(0, 50).Draw(t, "n")) },
			"trim": func(t *rapid.T) { x.trim() },
			"": func(t *rapid.T) {
				got := make(map[uint64]message)
				for _, m := range x.list {
					got[m.key.uint64()] = m
				}
				if !maps.Equal(got, want) || len(x.list) != len(want) {
					t.Fatalf("list of %d: %v, want %v", len(x.list), got, want)
				}
				for key := range want {
					if m := x.get(key); m == nil || *m != want[key] {
						t.Fatalf("get(%d) = %v, want %v", key, m, want[key])
					}
				}
				if key := keys.Draw(t, "key"); x.get(key) == nil != (want[key] == message{}) {
					t.Fatalf("get(%d) = %v, want %v", key, x.get(key), want[key])
				}
			},
		})
	})
}

// Without a seeded hash, all of these keys would have the same bucket.
func TestChosenKeysDoNotCollide(t *testing.T) {
	const n = 10_000
	var x messageIndex
	x.grow(n)
	for i := range n {
		x.put(message{key: packKey(uint64(i + 1))})
	}
	longest, run := 0, 0
	for _, b := range x.buckets {
		if run++; b == 0 {
			run = 0
		}
		longest = max(longest, run)
	}
	if longest > 1000 {
		t.Errorf("the longest run of used buckets has %d", longest)
	}
}

func TestMessageTakesAtMost40Bytes(t *testing.T) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		before := heapInUse()
		l := newTestLedger(60)
		func() {
			b := startBatch(l, 0)
			for i := range n {
				b.Add(testRow(uint64(i)*0x9E3779B97F4A7C15+1, "textMessage", "sent", -1))
			}
			b.Commit()
		}()
		if each := float64(heapInUse()-before) / float64(n); each > 40 {
			t.Errorf("%d messages take %.1f bytes each", n, each)
		}
		runtime.KeepAlive(l)
	}
}

// The memory includes the latest summary.
func TestLedgerOf1000MessagesTakesAtMost48KB(t *testing.T) {
	const n, limit = 100, 48_000
	for _, directory := range []string{"", t.TempDir()} {
		storage, err := OpenStorage(directory, log.NewNopLogger())
		if err != nil {
			t.Fatal(err)
		}
		ledgers, summaries := make([]*Ledger, n), make([]*Summary, n)
		assertMemory := func(when string, before uint64) {
			t.Helper()
			each := (heapInUse() - before) / n
			if t.Logf("directory %q, %s: %d bytes", directory, when, each); each > limit {
				t.Errorf("want at most %d bytes", limit)
			}
			runtime.KeepAlive(ledgers)
			runtime.KeepAlive(summaries)
		}
		open := func(i int, minute float64) {
			t.Helper()
			ledgers[i], err = storage.Ledger(fmt.Sprint(i), testOptions(60), at(minute))
			if err != nil {
				t.Fatal(err)
			}
		}
		first, second := typicalRows(0), typicalRows(1)
		before := heapInUse()
		for i := range ledgers {
			open(i, 0)
			commit(ledgers[i], 0, first...)
			summaries[i] = commit(ledgers[i], 1, second...)
		}
		for _, l := range ledgers {
			if l.file != nil {
				l.file.snapshots.Wait()
			}
		}
		assertMemory("after two readings", before)
		if directory == "" {
			continue
		}
		for _, l := range ledgers {
			l.Close()
		}
		clear(ledgers)
		clear(summaries)
		before = heapInUse()
		for i := range ledgers {
			open(i, 2)
			summaries[i] = ledgers[i].Summary()
		}
		assertMemory("after a restart", before)
		for _, l := range ledgers {
			l.Close()
		}
		if err := storage.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
