package ledger

import (
	"maps"
	"os"
	"testing"
)

// TestTextsOfEarlierReleaseAreNotCountedAgain loads a file of an earlier release, which had a key
// for each type of text. Its message 1 is read, and its messages 2 and 4 are pending.
func TestTextsOfEarlierReleaseAreNotCountedAgain(t *testing.T) {
	data, err := os.ReadFile("testdata/v1.ledger")
	if err != nil {
		t.Fatal(err)
	}
	text := func(key uint64, status string) Row { return testRow(key, "textMessage", status, 0.5) }
	legacy := func(key, legacyKey uint64, typ, status string) Row {
		row := testRow(key, typ, status, 0.5)
		row.LegacyKey = legacyKey
		return row
	}
	for name, c := range map[string]struct {
		rows     []Row
		messages int
		added    map[string]uint64
	}{
		"same statuses": {[]Row{
			legacy(101, 1, "extendedTextMessage", "read"), text(104, "read"),
			legacy(102, 2, "quotedMessage", "pending"),
			legacy(104, 4, "extendedTextMessage", "pending"),
		}, 4, map[string]uint64{
			"sent/textMessage": 1, "delivered/textMessage": 1, "read/textMessage": 1,
		}},
		"new type first": {
			[]Row{text(101, "read"), legacy(101, 1, "extendedTextMessage", "read")}, 4, nil,
		},
		"new type last": {
			[]Row{legacy(101, 1, "extendedTextMessage", "sent"), text(101, "read")}, 4, nil,
		},
		"later status": {
			[]Row{legacy(102, 2, "extendedTextMessage", "sent")}, 4,
			map[string]uint64{"sent/extendedTextMessage": 1},
		},
		"two messages are one": {[]Row{
			legacy(101, 2, "quotedMessage", "pending"), text(101, "delivered"),
			legacy(101, 1, "extendedTextMessage", "read"),
		}, 3, nil},
		"the new key exists too": {
			[]Row{legacy(2, 1, "extendedTextMessage", "read")}, 3, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTestStorage(t)
			s.write(t, data)
			l := s.restart(t, 2)
			want := totals(l.Summary())
			for series, n := range c.added {
				want[series] += n
			}
			startBatch(l, 2, c.rows...) // fails
			for run := range 3 {
				minute := float64(2 + run)
				summary := commit(l, minute, c.rows...)
				if got := totals(summary); !maps.Equal(got, want) {
					t.Fatalf("run %d: totals %v, want %v", run, got, want)
				}
				if summary.Messages != c.messages {
					t.Errorf("run %d: %d messages, want %d", run, summary.Messages, c.messages)
				}
				l = s.restart(t, minute)
				s.assertWarnings(t)
			}
		})
	}
}

// A kill can leave both keys in the file, because records do not delete messages.
func TestKillAfterRenameCountsNothingTwice(t *testing.T) {
	s := newTestStorage(t)
	l := s.restart(t, 0)
	commit(l, 0)
	want := totals(commit(l, 1, testRow(1, "extendedTextMessage", "sent", 0.5)))
	s.wait()
	l.file.snapshotting = true // prevents a snapshot
	row := testRow(2, "extendedTextMessage", "sent", 0.5)
	row.LegacyKey = 1
	assertEqual(t, "totals after the rename", totals(commit(l, 2, row)), want)
	l = s.restart(t, 3)
	assertEqual(t, "totals after a kill", totals(commit(l, 3, row)), want)
	row.Status = []byte("read")
	want["delivered/extendedTextMessage"], want["read/extendedTextMessage"] = 1, 1
	assertEqual(t, "totals after a new status", totals(commit(l, 4, row)), want)
}

// Renamed messages keep the order of the journal, in which lookups are fast.
func TestRenamedMessagesAreInJournalOrder(t *testing.T) {
	l := newTestLedger(60)
	var before, after []Row
	for key := range uint64(100) {
		row := testRow(key+1, "extendedTextMessage", "sent", -1)
		before = append(before, row)
		row.Key, row.LegacyKey = key+1001, key+1
		after = append(after, row)
	}
	commit(l, 0, before...)
	commit(l, 1, after...)
	for i, m := range l.messages.list {
		if m.key.uint64() != after[i].Key {
			t.Fatalf("message %d has key %d, want %d", i, m.key.uint64(), after[i].Key)
		}
	}
	if n := len(l.messages.list); n != 100 {
		t.Errorf("%d messages, want 100", n)
	}
}
