package statuspage

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/greenapi"
)

// pageLength is the number of instances on a page of the list.
const pageLength = 100

// instanceSummary is the part of an instanceView that is computed for all instances, even those
// that the page does not show.
type instanceSummary struct {
	*collector.Status
	Severity  severity
	Issues    []issue
	Arrival   *collector.Arrival // see currentArrival
	Unscraped *relTime           // see unscraped
}

// summarize returns the summaries of the instances, the worst first.
func summarize(statuses []collector.Status, now time.Time) []instanceSummary {
	all := make([]instanceSummary, len(statuses))
	for i := range statuses {
		all[i] = newSummary(&statuses[i], now)
	}
	slices.SortFunc(all, func(a, b instanceSummary) int {
		byLength := cmp.Compare(len(a.ID), len(b.ID))
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), byLength, cmp.Compare(a.ID, b.ID))
	})
	return all
}

func newSummary(s *collector.Status, now time.Time) instanceSummary {
	summary := instanceSummary{
		Status: s, Severity: unknown,
		Arrival: currentArrival(s, now), Unscraped: unscraped(s, now),
	}
	summary.Issues = findIssues(s, summary.Arrival, now)
	for _, c := range s.Collectors {
		if c.Result == greenapi.OK && isPrimary(c, s) {
			summary.Severity = idle
		}
	}
	if a := summary.Arrival; a != nil && a.Messages+collector.WindowOf(s.Outgoing).NoID > 0 {
		summary.Severity = healthy
	}
	for _, i := range summary.Issues {
		summary.Severity = min(summary.Severity, i.Severity)
	}
	return summary
}

// list is a page of the list of instances.
type list struct {
	Query    query
	Choices  []choice
	Empty    string // why no instance matches
	Beyond   string // a note that the requested page does not exist
	Range    string // such as "101–200 of 500"
	Issues   []*issueGroup
	Previous string // URL of the previous page, if any
	Next     string // URL of the next page, if any
	IssuesAt string // URL of the first page if it has issues and this is a later page
	Lines    []instanceView
}

// choice is a link that filters by severity.
type choice struct {
	Href, Class, Text string
	Current           bool
}

// newList returns the page that q selects. The instances must be sorted.
func newList(instances []instanceSummary, q query, now time.Time) *list {
	l := &list{Query: q}
	var found, selected []instanceSummary
	for _, i := range instances {
		if q.matchesSearch(i) {
			found = append(found, i)
		}
		if q.matches(i) {
			selected = append(selected, i)
		}
	}
	if len(found) > 0 {
		l.Choices = choices(found, q)
	}
	if len(selected) == 0 {
		l.Empty = q.emptyMessage()
		return l
	}
	pages := (len(selected) + pageLength - 1) / pageLength
	if q.Page > pages {
		l.Beyond = fmt.Sprintf("Page %d does not exist. This is the last page.", q.Page)
		q.Page = pages
	}
	from := (q.Page - 1) * pageLength
	shown := selected[from:min(from+pageLength, len(selected))]
	to := from + len(shown)
	l.Range = formatInt(from+1) + "–" + formatInt(to) + " of " + formatInt(len(selected))
	if q.Page == 1 {
		l.Issues = groupIssues(selected, q)
	} else {
		l.Previous = q.withPage(q.Page - 1).Href()
		if len(selected[0].Issues) > 0 { // the first instance is the worst
			l.IssuesAt = q.withPage(1).Href()
		}
	}
	if q.Page < pages {
		l.Next = q.withPage(q.Page + 1).Href()
	}
	everywhere := unscrapedSince(instances) != nil
	for _, i := range shown {
		if everywhere { // the verdict and the issues above the list show it
			isShared := func(i issue) bool { return i.Name == issueNotScraped }
			i.Issues = slices.DeleteFunc(slices.Clone(i.Issues), isShared)
		}
		l.Lines = append(l.Lines, newInstanceView(i, now))
	}
	return l
}

// choices returns the links to all instances and to those of each severity that occurs.
func choices(instances []instanceSummary, q query) []choice {
	link := func(class, text string) choice {
		return choice{q.withSeverity(class).Href(), class, text, q.Severity == class}
	}
	links := []choice{link("", "all "+formatInt(len(instances)))}
	for i, n := range countSeverities(instances) {
		if s := severity(i); n > 0 || q.Severity == s.Class() {
			links = append(links, link(s.Class(), s.Mark()+" "+formatInt(n)+" "+s.Text(n)))
		}
	}
	return links
}

func (l list) MaxSearch() int { return greenapi.MaxIDLength }
