package statuspage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/ledger"
)

// journalView is the outgoing journal of an instance.
type journalView struct {
	On      bool   // whether its collector is
	Unread  bool   // whether there is nothing to show
	Why     string // that is so, where it is not just that there was no scrape
	Stale   bool   // the latest call has failed, so that this is what an earlier one has read
	Late    bool   // there was none for long
	Window  string // its length
	Rows    int    // messages in the window
	Pending int    // of them
	Failed  int    // of them
	Funnel  []bar
	Rest    []bar  // failures and statuses that have no place in the funnel
	All     string // Rows, for the table
	Types   []column
	Table   []line
	Birth   relTime
	Total   string  // messages first seen since the birth
	Reached []reach // and the statuses that they have reached
}

// bar is a share of the window's messages.
type bar struct {
	Word, Means, Class string
	Count              string
	Share              string
	Width              string // in hundredths of the whole, for SVG
}

// column is a type of the table, whose word may be broken behind its head, with the number of its messages.
type column struct{ Head, Tail, Count string }

// line is a status of the table, with its numbers by type. Those that are 0 are empty.
type line struct {
	Word  string
	Cells []string
	Count string
}

// reach is a status and how many messages have reached it.
type reach struct{ Word, Count string }

// statusLabel is a status that messages pass on their way.
type statusLabel struct{ word, means string }

// stages are the way of a message, each of which is behind it once it is at a later one.
var stages = []statusLabel{
	{"pending", "or further: accepted"},
	{"sent", "or further"},
	{"delivered", "or further"},
	{"read", "seen or heard"},
}

// failures are the statuses at which the way of a message ends, as documented.
var failures = []statusLabel{
	{"noAccount", "the number has no WhatsApp"},
	{"notInGroup", "not in the group"},
	{"yellowCard", "sending is suspended (the older word)"},
	{"suspended", "sending is suspended"},
	{"failed", "could not be sent"},
	{"noActiveSession", "the account was not logged in"},
}

// leftovers are the statuses of a ledger's that are none of the API's.
var leftovers = []statusLabel{
	{"unknown", "no status, often a number without WhatsApp"},
	{"other", "further words that are not documented"},
}

func newJournal(status collector.CollectorStatus, s collector.Status, now time.Time) journalView {
	j := journalView{On: true, Stale: status.Failing(), Late: isStale(status, s, now), Window: formatDuration(s.Window)}
	reading := s.Outgoing
	switch {
	case status.Result == "":
		j.Unread, j.Why = true, status.Detail
		return j
	case reading == nil:
		j.Unread, j.Why = true, "No call has succeeded so far."
		return j
	}
	t := newTally(reading)
	j.Rows, j.Pending = t.rows, t.statuses["pending"]
	j.Funnel = t.funnel()
	j.Rest = t.rest()
	for _, f := range failures {
		j.Failed += t.statuses[f.word]
	}
	j.Types, j.Table = t.table(reading)
	j.Birth = momentAt(reading.CountingSince, now)
	total, reached := totals(reading)
	j.All, j.Total, j.Reached = formatInt(t.rows), plural(total, "new message"), reached
	return j
}

// tally is the rows of a window, added up.
type tally struct {
	rows     int
	statuses map[string]int
	types    map[string]int
}

func newTally(r *ledger.Summary) tally {
	t := tally{statuses: make(map[string]int), types: make(map[string]int)}
	for _, kind := range r.Types {
		for _, status := range kind.Statuses {
			t.rows += status.Rows
			t.statuses[status.Word] += status.Rows
			t.types[kind.Word] += status.Rows
		}
	}
	return t
}

func (t tally) bar(s statusLabel, n int, class string) bar {
	b := bar{Word: s.word, Means: s.means, Class: class, Count: formatInt(n), Share: formatPercent(n, t.rows)}
	if t.rows > 0 {
		b.Width = fmt.Sprintf("%.2f", 100*float64(n)/float64(t.rows))
	}
	return b
}

// funnel says of each stage how many messages stand there or have passed it. Every status implies that the message was
// accepted, but for unknown, which implies nothing: so it is in the ledger, too.
func (t tally) funnel() []bar {
	bars := make([]bar, len(stages))
	n := 0
	for i := len(stages) - 1; i > 0; i-- {
		n += t.statuses[stages[i].word]
		bars[i] = t.bar(stages[i], n, stages[i].word)
	}
	bars[0] = t.bar(stages[0], t.rows-t.statuses["unknown"], stages[0].word)
	return bars
}

// rest has the statuses beside the funnel that any message has: what failed first, then what has no name.
func (t tally) rest() []bar {
	var bars []bar
	for _, word := range t.order()[len(stages):] {
		class, s := "other", statusLabel{word: word, means: "not documented"}
		for _, f := range failures {
			if f.word == word {
				class, s = "failure", f
			}
		}
		for _, l := range leftovers {
			if l.word == word {
				s = l
			}
		}
		bars = append(bars, t.bar(s, t.statuses[word], class))
	}
	return bars
}

// order is the stages, whether a message has them or not, and behind them the statuses that any message has: failures,
// words that are not documented, leftovers.
func (t tally) order() []string {
	var words, own []string
	for _, s := range stages {
		words = append(words, s.word)
	}
	known := func(list []statusLabel) {
		for _, s := range list {
			if t.statuses[s.word] > 0 {
				words = append(words, s.word)
			}
		}
	}
	known(failures)
	for word, n := range t.statuses {
		if n > 0 && !slices.ContainsFunc(slices.Concat(stages, failures, leftovers), func(s statusLabel) bool { return s.word == word }) {
			own = append(own, word)
		}
	}
	slices.Sort(own)
	words = append(words, own...)
	known(leftovers)
	return words
}

// table has the rows of the window by status and type, without types that no row has: the type with most of them first.
func (t tally) table(r *ledger.Summary) ([]column, []line) {
	var shown []ledger.Type
	for _, kind := range r.Types {
		if t.types[kind.Word] > 0 {
			shown = append(shown, kind)
		}
	}
	slices.SortStableFunc(shown, func(a, b ledger.Type) int {
		return cmp.Or(cmp.Compare(t.types[b.Word], t.types[a.Word]), cmp.Compare(a.Word, b.Word))
	})
	var columns []column
	for _, kind := range shown {
		head := strings.TrimSuffix(kind.Word, "Message")
		columns = append(columns, column{head, kind.Word[len(head):], formatInt(t.types[kind.Word])})
	}
	var lines []line
	for _, word := range t.order() {
		l := line{Word: word, Count: formatInt(t.statuses[word])}
		for _, kind := range shown {
			cell := ""
			for _, status := range kind.Statuses {
				if status.Word == word && status.Rows > 0 {
					cell = formatInt(status.Rows)
				}
			}
			l.Cells = append(l.Cells, cell)
		}
		lines = append(lines, l)
	}
	return columns, lines
}

// totals adds up the counters over all types, without the statuses that no message has reached.
func totals(r *ledger.Summary) (messages uint64, reached []reach) {
	sums := make(map[string]uint64)
	var words []string
	for _, kind := range r.Types {
		messages += kind.Messages.Count
		for _, status := range kind.Statuses {
			if _, ok := sums[status.Word]; !ok {
				words = append(words, status.Word)
			}
			sums[status.Word] += status.Reached.Count
		}
	}
	for _, word := range words {
		if sums[word] > 0 {
			reached = append(reached, reach{word, formatInt(sums[word])})
		}
	}
	return messages, reached
}
