package statuspage

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/greenapi"
)

// maxFullInstances is up to how many instances are shown in full on one page; of more there is a list, whose lines lead to a page
// for each.
const maxFullInstances = 3

// pageData is what the page shows.
type pageData struct {
	Style         template.CSS
	Version       string
	TelemetryPath string
	Now           relTime
	Mood          severity // the worst of all
	Verdict       string   // in one sentence
	Unlisted      bool     // whether instances are missing, since the Partner API has not told them
	Unwritten     bool     // whether counters cannot be written to the disk
	Part          bool     // whether this is not all instances
	Cards         []instanceView
	List          *list // instead of Cards
}

// instanceView is an instance.
type instanceView struct {
	ID       string
	Alone    bool // on its page, whose heading has said what its own would
	Mood     severity
	Problems []issue
	Read     *relTime // when the journal, or else any collector, was last read with success
	Gist     string   // in a line
	Outgoing journalView
	Rows     []row
}

// row is a collector.
type row struct {
	collector.CollectorStatus
	Facts []detail
	Read  *relTime
}

// severity is how an instance fares, the worst first.
type severity int

const (
	critical severity = iota // the outgoing journal cannot be read
	warning                  // another collector cannot, or the account is not well
	unknown                  // there was no scrape yet
	healthy
)

// classes of the moods in the style sheet, and in the parameter mood.
var classes = [...]string{"down", "look", "unread", "up"}

func moodOfClass(class string) severity { return severity(slices.Index(classes[:], class)) }

// Class is its class.
func (m severity) Class() string { return classes[m] }

// Mark tells moods apart for those who see no colours.
func (m severity) Mark() string { return [...]string{"✕", "!", "…", "✓"}[m] }

// Words come behind the name of an instance.
func (m severity) Words() string {
	return [...]string{"is not up", "needs a look", "is not read yet", "is up"}[m]
}

// Many is the same of several instances.
func (m severity) Many() string {
	return [...]string{"are not up", "need a look", "are not read yet", "are up"}[m]
}

// Of comes behind a number of instances.
func (m severity) Of(n int) string {
	if n == 1 {
		return m.Words()
	}
	return m.Many()
}

func newPageData(o Options, snapshot Snapshot, a query, now time.Time) pageData {
	items := sortedSummaries(snapshot.Instances, now)
	v := pageData{
		Style: template.CSS(pageStyle), Version: o.Version, TelemetryPath: o.TelemetryPath, Now: momentAt(now, now),
		Mood: healthy, Verdict: verdict(items), Part: a.ID != "" || a.narrows(), Unwritten: snapshot.StorageFailing,
	}
	if len(items) > 0 {
		v.Mood = items[0].mood
	}
	if snapshot.DiscoveryPending {
		v.Unlisted, v.Mood = true, critical
		if len(items) == 0 {
			v.Verdict = "No instance is known yet"
		}
	}
	if len(items) > maxFullInstances || a.narrows() || a.Page > 1 {
		v.List = newList(items, a, now)
		return v
	}
	for _, i := range items {
		c := newCard(i, now)
		c.Alone = len(items) == 1
		v.Cards = append(v.Cards, c)
	}
	return v
}

// verdict says in one sentence how the instances fare.
func verdict(items []instanceSummary) string {
	switch len(items) {
	case 0:
		return "No instance is configured"
	case 1:
		return items[0].status.ID + " " + items[0].mood.Words()
	}
	n := moods(items)
	if n[healthy] == len(items) {
		return fmt.Sprintf("All %s instances are up", formatInt(len(items)))
	}
	var parts []string
	for m := critical; m < healthy; m++ {
		if n[m] == 0 {
			continue
		}
		part := formatInt(n[m])
		if len(parts) == 0 {
			part += " of " + formatInt(len(items)) + " instances"
		}
		parts = append(parts, part+" "+m.Of(n[m]))
	}
	return strings.Join(parts, ", ")
}

func newCard(i instanceSummary, now time.Time) instanceView {
	s := *i.status
	c := instanceView{ID: s.ID, Mood: i.mood, Problems: i.problems}
	for _, status := range s.Collectors {
		r := row{CollectorStatus: status}
		if status.Result != "" { // else what there is may be of other settings
			r.Facts = details(status.Name, s, now)
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
func newest(rows []row) *relTime {
	var last *relTime
	for _, r := range rows {
		if r.Read != nil && (last == nil || r.Read.After(last.Time)) {
			last = r.Read
		}
	}
	return last
}

// moodOf goes by the outgoing journal, as greenapi_up does; where that is off, by all collectors alike.
func moodOf(s collector.Status, now time.Time) severity {
	journal := hasJournal(s)
	m, known := healthy, false
	for _, c := range s.Collectors {
		switch {
		case c.Failing() && decides(c, journal):
			m = critical
		case c.Failing():
			m = min(m, warning)
		case c.Result == greenapi.OK && decides(c, journal):
			known = true
		}
	}
	switch {
	case s.State != "" && s.State.Advice() != "", endsSoon(s, now):
		return min(m, warning)
	case m == healthy && !known:
		return unknown
	case m == healthy && slices.ContainsFunc(s.Collectors, func(c collector.CollectorStatus) bool { return isStale(c, s, now) }):
		return warning
	default:
		return m
	}
}

func hasJournal(s collector.Status) bool {
	return slices.ContainsFunc(s.Collectors, func(c collector.CollectorStatus) bool { return c.Name == "outgoing" })
}

// decides reports whether the collector's failing takes an instance down that has the outgoing journal or has not.
func decides(c collector.CollectorStatus, journal bool) bool { return c.Name == "outgoing" || !journal }

// isStale reports whether a good reading is older than any scraper would let it become: nothing has asked since.
func isStale(c collector.CollectorStatus, s collector.Status, now time.Time) bool {
	const scrapes = 10 * time.Minute // apart at the most, or Prometheus takes series for gone
	return c.Result == greenapi.OK && now.Sub(c.Success) > max(s.Interval, usualInterval)+scrapes
}

// usualInterval is that of the collectors that are asked most seldom, unless the journals are asked more seldom.
const usualInterval = 5 * time.Minute
