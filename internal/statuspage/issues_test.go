package statuspage

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/greenapi"
)

func issuesOf(s collector.Status) []issue { return summaryOf(s).Issues }

// TestCollectorsWithTheSameResultShareAnIssue also checks that the issue has all details.
func TestCollectorsWithTheSameResultShareAnIssue(t *testing.T) {
	s := unreachableStatus("1")
	s.Collectors[2].Detail = "the connection timed out"
	s.Collectors[2].Called = testNow.Add(-time.Second)
	s.Collectors[1].Next = testNow.Add(time.Hour)
	const details = "lookup api.green-api.com: no such host; the connection timed out"
	got := issuesOf(s)
	if len(got) != 1 || got[0].Source() != "all collectors" || got[0].Severity != critical ||
		got[0].Tried.Ago() != "1 s ago" || got[0].Next.Ago() != "in 60 min" ||
		got[0].Detail() != details {
		t.Errorf("all collectors fail: %+v", got)
	}
	s = healthyStatus("1")
	s.Collectors[2] = collectorStatus("queue", greenapi.Network)
	got = issuesOf(s)
	if len(got) != 1 || got[0].Source() != "queue" || got[0].Severity != warning {
		t.Errorf("one collector fails: %+v", got)
	}
}

func TestNextCallIsShownIfItIsInTheFuture(t *testing.T) {
	for wait, want := range map[time.Duration]string{
		-time.Hour: "", 0: "", time.Second - 1: "", time.Second: "in 1 s", time.Hour: "in 60 min",
	} {
		s := unreachableStatus("1")
		for i := range s.Collectors {
			s.Collectors[i].Next = testNow.Add(wait)
		}
		got := issuesOf(s)[0].Next
		if (got != nil) != (want != "") || got != nil && got.Ago() != want {
			t.Errorf("%s: got %v, want %q", wait, got, want)
		}
	}
}

func TestIssuesOfALoggedOutInstance(t *testing.T) {
	var got []string
	for _, i := range issuesOf(loggedOutStatus("1")) {
		got = append(got, fmt.Sprintf("%s %s: %s", i.Severity.Class(), i.Name, i.Source()))
	}
	if want := []string{
		"critical unauthorized: outgoing, state, queue, webhooks, settings, account",
		"warning quota_exceeded: incoming", "critical notAuthorized: account state",
	}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSubscriptionExpiryIsAnIssueForAWeek(t *testing.T) {
	const week = 7 * 24 * time.Hour
	for left, want := range map[time.Duration]severity{
		-time.Hour: warning, time.Hour: warning, week - time.Second: warning, week: healthy,
	} {
		s := healthyStatus("1")
		s.Expires = testNow.Add(left)
		got := summaryOf(s)
		found := len(got.Issues) == 1 && got.Issues[0].Name == issueExpiring &&
			got.Issues[0].Ends.Equal(s.Expires)
		if got.Severity != want || found != (want == warning) {
			t.Errorf("%s left: %s, %+v", left, got.Severity.Class(), got.Issues)
		}
	}
}

func TestDifferingClocksAreAnIssue(t *testing.T) {
	for skew, want := range map[time.Duration]string{
		time.Hour:  "the API's clock is 60 min ahead",
		-time.Hour: "the API's clock is 60 min behind",
	} {
		s := healthyStatus("1")
		s.Skew = skew
		got := issuesOf(s)
		if len(got) != 1 || got[0].Name != issueClocks || got[0].Severity != warning ||
			got[0].Detail() != want {
			t.Errorf("%s: %+v", skew, got)
		}
		text := renderPage(t, query{}, s).text()
		if !strings.Contains(text, got[0].Advice) || !strings.Contains(text, want) {
			t.Errorf("%s: the page does not show the issue", skew)
		}
	}
}

// TestStateImpliedByAResultIsOneIssue checks that a state and the result of calls in that state
// are one issue.
func TestStateImpliedByAResultIsOneIssue(t *testing.T) {
	for state, result := range map[greenapi.State]greenapi.Result{
		"notAuthorized": greenapi.InstanceLoggedOut, "starting": greenapi.InstanceStarting,
	} {
		s := healthyStatus("1")
		s.State = state
		if got := issuesOf(s); len(got) != 1 || got[0].Name != string(state) {
			t.Errorf("%s alone: %+v", state, got)
		}
		s.Collectors[0] = collectorStatus("outgoing", result)
		if got := issuesOf(s); len(got) != 1 || got[0].Name != string(result) {
			t.Errorf("%s and %s: %+v", state, result, got)
		}
		s.Collectors[0] = collectorStatus("outgoing", greenapi.Network)
		if got := issuesOf(s); len(got) != 2 {
			t.Errorf("%s and another failure: %+v", state, got)
		}
	}
}

// TestEveryIssueCanBeQueried checks that every link to an issue is valid.
func TestEveryIssueCanBeQueried(t *testing.T) {
	names := []string{
		issueNotScraped, issueNotRead, issueNotDelivered, issueNoID, issueExpiring, issueClocks,
		issueUndelivered + "pending",
	}
	for _, l := range failures {
		names = append(names, issueUndelivered+l.Word)
	}
	for _, r := range greenapi.Results() {
		if r != greenapi.OK {
			names = append(names, string(r))
		}
	}
	for _, state := range greenapi.States() {
		if state != greenapi.StateAuthorized {
			names = append(names, string(state))
		}
	}
	for _, name := range names {
		values, err := url.ParseQuery(strings.TrimPrefix(query{}.withIssue(name).Href(), "./?"))
		if err != nil {
			t.Fatal(err)
		}
		if q, err := newQuery(values); err != nil || q.Issue != name {
			t.Errorf("%s: %+v, %v", name, q, err)
		}
	}
}

func TestSharedIssuesAreListedOnce(t *testing.T) {
	statuses := outage(500)
	text := renderPage(t, query{}, statuses...).text()
	for _, words := range []string{
		greenapi.Network.Advice(), greenapi.Unauthorized.Advice(), "no such host",
	} {
		if got := strings.Count(text, words); got != 1 {
			t.Errorf("the page contains %q %d times", words, got)
		}
	}
	groups := groupIssues(summarize(statuses, testNow), query{})
	var got []string
	for _, g := range groups {
		got = append(got, fmt.Sprintf("%s %s: %s of %s (%s; %s) at %s: %d details, %q",
			g.Severity.Class(), g.Name, g.Count(), g.Of, strings.Join(g.IDs, " "), g.All,
			g.Source(), len(g.DetailCounts), g.Detail()))
	}
	const (
		unreachable = "1101000001 1101000002 1101000003 1101000004 1101000006"
		loggedOut   = "1101000005 1101000055 1101000105 1101000155 1101000205"
		suspended   = "1101000010 1101000060 1101000110 1101000160 1101000210"
	)
	want := []string{
		"critical network: 400 of 500 instances (" + unreachable + "; ./?issue=network)" +
			` at all collectors: 26 details, "lookup api.green-api.com: no such host"`,
		"critical notAuthorized: 10 of 500 instances (" + loggedOut + "; ./?issue=notAuthorized)" +
			` at account state: 0 details, ""`,
		"critical unauthorized: 10 of 500 instances (" + loggedOut + "; ./?issue=unauthorized)" +
			` at outgoing, state, queue, webhooks, settings, account: 1 details, "HTTP 401"`,
		"warning quota_exceeded: 10 of 500 instances (" + loggedOut + "; ./?issue=quota_exceeded)" +
			` at incoming: 1 details, "HTTP 401"`,
		"warning suspended: 10 of 500 instances (" + suspended + "; ./?issue=suspended)" +
			` at account state: 0 details, ""`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, g := range groups {
		l := newPage(query{Issue: g.Name}, statuses...).List
		if !strings.HasSuffix(l.Range, " of "+g.Count()) {
			t.Errorf("%s leads to %s, want %s", g.All, l.Range, g.Count())
		}
	}
}

// TestIssueGroupMergesDifferentIssues checks that the order of the instances does not matter.
func TestIssueGroupMergesDifferentIssues(t *testing.T) {
	at := func(seconds int) *relTime {
		return newRelTime(testNow.Add(time.Duration(seconds)*time.Second), testNow)
	}
	one := func(id int, i issue) instanceSummary {
		return instanceSummary{Status: &collector.Status{ID: fmt.Sprint(id)}, Issues: []issue{i}}
	}
	instances := []instanceSummary{
		one(1, issue{Name: "rare", Severity: warning, Ends: at(9)}),
		one(2, issue{Name: "mixed", Severity: warning, Tried: at(-3), Ends: at(7)}),
		one(3, issue{
			Name: "mixed", Severity: critical, Tried: at(-1), Ends: at(5),
			Where: []string{"a", "b"},
		}),
		one(4, issue{
			Name: "mixed", Severity: warning, Tried: at(-2), Ends: at(6),
			Where: []string{"b", "c"},
		}),
	}
	for id := range 5 {
		instances = append(instances, one(id+5, issue{Name: "usual", Severity: warning}))
	}
	var got []string
	for _, g := range groupIssues(instances, query{}) {
		line := fmt.Sprintf("%s %s %s of %s %q %q %d", g.Name, g.Severity.Class(), g.Count(), g.Of,
			g.Source(), g.All, g.Ending)
		if g.Tried != nil {
			line += " tried " + g.Tried.Ago()
		}
		if g.Ends != nil {
			line += " ends " + g.Ends.Ago()
		}
		got = append(got, line)
	}
	if want := []string{
		`mixed critical 3 of 9 instances "a, b, c" "" 3 tried 1 s ago ends in 5 s`,
		`usual warning 5 of 9 instances "" "" 0`,
		`rare warning 1 of 9 instances "" "" 1 ends in 9 s`,
	}; !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
