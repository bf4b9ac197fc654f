package statuspage

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"greenapi_exporter/collector"
)

// TestPageSizeIsBounded checks the page of ten thousand instances. Most of them fail.
func TestPageSizeIsBounded(t *testing.T) {
	body := get(newHandler(outage(10_000)...), "").Body.String()
	if n := len(parsePage(t, body).lines()); len(body) > 400<<10 || n != 100 {
		t.Errorf("the page has %d bytes and %d lines", len(body), n)
	}
}

// TestPagesCoverTheListOnce follows the links to the next page and checks the links back.
func TestPagesCoverTheListOnce(t *testing.T) {
	handler := newHandler(outage(950)...)
	for _, parameters := range []string{
		"", "search=1", "search=5&severity=critical", "issue=network", "search=0&severity=ok",
	} {
		values, err := url.ParseQuery(parameters)
		if err != nil {
			t.Fatal(err)
		}
		q, err := newQuery(values)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, i := range summarize(outage(950), testNow) {
			if q.matches(i) {
				want = append(want, i.ID)
			}
		}
		var got, visited []string
		for address := q.Href(); address != "" && len(visited) < 10; {
			page := parsePage(t, get(handler, strings.TrimLeft(address, "./?")).Body.String())
			visited, got = append(visited, address), append(got, page.lines()...)
			n := len(visited)
			from := (n-1)*100 + 1
			wantRange := fmt.Sprintf("%d–%d of %d", from, min(from+99, len(want)), len(want))
			if h2 := page.texts("h2"); !strings.Contains(h2[len(h2)-1], wantRange) {
				t.Errorf("%s: headings %q, want %s", address, h2, wantRange)
			}
			hasIssues := q.Severity != "ok"
			if shown := len(page.find("ul.groups")) > 0; shown != (hasIssues && n == 1) {
				t.Errorf("%s: issues are shown: %t", address, shown)
			}
			var toIssues, toPrevious []string
			if n > 1 {
				toPrevious = visited[n-2 : n-1]
				if hasIssues {
					toIssues = []string{q.Href()}
				}
			}
			if links := page.links("first page"); !slices.Equal(links, toIssues) {
				t.Errorf("%s: links to the issues: %q, want %q", address, links, toIssues)
			}
			if links := page.links("Previous"); !slices.Equal(links, toPrevious) {
				t.Errorf("%s: links to the previous page: %q, want %q", address, links, toPrevious)
			}
			address = strings.Join(page.links("Next"), "")
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %d pages with %d instances, want %d",
				parameters, len(visited), len(got), len(want))
		}
	}
}

func TestFullPageHasNoNextPage(t *testing.T) {
	if l := newPage(query{}, outage(100)...).List; l.Next != "" || l.Range != "1–100 of 100" {
		t.Errorf("100 instances: %s, next page %q", l.Range, l.Next)
	}
}

func TestFiltersLeadToTheFirstPage(t *testing.T) {
	page := renderPage(t, query{Page: 2}, outage(101)...)
	for words, want := range map[string]string{
		"all 101": "./", "are down": "./?severity=critical", "Previous": "./",
	} {
		if got := page.links(words); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q, want %s", words, got, want)
		}
	}
	href := query{Page: 2, Search: "1"}.withIssue("network").Href()
	if want := "./?issue=network&search=1"; href != want {
		t.Errorf("got %s, want %s", href, want)
	}
	healthy := slices.Repeat([]collector.Status{healthyStatus("1")}, 4)
	for _, c := range newPage(query{}, healthy...).List.Choices {
		if c.Class != "" && c.Class != "ok" {
			t.Errorf("a filter for %s, which no instance has", c.Class)
		}
	}
}

// TestQueries checks the status, the list and the texts of the page for valid and invalid queries.
func TestQueries(t *testing.T) {
	longID, long := strings.Repeat("1", 32), strings.Repeat("1", 1000)
	all := []string{"1101000002", "1101000013", "2201000014", "1101000001", longID}
	list := newHandler(healthyStatus("1101000001"), loggedOutStatus("1101000002"),
		suspendedStatus("1101000013"), unreadStatus("2201000014"), healthyStatus(longID))
	few, none := newHandler(healthyStatus("1"), loggedOutStatus("2")), newHandler()
	for _, c := range []struct {
		handler  http.Handler
		query    string
		status   int
		lines    []string
		contains []string
	}{
		{list, "", 200, all, []string{"1–5 of 5", "every 60 seconds"}},
		{list, "search=", 200, all, nil},
		{list, "search=01", 200, all[:4], []string{
			"Instances with 01 in the id", "1 of 4 instances", "All instances",
		}},
		{list, "search=%20%09220%0A", 200, all[2:3], []string{"with 220 in the id"}},
		{list, "search=1101000013", 200, all[1:2], []string{"1–1 of 1"}},
		{list, "search=" + longID, 200, all[4:], nil},
		{list, "search=7", 200, nil, []string{
			"No instances with 7 in the id.", "Show all instances", "does not reload",
		}},
		{list, "search=" + long, 200, nil, []string{long[:31] + "…", "at most 32 digits"}},
		{list, "search=%3Cscript%3Ealert(1)%3C/script%3E", 200, nil, []string{
			"No id contains “<script>alert(1)</script>”",
		}},
		{list, "search=%22%3E%3Cimg+src=x%3E", 200, nil, []string{`“"><img src=x>”`}},
		{list, "search=1101+000", 200, nil, []string{"“1101 000”. Ids consist of"}},
		{list, "search=%D9%A1", 200, nil, []string{"Ids consist of"}},
		{list, "search=-1", 200, nil, []string{"Ids consist of"}},
		{list, "search=%FF%00", 200, nil, []string{"Ids consist of"}},
		{list, "severity=critical", 200, all[:1], []string{
			"Instances that are down", "all 5", "✕ 1 is down", "✓ 2 are up",
		}},
		{list, "severity=unknown", 200, all[2:3], nil},
		{list, "severity=ok&search=1101", 200, all[3:4], []string{
			"Instances with 1101 in the id and that are up",
		}},
		{list, "severity=critical&search=220", 200, nil, []string{
			"No instances with 220 in the id and that are down.",
			"✕ 0 are down", "… 1 has no readings yet",
		}},
		{list, "issue=unauthorized", 200, all[:1], []string{"with the issue unauthorized"}},
		{list, "issue=suspended", 200, all[1:2], nil},
		{list, "issue=network", 200, nil, []string{
			"No instances with the issue network.", "every 60 seconds",
		}},
		{list, "issue=not+scraped+lately", 200, nil, []string{
			"No instances with the issue not scraped lately.",
		}},
		{list, "page=1", 200, all, nil},
		{list, "page=2", 200, all, []string{"Page 2 does not exist. This is the last page."}},
		{list, "page=9223372036854775807&severity=critical", 200, all[:1], []string{
			"This is the last page.",
		}},
		{list, "page=99999999999999999999999", 404, nil, []string{"invalid page"}},
		{list, "page=-1", 404, nil, []string{"invalid page"}},
		{list, "page=0", 404, nil, []string{"invalid page"}},
		{list, "page=2.0", 404, nil, []string{"invalid page"}},
		{list, "page=%3Cb%3E", 404, nil, []string{"invalid page"}},
		{list, "severity=zzz", 404, nil, []string{
			"unknown severity", "critical, warning, unknown, ok or idle",
		}},
		{list, "severity=%3Cb%3E", 404, nil, []string{"unknown severity"}},
		{list, "issue=zzz", 404, nil, []string{"unknown issue"}},
		{list, "issue=undelivered:+noAccount", 200, nil, []string{"with the issue undelivered"}},
		{list, "issue=undelivered:+zzz", 404, nil, []string{"unknown issue"}},
		{list, "issue=ok", 404, nil, []string{"unknown issue"}},
		{list, "issue=authorized", 404, nil, []string{"unknown issue"}},
		{list, "search=%zz", 400, nil, []string{"malformed", "open /"}},
		{list, "id_instance=1101000002&page=-1&severity=zzz", 200, nil, []string{
			"1101000002 is down", "every 30 seconds",
		}},
		{few, "", 200, nil, []string{"every 30 seconds"}},
		{few, "search=2", 200, []string{"2"}, []string{"Search by id"}},
		{few, "page=2", 200, []string{"2", "1"}, []string{"This is the last page."}},
		{none, "search=1", 200, nil, []string{"No instances with 1 in the id."}},
		{none, "page=3", 200, nil, []string{"No instances are configured"}},
	} {
		w := get(c.handler, c.query)
		body := w.Body.String()
		page := parsePage(t, body)
		if got := page.lines(); w.Code != c.status || !slices.Equal(got, c.lines) {
			t.Errorf("%.50s: %d with %q, want %d with %q", c.query, w.Code, got, c.status, c.lines)
		}
		text := page.text()
		for _, words := range c.contains {
			if !strings.Contains(text, words) {
				t.Errorf("%.50s: the page lacks %q:\n%s", c.query, words, text)
			}
		}
		for _, foreign := range []string{"<script", "<img", "<b>alert", "zzz", "\x00", long[:33]} {
			if strings.Contains(body, foreign) {
				t.Errorf("%.50s: the page has %q", c.query, foreign)
			}
		}
		if len(body) > 40<<10 {
			t.Errorf("%.50s: the page has %d bytes", c.query, len(body))
		}
	}
}

// TestSearchIsAForm checks that the search needs no script and preserves its text.
func TestSearchIsAForm(t *testing.T) {
	page := renderPage(t, query{Page: 3, Search: "11", Severity: "critical"}, outage(500)...)
	form := page.find("form")[0]
	if form.attr("action") != "./" || form.attr("method") != "get" ||
		form.attr("role") != "search" || len(form.find("button")) != 1 {
		t.Errorf("the form has the attributes %+v", form.Attr)
	}
	inputs := form.find("input") // only one: a search resets the other filters
	if len(inputs) != 1 {
		t.Fatalf("%d inputs", len(inputs))
	}
	input := inputs[0]
	if input.attr("name") != "search" || input.attr("value") != "11" ||
		input.attr("maxlength") != "32" {
		t.Errorf("the input has the attributes %+v", input.Attr)
	}
	if label := form.find("label")[0]; label.attr("for") != input.attr("id") {
		t.Errorf("the label is for %q", label.attr("for"))
	}
	if len(renderPage(t, query{}, healthyStatus("1"), healthyStatus("2")).find("form")) > 0 {
		t.Error("a page of two instances has a search form")
	}
}

func TestListHasTheNextCallsOfFailingInstances(t *testing.T) {
	text := renderPage(t, query{}, outage(6)[:4]...).text()
	if n := strings.Count(text, ", next call in 9 min"); n != 4 {
		t.Errorf("%d of 4 instances have the time of the next call:\n%s", n, text)
	}
}
