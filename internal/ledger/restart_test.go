package ledger

import (
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestLedgerSurvivesKill(t *testing.T) {
	s := newTestStorage(t)
	l := s.restart(t, 0)
	if l.Summary() != nil || l.LastPollState() != (PollState{}) {
		t.Errorf("a new ledger has %+v and %+v", l.Summary(), l.LastPollState())
	}
	state := PollState{Called: at(1), Next: at(1.5), Failures: 3, Result: "timeout",
		Took: time.Second, Settings: "abc"}
	var last *Summary
	for i, step := range []func(){
		func() { l.Persist(state) },
		func() {
			last = commit(l, 0, testRow(1, "text", "sent", -5), testRow(2, "text", "pending", -1))
		},
		func() {
			last = commit(l, 1, testRow(1, "text", "read", -5), testRow(3, "odd", "new", 0.5))
		},
		func() {
			last = commit(l, 2, testRow(4, "text", "", 1),
				Row{Type: []byte("text"), Status: []byte("sent")})
		},
		func() { state.Result = ""; l.Persist(state) },
	} {
		step()
		l = s.restart(t, 3)
		if got := l.Summary(); !equalSummaries(got, last) {
			t.Fatalf("after step %d: got\n%+v, want\n%+v", i, got, last)
		}
		got := l.LastPollState()
		got.Called, got.Next = got.Called.UTC(), got.Next.UTC()
		if got != state {
			t.Fatalf("after step %d: got %+v, want %+v", i, got, state)
		}
	}
	before := dumpLedger(t, l)
	l.Close()
	if after := dumpLedger(t, s.restart(t, 3)); after != before {
		t.Errorf("after Close: got %s, want %s", after, before)
	}
	s.assertWarnings(t)
	if s.storage.Failures()+s.storage.Damaged() > 0 {
		t.Errorf("%d failures, %d damaged files", s.storage.Failures(), s.storage.Damaged())
	}
}

// TestRestartsDoNotChangeTotals reads the same journal into a ledger in memory and into one that is
// killed, loses its disk and takes snapshots at random.
func TestRestartsDoNotChangeTotals(t *testing.T) {
	root := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		s := newStorageIn(t, root)
		defer s.remove()
		stored, reference := s.restart(t, 0), newTestLedger(60)
		hasDisk, minute := true, 0.0
		statuses := []string{
			"pending", "sent", "delivered", "read", "noAccount", "oddWord", "not a word", "",
		}
		types := []string{"textMessage", "stickerMessage", "oddType"}
		drawRow := rapid.Custom(func(t *rapid.T) Row {
			key := rapid.Uint64Range(0, 40).Draw(t, "key")
			status := rapid.SampledFrom(statuses).Draw(t, "status")
			return testRow(key, types[key%3], status, float64(key)-10)
		})
		steps := []string{
			"read", "read", "read", "failed read", "persist", "kill", "close", "disk", "snapshot",
		}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			// The pauses are too short for the ledger to forget a message.
			minute += rapid.SampledFrom([]float64{0.02, 1, 30, 300}).Draw(t, "pause")
			s.wait()
			switch step := rapid.SampledFrom(steps).Draw(t, "step"); step {
			case "read":
				rows := rapid.SliceOfN(drawRow, 0, 20).Draw(t, "rows")
				got, want := commit(stored, minute, rows...), commit(reference, minute, rows...)
				if !maps.Equal(totals(got), totals(want)) || got.Messages != want.Messages ||
					got.LastMessage != want.LastMessage {
					t.Fatalf("got %+v, want %+v", normalize(got), normalize(want))
				}
			case "failed read":
				startBatch(stored, minute, testRow(1, "textMessage", "read", 1))
				startBatch(reference, minute, testRow(1, "textMessage", "read", 1))
			case "persist":
				stored.Persist(PollState{Called: at(minute)})
			case "kill", "close":
				if !hasDisk { // the next run would read the missing changes from the journal
					continue
				}
				if stored.dirty { // no write since the repair
					stored.Persist(stored.pollState)
				}
				if step == "close" {
					stored.Close()
				}
				want := stored.Summary()
				stored = s.restart(t, minute)
				if got := stored.Summary(); !equalSummaries(got, want) {
					t.Fatalf("after a restart: got %+v, want %+v", got, want)
				}
			case "disk":
				if hasDisk = !hasDisk; hasDisk {
					s.repair(t)
				} else {
					s.fail(t)
				}
			case "snapshot":
				stored.file.requestSnapshot()
			}
		}
		if n := s.storage.Damaged(); n > 0 {
			t.Fatalf("%d damaged files:\n%s", n, &s.log)
		}
	})
}

// The clock was set back by a day since the last write.
func TestTimesInFutureBecomeNow(t *testing.T) {
	const day = 1440
	s := newTestStorage(t)
	l := s.restart(t, 0)
	commit(l, 0, testRow(1, "text", "sent", -5))
	commit(l, 1, testRow(2, "text", "sent", 0.5))
	l.Persist(PollState{Called: at(1), Next: at(61)})
	l = s.restart(t, -day)
	summary := l.Summary()
	if !summary.RequestedAt.Equal(at(-day)) || !summary.CountingSince.Equal(at(-day)) {
		t.Errorf("RequestedAt = %s, CountingSince = %s, want %s",
			summary.RequestedAt, summary.CountingSince, at(-day))
	}
	for _, typ := range summary.Types {
		for _, status := range typ.Statuses {
			if status.Reached.Created.After(at(-day)) || typ.Messages.Created.After(at(-day)) {
				t.Errorf("%s of %s: Created = %s", status.Word, typ.Word, status.Reached.Created)
			}
		}
	}
	if state := l.LastPollState(); !state.Called.Equal(at(-day)) || !state.Next.Equal(at(-day+60)) {
		t.Errorf("poll state %+v, want %s and an hour later", state, at(-day))
	}
	for _, minute := range []float64{-day, -100} {
		if got := nextMinutes(l, minute); got != l.options.MaxMinutes {
			t.Errorf("at minute %v: requests %d minutes, want MaxMinutes", minute, got)
		}
	}
	if summary := commit(l, -100, testRow(2, "text", "read", 0.5)); summary.Uncovered != 0 {
		t.Errorf("Uncovered = %s, want 0", summary.Uncovered)
	}
	if got := nextMinutes(l, -99); got != 60 {
		t.Errorf("after a good reading: requests %d minutes, want 60", got)
	}
}

func TestFirstCallAfterRestartCoversPause(t *testing.T) {
	for gap, want := range map[float64]int{0: 65, 0.25: 66, 4: 69, 600: 665, 30 * 1440: 14 * 1440} {
		s := newTestStorage(t)
		commit(s.restart(t, 0), 0, testRow(1, "text", "sent", -5))
		l := s.restart(t, gap/2)
		assertMinutes := func(when string, minute float64, want int) {
			t.Helper()
			if got := nextMinutes(l, minute); got != want {
				t.Errorf("gap %v, %s: requests %d minutes, want %d", gap, when, got, want)
			}
		}
		assertMinutes("after the restart", gap, want)
		startBatch(l, gap) // fails
		assertMinutes("after a failure", gap, want)
		l.NewBatch(at(gap)).Shrink()
		assertMinutes("after a failure due to size", gap, 60+(want-60)/2)
		b := startBatch(l, gap)
		summary := b.Commit()
		if want := max(0, gap-float64(b.Minutes())); summary.Uncovered.Minutes() != want {
			t.Errorf("gap %v: Uncovered = %s, want %v minutes", gap, summary.Uncovered, want)
		}
		assertMinutes("after a good reading", gap+1, 60)
		l.Persist(PollState{})
		if stored := s.restart(t, gap).Summary(); stored.Uncovered != summary.Uncovered {
			t.Errorf("gap %v: stored Uncovered = %s, want %s",
				gap, stored.Uncovered, summary.Uncovered)
		}
		assertMinutes("after another pause", gap+100, 60+100+5)
	}
	if got := nextMinutes(newTestStorage(t).restart(t, 0), 0); got != 60 {
		t.Errorf("a new ledger requests %d minutes, want 60", got)
	}
}

// Records omit messages that the journal showed without a change.
func TestKillDoesNotShortenRetention(t *testing.T) {
	s := newTestStorage(t)
	options := Options{Minutes: 60, Retention: 25 * time.Hour}
	l := s.restartWith(t, options, 0)
	absent, present := testRow(1, "text", "sent", -1), testRow(2, "text", "sent", -1)
	commit(l, 0, absent, present)
	commit(l, 60, present)
	l.Close() // the snapshot contains a message that the last reading did not show
	l = s.restartWith(t, options, 60)
	for hour := 2.0; hour <= 20; hour++ {
		commit(l, hour*60, present)
	}
	l = s.restartWith(t, options, 20*60)
	if summary := commit(l, 30*60); summary.Messages != 1 {
		t.Fatalf("Messages = %d, want the one shown 10 hours ago", summary.Messages)
	}
	if summary := commit(l, 30*60+1, present); len(totals(summary)) > 0 {
		t.Errorf("the message counts: %v", totals(summary))
	}
	if summary := commit(l, 57*60); summary.Messages != 0 {
		t.Errorf("after the retention: Messages = %d, want 0", summary.Messages)
	}
}

// The message left the window before the snapshot. Then a wider call shows it without a change.
func TestKillDoesNotShortenRetentionOfReturnedMessage(t *testing.T) {
	const day = 1440
	s := newTestStorage(t)
	l := s.restart(t, 0)
	old := testRow(1, "text", "sent", -1)
	commit(l, 0, old)
	commit(l, 1*day)
	l.Close()
	l = s.restart(t, 1*day)
	startBatch(l, 12*day, old) // fails
	commit(l, 13*day, old)
	commit(l, 13*day+1)
	l = s.restart(t, 13*day+1)
	commit(l, 16*day)
	if summary := commit(l, 16*day+60, old); summary.Messages != 1 || len(totals(summary)) > 0 {
		t.Errorf("Messages = %d, totals = %v, want 1 and none", summary.Messages, totals(summary))
	}
}
