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

// statusWithMessages returns an instance with recent messages. Each row is a status, followed by
// the number of messages for each of ledger.RecentAges.
func statusWithMessages(id string, rows ...string) collector.Status {
	s := healthyStatus(id)
	s.Outgoing = window("textMessage read 2", "textMessage failed 2")
	for _, row := range rows {
		var r ledger.RecentStatus
		if _, err := fmt.Sscan(row, &r.Word, &r.Rows[0], &r.Rows[1], &r.Rows[2]); err != nil {
			panic(err)
		}
		s.Outgoing.Recent = append(s.Outgoing.Recent, r)
	}
	return s
}

// setPending replaces the window of an instance, and sets the age of its oldest pending row.
func setPending(s *collector.Status, age time.Duration, rows ...string) {
	s.Outgoing.Types = window(rows...).Types
	oldest := float64(testNow.Add(-age).Unix())
	s.Outgoing.OldestPending = ledger.Timestamp{Seconds: oldest, Known: true}
}

// TestPendingMessagesAreOneIssue checks that the messages of the window and the recent messages
// share an issue. It shows how many are pending, since when, and what to check.
func TestPendingMessagesAreOneIssue(t *testing.T) {
	for name, recent := range map[string][]string{
		"recent messages arrive": nil, "recent messages are pending": {"pending 0 30 0"},
	} {
		s := statusWithMessages("1", recent...)
		setPending(&s, 7*time.Hour, "textMessage pending 40", "textMessage read 10")
		got := issuesOf(s)
		if len(got) != 1 || got[0].Name != issueUndelivered+"pending" ||
			got[0].Severity != warning || got[0].Since == nil ||
			!got[0].Since.Equal(testNow.Add(-7*time.Hour)) ||
			got[0].Detail() != pendingText(collector.WindowOf(s.Outgoing)) ||
			got[0].Advice != (collector.Reason{Word: "pending"}).Advice() {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestMessagesDecideTheVerdict checks that an instance is green only if its messages were read
// lately and arrive.
func TestMessagesDecideTheVerdict(t *testing.T) {
	const (
		nothingSent = "1: no messages were sent in the last hour"
		below       = " This is below the threshold of the alerts."
	)
	last := statusWithMessages("1")
	last.Outgoing.LastMessage = ledger.Timestamp{
		Seconds: float64(testNow.Add(-2 * time.Hour).Unix()), Known: true,
	}
	neverDelivers := statusWithMessages("1", "sent 0 10 10")
	neverDelivers.Outgoing.Types = nil
	suspended := statusWithMessages("1", "sent 0 10 0")
	suspended.State = greenapi.StateSuspended
	suspendedAndFailing := statusWithMessages("1", "suspended 10 10 0")
	suspendedAndFailing.State = greenapi.StateSuspended
	withoutState := statusWithMessages("1", "read 0 10 0")
	withoutState.State, withoutState.Account.State = "", greenapi.StateSuspended
	unscraped := statusWithMessages("1", "failed 0 10 0")
	unscraped.Scraped = testNow.Add(-6 * time.Minute)
	unread := unreadStatus("1")
	unread.Opened = testNow.Add(-6 * time.Minute)
	failing := statusWithMessages("1", "failed 0 1 0")
	failing.Collectors[0] = collectorStatus("outgoing", greenapi.Network)
	neverRead := unreadStatus("1")
	neverRead.Collectors[0] = collectorStatus("outgoing", greenapi.Network)
	pending := statusWithMessages("1", "pending 0 2 18", "delivered 5 95 600")
	setPending(&pending, 5*time.Hour, "textMessage pending 20", "textMessage delivered 800")
	longPending := statusWithMessages("1")
	setPending(&longPending, 7*time.Hour, "textMessage pending 40")
	pendingAndFailing := statusWithMessages("1", "pending 0 2 18", "failed 0 100 0")
	setPending(&pendingAndFailing, 5*time.Hour, "textMessage pending 20", "textMessage failed 100")
	withoutID := func(n int32, rows ...string) collector.Status {
		s := statusWithMessages("1", rows...)
		s.Outgoing.LastMessage = last.Outgoing.LastMessage
		s.Outgoing.Malformed[ledger.NoID] = n
		return s
	}
	noID := func(n int) string {
		return fmt.Sprintf("%d messages in the journal got no id, "+
			"often because the number is not on WhatsApp", n)
	}
	withoutJournal := healthyStatus("1")
	withoutJournal.Collectors, withoutJournal.Outgoing = withoutJournal.Collectors[1:], nil
	for name, c := range map[string]struct {
		status   collector.Status
		severity severity
		heading  string
		notes    []string
	}{
		"all failed": {
			statusWithMessages("1", "failed 71 230 0"), warning,
			"1: 301 of the last hour's 301 messages did not arrive",
			[]string{"301 failed (could not be sent)."},
		},
		"statuses without a meaning": {
			statusWithMessages("1", "unknown 3 5 0", "newStatus 0 1 0", "read 2 0 0"), healthy,
			"1: none of the last hour's 11 messages failed",
			[]string{"2 arrived, 9 with another status."},
		},
		"several reasons": {
			statusWithMessages("1", "noAccount 0 12 0", "failed 0 3 0", "pending 5 2 0",
				"delivered 5 35 0", "read 0 20 0", "sent 10 10 0"), warning,
			"1: 17 of the last hour's 102 messages did not arrive",
			[]string{
				"12 noAccount (the number is not on WhatsApp), 3 failed (could not be sent), " +
					"2 pending for over 15 minutes.",
				"60 arrived, 20 sent but not delivered yet, 5 not sent yet.",
			},
		},
		"pending for hours": {
			pending, warning, "1: 20 of the journal's 820 messages are pending",
			[]string{
				"2 of the last hour's 102 messages did not arrive.",
				"2 pending for over 15 minutes.", "100 arrived.",
			},
		},
		"pending for longer than recent messages": {
			longPending, warning, "1: 40 of the journal's 40 messages are pending",
			[]string{"No messages were sent in the last hour."},
		},
		"pending and failing": {
			pendingAndFailing, warning, "1: 102 of the last hour's 102 messages did not arrive",
			[]string{
				"100 failed (could not be sent), 2 pending for over 15 minutes.",
				"20 of the journal's 120 messages are pending, the oldest for 5 h.",
			},
		},
		"only messages without an id": {withoutID(60), warning, "1: " + noID(60), nil},
		"few messages without an id":  {withoutID(4), healthy, "1: " + noID(4), nil},
		"many messages without an id, and others": {
			withoutID(60, "failed 0 1 0", "read 0 9 0"), warning, "1: " + noID(60),
			[]string{
				"1 of the last hour's 10 messages did not arrive.", "1 failed (could not be sent).",
				"9 arrived.",
			},
		},
		"few messages without an id, and others": {
			withoutID(3, "read 0 9 0"), healthy, "1: none of the last hour's 9 messages failed",
			[]string{noID(3) + ".", "9 arrived."},
		},
		"fewer than the threshold": {
			statusWithMessages("1", "notInGroup 0 4 0", "read 0 6 0"), healthy,
			"1: 4 of the last hour's 10 messages did not arrive",
			[]string{
				"4 notInGroup (the account is not in the group)." + below, "6 arrived.",
			},
		},
		"recovered": {
			statusWithMessages("1", "failed 0 20 0", "read 21 20 0"), healthy,
			"1: 20 of the last hour's 61 messages did not arrive",
			[]string{
				"20 failed (could not be sent). The messages of the last 15 minutes arrive again.",
				"41 arrived.",
			},
		},
		"few messages for hours": {
			statusWithMessages("1", "failed 0 4 20"), warning,
			"1: 24 of the last 6 hours' 24 messages did not arrive",
			[]string{"24 failed (could not be sent)."},
		},
		"many messages at once": {
			statusWithMessages("1", "failed 100 0 0", "read 0 300 300"), warning,
			"1: 100 of the last 15 minutes' 100 messages did not arrive",
			[]string{"100 failed (could not be sent)."},
		},
		"none failed": {
			statusWithMessages("1", "sent 0 1 5", "read 1000 200 15"), healthy,
			"1: none of the last hour's 1,201 messages failed",
			[]string{
				"1,200 arrived, 1 sent but not delivered yet.",
				"5 of the 20 messages sent 1 to 6 hours ago did not reach a phone.",
			},
		},
		"sent but not delivered": {
			statusWithMessages("1", "sent 0 1 45", "read 0 20 55"), warning,
			"1: 45 of the 100 messages sent 1 to 6 hours ago did not reach a phone",
			[]string{
				"None of the last hour's 21 messages failed.",
				"20 arrived, 1 sent but not delivered yet.",
			},
		},
		"never shows delivered": {
			neverDelivers, healthy, "1: none of the last hour's 10 messages failed",
			[]string{
				"10 sent but not delivered yet.",
				"The journal has never shown a delivery, so it is unknown whether messages reach " +
					"a phone.",
			},
		},
		"one failed": {
			statusWithMessages("1", "failed 1 0 0"), healthy,
			"1: the last hour's only message did not arrive",
			[]string{"1 failed (could not be sent)." + below},
		},
		"one read": {
			statusWithMessages("1", "read 1 0 0"), healthy,
			"1: the last hour's only message has not failed", []string{"1 arrived."},
		},
		"nothing sent": {statusWithMessages("1"), idle, nothingSent, nil},
		"nothing sent for hours": {
			last, idle, nothingSent, []string{"The latest message was sent 2 h ago."},
		},
		"suspended": {
			suspended, warning,
			"1: 10 of the 10 messages sent 15 to 60 minutes ago did not reach a phone",
			[]string{
				"None of the last hour's 10 messages failed.", "10 sent but not delivered yet.",
			},
		},
		"suspended and failing": {
			suspendedAndFailing, warning, "1: 20 of the last hour's 20 messages did not arrive",
			[]string{"20 suspended (sending was suspended)."},
		},
		"suspended, without the state": {
			withoutState, warning, "1 needs attention",
			[]string{"None of the last hour's 10 messages failed.", "10 arrived."},
		},
		"unscraped": {
			unscraped, warning, "1 has not been scraped for 6 min",
			[]string{
				"It is unknown whether messages arrive now. In the latest reading, 42 s ago, " +
					"10 of the last hour's 10 messages did not arrive.",
				"10 failed (could not be sent).",
			},
		},
		"never scraped": {unread, warning, "1 has not been scraped for 6 min", nil},
		"failing": {
			failing, critical, "1 is down",
			[]string{
				"It is unknown whether messages arrive now. In the latest reading, 42 s ago, " +
					"the last hour's only message did not arrive.",
				"1 failed (could not be sent)." + below,
			},
		},
		"never read": {
			neverRead, critical, "1 is down", []string{"It is unknown whether messages arrive."},
		},
		"without journal": {
			withoutJournal, idle, "1: the journal of sent messages is not read", nil,
		},
		"no readings": {unreadStatus("1"), unknown, "1 has no readings yet", nil},
	} {
		p := newPage(query{}, c.status)
		if p.Severity != c.severity || p.Verdict.Heading != c.heading ||
			!slices.Equal(p.Verdict.Notes, c.notes) {
			t.Errorf("%s: %s %q %q,\nwant %s %q %q", name, p.Severity.Class(), p.Verdict.Heading,
				p.Verdict.Notes, c.severity.Class(), c.heading, c.notes)
		}
	}
}

func TestUndeliveredMessagesAreAnIssue(t *testing.T) {
	got := issuesOf(statusWithMessages("1", "failed 0 100 0", "noAccount 0 200 0", "read 0 50 0"))
	want := collector.Reason{Word: "noAccount"}.Advice()
	if len(got) != 1 || got[0].Name != issueUndelivered+"noAccount" || got[0].Advice != want {
		t.Errorf("got %+v", got)
	}
	got = issuesOf(statusWithMessages("1", "sent 0 0 45", "read 0 0 55"))
	if len(got) != 1 || got[0].Name != issueNotDelivered {
		t.Errorf("sent but not delivered: %+v", got)
	}
	withoutID := statusWithMessages("1")
	withoutID.Outgoing.Malformed[ledger.NoID] = 60
	if got = issuesOf(withoutID); len(got) != 1 || got[0].Name != issueNoID {
		t.Errorf("without an id: %+v", got)
	}
	for name, s := range map[string]collector.Status{
		"few sent":   statusWithMessages("1", "sent 0 0 37", "read 0 0 63"),
		"few failed": statusWithMessages("1", "failed 0 4 0"),
		"none":       statusWithMessages("1"),
	} {
		if got := issuesOf(s); len(got) > 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestFleetVerdict(t *testing.T) {
	healthy, down := healthyStatus("1"), loggedOutStatus("2")
	suspended, unread := suspendedStatus("3"), unreadStatus("4")
	failing, quiet := statusWithMessages("5", "failed 1000 0 0", "read 0 500 0"),
		statusWithMessages("6")
	withoutID := statusWithMessages("7")
	withoutID.Outgoing.Malformed[ledger.NoID] = 2
	for _, c := range []struct {
		statuses []collector.Status
		heading  string
		notes    []string
	}{
		{nil, "No instances are configured", nil},
		{
			[]collector.Status{healthy, healthy},
			"2 instances: 4 of the last hour's 188 messages did not arrive",
			[]string{"2 are up.", "4 noAccount (the number is not on WhatsApp)."},
		},
		{
			[]collector.Status{down, healthy, down, suspended, unread, failing, quiet},
			"7 instances: 1,004 of the last hour's 1,688 messages did not arrive; 2 are down",
			[]string{
				"2 are down, 2 need attention, 1 has no readings yet, 1 is up, " +
					"1 has no recent messages.",
				"1,000 failed (could not be sent), 4 noAccount (the number is not on WhatsApp).",
			},
		},
		{
			[]collector.Status{quiet, quiet},
			"2 instances: no messages were sent in the last hour",
			[]string{"2 have no recent messages."},
		},
		{
			[]collector.Status{withoutID, quiet, withoutID},
			"3 instances: 4 messages in the journal got no id, " +
				"often because the number is not on WhatsApp",
			[]string{"2 are up, 1 has no recent messages."},
		},
		{
			slices.Repeat([]collector.Status{unread}, 1000),
			"1,000 instances: 1,000 have no readings yet", nil,
		},
		{[]collector.Status{down, unread}, "2 instances: 1 is down, 1 has no readings yet", nil},
		{
			slices.Repeat([]collector.Status{staleStatus("1")}, 4),
			"4 instances have not been scraped for 24 h", nil,
		},
	} {
		got := newPage(query{}, c.statuses...).Verdict
		if got.Heading != c.heading || !slices.Equal(got.Notes, c.notes) {
			t.Errorf("got %q, want %q %q", got, c.heading, c.notes)
		}
	}
}

// TestMissingScrapesAreOneIssue checks that the page shows once that nothing scrapes the instances,
// and since when.
func TestMissingScrapesAreOneIssue(t *testing.T) {
	const limit = 5 * time.Minute
	for since, want := range map[time.Duration]bool{limit: false, limit + time.Second: true} {
		scraped, opened := healthyStatus("1"), unreadStatus("1")
		scraped.Scraped, opened.Opened = testNow.Add(-since), testNow.Add(-since)
		for _, s := range []collector.Status{scraped, opened} {
			got := issuesOf(s)
			found := len(got) == 1 && got[0].Name == issueNotScraped &&
				got[0].Since.Equal(testNow.Add(-since))
			if found != want || len(got) > 1 {
				t.Errorf("%s: %+v", since, got)
			}
		}
	}
	advice := issuesOf(staleStatus("1"))[0].Advice
	statuses := slices.Repeat([]collector.Status{staleStatus("1")}, 500)
	statuses[99].Scraped = testNow.Add(-time.Hour)
	page := renderPage(t, query{}, statuses...)
	if list := page.texts("ol.list")[0]; strings.Contains(list, issueNotScraped) {
		t.Error("the list repeats the issue that all instances share")
	}
	text := page.text()
	for _, once := range []string{advice, "500 of 500 instances", "(60 min ago)"} {
		if n := strings.Count(text, once); n != 1 {
			t.Errorf("the page has %q %d times", once, n)
		}
	}
}
