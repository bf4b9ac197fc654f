package statuspage

import (
	"bytes"
	"fmt"
	"html"
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/greenapi"
)

// outage is n instances of which most cannot reach the API, and of the others some have trouble of their own.
func outage(n int) []collector.Status {
	lost, out, late, fresh, well := unreachable(""), loggedOut(""), suspended(""), newborn(""), shop("")
	statuses := make([]collector.Status, n)
	for i := range statuses {
		s := well
		switch {
		case i%5 < 4:
			s = lost
		case i%50 == 4:
			s = out
		case i%50 == 9:
			s = late
		case i%50 == 14:
			s = fresh
		}
		s.ID, s.Collectors = fmt.Sprint(1101000001+i), slices.Clone(s.Collectors)
		if i%20 == 0 { // the words for the same trouble differ
			for at := range s.Collectors {
				s.Collectors[at].Detail = fmt.Sprintf("read tcp 10.0.0.1:%d->10.0.0.2:443: connection reset by peer", 40000+i)
			}
		}
		statuses[i] = s
	}
	return statuses
}

// unreachable is an instance whose API cannot be reached.
func unreachable(id string) collector.Status {
	s := shop(id)
	for at, c := range s.Collectors {
		s.Collectors[at] = reads(c.Name, greenapi.Network)
		s.Collectors[at].Detail = "lookup api.green-api.com: no such host"
	}
	return s
}

var lineLink = regexp.MustCompile(`<h3><span class="mark" aria-hidden="true">.</span> <a href="/\?id_instance=(\d+)">`)

// lines are the ids of the list on a page.
func lines(page string) []string {
	var ids []string
	for _, match := range lineLink.FindAllStringSubmatch(page, -1) {
		ids = append(ids, match[1])
	}
	return ids
}

// hrefs are the addresses of the links whose text contains the words.
func hrefs(page, words string) []string {
	var all []string
	for _, match := range regexp.MustCompile(`<a [^>]*?href="([^"]*)"[^>]*>([^<]*)</a>`).FindAllStringSubmatch(page, -1) {
		if strings.Contains(match[2], words) {
			all = append(all, html.UnescapeString(match[1]))
		}
	}
	return all
}

// TestTheBrokenComeFirst, a hundred to a page.
func TestTheBrokenComeFirst(t *testing.T) {
	var statuses []collector.Status
	for i := range 400 {
		id := fmt.Sprint(999 + i)
		switch i {
		case 7, 300, 399:
			statuses = append(statuses, loggedOut(id))
		case 8, 0:
			statuses = append(statuses, suspended(id))
		case 9:
			statuses = append(statuses, newborn(id))
		default:
			statuses = append(statuses, shop(id))
		}
	}
	slices.Reverse(statuses)
	handler := pageOf(t, statuses...)
	page := get(handler, "/").Body.String()
	if !strings.Contains(page, ">✕</span> 3 of 400 instances are not up, 2 need a look, 1 is not read yet</h1>") {
		t.Error("the page does not say how many are not up")
	}
	order := lines(page)
	if want := []string{"1006", "1299", "1398", "999", "1007", "1008", "1000", "1001"}; len(order) != 100 || !slices.Equal(order[:8], want) {
		t.Errorf("%d instances, first %v, want %v", len(order), order[:8], want)
	}
	if strings.Contains(page, "<svg") {
		t.Error("the list has drawings")
	}

	one := get(handler, "/?id_instance=1006").Body.String()
	if !strings.Contains(one, "1006 is not up") || !strings.Contains(one, "<svg") || !strings.Contains(one, `<a href="/">All instances</a>`) || strings.Contains(one, "1007") {
		t.Errorf("the page of one of them is\n%s", one)
	}
	if w := get(handler, "/?id_instance=1%3Cb%3E"); w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "<b>") {
		t.Errorf("of one that there is not: %d %s", w.Code, w.Body)
	}
	well := pageOf(t, shop("1"), shop("2"), shop("3"), shop("4"))
	if page := get(well, "/").Body.String(); !strings.Contains(page, "All 4 instances are up") || strings.Contains(page, "What is wrong") {
		t.Errorf("all are up, and the page is\n%s", page)
	}
}

// TestTheSizeOfAPage: ten thousand instances, of which most are broken, are a page that can be read.
func TestTheSizeOfAPage(t *testing.T) {
	page := get(pageOf(t, outage(10_000)...), "/").Body.String()
	if len(page) > 400<<10 || len(lines(page)) != 100 {
		t.Errorf("the page has %d bytes and %d lines", len(page), len(lines(page)))
	}
	t.Logf("%d bytes", len(page))
}

// TestPagesOfTheList: from each to the next, every instance is met once, and the way back is the same.
func TestPagesOfTheList(t *testing.T) {
	for _, query := range []string{"", "search=1", "search=5&mood=down", "problem=network", "mood=up&search=0"} {
		handler := pageOf(t, outage(950)...)
		asked, err := newQuery(must(url.ParseQuery(query)))
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, i := range sortedSummaries(outage(950), noon) {
			if asked.matches(i) {
				want = append(want, i.status.ID)
			}
		}
		var got, way []string
		path := "/?" + query
		for range 10 {
			page := get(handler, path).Body.String()
			way, got = append(way, path), append(got, lines(page)...)
			from := (len(way)-1)*100 + 1
			if words := fmt.Sprintf("%d–%d of %d", from, min(from+99, len(want)), len(want)); !strings.Contains(page, words) {
				t.Errorf("%s does not say %s", path, words)
			}
			wrong := asked.Mood != "up"
			if strings.Contains(page, "What is wrong</h2>") != (wrong && len(way) == 1) {
				t.Errorf("%s: what is wrong is not on the first page alone", path)
			}
			if first := hrefs(page, "on the first page"); (len(first) > 0) != (wrong && len(way) > 1) || len(first) > 0 && first[0] != asked.Href() {
				t.Errorf("%s: to what is wrong lead %q, want %s", path, first, asked.Href())
			}
			if before := hrefs(page, "Previous"); len(way) > 2 && !slices.Equal(before, way[len(way)-2:len(way)-1]) {
				t.Errorf("%s: the page before is %q, want %q", path, before, way[len(way)-2])
			}
			next := hrefs(page, "Next")
			if len(next) == 0 {
				break
			}
			path = next[0]
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %d pages have %d instances, want %d", query, len(way), len(got), len(want))
		}
	}
}

// TestAFullPageIsTheLast, and what leads to other instances leads to the first page of them.
func TestAFullPageIsTheLast(t *testing.T) {
	if page := at(t, false, outage(100)...); len(hrefs(page, "Next")) > 0 || !strings.Contains(page, "1–100 of 100") {
		t.Error("a hundred are more than a page")
	}
	page := asked(t, query{Page: 2}, outage(101)...)
	for words, want := range map[string]string{"all 101": "/", "are not up": "/?mood=down", "Previous": "/"} {
		if got := hrefs(page, words); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q, want %s", words, got, want)
		}
	}
	if well := at(t, false, slices.Repeat([]collector.Status{shop("1")}, 4)...); strings.Contains(well, "not up") || strings.Contains(well, "mood=look") {
		t.Error("moods can be picked that no instance has")
	}
	if got, want := (query{Page: 2, Search: "1"}).withProblem("network").Href(), "/?problem=network&search=1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // a slip of the test's
	}
	return v
}

// TestWhatIsAskedFor, by people and by others.
func TestWhatIsAskedFor(t *testing.T) {
	long := strings.Repeat("1", 1000)
	statuses := []collector.Status{shop("1101000001"), loggedOut("1101000002"), suspended("1101000013"), newborn("2201000014"), shop(strings.Repeat("1", 32))}
	handler := pageOf(t, statuses...)
	few := pageOf(t, shop("1"), loggedOut("2"))
	for _, c := range []struct {
		handler http.Handler
		query   string
		code    int
		lines   []string
		has     []string
	}{
		{handler, "", 200, []string{"1101000002", "1101000013", "2201000014", "1101000001", statuses[4].ID}, []string{"1–5 of 5", `content="60"`, "every 60 seconds", `value=""`}},
		{handler, "search=", 200, []string{"1101000002", "1101000013", "2201000014", "1101000001", statuses[4].ID}, nil},
		{handler, "search=01", 200, []string{"1101000002", "1101000013", "2201000014", "1101000001"}, []string{"Instances with 01 in their id", `value="01"`, `<a href="/">All instances</a>`, "1 of these 4", `content="60"`}},
		{handler, "search=%20%09220%0A", 200, []string{"2201000014"}, []string{`value="220"`}},
		{handler, "search=1101000013", 200, []string{"1101000013"}, []string{"1–1 of 1"}},
		{handler, "search=" + long[:32], 200, []string{statuses[4].ID}, nil},
		{handler, "search=7", 200, nil, []string{"No instance has 7 in its id.", `<a href="/">Show all instances</a>`, "It does not load itself again"}},
		{handler, "search=" + long, 200, nil, []string{`value="` + long[:31] + `…"`, "32 at the most"}},
		{handler, "search=%3Cscript%3Ealert(1)%3C/script%3E", 200, nil, []string{"“<script>alert(1)</script>”: an id has digits only", `<a href="/">Show all instances</a>`}},
		{handler, "search=%22%3E%3Cimg+src=x%3E", 200, nil, []string{`“"><img src=x>”`}},
		{handler, "search=1101+000", 200, nil, []string{"“1101 000”: an id has digits only"}},
		{handler, "search=%D9%A1", 200, nil, []string{"digits only"}},
		{handler, "search=-1", 200, nil, []string{"digits only"}},
		{handler, "search=%FF%00", 200, nil, []string{"digits only"}},
		{handler, "mood=down", 200, []string{"1101000002"}, []string{"Instances that are not up", "all 5", "✕ 1 is not up", "✓ 2 are up"}},
		{handler, "mood=unread", 200, []string{"2201000014"}, nil},
		{handler, "mood=up&search=1101", 200, []string{"1101000001"}, []string{"Instances with 1101 in their id that are up"}},
		{handler, "mood=down&search=220", 200, nil, []string{"No instance has 220 in its id and is not up.", "all 1<", "✕ 0 are not up", "… 1 is not read yet", `<a href="/?search=220">all 1</a>`}},
		{handler, "problem=unauthorized", 200, []string{"1101000002"}, []string{"Instances with unauthorized"}},
		{handler, "problem=suspended", 200, []string{"1101000013"}, nil},
		{handler, "problem=network", 200, nil, []string{"No instance has the problem network.", `content="60"`}},
		{handler, "problem=not+read+lately", 200, nil, []string{"No instance has the problem not read lately."}},
		{handler, "page=1", 200, []string{"1101000002", "1101000013", "2201000014", "1101000001", statuses[4].ID}, nil},
		{handler, "page=2", 200, []string{"1101000002", "1101000013", "2201000014", "1101000001", statuses[4].ID}, []string{"There is no page 2 (any more): this is the last."}},
		{handler, "page=9223372036854775807&mood=down", 200, []string{"1101000002"}, []string{"this is the last"}},
		{handler, "page=99999999999999999999999", 404, nil, []string{"no such page", "/ is the first"}},
		{handler, "page=-1", 404, nil, []string{"no such page"}},
		{handler, "page=0", 404, nil, []string{"no such page"}},
		{handler, "page=2.0", 404, nil, []string{"no such page"}},
		{handler, "page=%3Cb%3E", 404, nil, []string{"no such page"}},
		{handler, "mood=zzz", 404, nil, []string{"no such mood; there are down, look, unread, up"}},
		{handler, "mood=%3Cb%3E", 404, nil, []string{"no such mood"}},
		{handler, "problem=zzz", 404, nil, []string{"no such problem"}},
		{handler, "problem=ok", 404, nil, []string{"no such problem"}},
		{handler, "problem=authorized", 404, nil, []string{"no such problem"}},
		{handler, "search=%zz", 400, nil, []string{"malformed", "/ lists all"}},
		{handler, "id_instance=1101000002&page=-1&mood=zzz", 200, nil, []string{"1101000002 is not up", `content="30"`}},
		{few, "", 200, nil, []string{`class="card up"`, `content="30"`}},
		{few, "search=2", 200, []string{"2"}, []string{"Search by id"}},
		{few, "page=2", 200, []string{"2", "1"}, []string{"this is the last"}},
		{pageOf(t), "search=1", 200, nil, []string{"No instance has 1 in its id."}},
		{pageOf(t), "page=3", 200, nil, []string{"No instance is configured"}},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.RawQuery = c.query
		w := request(c.handler, r)
		text := w.Body.String()
		if got := lines(text); w.Code != c.code || !slices.Equal(got, c.lines) {
			t.Errorf("%.50s: %d with %q, want %d with %q", c.query, w.Code, got, c.code, c.lines)
		}
		for _, words := range c.has {
			if !strings.Contains(text, words) && !strings.Contains(html.UnescapeString(text), words) {
				t.Errorf("%.50s: the page does not say %q", c.query, words)
			}
		}
		for _, bad := range []string{"<script", "<img", "<b>alert", "zzz", "\x00", long[:33]} {
			if strings.Contains(text, bad) {
				t.Errorf("%.50s: the page has %q", c.query, bad)
			}
		}
		if len(text) > 40<<10 {
			t.Errorf("%.50s: the page has %d bytes", c.query, len(text))
		}
	}
}

// TestCausesAreSaidOnce, however many instances share them, with how many they are and the way to all of them.
func TestCausesAreSaidOnce(t *testing.T) {
	statuses := outage(500)
	page := asked(t, query{Page: 1}, statuses...)
	for _, words := range []string{greenapi.Network.Advice(), greenapi.Unauthorized.Advice(), "no such host"} {
		if got := strings.Count(html.UnescapeString(page), words); got != 1 {
			t.Errorf("%d times: %s", got, words)
		}
	}
	var got []string
	for _, c := range causes(sortedSummaries(statuses, noon), query{}) {
		got = append(got, fmt.Sprintf("%s %s: %s of %s, %s at %s, all %s; %s %t", c.Mood.Class(), c.What, c.Count, c.Of, strings.Join(c.IDs, " "), c.Places, c.All, c.Detail, c.Often))
	}
	const odd = "1101000010 1101000060 1101000110 1101000160 1101000210"
	want := []string{
		"down network: 400 of 500 instances, 1101000001 1101000002 1101000003 1101000004 1101000006 at all collectors, all /?problem=network; lookup api.green-api.com: no such host true",
		"down unauthorized: 10 of 500 instances, 1101000005 1101000055 1101000105 1101000155 1101000205 at outgoing, state, queue, webhooks, settings, account, all /?problem=unauthorized; HTTP 401 false",
		"look notAuthorized: 10 of 500 instances, 1101000005 1101000055 1101000105 1101000155 1101000205 at the state of the account, all /?problem=notAuthorized;  false",
		"look quota_exceeded: 10 of 500 instances, 1101000005 1101000055 1101000105 1101000155 1101000205 at incoming, all /?problem=quota_exceeded; HTTP 401 false",
		"look suspended: 10 of 500 instances, " + odd + " at the state of the account, all /?problem=suspended;  false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, c := range causes(sortedSummaries(statuses, noon), query{}) {
		page := asked(t, query{Page: 1, Problem: c.What}, statuses...)
		if words := fmt.Sprintf("of %s", c.Count); !strings.Contains(page, words+", the worst first") {
			t.Errorf("%s leads to a list that is not %s", c.All, words)
		}
	}
}

// TestACauseIsTheSumOfItsProblems, whatever the order in which they come.
func TestACauseIsTheSumOfItsProblems(t *testing.T) {
	moment := func(seconds int) *relTime {
		m := momentAt(noon.Add(time.Duration(seconds)*time.Second), noon)
		return &m
	}
	one := func(id int, p issue) instanceSummary {
		return instanceSummary{status: &collector.Status{ID: fmt.Sprint(id)}, problems: []issue{p}}
	}
	items := []instanceSummary{
		one(1, issue{What: "rare", Mood: warning, Ends: moment(9)}),
		one(2, issue{What: "mixed", Mood: warning, Tried: moment(-3), Ends: moment(7)}),
		one(3, issue{What: "mixed", Mood: critical, Tried: moment(-1), Ends: moment(5), Where: []string{"a", "b"}}),
		one(4, issue{What: "mixed", Mood: warning, Tried: moment(-2), Ends: moment(6), Where: []string{"b", "c"}}),
	}
	for id := range 5 {
		items = append(items, one(id+5, issue{What: "usual", Mood: warning}))
	}
	var got []string
	for _, c := range causes(items, query{Mood: "look"}) {
		line := fmt.Sprintf("%s %s %s of %s %q %q %t", c.What, c.Mood.Class(), c.Count, c.Of, c.Places, c.All, c.First)
		if c.Tried != nil {
			line += " tried " + c.Tried.Ago()
		}
		if c.Ends != nil {
			line += " ends " + c.Ends.Ago()
		}
		got = append(got, line)
	}
	if want := []string{
		`mixed down 3 of these 9 "a, b, c" "" true tried 1 s ago ends in 5 s`, `usual look 5 of these 9 "" "" false`, `rare look 1 of these 9 "" "" false ends in 9 s`,
	}; !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestProblemsOfOneInstance: collectors that fail alike are one problem, whatever the words for it.
func TestProblemsOfOneInstance(t *testing.T) {
	s := unreachable("1")
	s.Collectors[2].Detail, s.Collectors[2].Called = "the connection timed out", noon.Add(-time.Second)
	got := problems(s, noon)
	if len(got) != 1 || got[0].Places() != "all collectors" || got[0].Detail() != "lookup api.green-api.com: no such host; the connection timed out" || got[0].Tried.Ago() != "1 s ago" || got[0].Mood != critical {
		t.Errorf("got %+v", got)
	}
	s = shop("1")
	s.Collectors[2] = reads("queue", greenapi.Network)
	if got := problems(s, noon); len(got) != 1 || got[0].Places() != "queue" || got[0].Mood != warning {
		t.Errorf("got %+v", got)
	}
}

// TestASubscriptionThatEnds is on the page a week before.
func TestASubscriptionThatEnds(t *testing.T) {
	for left, want := range map[time.Duration]severity{
		-time.Hour: warning, time.Hour: warning, 7*24*time.Hour - time.Second: warning, 7 * 24 * time.Hour: healthy,
	} {
		s := shop("1")
		s.Expires = noon.Add(left)
		got := problems(s, noon)
		if m := moodOf(s, noon); m != want || (want == healthy) != (len(got) == 0) || want == warning && (got[0].What != issueExpiring || !got[0].Ends.Equal(s.Expires) || !isProblem(got[0].What)) {
			t.Errorf("%s before: %v, %+v", left, m, got)
		}
	}
}

// TestAStateThatCallsTellToo is one problem.
func TestAStateThatCallsTellToo(t *testing.T) {
	for state, result := range map[greenapi.State]greenapi.Result{"notAuthorized": greenapi.InstanceLoggedOut, "starting": greenapi.InstanceStarting} {
		s := shop("1")
		s.State = state
		if got := problems(s, noon); len(got) != 1 || got[0].What != string(state) {
			t.Errorf("%s alone: %+v", state, got)
		}
		s.Collectors[0] = reads("outgoing", result)
		if got := problems(s, noon); len(got) != 1 || got[0].What != string(result) {
			t.Errorf("%s and %s: %+v", state, result, got)
		}
		s.Collectors[0] = reads("outgoing", greenapi.Network)
		if got := problems(s, noon); len(got) != 2 {
			t.Errorf("%s and another failure: %+v", state, got)
		}
	}
}

// TestEveryProblemCanBeAskedFor, so that no link of the page leads nowhere.
func TestEveryProblemCanBeAskedFor(t *testing.T) {
	s := forgotten("1")
	words := []string{problems(s, noon)[0].What}
	for _, r := range greenapi.Results() {
		if r != greenapi.OK {
			words = append(words, string(r))
		}
	}
	for _, state := range greenapi.States() {
		if state != greenapi.StateAuthorized {
			words = append(words, string(state))
		}
	}
	for _, word := range words {
		query, err := url.ParseQuery(strings.TrimPrefix(query{}.withProblem(word).Href(), "/?"))
		if err != nil {
			t.Fatal(err)
		}
		if a, err := newQuery(query); err != nil || a.Problem != word {
			t.Errorf("%s: %+v, %v", word, a, err)
		}
	}
}

// TestOneThatIsUpHasNoProblem: the list does not look for one.
func TestOneThatIsUpHasNoProblem(t *testing.T) {
	for _, s := range append(outage(100), forgotten("1")) {
		if moodOf(s, noon) == healthy && len(problems(s, noon)) > 0 {
			t.Errorf("%s is up and has %+v", s.ID, problems(s, noon))
		}
	}
}

// TestEachInstanceLeadsToItsMetrics, and says what that costs.
func TestEachInstanceLeadsToItsMetrics(t *testing.T) {
	for name, page := range map[string]string{
		"a list": at(t, false, shop("1"), shop("2"), newborn("3"), loggedOut("4")), "cards": at(t, false, newborn("1"), loggedOut("2"), shop("3")), "a card": at(t, true, shop("1")),
	} {
		n := strings.Count(page, "read ") // more than there are
		for id := range n {
			link := fmt.Sprintf(`<a href="/probe?target=%d" title="The metrics of this instance; opening them makes the calls of a scrape" aria-label="metrics of %d">metrics</a>`, id, id)
			if shown := strings.Contains(page, fmt.Sprintf(`Instance %d"`, id)) || slices.Contains(lines(page), fmt.Sprint(id)); shown != strings.Contains(page, link) {
				t.Errorf("%s: instance %d is shown: %t, and its link is not", name, id, shown)
			}
		}
		if !strings.Contains(page, `<a href="/metrics">Metrics</a>`) || !strings.Contains(page, "opening the metrics of an instance makes the calls of a scrape") {
			t.Errorf("%s does not lead to the metrics of all, or does not say what it costs", name)
		}
	}
}

// TestTheSearchIsAForm that a browser sends without a script, with a label and no more than it needs.
func TestTheSearchIsAForm(t *testing.T) {
	page := asked(t, query{Page: 3, Search: "11", Mood: "down"}, outage(500)...)
	_, form, _ := strings.Cut(page, "<form ")
	form, _, _ = strings.Cut(form, "</form>")
	for _, words := range []string{`action="/" method="get" role="search"`, `<label for="search">`, `id="search" name="search" value="11"`, "<button>"} {
		if !strings.Contains(form, words) {
			t.Errorf("the form has no %s:\n%s", words, form)
		}
	}
	if strings.Count(form, "name=") != 1 {
		t.Errorf("a search is not among all instances:\n%s", form)
	}
	if strings.Contains(at(t, false, shop("1"), shop("2")), "<form") {
		t.Error("of two instances one is searched for")
	}
}

// BenchmarkPage makes the page of ten thousand instances.
func BenchmarkPage(b *testing.B) {
	parsed := template.Must(template.New("page").Parse(pageText))
	o := Options{Version: "1.2.3", TelemetryPath: "/metrics"}
	well := slices.Repeat([]collector.Status{shop("")}, 10_000)
	for i := range well {
		well[i].ID = fmt.Sprint(1101000001 + i)
	}
	for name, statuses := range map[string][]collector.Status{"well": well, "outage": outage(10_000)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var body bytes.Buffer
				if err := parsed.Execute(&body, newPageData(o, Snapshot{Instances: statuses}, query{Page: 1}, noon)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
