package ledger

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestBaselineDoesNotCount(t *testing.T) {
	l := newTestLedger(60)
	s := commit(l, 0, testRow(1, "text", "sent", -5), testRow(1, "text", "delivered", -5),
		testRow(2, "text", "pending", -1))
	assertEqual(t, "totals", totals(s), map[string]uint64{})
	assertEqual(t, "window", windowRows(s),
		map[string]int{"sent/text": 1, "delivered/text": 1, "pending/text": 1})
	if s.Messages != 2 || !s.CountingSince.Equal(at(0)) {
		t.Errorf("Messages = %d, CountingSince = %s", s.Messages, s.CountingSince)
	}
}

func TestStatusesReachedAfterBaselineCount(t *testing.T) {
	l := newTestLedger(60)
	commit(l, 0, testRow(1, "text", "sent", -5))
	s := commit(l, 1, testRow(1, "text", "read", -5), testRow(2, "text", "delivered", 0.5))
	assertEqual(t, "totals", totals(s), map[string]uint64{
		"text": 1, "pending/text": 1, "sent/text": 1, "delivered/text": 2, "read/text": 1,
	})
	again := commit(l, 2, testRow(1, "text", "sent", -5), testRow(2, "text", "delivered", 0.5))
	assertEqual(t, "totals after an earlier status", totals(again), totals(s))
}

func TestImpliedStatusesCount(t *testing.T) {
	for status, implied := range map[string][]string{
		"pending":    {"pending"},
		"sent":       {"pending", "sent"},
		"delivered":  {"pending", "sent", "delivered"},
		"read":       {"pending", "sent", "delivered", "read"},
		"noAccount":  {"pending", "noAccount"},
		"failed":     {"pending", "failed"},
		"brandNew":   {"pending", "brandNew"},
		"not a word": {"pending", "other"},
		"":           {"unknown"},
	} {
		l := newTestLedger(60)
		commit(l, 0)
		want := map[string]uint64{"text": 1}
		for _, s := range implied {
			want[s+"/text"] = 1
		}
		assertEqual(t, status, totals(commit(l, 1, testRow(1, "text", status, 0.5))), want)
	}
}

// The key of a message includes its type, so the two rows have different keys.
func TestSameIDWithTwoTypesIsTwoMessages(t *testing.T) {
	l := newTestLedger(60)
	commit(l, 0)
	s := commit(l, 1,
		testRow(1, "textMessage", "read", 0.5), testRow(2, "imageMessage", "sent", 0.5))
	assertEqual(t, "totals", totals(s), map[string]uint64{
		"textMessage": 1, "pending/textMessage": 1, "sent/textMessage": 1,
		"delivered/textMessage": 1, "read/textMessage": 1,
		"imageMessage": 1, "pending/imageMessage": 1, "sent/imageMessage": 1,
	})
}

func TestRowsWithoutKeyAreInWindowOnly(t *testing.T) {
	l := newTestLedger(60)
	commit(l, 0)
	s := commit(l, 1, Row{}, Row{Type: []byte("text")}, Row{})
	assertEqual(t, "totals", totals(s), map[string]uint64{})
	assertEqual(t, "window", windowRows(s), map[string]int{"unknown/unknown": 2, "unknown/text": 1})
	if s.Messages != 0 {
		t.Errorf("Messages = %d, want 0", s.Messages)
	}
}

func TestMessagesOlderThanCoverageDoNotCount(t *testing.T) {
	l := newTestLedger(60)
	commit(l, 0)
	s := commit(l, 30, testRow(1, "text", "sent", -61), testRow(1, "text", "read", -61),
		testRow(2, "text", "sent", -59), Row{Key: 3, Type: []byte("text"), Status: []byte("sent")})
	want := map[string]uint64{"text": 2, "pending/text": 2, "sent/text": 2}
	assertEqual(t, "totals", totals(s), want)
	s = commit(l, 31, testRow(1, "text", "noAccount", -61))
	if got := totals(s)["noAccount/text"]; got != 1 {
		t.Errorf("a status reached later counts %d times, want 1", got)
	}
}

func TestUncountedMessagesAreCountedOnce(t *testing.T) {
	s := newTestStorage(t)
	l := s.restart(t, 0)
	assertUncounted := func(summary *Summary, want uint64) {
		t.Helper()
		if summary.Uncounted != want {
			t.Errorf("Uncounted = %d, want %d", summary.Uncounted, want)
		}
	}
	old, later := testRow(1, "text", "sent", -61), testRow(1, "text", "read", -61)
	assertUncounted(commit(l, 0, testRow(9, "text", "sent", -100)), 0) // in the baseline
	assertUncounted(startBatch(l, 1).Commit(), 0)
	assertUncounted(commit(l, 2, old, later, Row{Type: []byte("text")}), 1)
	assertUncounted(commit(l, 3, old, testRow(2, "text", "sent", -61)), 2)
	l = s.restart(t, 4)
	assertUncounted(l.Summary(), 2)
	assertUncounted(commit(l, 5, later, testRow(3, "text", "", -70), testRow(4, "text", "", 0)), 3)
	l.Close()
	assertUncounted(s.restart(t, 6).Summary(), 3)
}

// The type is the one that GREEN-API documented first.
func TestStatusesOfOneResponseHaveOneType(t *testing.T) {
	text := testRow(1, "textMessage", "sent", 0.5)
	extended := testRow(1, "extendedTextMessage", "odd", 0.5)
	quoted := testRow(1, "quotedMessage", "read", 0.5)
	for _, rows := range [][]Row{{quoted, extended, text}, {text, extended, quoted}} {
		l := newTestLedger(60)
		commit(l, 0)
		assertEqual(t, "totals", totals(commit(l, 1, rows...)), map[string]uint64{
			"textMessage": 1, "pending/textMessage": 1, "sent/textMessage": 1,
			"delivered/textMessage": 1, "read/textMessage": 1, "odd/textMessage": 1,
		})
	}
}

// The Date header is truncated to seconds. If it says 12:00:00 at 12:00:00.9, the baseline's window
// does not contain a row from 11:00:00.4, but a wider call after a pause does.
func TestFirstSecondOfBaselineWindowIsNotCovered(t *testing.T) {
	l := newTestLedger(60)
	commit(l, 0)
	s := commit(l, 30,
		testRow(1, "text", "sent", -60+0.4/60), testRow(2, "text", "sent", -60+1.1/60))
	want := map[string]uint64{"text": 1, "pending/text": 1, "sent/text": 1}
	assertEqual(t, "totals", totals(s), want)
}

func TestUncommittedBatchChangesNothing(t *testing.T) {
	l := newTestLedger(60)
	before := commit(l, 0, testRow(1, "text", "sent", -5))
	b := startBatch(l, 1)
	for i := range 40 {
		b.Add(testRow(uint64(i), fmt.Sprintf("type%d", i), fmt.Sprintf("status%d", i), 0.5))
	}
	s := commit(l, 2, testRow(1, "text", "sent", -5))
	assertEqual(t, "totals", totals(s), totals(before))
	if s.Messages != 1 || len(s.Types) != len(before.Types) {
		t.Errorf("%d messages and %d types, want 1 and %d",
			s.Messages, len(s.Types), len(before.Types))
	}
	if want := (Timestamp{unixSeconds(at(-5)), true}); s.LastMessage != want {
		t.Errorf("LastMessage = %+v, want %+v", s.LastMessage, want)
	}
}

func TestSummariesAreImmutable(t *testing.T) {
	l := newTestLedger(60)
	commit(l, 0)
	s := commit(l, 1, testRow(1, "text", "sent", 0.5))
	totalsBefore, rowsBefore := totals(s), windowRows(s)
	commit(l, 2, testRow(1, "text", "read", 0.5), testRow(2, "new", "new", 1))
	assertEqual(t, "totals", totals(s), totalsBefore)
	assertEqual(t, "window", windowRows(s), rowsBefore)
}

func TestUndocumentedWordsAreBounded(t *testing.T) {
	l := newTestLedger(60)
	commit(l, 0)
	var rows []Row
	for i := range 100 {
		typ, status := fmt.Sprintf("newType%d", i), fmt.Sprintf("newStatus%d", i)
		rows = append(rows, testRow(uint64(i+1), typ, status, 0.5))
	}
	assertCount := func(s *Summary, series string, want uint64) {
		t.Helper()
		if got := totals(s)[series]; got != want {
			t.Errorf("%s = %d, want %d", series, got, want)
		}
	}
	s := commit(l, 1, rows...)
	assertCount(s, "newStatus0/newType0", 1)
	assertCount(s, "newStatus15/newType15", 1)
	assertCount(s, "other/other", 84)
	// Documented words do not use up the limit, and words with an index retain it.
	s = commit(l, 2, testRow(1000, "stickerMessage", "suspended", 1),
		testRow(1001, "newType3", "newStatus3", 1), testRow(1002, "late", "late", 1))
	assertCount(s, "suspended/stickerMessage", 1)
	assertCount(s, "newStatus3/newType3", 2)
	assertCount(s, "other/other", 85)
}

func TestOnlyIdentifiersAreExposed(t *testing.T) {
	long := string(slices.Repeat([]byte("a"), 64))
	for word, want := range map[string]string{
		"brandNew": "brandNew", "a": "a", "A_1": "A_1", long: long,
		"": "unknown", "unknown": "unknown", "other": "other",
		long + "a": "other", "1a": "other", "_a": "other", "a-b": "other", "a b": "other",
		"a\n": "other", "é": "other", "79001234567@c.us": "other", "[": "other", "`": "other",
		"{": "other", "@": "other", "a\xff": "other",
	} {
		s := commit(newTestLedger(60), 0, Row{Type: []byte(word), Status: []byte(word)})
		assertEqual(t, fmt.Sprintf("%q", word), windowRows(s), map[string]int{want + "/" + want: 1})
	}
}

func TestSeriesExistFromBaselineOn(t *testing.T) {
	s := commit(newTestLedger(60), 0,
		testRow(1, "stickerMessage", "sent", -1), testRow(2, "textMessage", "odd", -1))
	statuses := make(map[string]int)
	for _, typ := range s.Types {
		statuses[typ.Word] = len(typ.Statuses)
	}
	want := map[string]int{"stickerMessage": 10}
	for _, typ := range defaultTypes {
		want[typ] = 10
	}
	want["textMessage"] = 11 // with the undocumented one
	assertEqual(t, "statuses by type", statuses, want)
}

func TestCreatedIsBaselineOrPreviousReading(t *testing.T) {
	l := newTestLedger(60)
	commit(l, 0)
	commit(l, 1)
	startBatch(l, 2) // fails
	commit(l, 3, testRow(1, "stickerMessage", "odd", 2))
	s := commit(l, 4, testRow(1, "stickerMessage", "odd", 2))
	created := make(map[string]time.Time)
	for _, typ := range s.Types {
		created[typ.Word] = typ.Messages.Created
		for _, status := range typ.Statuses {
			created[status.Word+"/"+typ.Word] = status.Reached.Created
		}
	}
	for series, want := range map[string]time.Time{
		"textMessage": at(0), "sent/textMessage": at(0),
		"stickerMessage": at(1), "sent/stickerMessage": at(1), "odd/stickerMessage": at(1),
	} {
		if !created[series].Equal(want) {
			t.Errorf("Created of %s = %s, want %s", series, created[series], want)
		}
	}
}

func TestOldestPendingAndLastMessage(t *testing.T) {
	assertTimes := func(s *Summary, oldestPending, lastMessage Timestamp) {
		t.Helper()
		if s.OldestPending != oldestPending || s.LastMessage != lastMessage {
			t.Errorf("OldestPending = %+v, LastMessage = %+v, want %+v and %+v",
				s.OldestPending, s.LastMessage, oldestPending, lastMessage)
		}
	}
	minute := func(m float64) Timestamp { return Timestamp{unixSeconds(at(m)), true} }
	l := newTestLedger(60)
	s := commit(l, 0, testRow(1, "text", "sent", -50), testRow(2, "text", "pending", -20),
		testRow(3, "text", "pending", -30), testRow(5, "text", "read", -10),
		Row{Key: 4, Type: []byte("text"), Status: []byte("pending")})
	assertTimes(s, minute(-30), minute(-10))
	assertTimes(commit(l, 1, testRow(2, "text", "sent", -20)), Timestamp{}, minute(-10))
	assertTimes(commit(newTestLedger(60), 0), Timestamp{}, Timestamp{})
}

func TestWindowExcludesOlderRowsOfWiderResponse(t *testing.T) {
	l := newTestLedger(60)
	commit(l, 0, testRow(1, "text", "pending", -1))
	b := l.NewBatch(at(100))
	// The server's clock is an hour behind the local clock, and the response took half a minute.
	b.SetServerTime(at(40.5), at(100.5), 0)
	b.Add(testRow(1, "text", "read", -21))      // outside by half a minute
	b.Add(testRow(2, "text", "pending", -19.5)) // on the boundary, inside
	b.Add(testRow(3, "text", "pending", -25))   // outside, so not the oldest pending row
	b.Add(Row{Key: 4, Type: []byte("text"), Status: []byte("sent")})
	s := b.Commit()
	assertEqual(t, "window", windowRows(s), map[string]int{"pending/text": 1, "sent/text": 1})
	if want := unixSeconds(at(-19.5)); s.OldestPending.Seconds != want {
		t.Errorf("OldestPending = %+v, want %v", s.OldestPending, want)
	}
	assertEqual(t, "totals", totals(s), map[string]uint64{
		"text": 3, "pending/text": 3, "sent/text": 2, "delivered/text": 1, "read/text": 1,
	})
}

func TestWindowIncludesAllRowsOfOrdinaryResponse(t *testing.T) {
	s := commit(newTestLedger(60), 0, testRow(1, "text", "read", -5000))
	assertEqual(t, "window", windowRows(s), map[string]int{"read/text": 1})
}

// The counts of all types share one allocation.
func TestWindowCountsDoNotOverlap(t *testing.T) {
	l := newTestLedger(60)
	rows := []Row{
		testRow(1, "textMessage", "lastStatus", -1), // the last index
		testRow(2, "imageMessage", "", -1),          // the first index
		testRow(3, "imageMessage", "", -1),
		testRow(4, "videoMessage", "sent", -1),
	}
	want := map[string]int{
		"lastStatus/textMessage": 1, "unknown/imageMessage": 2, "sent/videoMessage": 1,
	}
	for minute := range 4 {
		assertEqual(t, "window", windowRows(commit(l, float64(minute), rows...)), want)
	}
	want["lastStatus/audioMessage"] = 1
	rows = append(rows, testRow(5, "audioMessage", "lastStatus", -1))
	assertEqual(t, "window with another type", windowRows(commit(l, 4, rows...)), want)
}

func TestRepeatedRowsReserveRoomForOneMessage(t *testing.T) {
	l := newTestLedger(60)
	commit(l, 0, slices.Repeat([]Row{testRow(1, "textMessage", "sent", -1)}, 100_000)...)
	if room := cap(l.messages.list); room > 100 {
		t.Errorf("room for %d messages", room)
	}
}

func TestKnownRowsAllocateLittle(t *testing.T) {
	l := newTestLedger(60)
	rows := manyRows(1000)
	commit(l, 0, rows...)
	minute := 0.0
	if n := testing.AllocsPerRun(10, func() { minute++; commit(l, minute, rows...) }); n > 8 {
		t.Errorf("a reading of 1,000 known rows makes %v allocations", n)
	}
}

// BenchmarkKnownRows counts rows of known messages, in the order of the last reading, as journals
// show them, and in random order. B/message is the memory that the ledger takes.
func BenchmarkKnownRows(b *testing.B) {
	templates := manyRows(40) // every type and status; computed keys save memory
	// A prime step visits every message.
	for order, step := range map[string]int{"same": 1, "random": 7_368_787} {
		for _, n := range []int{1000, 100_000, 1_000_000, 10_000_000} {
			b.Run(fmt.Sprintf("order=%s/messages=%d", order, n), func(b *testing.B) {
				if testing.Short() && n > 1_000_000 {
					b.Skip("takes 600 MB")
				}
				l, minute := newTestLedger(60), 0.0
				reading := func(step int) {
					minute++
					batch := startBatch(l, minute)
					for i := range n {
						message := i * step % n
						row := templates[message%len(templates)]
						row.Key = uint64(message)*0x9E3779B97F4A7C15 + 1
						batch.Add(row)
					}
					batch.Commit()
				}
				before := heapInUse()
				reading(1)
				memory := heapInUse() - before
				b.ReportAllocs()
				for b.Loop() {
					reading(step)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/row")
				b.ReportMetric(float64(memory)/float64(n), "B/message")
			})
		}
	}
}
