package ledger

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// maxLag is the documented maximum time until the journal shows a change, in seconds.
const maxLag = 120

// lifecycle is the history of a message. Times are in whole seconds.
type lifecycle struct {
	key        uint64
	sent       int
	isTimed    bool
	moves      bool // whether the row's timestamp is that of the last step
	stages     []stage
	delays     map[string]int // observed by the model, by status
	reached    map[string]bool
	time       int // of the row that first showed the message
	observable bool
}

// stage is a status that a message reaches. The journal shows it later.
type stage struct {
	status         string
	reached, shown int
}

// drawLifecycle draws a message that skips some statuses.
func drawLifecycle(t *rapid.T, key uint64, end int) *lifecycle {
	c := &lifecycle{
		key:     key,
		sent:    rapid.IntRange(-600, end).Draw(t, "sent"),
		isTimed: rapid.IntRange(0, 9).Draw(t, "is timed") > 0,
		moves:   rapid.IntRange(0, 9).Draw(t, "moves") == 0,
		delays:  make(map[string]int), reached: make(map[string]bool),
	}
	reached, shown := c.sent, 0
	statuses := []string{"pending", "sent", "delivered", "read", "noAccount", "odd", ""}
	skips := rapid.SliceOfN(rapid.Bool(), len(statuses), len(statuses)).Draw(t, "skips")
	for i, status := range statuses {
		if skips[i] && i < len(statuses)-1 {
			continue
		}
		lag := rapid.IntRange(0, maxLag).Draw(t, "lag")
		shown = max(shown, reached+lag)
		c.stages = append(c.stages, stage{status, reached, shown})
		reached += rapid.IntRange(0, 600).Draw(t, "step")
	}
	return c
}

// row returns the row that the journal shows at a time, and whether there is one.
func (c *lifecycle) row(second int) (row Row, isShown bool) {
	for _, s := range c.stages {
		if s.shown > second {
			break
		}
		timestamp := c.sent
		if c.moves {
			timestamp = s.reached
		}
		row, isShown = testRow(c.key, "textMessage", s.status, float64(timestamp)/60), true
		row.Timed = c.isTimed
	}
	return row, isShown
}

// read applies a reading to the model. d is the time since the previous reading.
func (c *lifecycle) read(t *rapid.T, second, d int, isBaseline, isAfterPause bool) {
	row, isShown := c.row(second)
	if !isShown {
		return
	}
	if len(c.reached) == 0 {
		c.time = int(row.Timestamp - unixSeconds(testNow))
		c.observable = c.isTimed && !isBaseline
	}
	for _, status := range impliedWords(string(row.Status)) {
		if c.reached[status] {
			continue
		}
		c.reached[status] = true
		hasDelay := status == "sent" || status == "delivered" || status == "read"
		if !c.observable || isAfterPause || !hasDelay {
			continue
		}
		delay := max(0, second-c.time)
		c.delays[status] = delay
		implies := func(s stage) bool { return slices.Contains(impliedWords(s.status), status) }
		first := c.stages[slices.IndexFunc(c.stages, implies)].reached
		if exact := first - c.time; !c.moves && (delay < exact || delay > exact+d+maxLag) {
			t.Fatalf("the delay of %s is %d, want %d to %d", status, delay, exact, exact+d+maxLag)
		}
	}
}

// delayModel returns the histograms of all lifecycles, without creation times.
func delayModel(lifecycles []*lifecycle) []StatusDelay {
	model := []StatusDelay{{Word: "sent"}, {Word: "delivered"}, {Word: "read"}}
	for i := range model {
		h := &model[i]
		for _, c := range lifecycles {
			delay, isObserved := c.delays[h.Word]
			if !isObserved {
				continue
			}
			h.Count++
			h.Sum += float64(delay)
			for i, bound := range DelayBounds() {
				if float64(delay) <= bound {
					h.Buckets[i]++
				}
			}
		}
	}
	return model
}

// TestDelaysBoundTrueDelays reads random lifecycles every d seconds and compares the delays with a
// model. Some readings fail, and some follow a pause. The program can restart or be killed at any
// point. Each delay exceeds the true one by at most d and the journal's lag.
func TestDelaysBoundTrueDelays(t *testing.T) {
	root := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		s := newStorageIn(t, root)
		defer s.remove()
		const end = 3600
		var lifecycles []*lifecycle
		for i := range rapid.IntRange(1, 12).Draw(t, "messages") {
			lifecycles = append(lifecycles, drawLifecycle(t, uint64(i+1), end))
		}
		minInterval := rapid.SampledFrom([]int{1, 60, 600}).Draw(t, "minimum interval")
		longest := max(300, 2*minInterval) // of the gaps that are not pauses
		d := rapid.IntRange(30, longest).Draw(t, "d")
		options := testOptions(1440)
		options.MinInterval = time.Duration(minInterval) * time.Second
		l := s.restartWith(t, options, 0)
		last := 0
		for second := 0; second < end; second += d {
			if rapid.IntRange(0, 9).Draw(t, "pause") == 0 {
				second += longest
			}
			minute := float64(second) / 60
			b := startBatch(l, minute)
			for _, c := range lifecycles {
				if row, isShown := c.row(second); isShown {
					b.Add(row)
				}
			}
			switch rapid.IntRange(0, 9).Draw(t, "event") {
			case 0: // the call fails
				continue
			case 1: // killed before the reading is written
				b.Commit()
				l = s.restartWith(t, options, minute)
				continue
			}
			isBaseline := l.Summary() == nil
			gap := second - last
			for _, c := range lifecycles {
				c.read(t, second, gap, isBaseline, gap > longest)
			}
			last = second
			summary := b.Commit()
			l.Persist(PollState{})
			switch rapid.IntRange(0, 4).Draw(t, "end") {
			case 0:
				l = s.restartWith(t, options, minute)
			case 1:
				l.Close()
				l = s.restartWith(t, options, minute)
			}
			for _, got := range []*Summary{summary, l.Summary()} {
				delays := slices.Clone(got.Delays)
				for i := range delays {
					delays[i].Created = time.Time{}
				}
				if want := delayModel(lifecycles); !slices.Equal(delays, want) {
					t.Fatalf("at second %d: got  %+v\nwant %+v", second, delays, want)
				}
			}
		}
	})
}

// TestOrderOfRowsDoesNotChangeDelays reads the rows of each message in two orders.
func TestOrderOfRowsDoesNotChangeDelays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Row {
			row := testRow(rapid.Uint64Range(1, 5).Draw(t, "key"),
				rapid.SampledFrom([]string{"textMessage", "extendedTextMessage"}).Draw(t, "type"),
				rapid.SampledFrom([]string{"pending", "sent", "read", "odd"}).Draw(t, "status"),
				float64(rapid.IntRange(-3, 3).Draw(t, "minute")))
			row.Timed = rapid.Bool().Draw(t, "is timed")
			return row
		}), 1, 20).Draw(t, "rows")
		read := func(rows []Row) map[uint64]message {
			l := newTestLedger(60)
			commit(l, 0, rows[:len(rows)/3]...)
			commit(l, 4, rows...)
			messages := make(map[uint64]message)
			for _, m := range l.messages.list {
				messages[m.key.uint64()] = m
			}
			return messages
		}
		third := len(rows) / 3
		order := append(rapid.Permutation(rows[:third]).Draw(t, "order of the baseline"),
			rapid.Permutation(rows[third:]).Draw(t, "order")...)
		if got, want := read(order), read(rows); !maps.Equal(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}
