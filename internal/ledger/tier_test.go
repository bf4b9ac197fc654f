package ledger

import (
	"slices"
	"testing"
	"time"
)

// newTieredLedger returns a ledger with tiers and an empty baseline at minute 0.
func newTieredLedger(minutes int) *Ledger {
	options := testOptions(minutes)
	options.Tiered = true
	l := New(options)
	commit(l, 0)
	return l
}

func TestTiersAreHalvesOfTheWindow(t *testing.T) {
	for window, want := range map[int][]int{
		1440: {5, 11, 22, 45, 90, 180, 360, 720, 1440},
		60:   {7, 15, 30, 60}, 10: {5, 10}, 9: {9}, 1: {1},
	} {
		var got []int
		for _, t := range newTieredLedger(window).lookback.tiers {
			got = append(got, t.minutes)
		}
		if !slices.Equal(got, want) {
			t.Errorf("window %d: got %v, want %v", window, got, want)
		}
	}
}

// Each case is a sequence of successful calls. At each minute, the call must request want minutes.
func TestRequestedMinutesInTiers(t *testing.T) {
	type reading struct {
		minute float64
		want   int
	}
	for name, readings := range map[string][]reading{
		"the baseline requests the window": {{0, 120}},
		// The tiers have 7, 15, 30, 60 and 120 minutes. They are due after more than 70 s, 2.5 min,
		// 5 min, 10 min and 20 min.
		"longest tier that is due": {
			{0, 120}, {1, 8}, {2, 8}, {3, 15 + 3}, {4, 8}, {5, 8}, {6, 30 + 6}, {7, 8}, {8, 8},
			{9, 15 + 3}, {10, 8}, {11, 60 + 11}, {12, 8}, {13, 8}, {14, 15 + 3}, {15, 8}, {16, 8},
			{17, 30 + 6}, {18, 8}, {19, 8}, {20, 15 + 3}, {21, 120 + 21},
			{22, 120}, // exactly the window
			{23, 8},
		},
		"irregular calls": {{0, 120}, {0.5, 8}, {4.5, 15 + 5}, {4.6, 8}, {9.5, 30 + 10}},
		"calls every 5 minutes": {
			{0, 120}, {5, 15 + 5}, {10, 30 + 10}, {15, 60 + 15}, {20, 15 + 5},
			{25, 120 + 25}, {30, 120}, {35, 15 + 5},
		},
		"after a pause": {
			{0, 120}, {100, 120 + 100}, {101, 120}, {102, 8}, {110, 30 + 9}, {111, 8},
			{200, 120 + 99 + 5}, {201, 120},
		},
		"a pause before the window is read again": {
			{0, 120}, {30, 120 + 30}, {90, 120}, {91, 120 + 61 + 5}, {92, 120}, {93, 8},
		},
		"calls every 10 minutes": {
			{0, 120}, {10, 30 + 10}, {20, 60 + 20}, {30, 120 + 30}, {40, 120}, {50, 30 + 10},
		},
	} {
		t.Run(name, func(t *testing.T) {
			options := testOptions(120)
			options.Tiered = true
			l := New(options)
			for _, r := range readings {
				if got := nextMinutes(l, r.minute); got != r.want {
					t.Fatalf("at minute %v: got %d, want %d", r.minute, got, r.want)
				}
				commit(l, r.minute)
			}
		})
	}
}

// With a minimum interval of 45 minutes, a gap of 45 minutes is not a pause.
func TestLongIntervalsInTiers(t *testing.T) {
	l := newTieredLedger(1440)
	for i, want := range []int{
		180 + 45, 360 + 90, 720 + 135, 180 + 45, 360 + 90, 1440 + 270, 1440, 180 + 45,
	} {
		minute := float64(45 * (i + 1))
		if got := nextMinutes(l, minute); got != want {
			t.Errorf("at minute %v: got %d, want %d", minute, got, want)
		}
		commit(l, minute)
	}
}

// Calls of the window alternate: one also requests the minutes since the previous one, and the next
// one requests exactly the window.
func TestShortWindowsInTiers(t *testing.T) {
	l := newTieredLedger(10)
	for i, want := range []int{6, 10 + 2, 10, 6, 10 + 5, 10, 6, 10 + 2 + 5, 10} {
		minute := float64(i + 1)
		if got := nextMinutes(l, minute); got != want {
			t.Errorf("at minute %v: got %d, want %d", minute, got, want)
		}
		commit(l, minute)
	}
}

// If the gap is longer than the window, no call requests exactly the window.
func TestGapsLongerThanTheWindow(t *testing.T) {
	l := newTieredLedger(10)
	for i, want := range []int{10 + 45, 50, 10 + 90 + 5, 50} {
		minute := float64(45 * (i + 1))
		if got := nextMinutes(l, minute); got != want {
			t.Errorf("at minute %v: got %d, want %d", minute, got, want)
		}
		commit(l, minute)
	}
}

func TestFailuresShrinkTiers(t *testing.T) {
	l := newTieredLedger(120)
	for i, want := range []int{150, 135, 127, 123, 121, 120} {
		b := l.NewBatch(at(30))
		if b.Minutes() != want {
			t.Fatalf("call %d: got %d, want %d", i, b.Minutes(), want)
		}
		b.Shrink()
	}
	if got := nextMinutes(l, 30); got != 150 {
		t.Errorf("after a failed call for exactly the tier: got %d, want 150", got)
	}
	l.NewBatch(at(30)).Shrink()
	commit(l, 30)
	if got := nextMinutes(l, 31); got != 120 {
		t.Errorf("after a reading of more than the window: got %d, want 120", got)
	}
}

// A failed call limits only further calls for the same tier.
func TestFailureOfShortTierDoesNotShortenTheWindow(t *testing.T) {
	l := newTieredLedger(120)
	for minute := 1.0; minute < 20; minute++ {
		commit(l, minute)
	}
	l.NewBatch(at(20)).Shrink()
	if got := nextMinutes(l, 21); got != 120+21 {
		t.Errorf("got %d, want 141", got)
	}
}

// With the minimum retention, a reading of the window still includes the messages that have left it.
func TestMinimumRetentionInTiers(t *testing.T) {
	l := New(Options{Minutes: 1440, MaxMinutes: 1440, Retention: 48 * time.Hour, Tiered: true})
	commit(l, 0)
	for minute := 1.0; minute < 2*1440; minute++ {
		b := startBatch(l, minute)
		if r := b.request; r.isWide && r.minutes < 1440+240 {
			t.Fatalf("at minute %v: got %d minutes, want at least 1680", minute, r.minutes)
		}
		b.Commit()
	}
}

func TestRestartReadsAllTiers(t *testing.T) {
	options := testOptions(120)
	options.Tiered = true
	s := newTestStorage(t)
	l := s.restartWith(t, options, 0)
	for minute := range 11 {
		commit(l, float64(minute))
	}
	l = s.restartWith(t, options, 11)
	const want = 120 + 11 // the window was read 11 minutes ago
	if got := nextMinutes(l, 11); got != want {
		t.Errorf("after a restart: got %d, want %d", got, want)
	}
}

// After a change of the tiers, the next call requests all of them.
func TestConfigureChangesTiers(t *testing.T) {
	options := testOptions(120)
	options.Tiered = true
	l := newTieredLedger(120)
	for minute := range 11 {
		commit(l, float64(minute))
	}
	configure := func(minutes int, tiered bool, want int) {
		t.Helper()
		options.Minutes, options.Tiered = minutes, tiered
		l.Configure(options)
		if got := nextMinutes(l, 11); got != want {
			t.Errorf("window %d, tiered %t: got %d, want %d", minutes, tiered, got, want)
		}
	}
	configure(120, true, 71)
	configure(120, false, 120+11+5) // includes the messages that left the window in 11 minutes
	configure(120, true, 120)
	configure(60, true, 60)
	configure(240, true, 240)
}
