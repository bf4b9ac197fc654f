package simulator_test

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"greenapi_exporter/internal/simulator"
)

// bag counts the rows of a journal, without the members that a simulator.Message does not have.
type bag map[row]int

func bagOf(rows []row) bag {
	b := bag{}
	for _, r := range rows {
		r.Type, r.Chat = "", ""
		b[r]++
	}
	return b
}

// lastAction returns when the message reached its current status, or when it was sent if its row is
// incomplete.
func lastAction(m simulator.Message) time.Time {
	if len(m.Steps) == 0 {
		return m.Sent
	}
	return m.Steps[len(m.Steps)-1].At
}

// expectedRows returns the rows that a journal must contain.
func expectedRows(t rapid.TB, s *simulator.Simulator, cfg simulator.Config, now time.Time,
	minutes int) bag {
	t.Helper()
	b := bag{}
	for _, m := range s.Messages(now) {
		timestamp, listed := m.Sent.Unix(), m.Sent.Unix()
		if cfg.MovingTimestamps {
			timestamp = lastAction(m).Unix()
		}
		if cfg.FilterByLastAction {
			listed = lastAction(m).Unix()
		}
		if !m.Timestamp.Equal(time.Unix(timestamp, 0)) || !m.Listed.Equal(time.Unix(listed, 0)) {
			t.Fatalf("Timestamp or Listed is wrong: %+v", m)
		}
		if listed < now.Unix()-60*int64(minutes) {
			continue
		}
		if m.Incomplete {
			b[row{}]++
		} else {
			b[row{ID: m.ID, Time: timestamp, Kind: m.Type, Status: m.Status()}]++
		}
	}
	return b
}

func TestJournalMatchesMessages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := simulator.Config{
			Seed:            rapid.Uint64().Draw(t, "seed"),
			MessagesPerHour: rapid.SampledFrom([]float64{0.1, 5, 200}).Draw(t, "rate"),
			Messages:        rapid.SampledFrom([]int{0, 1, 20, 300}).Draw(t, "messages"),
			Speedup:         rapid.SampledFrom([]float64{0, 0.1, 1, 1000}).Draw(t, "speedup"),
			NoRateLimit:     true,

			MovingTimestamps:   rapid.Bool().Draw(t, "moving timestamps"),
			FilterByLastAction: rapid.Bool().Draw(t, "filter by last action"),
		}
		s, c := newAccount(cfg, 0)
		for range 5 {
			hours := rapid.SampledFrom([]float64{-1, 0, 0.01, 0.5, 3, 20}).Draw(t, "hours")
			offset := rapid.Int64Range(0, int64(time.Minute)).Draw(t, "nanoseconds")
			c.Set(start.Add(time.Duration(hours*float64(time.Hour)) + time.Duration(offset)))
			minutes := rapid.SampledFrom([]int{1, 2, 30, 1440}).Draw(t, "minutes")
			want := expectedRows(t, s, cfg, c.Now(), minutes)
			w := get(s, journalPath(minutes))
			var rows []row
			if err := json.Unmarshal(w.Body.Bytes(), &rows); err != nil {
				t.Fatal(err)
			}
			if got := bagOf(rows); !maps.Equal(got, want) {
				t.Fatalf("the journal contains %v, want %v", got, want)
			}
			newest := c.Now().Unix()
			for _, r := range rows {
				if r.ID == "" {
					continue
				}
				if r.Time > newest {
					t.Fatalf("%s is newer than the previous row", r.ID)
				}
				newest = r.Time
			}
		}
	})
}

// bothTimes calls f with the four combinations of MovingTimestamps and FilterByLastAction.
func bothTimes(f func(moving, byLastAction bool)) {
	for _, moving := range []bool{false, true} {
		f(moving, false)
		f(moving, true)
	}
}

func TestMinutesFilterBySendingOrLastAction(t *testing.T) {
	bothTimes(func(moving, byLastAction bool) {
		cfg := busy()
		cfg.MovingTimestamps, cfg.FilterByLastAction = moving, byLastAction
		s, c := newAccount(cfg, 50*time.Hour)
		oldest := c.Now().Unix() - 600*60
		sent := map[[2]string]time.Time{}
		for _, m := range s.Messages(c.Now()) {
			sent[[2]string{m.ID, m.Type}] = m.Sent
		}
		sentBefore, stampedBefore := 0, 0
		for _, r := range journal(t, s, 600) {
			if r.ID == "" {
				continue
			}
			if sent[[2]string{r.ID, r.Kind}].Unix() < oldest {
				sentBefore++
			}
			if r.Time < oldest {
				stampedBefore++
			}
		}
		if (sentBefore > 0) != byLastAction || (stampedBefore > 0) != (byLastAction && !moving) {
			t.Errorf("moving %v, by last action %v: %d messages were sent before the window, "+
				"%d rows have an earlier timestamp",
				moving, byLastAction, sentBefore, stampedBefore)
		}
	})
}

// TestRowsWithOneTimeAreEqual checks that the four combinations have equal rows for the messages
// whose last action is their sending.
func TestRowsWithOneTimeAreEqual(t *testing.T) {
	var first []string
	bothTimes(func(moving, byLastAction bool) {
		cfg := busy()
		cfg.MessagesPerHour, cfg.TextOnly = 200, true
		cfg.MovingTimestamps, cfg.FilterByLastAction = moving, byLastAction
		s, c := newAccount(cfg, 10*time.Hour)
		hasOneTime := map[[2]string]bool{}
		for _, m := range s.Messages(c.Now()) {
			hasOneTime[[2]string{m.ID, m.Type}] = lastAction(m).Unix() == m.Sent.Unix()
		}
		body := get(s, journalPath(300)).Body.Bytes()
		var texts []json.RawMessage
		if err := json.Unmarshal(body, &texts); err != nil {
			t.Fatal(err)
		}
		var rows []string
		for i, r := range decode(t, body) {
			if hasOneTime[[2]string{r.ID, r.Kind}] {
				rows = append(rows, string(texts[i]))
			}
		}
		slices.Sort(rows)
		if first == nil {
			first = rows
		}
		if len(rows) < 20 || !slices.Equal(rows, first) {
			t.Errorf("moving %v, by last action %v: %d rows differ from the first %d",
				moving, byLastAction, len(rows), len(first))
		}
	})
}

// TestLateActionsAreListed checks the message with the longest time between its sending and its
// last action.
func TestLateActionsAreListed(t *testing.T) {
	cfg := busy()
	cfg.MessagesPerHour, cfg.TextOnly, cfg.FilterByLastAction = 100, true, true
	s, c := newAccount(cfg, 48*time.Hour)
	all := s.Messages(c.Now())
	life := func(m simulator.Message) time.Duration { return lastAction(m).Sub(m.Sent) }
	last := slices.MaxFunc(all, func(a, b simulator.Message) int {
		return cmp.Compare(life(a), life(b))
	})
	if life(last) < 20*time.Hour {
		t.Errorf("the longest time between sending and last action is %v", life(last))
	}
	if got := len(journal(t, s, math.MaxInt)); got != len(all) {
		t.Errorf("%d rows in the longest window, want %d", got, len(all))
	}
	c.Set(lastAction(last))
	if !slices.ContainsFunc(journal(t, s, 1), func(r row) bool { return r.ID == last.ID }) {
		t.Errorf("the latest minute does not contain a message sent %v ago", life(last))
	}
}
