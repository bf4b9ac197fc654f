package statuspage

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
)

func summaryOf(s collector.Status) instanceSummary { return newSummary(&s, testNow) }

func TestSeverity(t *testing.T) {
	status := func(state greenapi.State, results ...string) collector.Status {
		s := collector.Status{
			State: state, Opened: testNow, Scraped: testNow, Outgoing: healthyStatus("1").Outgoing,
		}
		for _, r := range results {
			name, result, _ := strings.Cut(r, " ")
			s.Collectors = append(s.Collectors, collectorStatus(name, greenapi.Result(result)))
		}
		return s
	}
	for _, c := range []struct {
		status collector.Status
		want   severity
	}{
		{status("authorized", "outgoing ok", "state ok"), healthy},
		{status("authorized", "outgoing ok", "state ok", "queue "), healthy},
		{status("authorized", "outgoing timeout", "state ok"), critical},
		{status("suspended", "outgoing timeout", "state ok"), critical},
		{status("authorized", "outgoing ok", "state ok", "queue forbidden"), warning},
		{status("suspended", "outgoing ok", "state ok"), warning},
		{status("authorized", "outgoing ", "state ok"), unknown},
		{status("notAuthorized", "outgoing ", "state ok"), critical},
		{status("notAuthorized", "outgoing ok", "state ok"), critical},
		{status("blocked", "outgoing ok", "state ok"), critical},
		{status("starting", "outgoing ok", "state ok"), warning},
		{status("", "outgoing ", "state network"), warning},
		{status("", "outgoing ", "state "), unknown},
		{status(""), unknown},
		{status("authorized", "state ok", "queue "), idle},
		{status("authorized", "state ok", "queue network"), critical},
		{status("suspended", "state ok"), warning},
		{status("", "state ", "queue "), unknown},
	} {
		if got := summaryOf(c.status).Severity; got != c.want {
			t.Errorf("%+v: %s, want %s", c.status, got.Class(), c.want.Class())
		}
	}
}

// TestStaleReadingsNeedAttention checks that readings are stale only after a multiple of their
// interval.
func TestStaleReadingsNeedAttention(t *testing.T) {
	for interval, want := range map[time.Duration]severity{
		time.Second: warning, 25 * time.Hour: healthy,
	} {
		s := staleStatus("1")
		s.Interval, s.Scraped = interval, testNow
		got := summaryOf(s)
		isIssue := len(got.Issues) == 1 && got.Issues[0].Name == issueNotRead
		if got.Severity != want || isIssue != (want == warning) {
			t.Errorf("interval %s: %s with %+v", interval, got.Severity.Class(), got.Issues)
		}
	}
}

func TestWorstInstancesComeFirst(t *testing.T) {
	var statuses []collector.Status
	for i := range 400 {
		id := fmt.Sprint(999 + i)
		switch i {
		case 7, 300, 399:
			statuses = append(statuses, loggedOutStatus(id))
		case 8, 0:
			statuses = append(statuses, suspendedStatus(id))
		case 9:
			statuses = append(statuses, unreadStatus(id))
		default:
			statuses = append(statuses, healthyStatus(id))
		}
	}
	slices.Reverse(statuses)
	page := renderPage(t, query{}, statuses...)
	ids := page.lines()
	want := []string{"1006", "1299", "1398", "999", "1007", "1008", "1000", "1001"}
	if len(ids) != 100 || !slices.Equal(ids[:8], want) {
		t.Errorf("%d instances, first %v, want %v", len(ids), ids[:8], want)
	}
	if len(page.find("svg")) > 0 {
		t.Error("the list has charts")
	}
}

// readingOf returns what the page shows as the reading of a collector.
func readingOf(s collector.Status, name string) string {
	rows := newInstanceView(summaryOf(s), testNow).Rows
	i := slices.IndexFunc(rows, func(r collectorRow) bool { return r.Name == name })
	reading := rows[i].Reading
	if reading.At != nil {
		return reading.Text + " " + reading.At.Ago()
	}
	return reading.Text
}

func TestReadingsOfCollectors(t *testing.T) {
	s := suspendedStatus("1")
	hourAgo := testNow.Add(-time.Hour).Unix()
	s.Incoming.LastMessage = ledger.Timestamp{Seconds: float64(hourAgo), Known: true}
	for name, want := range map[string]string{
		"outgoing": "2,010 messages in the window, 10 pending; oldest pending 3 h ago",
		"incoming": "7 received messages in the window; latest 60 min ago",
		"state":    "suspended",
		"queue":    "12,345 messages waiting to be sent",
		"webhooks": "1 notification waiting to be received",
		"account":  "sending is suspended; this ends in 5 h",
		"settings": "disabled, so the journals lack messages: incomingWebhook",
	} {
		if got := readingOf(s, name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	const summary = "2 of the last hour's 94 messages did not arrive: " +
		"2 noAccount · suspended · 12,345 in the queue"
	if got := newInstanceView(summaryOf(s), testNow).Summary; got != summary {
		t.Errorf("summary %q, want %q", got, summary)
	}
	s.Account.SuspendedUntil.Known = false
	const withoutEnd = "sending is suspended; GREEN-API does not report the end"
	if got := readingOf(s, "account"); got != withoutEnd {
		t.Errorf("without an end: %q", got)
	}
	for i := range s.Collectors { // without a result, the reading may be from other settings
		s.Collectors[i].Result = ""
	}
	if got := readingOf(s, "queue"); got != "" {
		t.Errorf("without a result: %q", got)
	}
}

func TestReadingsNameOmissions(t *testing.T) {
	s := healthyStatus("1")
	s.Outgoing.Malformed = ledger.MalformedRows{
		ledger.NoID: 1, ledger.BadTimestamp: 2, ledger.NotARow: 3,
	}
	s.Outgoing.Uncounted, s.Incoming.Uncounted = 1000, 1
	for name, want := range map[string]string{
		"outgoing": "2,010 messages in the window, 10 pending; 1 row without an id or a type; " +
			"2 rows with an unusable timestamp; 3 rows of the wrong JSON type, skipped; " +
			"1,000 messages from before counting began; oldest pending 3 h ago",
		"incoming": "7 received messages in the window; 1 message from before counting began",
	} {
		if got := readingOf(s, name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestPageSaysHowOldReadingsAre(t *testing.T) {
	interrupted := unreadStatus("1")
	interrupted.Collectors[0].Detail = "no call has been finished"
	interrupted.Collectors[0].Success = testNow.Add(-time.Hour)
	interrupted.Outgoing = healthyStatus("1").Outgoing
	hanging := unreadStatus("1")
	hanging.Collectors[0].InFlight = testNow.Add(-20 * time.Second)
	hanging.Collectors[1].InFlight = testNow.Add(-10 * time.Second)
	failed := unreadStatus("1")
	failed.Collectors[0] = collectorStatus("outgoing", greenapi.Unauthorized)
	withoutJournal := suspendedStatus("1")
	withoutJournal.Collectors, withoutJournal.Outgoing = withoutJournal.Collectors[1:3], nil
	withoutJournal.Collectors[1].Success = testNow.Add(-time.Minute)
	disabled := unreadStatus("1")
	disabled.Collectors = nil
	empty := healthyStatus("1")
	empty.Outgoing = window()
	for name, c := range map[string]struct {
		status   collector.Status
		read     string // relative time of the latest reading
		contains []string
		lacks    []string
	}{
		"healthy": {
			healthyStatus("1"), "42 s ago",
			[]string{
				"Journal read 42 s ago (2026-07-01 11:59:18 UTC)",
				"last 24 h", "2,010 in the journal",
				"Since 2026-06-30 10:00:00 UTC: 1,004 new messages",
			},
			[]string{"videoMessage", "failed", "keepOnlineStatus"},
		},
		"failing": {
			loggedOutStatus("1"), "42 s ago",
			[]string{
				"The latest reading failed. These numbers are from 42 s ago.",
				"HTTP 401 · last tried 5 s ago",
				"· next call in 9 min (2026-07-01 12:09:00 UTC)", "· next call in 9 min ✕",
				greenapi.Unauthorized.Advice(), greenapi.QuotaExceeded.Advice(),
			},
			[]string{"last 24 h"},
		},
		"stale": {
			staleStatus("1"), "24 h ago", []string{"These numbers are from 24 h ago."},
			[]string{"last 24 h", "The latest reading failed"},
		},
		"suspended": {
			suspendedStatus("1"), "42 s ago",
			[]string{"ends in 5 h (2026-07-01 17:00:00 UTC)"}, nil,
		},
		"unread": {
			unreadStatus("1"), "",
			[]string{"Journal not read yet", "No API call has ended yet", "/probe?target=1"},
			[]string{"window", "Progress"},
		},
		"first call hangs": {
			hanging, "",
			[]string{"The first API call began 20 s ago", "a call began 10 s ago"},
			[]string{"Scrapes by Prometheus"},
		},
		"interrupted": {
			interrupted, "60 min ago", []string{"no call has been finished"},
			[]string{"Scrapes by Prometheus", "2,010"},
		},
		"never read": {
			failed, "42 s ago", []string{"No call has succeeded yet."}, []string{"Progress"},
		},
		"without journal": {
			withoutJournal, "42 s ago", []string{"Last read 42 s ago", "--no-collector.outgoing"},
			[]string{"Progress"},
		},
		"disabled": {
			disabled, "", []string{"No collectors are enabled"}, []string{"Collectors"},
		},
		"empty": {
			empty, "42 s ago", []string{"No messages were sent"}, []string{"Progress"},
		},
	} {
		v := newInstanceView(summaryOf(c.status), testNow)
		if got := v.Read; (got == nil) != (c.read == "") || got != nil && got.Ago() != c.read {
			t.Errorf("%s: read %v, want %s", name, got, c.read)
		}
		text := renderPage(t, query{}, c.status).text()
		for _, words := range c.contains {
			if !strings.Contains(text, words) {
				t.Errorf("%s: the page lacks %q:\n%s", name, words, text)
			}
		}
		for _, words := range c.lacks {
			if strings.Contains(text, words) {
				t.Errorf("%s: the page has %q", name, words)
			}
		}
	}
}

func TestPageReloadsUnlessTheSearchIsLikelyToBeEdited(t *testing.T) {
	statuses := outage(10)
	for _, c := range []struct {
		query query
		n     int
		want  int
	}{
		{query{}, 3, 30}, {query{}, 10, 60}, {query{Search: "11"}, 10, 60},
		{query{Search: "7777"}, 10, 0}, {query{Issue: "timeout"}, 10, 60},
	} {
		refresh := ""
		for _, meta := range renderPage(t, c.query, statuses[:c.n]...).find("meta") {
			if meta.attr("http-equiv") == "refresh" {
				refresh = meta.attr("content")
			}
		}
		if want := strings.TrimPrefix(fmt.Sprint(c.want), "0"); refresh != want {
			t.Errorf("%+v of %d instances: refresh %q, want %q", c.query, c.n, refresh, want)
		}
	}
}

// BenchmarkPage renders the page of ten thousand instances.
func BenchmarkPage(b *testing.B) {
	statuses := slices.Repeat([]collector.Status{healthyStatus("")}, 10_000)
	for i := range statuses {
		statuses[i].ID = fmt.Sprint(1101000001 + i)
	}
	for name, statuses := range map[string][]collector.Status{
		"healthy": statuses, "outage": outage(10_000),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var body strings.Builder
				if err := pageTemplate.Execute(&body, newPage(query{}, statuses...)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
