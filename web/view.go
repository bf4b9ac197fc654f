package web

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"greenapi_exporter/collector"
	"greenapi_exporter/greenapi"
)

// inFull is up to how many instances are shown in full on one page; of more there is a list, whose lines lead to a page
// for each.
const inFull = 3

// longest is how many instances a list has at the most; it has the worst.
const longest = 400

// view is what the page shows.
type view struct {
	Style         template.CSS
	Version       string
	TelemetryPath string
	Now           moment
	Mood          mood   // the worst of all
	Verdict       string // in one sentence
	Unwritten     bool   // whether counters cannot be written to the disk
	Picked        bool   // whether this is the page of one instance out of several
	Cards         []card
	List          []card // instead of Cards
	More          int    // instances that the list leaves out
}

// card is an instance.
type card struct {
	ID       string
	Metrics  string // where to scrape
	Alone    bool   // on its page, whose heading has said what its own would
	Mood     mood
	Problems []problem
	Read     *moment // when the journal, or else any collector, was last read with success
	Gist     string  // in a line
	Outgoing journal
	Rows     []row
}

// row is a collector.
type row struct {
	collector.CollectorStatus
	Facts []fact
	Read  *moment
}

// mood is how an instance fares, the worst first.
type mood int

const (
	down   mood = iota // the outgoing journal cannot be read
	look               // another collector cannot, or the account is not well
	unread             // there was no scrape yet
	up
)

// Class is its class in the style sheet.
func (m mood) Class() string { return [...]string{"down", "look", "unread", "up"}[m] }

// Mark tells moods apart for those who see no colours.
func (m mood) Mark() string { return [...]string{"✕", "!", "…", "✓"}[m] }

// Words come behind the name of an instance.
func (m mood) Words() string {
	return [...]string{"is not up", "needs a look", "is not read yet", "is up"}[m]
}

func newView(o Options, statuses []collector.Status, picked bool, now time.Time) view {
	v := view{
		Style: template.CSS(pageStyle), Version: o.Version, TelemetryPath: o.TelemetryPath, Now: momentAt(now, now),
		Mood: up, Picked: picked, Unwritten: o.StorageFailing(),
	}
	cards := make([]card, len(statuses))
	for i, s := range statuses {
		cards[i] = newCard(s, o.TelemetryPath, now)
		cards[i].Alone = len(statuses) == 1
		v.Mood = min(v.Mood, cards[i].Mood)
	}
	slices.SortStableFunc(cards, func(a, b card) int {
		return cmp.Or(cmp.Compare(a.Mood, b.Mood), cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID))
	})
	v.Verdict = verdict(cards)
	if len(cards) > inFull {
		v.List = cards[:min(len(cards), longest)]
		v.More = len(cards) - len(v.List)
	} else {
		v.Cards = cards
	}
	return v
}

// verdict says in one sentence how the instances fare.
func verdict(cards []card) string {
	switch len(cards) {
	case 0:
		return "No instance is configured"
	case 1:
		return cards[0].ID + " " + cards[0].Mood.Words()
	}
	var n [up + 1]int
	for _, c := range cards {
		n[c.Mood]++
	}
	if n[up] == len(cards) {
		return fmt.Sprintf("All %s instances are up", count(len(cards)))
	}
	var parts []string
	say := func(m mood, one, many string) {
		if n[m] == 0 {
			return
		}
		part := count(n[m])
		if len(parts) == 0 {
			part += " of " + count(len(cards)) + " instances"
		}
		if n[m] == 1 {
			many = one
		}
		parts = append(parts, part+" "+many)
	}
	say(down, "is not up", "are not up")
	say(look, "needs a look", "need a look")
	say(unread, "is not read yet", "are not read yet")
	return strings.Join(parts, ", ")
}

func newCard(s collector.Status, metrics string, now time.Time) card {
	c := card{ID: s.ID, Metrics: metrics, Mood: moodOf(s, now), Problems: problems(s, now)}
	for _, status := range s.Collectors {
		r := row{CollectorStatus: status}
		if status.Result != "" { // else what there is may be of other settings
			r.Facts = facts(status.Name, s, now)
		}
		if !status.Success.IsZero() {
			read := momentAt(status.Success, now)
			r.Read = &read
		}
		c.Rows = append(c.Rows, r)
		if status.Name == "outgoing" {
			c.Outgoing = newJournal(status, s, now)
			c.Read = r.Read
		}
	}
	if !c.Outgoing.On {
		c.Read = newest(c.Rows)
	}
	c.Gist = gist(s, c.Outgoing)
	return c
}

// newest is when the collector that was read last was.
func newest(rows []row) *moment {
	var last *moment
	for _, r := range rows {
		if r.Read != nil && (last == nil || r.Read.After(last.Time)) {
			last = r.Read
		}
	}
	return last
}

// moodOf goes by the outgoing journal, as greenapi_up does; where that is off, by all collectors alike.
func moodOf(s collector.Status, now time.Time) mood {
	journal := slices.ContainsFunc(s.Collectors, func(c collector.CollectorStatus) bool { return c.Name == "outgoing" })
	m, known := up, false
	for _, c := range s.Collectors {
		decides := c.Name == "outgoing" || !journal
		switch {
		case c.Failing() && decides:
			m = down
		case c.Failing():
			m = min(m, look)
		case decides && c.Result == greenapi.OK:
			known = true
		}
	}
	switch {
	case s.State != "" && s.State.Advice() != "":
		return min(m, look)
	case m == up && !known:
		return unread
	case m == up && slices.ContainsFunc(s.Collectors, func(c collector.CollectorStatus) bool { return late(c, s, now) }):
		return look
	default:
		return m
	}
}

// late reports whether a good reading is older than any scraper would let it become: nothing has asked since.
func late(c collector.CollectorStatus, s collector.Status, now time.Time) bool {
	const scrapes = 10 * time.Minute // apart at the most, or Prometheus takes series for gone
	return c.Result == greenapi.OK && now.Sub(c.Success) > max(s.Interval, usualInterval)+scrapes
}

// usualInterval is that of the collectors that are asked most seldom, unless the journals are asked more seldom.
const usualInterval = 5 * time.Minute

// problem is what is not well, and what to do about it.
type problem struct {
	What   string // a result or a state
	Where  string
	Advice string
	Detail string
	Ends   *moment // by itself
	Tried  *moment
}

// problems are those of the calls, each once for all collectors that share it, and that of the account's state.
func problems(s collector.Status, now time.Time) []problem {
	var all []problem
	for _, c := range s.Collectors {
		if !c.Failing() {
			continue
		}
		same := slices.IndexFunc(all, func(p problem) bool { return p.What == string(c.Result) && p.Detail == c.Detail })
		if same >= 0 {
			all[same].Where += ", " + c.Name
			continue
		}
		tried := momentAt(c.Called, now)
		all = append(all, problem{What: string(c.Result), Where: c.Name, Advice: c.Result.Advice(), Detail: c.Detail, Tried: &tried})
	}
	var silent []string
	for _, c := range s.Collectors {
		if late(c, s, now) {
			silent = append(silent, c.Name)
		}
	}
	if len(silent) > 0 {
		all = append(all, problem{What: "not read lately", Where: strings.Join(silent, ", "),
			Advice: "nothing has asked for it; see on Prometheus's page of targets whether it scrapes this exporter"})
	}
	if s.State != "" && s.State.Advice() != "" {
		p := problem{What: string(s.State), Where: "the state of the account", Advice: s.State.Advice()}
		if s.Account != nil && s.Account.SuspendedUntil.Known {
			ends := momentAt(fromUnix(s.Account.SuspendedUntil.Value), now)
			p.Ends = &ends
		}
		all = append(all, p)
	}
	return all
}
