package statuspage

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/greenapi"
)

// pageLength is how many instances a page of the list has.
const pageLength = 100

// instanceSummary is an instance of which only is known what that of every one has to be: a card is made of those that are shown.
type instanceSummary struct {
	status   *collector.Status
	mood     severity
	problems []issue
}

func newItem(s *collector.Status, now time.Time) instanceSummary {
	i := instanceSummary{status: s, mood: moodOf(*s, now)}
	if i.mood != healthy { // which has none
		i.problems = problems(*s, now)
	}
	return i
}

// sortedSummaries is the instances, the worst first.
func sortedSummaries(statuses []collector.Status, now time.Time) []instanceSummary {
	items := make([]instanceSummary, len(statuses))
	for i := range statuses {
		items[i] = newItem(&statuses[i], now)
	}
	slices.SortFunc(items, func(a, b instanceSummary) int {
		return cmp.Or(cmp.Compare(a.mood, b.mood), cmp.Compare(len(a.status.ID), len(b.status.ID)), cmp.Compare(a.status.ID, b.status.ID))
	})
	return items
}

// list is a page of the list.
type list struct {
	Ask     query
	Choices []choice     // by mood
	Nothing string       // why there is no line
	Beyond  string       // that there is no such page as was asked for, and that the last is here instead
	Range   string       // of the lines, such as 101–200 of 500
	Causes  []issueGroup // on the first page
	First   string       // leads to them from all others
	Before  string       // leads to the page before, if there is one
	Next    string       // and to the next
	Lines   []instanceView
}

// choice leads to the instances of a mood, or to all.
type choice struct {
	Href  string
	Class string
	Words string
	Now   bool // whether these are shown
}

// newList picks of the items, which are in order.
func newList(items []instanceSummary, a query, now time.Time) *list {
	l := &list{Ask: a}
	var found, picked []instanceSummary
	for _, i := range items {
		if a.matchesSearch(i) {
			found = append(found, i)
		}
		if a.matches(i) {
			picked = append(picked, i)
		}
	}
	if len(found) > 0 {
		l.Choices = choices(found, a)
	}
	if len(picked) == 0 {
		l.Nothing = a.nothing()
		return l
	}
	pages := (len(picked) + pageLength - 1) / pageLength
	if a.Page > pages {
		// That is what becomes of a page that loads itself again while what it shows is being mended.
		l.Beyond = fmt.Sprintf("There is no page %d (any more): this is the last.", a.Page)
		a.Page = pages
	}
	from := (a.Page - 1) * pageLength
	shown := picked[from:min(from+pageLength, len(picked))]
	l.Range = fmt.Sprintf("%s–%s of %s", formatInt(from+1), formatInt(from+len(shown)), formatInt(len(picked)))
	if a.Page == 1 {
		l.Causes = causes(picked, a)
	} else {
		l.Before = a.page(a.Page - 1).Href()
		if slices.ContainsFunc(picked, func(i instanceSummary) bool { return len(i.problems) > 0 }) {
			l.First = a.page(1).Href()
		}
	}
	if a.Page < pages {
		l.Next = a.page(a.Page + 1).Href()
	}
	for _, i := range shown {
		l.Lines = append(l.Lines, newCard(i, now))
	}
	return l
}

// choices are the moods that any of the items has.
func choices(items []instanceSummary, a query) []choice {
	all := []choice{{Href: a.ofMood("").Href(), Words: "all " + formatInt(len(items)), Now: a.Mood == ""}}
	for m, n := range moods(items) {
		if m := severity(m); n > 0 || a.Mood == m.Class() {
			all = append(all, choice{a.ofMood(m.Class()).Href(), m.Class(), m.Mark() + " " + formatInt(n) + " " + m.Of(n), a.Mood == m.Class()})
		}
	}
	return all
}

// moods is how many items have each.
func moods(items []instanceSummary) (n [healthy + 1]int) {
	for _, i := range items {
		n[i.mood]++
	}
	return n
}

// Reload is after how many seconds the page loads itself again, from the same address and so with the same search and
// page; 0 for never. What has been typed into the search is lost by that, for want of a script that could wait. So a list
// gives a minute, in which an id is typed or pasted; and one that has found nothing by its search, which is there to be
// searched again, stays as it is.
func (v pageData) Reload() int {
	switch {
	case v.List == nil:
		return 30
	case v.List.Ask.Search != "" && v.List.Nothing != "":
		return 0
	default:
		return 60
	}
}

// LongestID is how much can be typed into the search.
func (l list) LongestID() string { return strconv.Itoa(greenapi.MaxIDLength) }
