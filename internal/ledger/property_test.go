package ledger

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// life is what really becomes of a message; times are minutes behind noon.
type life struct {
	key   uint64
	kind  string
	sent  float64
	late  float64 // after which its row is shown, at most 2
	steps []step
	moves bool // its timestamp is that of its last step
}

type step struct {
	status string
	at     float64
}

// status is the last step's by that minute.
func (m *life) status(minute float64) step {
	last := m.steps[0]
	for _, s := range m.steps {
		if s.at <= minute {
			last = s
		}
	}
	return last
}

func (m *life) row(minute float64) Row {
	s := m.status(minute)
	timestamp := m.sent
	if m.moves {
		timestamp = s.at
	}
	return messageRow(m.key, m.kind, s.status, timestamp)
}

func drawLife(t *rapid.T, key uint64, sent float64, moves bool) *life {
	ends := []string{"pending", "sent", "delivered", "read", "noAccount", "failed", "suspended", "oddWord", ""}
	m := &life{
		key: key, sent: sent, moves: moves,
		kind: rapid.SampledFrom([]string{"textMessage", "imageMessage", "stickerMessage", "oddType"}).Draw(t, "type"),
		late: rapid.Float64Range(0, 2).Draw(t, "late"),
	}
	end := rapid.SampledFrom(ends).Draw(t, "end")
	minute := sent
	add := func(status string) {
		m.steps = append(m.steps, step{status, minute})
		minute += rapid.Float64Range(0, 20).Draw(t, "delay")
	}
	// Each step implies those before it: "" implies none, so it has none.
	for _, status := range impliedBy(end) {
		if status != "unknown" && status != end {
			add(status)
		}
	}
	add(end)
	return m
}

// shown is the journal's rows at that minute.
func shown(lives []*life, minute float64, minutes int, byLastAction bool) []*life {
	var rows []*life
	for _, m := range lives {
		since := m.sent
		if byLastAction {
			since = m.status(minute).at
		}
		if m.sent+m.late <= minute && since >= minute-float64(minutes) {
			rows = append(rows, m)
		}
	}
	return rows
}

// model counts in the plainest way what the contract says: sets of names, computed anew from all pairs ever shown.
type model struct {
	baseline map[uint64]map[string]bool
	shown    map[uint64]map[string]bool
	kinds    map[uint64]string
}

func impliedBy(status string) []string {
	switch status {
	case "":
		return []string{"unknown"}
	case "pending":
		return []string{"pending"}
	case "sent":
		return []string{"pending", "sent"}
	case "delivered":
		return []string{"pending", "sent", "delivered"}
	case "read":
		return []string{"pending", "sent", "delivered", "read"}
	default:
		return []string{"pending", status}
	}
}

func (m *model) show(baseline bool, r Row) {
	sets := m.shown
	if baseline {
		sets = m.baseline
	}
	if sets[r.Key] == nil {
		sets[r.Key] = make(map[string]bool)
	}
	for _, s := range impliedBy(string(r.Status)) {
		sets[r.Key][s] = true
	}
	m.kinds[r.Key] = string(r.Type)
}

func (m *model) totals() map[string]uint64 {
	totals := make(map[string]uint64)
	for key, statuses := range m.shown {
		kind := m.kinds[key]
		if m.baseline[key] == nil {
			totals[kind]++
		}
		for s := range statuses {
			if !m.baseline[key][s] {
				totals[s+"/"+kind]++
			}
		}
	}
	return totals
}

func assertGrows(t *rapid.T, before, after map[string]uint64) {
	for series, n := range before {
		if after[series] < n {
			t.Fatalf("%s went back from %d to %d", series, n, after[series])
		}
	}
}

func equalTotals(a, b map[string]uint64) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

// TestTotalsAreAFunctionOfWhatWasShown deals the same rows out to readings in two ways, with repetitions and in any
// order, and compares both with the model.
func TestTotalsAreAFunctionOfWhatWasShown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		statuses := []string{"pending", "sent", "delivered", "read", "noAccount", "failed", "oddWord", ""}
		kinds := []string{"textMessage", "stickerMessage", "oddType"}
		drawRow := rapid.Custom(func(t *rapid.T) Row {
			key := rapid.Uint64Range(1, 30).Draw(t, "key")
			return messageRow(key, kinds[key%3], rapid.SampledFrom(statuses).Draw(t, "status"), float64(key))
		})
		baseline := rapid.SliceOfN(drawRow, 0, 30).Draw(t, "baseline")
		later := rapid.SliceOfN(drawRow, 0, 100).Draw(t, "later")

		m := &model{make(map[uint64]map[string]bool), make(map[uint64]map[string]bool), make(map[uint64]string)}
		for _, r := range baseline {
			m.show(true, r)
		}
		for _, r := range later {
			m.show(false, r)
		}
		for range 2 {
			random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
			dealt := append([]Row(nil), later...)
			for _, r := range later {
				if random.IntN(3) == 0 {
					dealt = append(dealt, r)
				}
			}
			random.Shuffle(len(dealt), func(i, j int) { dealt[i], dealt[j] = dealt[j], dealt[i] })
			l := newTestLedger(60)
			minute := 0.0
			last := totals(takeReading(l, minute, baseline...))
			for len(dealt) > 0 {
				n := random.IntN(len(dealt) + 1)
				minute += random.Float64() * 30
				now := totals(takeReading(l, minute, dealt[:n]...))
				assertGrows(t, last, now)
				last, dealt = now, dealt[n:]
			}
			if want := m.totals(); !equalTotals(last, want) {
				t.Fatalf("got  %v\nwant %v", last, want)
			}
		}
	})
}

// TestTotalsEqualTheTruth lets messages live and reads their journal on a random schedule. Rows come up to 2 minutes
// late; the journal filters by the time of sending or of the last action, moves timestamps or not, and shows rows in any
// order. Calls fail; pauses are longer than the window. At every reading the totals are those of the model of what was
// shown; at the end, for each message whose last status was shown, the truth; and where no call had to ask for less,
// every message was shown.
func TestTotalsEqualTheTruth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minutes := rapid.SampledFrom([]int{1, 5, 30, 120}).Draw(t, "window")
		byLastAction, moves := rapid.Bool().Draw(t, "byLastAction"), rapid.Bool().Draw(t, "moves")
		var lives []*life
		for i := range rapid.SampledFrom([]int{1, 10, 60}).Draw(t, "messages") {
			lives = append(lives, drawLife(t, uint64(i+1), rapid.Float64Range(-150, 400).Draw(t, "sent"), moves))
		}
		l := newTestLedger(minutes)
		m := &model{make(map[uint64]map[string]bool), make(map[uint64]map[string]bool), make(map[uint64]string)}
		lastShown := make(map[uint64]string)
		last := map[string]uint64{}
		baseline, reach, born, end := true, 0.0, 0.0, 0.0
		endings := []string{"well", "well", "well", "badly"}
		narrows := rapid.Bool().Draw(t, "narrows")
		if narrows {
			endings = append(endings, "by its size")
		}
		for minute := 0.0; minute < 600; minute += rapid.SampledFrom([]float64{0.02, 1, 4, 15, 90}).Draw(t, "pause") {
			count := l.NewBatch(at(minute))
			count.SetServerTime(at(minute))
			rows := shown(lives, minute, count.Minutes(), byLastAction)
			random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 0))
			random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
			for _, life := range rows {
				count.Add(life.row(minute))
			}
			switch rapid.SampledFrom(endings).Draw(t, "ends") {
			case "by its size":
				count.Shrink()
				continue
			case "badly":
				continue
			}
			end = minute
			if baseline {
				born = minute
				reach = unixSeconds(at(minute)) + 1 - float64(minutes)*60
			}
			for _, life := range rows {
				r := life.row(minute)
				known := m.baseline[life.key] != nil || m.shown[life.key] != nil
				if !known && !baseline && r.Timestamp < reach {
					m.show(true, r)
				}
				m.show(baseline, r)
				lastShown[life.key] = string(r.Status)
			}
			baseline = false
			now := totals(count.Commit())
			assertGrows(t, last, now)
			last = now
			if want := m.totals(); !equalTotals(now, want) {
				t.Fatalf("at %v: got  %v\nwant %v", minute, now, want)
			}
		}
		for _, life := range lives {
			if _, ok := lastShown[life.key]; !ok && !narrows && !baseline && life.sent > born && life.sent+life.late <= end {
				t.Fatalf("a message sent at %v, in the journal %v later, was never shown", life.sent, life.late)
			}
		}
		assertTruth(t, lives, m, lastShown, last)
	})
}

// assertTruth compares the totals with what really happened; of a message whose last status was never shown, with what
// was shown of it.
func assertTruth(t *rapid.T, lives []*life, m *model, lastShown map[uint64]string, got map[string]uint64) {
	for _, life := range lives {
		if status, ok := lastShown[life.key]; !ok || status != life.steps[len(life.steps)-1].status {
			continue
		}
		reached := make(map[string]bool)
		for _, s := range life.steps {
			for _, implied := range impliedBy(s.status) {
				reached[implied] = true
			}
		}
		m.shown[life.key], m.kinds[life.key] = reached, life.kind
	}
	if truth := m.totals(); !equalTotals(got, truth) {
		t.Fatalf("got  %v\nwant %v", got, truth)
	}
}

// TestTheFunnelNarrows holds for messages first seen after the baseline.
func TestTheFunnelNarrows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newTestLedger(60)
		takeReading(l, 0)
		statuses := []string{"pending", "sent", "delivered", "read", "noAccount", "oddWord"}
		for minute := range 5 {
			var rows []Row
			for range rapid.IntRange(0, 20).Draw(t, "rows") {
				rows = append(rows, messageRow(rapid.Uint64Range(1, 50).Draw(t, "key"), "textMessage", rapid.SampledFrom(statuses).Draw(t, "status"), 1))
			}
			n := totals(takeReading(l, float64(minute+1), rows...))
			p, s, d, r := n["pending/textMessage"], n["sent/textMessage"], n["delivered/textMessage"], n["read/textMessage"]
			if n["textMessage"] < p || p < s || s < d || d < r {
				t.Fatalf("%d messages, %d pending, %d sent, %d delivered, %d read", n["textMessage"], p, s, d, r)
			}
		}
	})
}

// TestAGapNeverGoesBackwards: a clock that is set back does not make the ledger's own run backwards.
func TestAGapNeverGoesBackwards(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newTestLedger(60)
		last := time.Duration(-1)
		for range 20 {
			takeReading(l, rapid.Float64Range(-5000, 5000).Draw(t, "minute"))
			if l.clock < last {
				t.Fatalf("the clock went back from %s to %s", last, l.clock)
			}
			last = l.clock
		}
	})
}
