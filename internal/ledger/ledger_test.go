package ledger

import (
	"testing"
	"time"
)

func TestMessagesAreForgottenAfterRetention(t *testing.T) {
	const minutes = 25 * 60
	l := New(Options{Minutes: 60, Retention: minutes * time.Minute})
	absent, present := testRow(1, "text", "sent", -1), testRow(2, "text", "sent", -1)
	commit(l, 0, absent, present)
	if s := commit(l, minutes-1, present); s.Messages != 2 {
		t.Errorf("before the end of the retention: %d messages, want 2", s.Messages)
	}
	startBatch(l, minutes+20)
	if n := len(l.messages.list); n != 2 {
		t.Errorf("after a failed reading: %d messages, want 2", n)
	}
	if s := commit(l, minutes+20, present); s.Messages != 1 {
		t.Errorf("after the retention: %d messages, want 1", s.Messages)
	}
	if s := commit(l, minutes+21, present); len(totals(s)) != 0 {
		t.Errorf("the remaining message counts: %v", totals(s))
	}
}

func TestServerClockDoesNotCauseForgetting(t *testing.T) {
	l := New(Options{Minutes: 60, Retention: 25 * time.Hour})
	commit(l, 0, testRow(1, "text", "sent", -1))
	b := l.NewBatch(at(30))
	b.SetServerTime(at(1e6), at(30), 0) // two years ahead
	if s := b.Commit(); s.Messages != 1 {
		t.Errorf("Messages = %d, want 1", s.Messages)
	}
}

func TestConfigureKeepsTotals(t *testing.T) {
	options := Options{Minutes: 60, MaxMinutes: 48 * 60, Retention: 72 * time.Hour}
	l := New(options)
	configure := func(minutes int) {
		options.Minutes = minutes
		l.Configure(options)
	}
	read := func(minute float64, wantMinutes int, rows ...Row) *Summary {
		t.Helper()
		b := startBatch(l, minute, rows...)
		if b.Minutes() != wantMinutes {
			t.Errorf("Minutes() = %d, want %d", b.Minutes(), wantMinutes)
		}
		return b.Commit()
	}
	row := func(key uint64) Row {
		return Row{Key: key, Type: []byte("textMessage"), Status: []byte("sent")}
	}
	read(0, 60, row(1))
	read(1, 60, row(1), row(2))
	configure(30)
	if s := read(2, 30, row(2), row(3)); s.Types[0].Messages.Count != 2 || s.Messages != 3 {
		t.Errorf("counted %d of %d messages, want 2 of 3", s.Types[0].Messages.Count, s.Messages)
	}
	configure(600)
	read(62, 600+60+visibilityDelay, row(2))
	if got := nextMinutes(l, 62+100*60); got != 48*60 {
		t.Errorf("Minutes() = %d, want MaxMinutes", got)
	}
}
