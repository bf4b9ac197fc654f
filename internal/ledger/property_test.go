package ledger

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// scenario is the history of a message. Times are minutes.
type scenario struct {
	key   uint64
	typ   string
	sent  float64
	delay float64 // until the journal shows the message, at most 2
	steps []step
	moves bool // whether the row's timestamp is that of the last step
}

type step struct {
	status string
	minute float64
}

// last returns the last step up to the given minute.
func (s *scenario) last(minute float64) step {
	last := s.steps[0]
	for _, step := range s.steps {
		if step.minute <= minute {
			last = step
		}
	}
	return last
}

func (s *scenario) row(minute float64) Row {
	last, timestamp := s.last(minute), s.sent
	if s.moves {
		timestamp = last.minute
	}
	return testRow(s.key, s.typ, last.status, timestamp)
}

func drawScenario(t *rapid.T, key uint64, moves bool) *scenario {
	types := []string{"textMessage", "imageMessage", "stickerMessage", "oddType"}
	statuses := []string{
		"pending", "sent", "delivered", "read", "noAccount", "failed", "suspended", "oddWord", "",
	}
	s := &scenario{
		key: key, moves: moves,
		typ:   rapid.SampledFrom(types).Draw(t, "type"),
		sent:  rapid.Float64Range(-150, 400).Draw(t, "sent"),
		delay: rapid.Float64Range(0, 2).Draw(t, "delay"),
	}
	final := rapid.SampledFrom(statuses).Draw(t, "final status")
	minute := s.sent
	for _, status := range impliedWords(final) {
		if status == "unknown" {
			status = ""
		}
		s.steps = append(s.steps, step{status, minute})
		minute += rapid.Float64Range(0, 20).Draw(t, "step")
	}
	return s
}

// journalAt returns the messages that the journal shows for a call at the given minute.
func journalAt(scenarios []*scenario, minute float64, minutes int, byLastAction bool) []*scenario {
	var shown []*scenario
	for _, s := range scenarios {
		filtered := s.sent
		if byLastAction {
			filtered = s.last(minute).minute
		}
		if s.sent+s.delay <= minute && filtered >= minute-float64(minutes) {
			shown = append(shown, s)
		}
	}
	return shown
}

// model computes totals from the set of all (message, status) pairs.
type model struct {
	baseline map[uint64]map[string]bool // statuses that do not count
	shown    map[uint64]map[string]bool
	types    map[uint64]string
}

func newModel() *model {
	return &model{map[uint64]map[string]bool{}, map[uint64]map[string]bool{}, map[uint64]string{}}
}

// impliedWords returns the statuses that a message with this status has reached, in order.
func impliedWords(status string) []string {
	order := []string{"pending", "sent", "delivered", "read"}
	if status == "" {
		return []string{"unknown"}
	} else if i := slices.Index(order, status); i >= 0 {
		return order[:i+1]
	}
	return []string{"pending", status}
}

func (m *model) add(baseline bool, row Row) {
	sets := m.shown
	if baseline {
		sets = m.baseline
	}
	if sets[row.Key] == nil {
		sets[row.Key] = make(map[string]bool)
	}
	for _, status := range impliedWords(string(row.Status)) {
		sets[row.Key][status] = true
	}
	m.types[row.Key] = string(row.Type)
}

func (m *model) totals() map[string]uint64 {
	totals := make(map[string]uint64)
	for key, statuses := range m.shown {
		typ := m.types[key]
		if m.baseline[key] == nil {
			totals[typ]++
		}
		for status := range statuses {
			if !m.baseline[key][status] {
				totals[status+"/"+typ]++
			}
		}
	}
	return totals
}

func assertNotDecreasing(t *rapid.T, before, after map[string]uint64) {
	t.Helper()
	for series, n := range before {
		if after[series] < n {
			t.Fatalf("%s decreased from %d to %d", series, n, after[series])
		}
	}
}

// TestTotalsDependOnlyOnPairsShown distributes the same rows over readings in two ways, with
// repetitions and in random order. It compares both with the model.
func TestTotalsDependOnlyOnPairsShown(t *testing.T) {
	statuses := []string{
		"pending", "sent", "delivered", "read", "noAccount", "failed", "oddWord", "",
	}
	types := []string{"textMessage", "stickerMessage", "oddType"}
	rapid.Check(t, func(t *rapid.T) {
		drawRow := rapid.Custom(func(t *rapid.T) Row {
			key := rapid.Uint64Range(1, 30).Draw(t, "key")
			status := rapid.SampledFrom(statuses).Draw(t, "status")
			return testRow(key, types[key%3], status, float64(key))
		})
		baseline := rapid.SliceOfN(drawRow, 0, 30).Draw(t, "baseline")
		later := rapid.SliceOfN(drawRow, 0, 100).Draw(t, "later")
		m := newModel()
		for _, row := range baseline {
			m.add(true, row)
		}
		for _, row := range later {
			m.add(false, row)
		}
		for range 2 {
			random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
			rows := slices.Clone(later)
			for _, row := range later {
				if random.IntN(3) == 0 {
					rows = append(rows, row)
				}
			}
			random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
			l := newTestLedger(60)
			minute := 0.0
			last := totals(commit(l, minute, baseline...))
			for len(rows) > 0 {
				n := random.IntN(len(rows) + 1)
				minute += random.Float64() * 30
				current := totals(commit(l, minute, rows[:n]...))
				assertNotDecreasing(t, last, current)
				last, rows = current, rows[n:]
			}
			if want := m.totals(); !maps.Equal(last, want) {
				t.Fatalf("got  %v\nwant %v", last, want)
			}
		}
	})
}

// TestRowOrderDoesNotChangeTotals reads the same rows in two orders. Some messages have rows before
// and after coveredSince, rows without a time, or rows of several types of text. An earlier
// release, which had a key for each type of text, has read the baseline.
func TestRowOrderDoesNotChangeTotals(t *testing.T) {
	texts := []string{"textMessage", "extendedTextMessage", "quotedMessage"}
	statuses := []string{"pending", "sent", "delivered", "read", "noAccount", "oddWord", ""}
	rapid.Check(t, func(t *rapid.T) {
		drawRow := rapid.Custom(func(t *rapid.T) Row {
			key := rapid.Uint64Range(1, 12).Draw(t, "key")
			typ := rapid.IntRange(0, 2).Draw(t, "type")
			row := testRow(key, texts[typ], rapid.SampledFrom(statuses).Draw(t, "status"),
				rapid.SampledFrom([]float64{-70, -61, -59, 1}).Draw(t, "minute"))
			if rapid.IntRange(0, 4).Draw(t, "timed") == 0 {
				row.Timestamp, row.Timed = 0, false
			}
			if typ > 0 {
				row.LegacyKey = key + uint64(100*typ)
			}
			return row
		})
		baseline := rapid.SliceOfN(drawRow, 0, 6).Draw(t, "baseline")
		response := rapid.SliceOfN(drawRow, 1, 40).Draw(t, "response")
		stored := make(map[uint64]bool)
		for i := range baseline {
			row := &baseline[i]
			row.Key, row.LegacyKey = max(row.Key, row.LegacyKey), 0
			stored[row.Key] = true
		}
		read := func(rows []Row) *Summary {
			l := newTestLedger(60)
			commit(l, 0, baseline...)
			return commit(l, 30, rows...)
		}
		want, got := read(response), read(rapid.Permutation(response).Draw(t, "order"))
		if !equalSummaries(got, want) {
			t.Fatalf("got  %+v\nwant %+v", normalize(got), normalize(want))
		}

		known, old, counted := map[uint64]bool{}, map[uint64]bool{}, map[uint64]bool{}
		for _, row := range response {
			known[row.Key] = known[row.Key] || stored[row.Key] || stored[row.LegacyKey]
			if row.Timed && row.Timestamp < unixSeconds(at(-60)) {
				old[row.Key] = true
			} else {
				counted[row.Key] = true
			}
		}
		maps.DeleteFunc(counted, func(key uint64, _ bool) bool { return known[key] })
		maps.DeleteFunc(old, func(key uint64, _ bool) bool { return known[key] || counted[key] })
		messages := uint64(0)
		for _, text := range texts {
			messages += totals(got)[text]
		}
		if messages != uint64(len(counted)) || got.Uncounted != uint64(len(old)) {
			t.Fatalf("counted %d messages and not %d, want %d and %d",
				messages, got.Uncounted, len(counted), len(old))
		}
	})
}

// TestTotalsEqualScenarios reads the journal of random scenarios on a random schedule. Rows appear
// up to 2 minutes late and in random order. The journal filters by the time of sending or of the
// last action, and timestamps may move. Calls fail, and some pauses are longer than the window.
//
// After every reading the totals equal the model. At the end they equal the scenarios, except for
// messages whose final status the journal did not show. Unless calls had to request less, the
// journal has shown every message.
func TestTotalsEqualScenarios(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minutes := rapid.SampledFrom([]int{1, 5, 30, 120}).Draw(t, "window")
		byLastAction, moves := rapid.Bool().Draw(t, "byLastAction"), rapid.Bool().Draw(t, "moves")
		var scenarios []*scenario
		for i := range rapid.SampledFrom([]int{1, 10, 60}).Draw(t, "messages") {
			scenarios = append(scenarios, drawScenario(t, uint64(i+1), moves))
		}
		l, m := newTestLedger(minutes), newModel()
		lastShown := make(map[uint64]string)
		last := map[string]uint64{}
		var first, end, covered float64
		isBaseline := true
		results := []string{"success", "success", "success", "failure"}
		shrinks := rapid.Bool().Draw(t, "shrinks")
		if shrinks {
			results = append(results, "too large")
		}
		pauses := rapid.SampledFrom([]float64{0.02, 1, 4, 15, 90})
		for minute := 0.0; minute < 600; minute += pauses.Draw(t, "pause") {
			b := startBatch(l, minute)
			shown := journalAt(scenarios, minute, b.Minutes(), byLastAction)
			random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 0))
			random.Shuffle(len(shown), func(i, j int) { shown[i], shown[j] = shown[j], shown[i] })
			for _, s := range shown {
				b.Add(s.row(minute))
			}
			switch rapid.SampledFrom(results).Draw(t, "result") {
			case "too large":
				b.Shrink()
				continue
			case "failure":
				continue
			}
			end = minute
			if isBaseline {
				first, covered = minute, unixSeconds(at(minute))+1-float64(minutes)*60
			}
			for _, s := range shown {
				row := s.row(minute)
				isKnown := m.baseline[s.key] != nil || m.shown[s.key] != nil
				if !isKnown && !isBaseline && row.Timestamp < covered {
					m.add(true, row)
				}
				m.add(isBaseline, row)
				lastShown[s.key] = string(row.Status)
			}
			isBaseline = false
			current := totals(b.Commit())
			assertNotDecreasing(t, last, current)
			last = current
			if want := m.totals(); !maps.Equal(current, want) {
				t.Fatalf("at minute %v: got  %v\nwant %v", minute, current, want)
			}
		}
		for _, s := range scenarios {
			_, isShown := lastShown[s.key]
			if !isShown && !shrinks && !isBaseline && s.sent > first && s.sent+s.delay <= end {
				t.Fatalf("no reading shows the message sent at %v with delay %v", s.sent, s.delay)
			}
		}
		for _, s := range scenarios {
			status, isShown := lastShown[s.key]
			if !isShown || status != s.steps[len(s.steps)-1].status {
				continue
			}
			reached := make(map[string]bool)
			for _, step := range s.steps {
				for _, implied := range impliedWords(step.status) {
					reached[implied] = true
				}
			}
			m.shown[s.key], m.types[s.key] = reached, s.typ
		}
		if want := m.totals(); !maps.Equal(last, want) {
			t.Fatalf("at the end: got  %v\nwant %v", last, want)
		}
	})
}

// The order of the totals holds for each type whose messages were first shown after the baseline.
// The type of a text can change from row to row.
func TestLaterStatusesNeverExceedEarlierOnes(t *testing.T) {
	statuses := []string{"pending", "sent", "delivered", "read", "noAccount", "oddWord"}
	texts := []string{"textMessage", "extendedTextMessage", "quotedMessage"}
	rapid.Check(t, func(t *rapid.T) {
		l := newTestLedger(60)
		commit(l, 0)
		for minute := range 5 {
			var rows []Row
			for range rapid.IntRange(0, 20).Draw(t, "rows") {
				key := rapid.Uint64Range(1, 50).Draw(t, "key")
				typ := rapid.SampledFrom(texts).Draw(t, "type")
				status := rapid.SampledFrom(statuses).Draw(t, "status")
				rows = append(rows, testRow(key, typ, status, 1))
			}
			n := totals(commit(l, float64(minute+1), rows...))
			for _, typ := range texts {
				counts := []uint64{n["read/"+typ], n["delivered/"+typ], n["sent/"+typ],
					n["pending/"+typ], n[typ]}
				if !slices.IsSorted(counts) {
					t.Fatalf("%s: read, delivered, sent, pending, all: %d", typ, counts)
				}
			}
		}
	})
}

func TestClockSetBackDoesNotMoveLedgerClockBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newTestLedger(60)
		last := time.Duration(-1)
		for range 20 {
			commit(l, rapid.Float64Range(-5000, 5000).Draw(t, "minute"))
			if l.clock < last {
				t.Fatalf("the ledger's clock moved back from %s to %s", last, l.clock)
			}
			last = l.clock
		}
	})
}
