package ledger

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"
)

// testNow is when the ledgers of these tests are born, by every clock.
var testNow = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// at is noon and so many minutes.
func at(minutes float64) time.Time { return testNow.Add(time.Duration(minutes * float64(time.Minute))) }

// testOptions returns options with a retention of 15 days, of which calls request at most 14.
func testOptions(minutes int) Options {
	return Options{Minutes: minutes, MaxMinutes: 14 * 24 * 60, Retention: 360 * time.Hour}
}

func newTestLedger(minutes int) *Ledger {
	return New(testOptions(minutes))
}

// messageRow is a row of the message key; its timestamp is as many minutes behind noon as given.
func messageRow(key uint64, kind, status string, minutes float64) Row {
	return Row{Key: key, Type: []byte(kind), Status: []byte(status), Timestamp: unixSeconds(at(minutes)), Timed: true}
}

// takeReading takes a reading at so many minutes behind noon; the API's clock is ours.
func takeReading(l *Ledger, minutes float64, rows ...Row) *Summary {
	count := l.NewBatch(at(minutes))
	count.SetServerTime(at(minutes))
	for _, r := range rows {
		count.Add(r)
	}
	reading := count.Commit()
	l.Persist(l.LastPollState())
	return reading
}

// totals are the counters that are not 0, as "type" and "status/type".
func totals(r *Summary) map[string]uint64 {
	m := make(map[string]uint64)
	for _, t := range r.Types {
		if t.Messages.Count > 0 {
			m[t.Word] = t.Messages.Count
		}
		for _, s := range t.Statuses {
			if s.Reached.Count > 0 {
				m[s.Word+"/"+t.Word] = s.Reached.Count
			}
		}
	}
	return m
}

// windowRows is the gauges that are not 0, as "status/type".
func windowRows(r *Summary) map[string]int {
	m := make(map[string]int)
	for _, t := range r.Types {
		for _, s := range t.Statuses {
			if s.Rows > 0 {
				m[s.Word+"/"+t.Word] = s.Rows
			}
		}
	}
	return m
}

func expect[K comparable, V any](t *testing.T, what string, got, want map[K]V) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestTheBaselineIsNotCounted(t *testing.T) {
	l := newTestLedger(60)
	r := takeReading(l, 0, messageRow(1, "text", "sent", -5), messageRow(1, "text", "delivered", -5), messageRow(2, "text", "pending", -1))
	expect(t, "totals", totals(r), map[string]uint64{})
	expect(t, "window", windowRows(r), map[string]int{"sent/text": 1, "delivered/text": 1, "pending/text": 1})
	if r.Messages != 2 || !r.CountingSince.Equal(at(0)) {
		t.Errorf("%d messages remembered, born %s", r.Messages, r.CountingSince)
	}
}

func TestStatusesReachedAfterTheBaselineCount(t *testing.T) {
	l := newTestLedger(60)
	takeReading(l, 0, messageRow(1, "text", "sent", -5))
	r := takeReading(l, 1, messageRow(1, "text", "read", -5), messageRow(2, "text", "delivered", 0.5))
	expect(t, "totals", totals(r), map[string]uint64{
		"text": 1, "pending/text": 1, "sent/text": 1, "delivered/text": 2, "read/text": 1,
	})
	again := takeReading(l, 2, messageRow(1, "text", "sent", -5), messageRow(2, "text", "delivered", 0.5))
	expect(t, "totals after a status went back", totals(again), totals(r))
}

func TestEveryStatusImplies(t *testing.T) {
	for status, want := range map[string][]string{
		"pending": {"pending"}, "sent": {"pending", "sent"}, "delivered": {"pending", "sent", "delivered"},
		"read": {"pending", "sent", "delivered", "read"}, "noAccount": {"pending", "noAccount"},
		"failed": {"pending", "failed"}, "brandNew": {"pending", "brandNew"}, "not a word": {"pending", "other"}, "": {"unknown"},
	} {
		l := newTestLedger(60)
		takeReading(l, 0)
		wanted := map[string]uint64{"text": 1}
		for _, s := range want {
			wanted[s+"/text"] = 1
		}
		expect(t, status, totals(takeReading(l, 1, messageRow(1, "text", status, 0.5))), wanted)
	}
}

func TestOneIDOfTwoTypesIsTwoMessages(t *testing.T) {
	// Their keys differ, since a key is made of both.
	l := newTestLedger(60)
	takeReading(l, 0)
	r := takeReading(l, 1, messageRow(1, "textMessage", "read", 0.5), messageRow(2, "imageMessage", "sent", 0.5))
	if got := totals(r); got["textMessage"] != 1 || got["imageMessage"] != 1 || got["sent/imageMessage"] != 1 {
		t.Errorf("got %v", got)
	}
}

func TestRowsWithoutAnIdentityAreInTheWindowAlone(t *testing.T) {
	l := newTestLedger(60)
	takeReading(l, 0)
	r := takeReading(l, 1, Row{}, Row{Type: []byte("text")}, Row{})
	expect(t, "totals", totals(r), map[string]uint64{})
	expect(t, "window", windowRows(r), map[string]int{"unknown/unknown": 2, "unknown/text": 1})
	if r.Messages != 0 {
		t.Errorf("%d messages remembered", r.Messages)
	}
}

func TestMessagesFromBeforeTheReachAreNotCounted(t *testing.T) {
	l := newTestLedger(60)
	takeReading(l, 0)
	r := takeReading(l, 30, messageRow(1, "text", "sent", -61), messageRow(1, "text", "read", -61), messageRow(2, "text", "sent", -59),
		Row{Key: 3, Type: []byte("text"), Status: []byte("sent")})
	expect(t, "totals", totals(r), map[string]uint64{"text": 2, "pending/text": 2, "sent/text": 2})
	r = takeReading(l, 31, messageRow(1, "text", "noAccount", -61))
	if got := totals(r)["noAccount/text"]; got != 1 {
		t.Errorf("a status reached later counts %d times, want once", got)
	}
}

// TestTheSecondInWhichTheWindowBeginsIsBeforeTheReach: the API's clock says noon, and it is noon and 0.9 s; the row of
// half a second before its window is not in the baseline, but in the wider call after a pause.
func TestTheSecondInWhichTheWindowBeginsIsBeforeTheReach(t *testing.T) {
	l := newTestLedger(60)
	takeReading(l, 0)
	r := takeReading(l, 30, messageRow(1, "text", "sent", -60+0.4/60), messageRow(2, "text", "sent", -60+1.1/60))
	expect(t, "totals", totals(r), map[string]uint64{"text": 1, "pending/text": 1, "sent/text": 1})
}

func TestAReadingThatIsNotCommittedChangesNothing(t *testing.T) {
	l := newTestLedger(60)
	before := takeReading(l, 0, messageRow(1, "text", "sent", -5))
	count := l.NewBatch(at(1))
	count.SetServerTime(at(1))
	for i := range 40 {
		count.Add(messageRow(uint64(i), fmt.Sprintf("type%d", i), fmt.Sprintf("status%d", i), 0.5))
	}
	r := takeReading(l, 2, messageRow(1, "text", "sent", -5))
	expect(t, "totals", totals(r), totals(before))
	if r.Messages != 1 || len(r.Types) != len(before.Types) {
		t.Errorf("%d messages and %d types, before %d and %d", r.Messages, len(r.Types), before.Messages, len(before.Types))
	}
	if !r.LastMessage.Known || r.LastMessage.Seconds != unixSeconds(at(-5)) {
		t.Errorf("last message %+v", r.LastMessage)
	}
}

func TestReadingsDoNotChange(t *testing.T) {
	l := newTestLedger(60)
	takeReading(l, 0)
	r := takeReading(l, 1, messageRow(1, "text", "sent", 0.5))
	before := totals(r)
	takeReading(l, 2, messageRow(1, "text", "read", 0.5), messageRow(2, "new", "new", 1))
	expect(t, "an old reading", totals(r), before)
}

func TestWordsAreBounded(t *testing.T) {
	l := newTestLedger(60)
	takeReading(l, 0)
	var rows []Row
	for i := range 100 {
		rows = append(rows, messageRow(uint64(i+1), fmt.Sprintf("newType%d", i), fmt.Sprintf("newStatus%d", i), 0.5))
	}
	r := takeReading(l, 1, rows...)
	expectWord := func(r *Summary, kind, status string, want uint64) {
		t.Helper()
		if got := totals(r)[status+"/"+kind]; got != want {
			t.Errorf("%s of %s counts %d, want %d", status, kind, got, want)
		}
	}
	expectWord(r, "newType0", "newStatus0", 1)
	expectWord(r, "newType15", "newStatus15", 1)
	expectWord(r, "other", "other", 84)
	// Documented words take no place from the others, and who has a place keeps it.
	r = takeReading(l, 2, messageRow(1000, "stickerMessage", "suspended", 1), messageRow(1001, "newType3", "newStatus3", 1), messageRow(1002, "late", "late", 1))
	expectWord(r, "stickerMessage", "suspended", 1)
	expectWord(r, "newType3", "newStatus3", 2)
	expectWord(r, "other", "other", 85)
}

func TestOnlyWordsAreExposed(t *testing.T) {
	long := ""
	for range 64 {
		long += "a"
	}
	for word, want := range map[string]string{
		"brandNew": "brandNew", "a": "a", "A_1": "A_1", long: long, long + "a": "other", "1a": "other", "_a": "other",
		"a-b": "other", "a b": "other", "a\n": "other", "é": "other", "79001234567@c.us": "other", "other": "other", "unknown": "unknown", "": "unknown",
		"[": "other", "`": "other", "{": "other", "@": "other", "a\xff": "other",
	} {
		l := newTestLedger(60)
		r := takeReading(l, 0, Row{Type: []byte(word), Status: []byte(word)})
		expect(t, fmt.Sprintf("%q", word), windowRows(r), map[string]int{want + "/" + want: 1})
	}
}

func TestSeriesExistFromTheFirstReadingOn(t *testing.T) {
	l := newTestLedger(60)
	r := takeReading(l, 0, messageRow(1, "stickerMessage", "sent", -1), messageRow(2, "textMessage", "odd", -1))
	statuses := make(map[string]int)
	for _, kind := range r.Types {
		statuses[kind.Word] = len(kind.Statuses)
	}
	want := map[string]int{"stickerMessage": 10}
	for _, kind := range defaultTypes {
		want[kind] = 10
	}
	want["textMessage"] = 11 // and the odd one
	expect(t, "statuses of each type", statuses, want)
}

func TestSeriesAreCreatedAtTheBirthOrTheReadingBefore(t *testing.T) {
	l := newTestLedger(60)
	takeReading(l, 0)
	takeReading(l, 1)
	failed := l.NewBatch(at(2))
	failed.SetServerTime(at(2))
	takeReading(l, 3, messageRow(1, "stickerMessage", "odd", 2))
	r := takeReading(l, 4, messageRow(1, "stickerMessage", "odd", 2))
	created := make(map[string]time.Time)
	for _, kind := range r.Types {
		created[kind.Word] = kind.Messages.Created
		for _, s := range kind.Statuses {
			created[s.Word+"/"+kind.Word] = s.Reached.Created
		}
	}
	for series, want := range map[string]time.Time{
		"textMessage": at(0), "sent/textMessage": at(0), "stickerMessage": at(1), "sent/stickerMessage": at(1), "odd/stickerMessage": at(1),
	} {
		if !created[series].Equal(want) {
			t.Errorf("%s was created at %s, want %s", series, created[series], want)
		}
	}
}

func TestOldestPendingAndLastMessage(t *testing.T) {
	l := newTestLedger(60)
	r := takeReading(l, 0, messageRow(1, "text", "sent", -50), messageRow(2, "text", "pending", -20), messageRow(3, "text", "pending", -30),
		Row{Key: 4, Type: []byte("text"), Status: []byte("pending")}, messageRow(5, "text", "read", -10))
	if want := (Timestamp{unixSeconds(at(-30)), true}); r.OldestPending != want {
		t.Errorf("oldest pending %+v, want %+v", r.OldestPending, want)
	}
	if want := (Timestamp{unixSeconds(at(-10)), true}); r.LastMessage != want {
		t.Errorf("last message %+v, want %+v", r.LastMessage, want)
	}
	r = takeReading(l, 1, messageRow(2, "text", "sent", -20))
	if r.OldestPending.Known || r.LastMessage.Seconds != unixSeconds(at(-10)) {
		t.Errorf("oldest pending %+v, last message %+v", r.OldestPending, r.LastMessage)
	}
	if r := takeReading(newTestLedger(60), 0); r.LastMessage.Known {
		t.Errorf("last message %+v of an empty journal", r.LastMessage)
	}
}

func TestMessagesAreForgottenPastTheRetention(t *testing.T) {
	const minutes = 25 * 60
	l := New(Options{Minutes: 60, Retention: minutes * time.Minute})
	old, kept := messageRow(1, "text", "sent", -1), messageRow(2, "text", "sent", -1)
	takeReading(l, 0, old, kept)
	if r := takeReading(l, minutes-1, kept); r.Messages != 2 {
		t.Errorf("%d messages before the retention has passed, want 2", r.Messages)
	}
	failed := l.NewBatch(at(minutes + 20)) // forgets nothing, since it is not committed
	failed.SetServerTime(at(minutes + 20))
	if len(l.messages.list) != 2 {
		t.Error("a reading that failed forgot a message")
	}
	r := takeReading(l, minutes+20, kept)
	if r.Messages != 1 {
		t.Errorf("%d messages past the retention, want the one that is still shown", r.Messages)
	}
	if r := takeReading(l, minutes+21, kept); len(totals(r)) != 0 {
		t.Errorf("the one still shown was counted: %v", totals(r))
	}
}

func TestTheAPIsClockForgetsNothing(t *testing.T) {
	l := New(Options{Minutes: 60, Retention: 25 * time.Hour})
	takeReading(l, 0, messageRow(1, "text", "sent", -1))
	count := l.NewBatch(at(30))
	count.SetServerTime(at(1e6)) // an API that is two years ahead
	if r := count.Commit(); r.Messages != 1 {
		t.Errorf("%d messages remembered, want 1", r.Messages)
	}
}

func TestKnownRowsAllocateLittle(t *testing.T) {
	l := newTestLedger(60)
	rows := make([]Row, 1000)
	for i := range rows {
		rows[i] = messageRow(uint64(i+1), defaultTypes[i%8], documentedStatuses[i%10], -1)
	}
	takeReading(l, 0, rows...)
	minute := 0.0
	if n := testing.AllocsPerRun(10, func() { minute++; takeReading(l, minute, rows...) }); n > 8 {
		t.Errorf("a reading of 1,000 known rows allocates %v times", n)
	}
}

// BenchmarkKnownRows counts rows of messages that are known: in the order of the last reading, as the journal shows them,
// or in no order, which it never does. B/message is what the ledger takes in memory.
func BenchmarkKnownRows(b *testing.B) {
	some := manyRows(40)                                                      // of every type and status; the keys are made as they are needed, so as to be in nobody's way
	for order, stride := range map[string]int{"same": 1, "none": 7_368_787} { // a prime, for a stride through all of them
		for _, n := range []int{1000, 100_000, 1_000_000, 10_000_000} {
			b.Run(fmt.Sprintf("order=%s/messages=%d", order, n), func(b *testing.B) {
				if testing.Short() && n > 1_000_000 {
					b.Skip("takes 600 MB")
				}
				l, minute := newTestLedger(60), 0.0
				reading := func(stride int) {
					minute++
					count := l.NewBatch(at(minute))
					count.SetServerTime(at(minute))
					for i := range n {
						message := i * stride % n
						row := some[message%len(some)]
						row.Key = uint64(message)*0x9E3779B97F4A7C15 + 1
						count.Add(row)
					}
					count.Commit()
				}
				before := heap()
				reading(1)
				took := heap() - before
				b.ReportAllocs()
				for b.Loop() {
					reading(stride)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/row")
				b.ReportMetric(float64(took)/float64(n), "B/message")
			})
		}
	}
}

// TestCellsOfTypesStandApart although a reading has one piece of memory for those of all types.
func TestCellsOfTypesStandApart(t *testing.T) {
	l := newTestLedger(60)
	rows := []Row{
		messageRow(1, "textMessage", "lastStatus", -1), // the last that there is a place for
		messageRow(2, "imageMessage", "", -1),          // the first
		messageRow(3, "imageMessage", "", -1),
		messageRow(4, "videoMessage", "sent", -1),
	}
	want := map[string]int{"textMessage/lastStatus": 1, "imageMessage/unknown": 2, "videoMessage/sent": 1}
	for minute := range 4 {
		got := make(map[string]int)
		for _, kind := range takeReading(l, float64(minute), rows...).Types {
			for _, status := range kind.Statuses {
				if status.Rows > 0 {
					got[kind.Word+"/"+status.Word] = status.Rows
				}
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("at minute %d: got %v, want %v", minute, got, want)
		}
	}
}

// TestOneMessageThatIsShownManyTimesTakesRoomForOne although it is unknown each time.
func TestOneMessageThatIsShownManyTimesTakesRoomForOne(t *testing.T) {
	l := newTestLedger(60)
	takeReading(l, 0, slices.Repeat([]Row{messageRow(1, "textMessage", "sent", -1)}, 100_000)...)
	if room := cap(l.messages.list); room > 100 {
		t.Errorf("there is room for %d messages", room)
	}
}
