package statuspage

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/ledger"
)

// journalView is the latest reading of an outgoing journal.
type journalView struct {
	Read   bool   // whether there is a reading; if not, only Why can be set
	Why    string // why there is no reading; empty before the first scrape
	Failed bool   // whether the latest call failed, so the reading is from an earlier call
	Stale  bool   // whether the reading is too old for a regular scrape
	Window string // the length of the window
	tally
	Types        []column
	Bars         []bar // all statuses, the stages first
	Funnel, Rest []bar // the stages and the other statuses of Bars

	Delays []delayView

	CountingSince *relTime
	Messages      string      // new messages since CountingSince
	Reached       []wordCount // the statuses that messages have reached since CountingSince
}

// bar is a status in the chart and in the table.
type bar struct {
	statusLabel
	Count, Share, Width string   // messages with this status or, for a stage, a later one
	Own                 string   // messages with exactly this status
	Cells               []string // Own by type; empty for 0
}

// column is a type of messages in the table. A line break is allowed between Head and Tail.
type column struct{ Head, Tail, Count string }

type wordCount struct{ Word, Count string }

// statusLabel explains a status. Class selects the color in page.css.
type statusLabel struct{ Word, Meaning, Class string }

var (
	// stages are the statuses of a successful delivery. Each implies all previous ones.
	stages = []statusLabel{
		{"pending", "accepted for sending", "pending"},
		{"sent", "sent to WhatsApp", "sent"},
		{"delivered", "arrived at the recipient", "delivered"},
		{"read", "opened or played", "read"},
	}
	// failures are the documented statuses that end a delivery.
	failures = []statusLabel{
		{"noAccount", "the number is not on WhatsApp", "failure"},
		{"notInGroup", "the account is not in the group", "failure"},
		{"yellowCard", "sending was suspended (older status)", "failure"},
		{"suspended", "sending was suspended", "failure"},
		{"failed", "could not be sent", "failure"},
		{"noActiveSession", "the account was not logged in", "failure"},
	}
	// otherStatuses are statuses that the ledger assigns.
	otherStatuses = []statusLabel{
		{"unknown", "no status; often a number that is not on WhatsApp", "other"},
		{"other", "further undocumented statuses", "other"},
	}
)

func newJournalView(c collector.CollectorStatus, s *collector.Status, now time.Time) *journalView {
	switch {
	case c.Result == "":
		return &journalView{Why: c.Detail}
	case s.Outgoing == nil:
		return &journalView{Why: "No call has succeeded yet."}
	}
	v := &journalView{
		Read: true, Failed: c.Failing(), Stale: isStale(c, s, now),
		Window: formatDuration(s.Window), tally: newTally(s.Outgoing),
		CountingSince: newRelTime(s.Outgoing.CountingSince, now),
		Delays:        newDelayViews(s.Outgoing),
	}
	v.Types, v.Bars = v.table()
	v.Funnel, v.Rest = v.Bars[:len(stages)], v.Bars[len(stages):]
	v.Messages, v.Reached = totals(s.Outgoing)
	return v
}

// tally counts the rows of a window. Its maps have only positive values.
type tally struct {
	Rows     int
	byStatus map[string]int
	byType   map[string]int
	cells    map[[2]string]int // by status and type
}

func newTally(s *ledger.Summary) tally {
	t := tally{0, make(map[string]int), make(map[string]int), make(map[[2]string]int)}
	for _, typ := range s.Types {
		for _, status := range typ.Statuses {
			if status.Rows > 0 {
				t.Rows += status.Rows
				t.byStatus[status.Word] += status.Rows
				t.byType[typ.Word] += status.Rows
				t.cells[[2]string{status.Word, typ.Word}] = status.Rows
			}
		}
	}
	return t
}

func (t tally) Total() string { return formatInt(t.Rows) }

// failed returns the number of rows whose status is one of the failures.
func (t tally) failed() (n int) {
	for _, l := range failures {
		n += t.byStatus[l.Word]
	}
	return n
}

// labels returns all stages, followed by the other statuses that occur: failures, undocumented
// statuses, and statuses that the ledger assigns.
func (t tally) labels() []statusLabel {
	documented := slices.Concat(stages, failures, otherStatuses)
	rest := slices.Clone(failures)
	for _, word := range slices.Sorted(maps.Keys(t.byStatus)) {
		if !slices.ContainsFunc(documented, hasWord(word)) {
			rest = append(rest, statusLabel{word, "not documented", "other"})
		}
	}
	rest = append(rest, otherStatuses...)
	rest = slices.DeleteFunc(rest, func(l statusLabel) bool { return t.byStatus[l.Word] == 0 })
	return slices.Concat(stages, rest)
}

func hasWord(word string) func(statusLabel) bool {
	return func(l statusLabel) bool { return l.Word == word }
}

// table returns the types, the most frequent first, and the statuses of the window.
func (t tally) table() (columns []column, bars []bar) {
	types := slices.SortedFunc(maps.Keys(t.byType), func(a, b string) int {
		return cmp.Or(cmp.Compare(t.byType[b], t.byType[a]), cmp.Compare(a, b))
	})
	for _, typ := range types {
		head := strings.TrimSuffix(typ, "Message")
		columns = append(columns, column{head, typ[len(head):], formatInt(t.byType[typ])})
	}
	for i, label := range t.labels() {
		n := t.reached(i, label.Word)
		b := bar{
			statusLabel: label, Count: formatInt(n), Share: formatPercent(n, t.Rows),
			Width: fmt.Sprintf("%.2f", 100*float64(n)/float64(max(t.Rows, 1))),
			Own:   formatInt(t.byStatus[label.Word]), Cells: make([]string, len(types)),
		}
		for k, typ := range types {
			if n := t.cells[[2]string{label.Word, typ}]; n > 0 {
				b.Cells[k] = formatInt(n)
			}
		}
		bars = append(bars, b)
	}
	return columns, bars
}

// reached returns the number of rows that have reached the status at index i of the labels. A stage
// includes all later stages. The first stage includes all statuses except unknown, because they
// imply that the API accepted the message.
func (t tally) reached(i int, status string) int {
	if i == 0 {
		return t.Rows - t.byStatus["unknown"]
	}
	n := t.byStatus[status]
	for k := i + 1; k < len(stages); k++ {
		n += t.byStatus[stages[k].Word]
	}
	return n
}

// totals sums the counters of all types. It omits statuses that no message has reached.
func totals(s *ledger.Summary) (messages string, reached []wordCount) {
	total := uint64(0)
	sums := make(map[string]uint64)
	var words []string
	for _, typ := range s.Types {
		total += typ.Messages.Count
		for _, status := range typ.Statuses {
			words = appendNew(words, status.Word)
			sums[status.Word] += status.Reached.Count
		}
	}
	for _, word := range words {
		if sums[word] > 0 {
			reached = append(reached, wordCount{word, formatInt(sums[word])})
		}
	}
	return plural(total, "new message"), reached
}
