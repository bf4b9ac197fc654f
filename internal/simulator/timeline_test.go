package simulator_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"greenapi_exporter/internal/simulator"
)

func TestStatusesFollowEachOther(t *testing.T) {
	s, _ := newAccount(simulator.Config{
		Seed: 3, MessagesPerHour: 500, States: states("suspended", 40, "authorized", 50),
		Outcomes: []simulator.OutcomeChange{
			{After: 90 * time.Hour, Status: "pending"}, {After: 91 * time.Hour},
		},
	}, 0)
	paths := map[string][]string{
		"pending": {}, "sent": {"pending"}, "delivered": {"pending", "sent"},
		"read": {"pending", "sent", "delivered"}, "": {},
	}
	for _, failure := range []string{
		"noAccount", "failed", "yellowCard", "suspended", "notInGroup", "noActiveSession",
	} {
		paths[failure] = []string{"pending"}
	}
	seen := map[string]int{}
	previous := start
	for n, m := range s.Messages(start.Add(100 * time.Hour)) {
		if n == 0 && !m.Sent.Equal(start) {
			t.Errorf("the first message is sent at %v, want %v", m.Sent, start)
		}
		if m.Sent.Before(previous) {
			t.Fatalf("%s is sent before the previous message", m.ID)
		}
		previous = m.Sent
		if delay := m.Visible.Sub(m.Sent); delay < 0 || delay > 2*time.Minute {
			t.Errorf("%s is visible after %v", m.ID, delay)
		}
		if m.Incomplete {
			if m.ID != "" || m.Type != "" || m.Steps != nil {
				t.Errorf("an incomplete message has data: %+v", m)
			}
			continue
		}
		seen[m.Status()]++
		var statuses []string
		at := m.Sent
		for _, step := range m.Steps {
			statuses = append(statuses, step.Status)
			if step.At.Before(at) {
				t.Errorf("%s is %s before the previous status", m.ID, step.Status)
			}
			at = step.At
		}
		if want, ok := paths[m.Status()]; !ok || !slices.Equal(statuses[:len(statuses)-1], want) {
			t.Errorf("%s has the statuses %v", m.ID, statuses)
		}
		if !m.Steps[0].At.Equal(m.Sent) {
			t.Errorf("%s has no status when it is sent", m.ID)
		}
	}
	for status := range paths {
		if seen[status] == 0 {
			t.Errorf("no message ends with %q", status)
		}
	}
}

func TestFewFailuresReplacesThreeOfFourFailures(t *testing.T) {
	cfg := simulator.Config{Seed: 6, MessagesPerHour: 500}
	usual, _ := newAccount(cfg, 0)
	cfg.FewFailures = true
	reliable, _ := newAccount(cfg, 0)
	end := start.Add(40 * time.Hour)
	messages, others := usual.Messages(end), reliable.Messages(end)
	failures, remaining := 0, 0
	for i, m := range messages {
		status := others[i].Status()
		switch {
		case m.Incomplete || len(m.Steps) > 1 && m.Steps[1].Status != "sent":
			failures++
			if status == m.Status() {
				remaining++
			}
		case status != m.Status():
			t.Errorf("message %d ends as %q instead of %q", i, status, m.Status())
		}
	}
	if remaining < failures/5 || remaining > failures*3/10 {
		t.Errorf("%d of %d failures remain", remaining, failures)
	}
}

// TestOutcomesDetermineTheLastStatus also checks that messages get the status suspended only during
// a suspension.
func TestOutcomesDetermineTheLastStatus(t *testing.T) {
	outcomes := []simulator.OutcomeChange{
		{After: 20 * time.Hour, Status: "noAccount"}, {After: 30 * time.Hour, Status: "pending"},
		{After: 40 * time.Hour},
	}
	s, _ := newAccount(simulator.Config{Seed: 3, MessagesPerHour: 500, Outcomes: outcomes}, 0)
	for _, m := range s.Messages(start.Add(80 * time.Hour)) {
		want := ""
		switch after := m.Sent.Sub(start); {
		case m.Incomplete:
			continue
		case after >= 40*time.Hour, after < 20*time.Hour:
			if m.Status() == "suspended" || m.Status() == "yellowCard" || m.Status() == "pending" {
				t.Errorf("%s ends as %s without a suspension", m.ID, m.Status())
			}
			continue
		case after >= 30*time.Hour:
			want = "pending"
		default:
			want = "noAccount"
		}
		if m.Status() != want {
			t.Errorf("%s, sent at %v, ends as %q, want %s", m.ID, m.Sent, m.Status(), want)
		}
	}
	for _, invalid := range [][]simulator.OutcomeChange{
		{{Status: "lost"}}, {{After: 2}, {After: 2}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%v does not panic", invalid)
				}
			}()
			simulator.New(simulator.Config{Outcomes: invalid})
		}()
	}
}

func TestDelaysAreRealistic(t *testing.T) {
	delays := func(speedup float64) (pending, delivered, read []time.Duration) {
		s, _ := newAccount(simulator.Config{Seed: 4, MessagesPerHour: 1000, Speedup: speedup}, 0)
		for _, m := range s.Messages(start.Add(48 * time.Hour)) {
			if len(m.Steps) == 4 {
				pending = append(pending, m.Steps[1].At.Sub(m.Steps[0].At))
				delivered = append(delivered, m.Steps[2].At.Sub(m.Steps[1].At))
				read = append(read, m.Steps[3].At.Sub(m.Steps[2].At))
			}
		}
		return pending, delivered, read
	}
	median := func(d []time.Duration) time.Duration {
		slices.Sort(d)
		return d[len(d)/2]
	}
	pending, delivered, read := delays(1)
	within(t, "pending", median(pending).Seconds(), 0.7, 1.5)
	within(t, "delivered", median(delivered).Seconds(), 4, 16)
	within(t, "read", median(read).Minutes(), 7, 30)
	within(t, "longest pending", slices.Max(pending).Seconds(), 2, 20)
	_, _, fast := delays(60)
	within(t, "read with a speedup of 60", median(fast).Seconds(), 7, 30)
}

func within(t *testing.T, what string, got, least, most float64) {
	t.Helper()
	if got < least || got > most {
		t.Errorf("%s: %v, want %v to %v", what, got, least, most)
	}
}

func TestMessagesPerHourIsTheMeanRate(t *testing.T) {
	s, _ := newAccount(simulator.Config{Seed: 5, MessagesPerHour: 100}, 0)
	n := float64(len(s.Messages(start.Add(1000 * time.Hour))))
	if math.Abs(n/100_000-1) > 0.02 {
		t.Errorf("%v messages in 1,000 hours, want about 100,000", n)
	}
}

func TestSpeedupDoesNotChangeSending(t *testing.T) {
	cfg := busy()
	slow, _ := newAccount(cfg, 0)
	cfg.Speedup = 1000
	fast, _ := newAccount(cfg, 0)
	until := start.Add(100 * time.Hour)
	a, b := slow.Messages(until.Add(2*time.Minute)), fast.Messages(until)
	for n := range b {
		if a[n].ID != b[n].ID || !a[n].Sent.Equal(b[n].Sent) {
			t.Fatalf("message %d differs", n)
		}
	}
}

func TestMessagesLimitsTheNumberOfMessages(t *testing.T) {
	for _, test := range []struct {
		messages int
		rate     float64
		want     int
	}{{1, 60, 1}, {250, 60, 250}, {250, 0, 0}} {
		s, _ := newAccount(simulator.Config{
			Seed: 6, MessagesPerHour: test.rate, Messages: test.messages,
		}, 0)
		if got := len(s.Messages(start.Add(1000 * time.Hour))); got != test.want {
			t.Errorf("limit %d, %v per hour: %d messages", test.messages, test.rate, got)
		}
		if got := len(s.Messages(start.Add(-time.Second))); got != 0 {
			t.Errorf("%d messages before Start", got)
		}
	}
}

func TestIDAndTypeAreUnique(t *testing.T) {
	s, _ := newAccount(simulator.Config{Seed: 8, MessagesPerHour: 1000}, 0)
	type key struct{ id, kind string }
	seen := map[key]bool{}
	ids := map[string]bool{}
	duplicates := 0
	for _, m := range s.Messages(start.Add(100 * time.Hour)) {
		if m.Incomplete {
			continue
		}
		if seen[key{m.ID, m.Type}] {
			t.Fatalf("duplicate message %s of type %s", m.ID, m.Type)
		}
		if len(m.ID) < 16 || len(m.ID) > 32 {
			t.Errorf("ID of %d characters", len(m.ID))
		}
		if ids[m.ID] {
			duplicates++
		}
		seen[key{m.ID, m.Type}], ids[m.ID] = true, true
	}
	if duplicates == 0 {
		t.Error("no ID has two types")
	}
}

func TestTextOnlyChangesOnlyTheKind(t *testing.T) {
	cfg := simulator.Config{Seed: 3, MessagesPerHour: 100, IncomingPerHour: 100}
	mixed, _ := newAccount(cfg, 20*time.Hour)
	cfg.TextOnly = true
	texts, c := newAccount(cfg, 20*time.Hour)
	for _, path := range []string{journalPath(1440), incomingPath(1440)} {
		body := get(texts, path).Body.String()
		rows := decode(t, []byte(body))
		if len(rows) < 1000 || strings.Contains(body, "/9j/") {
			t.Errorf("%d rows, or a row has a thumbnail", len(rows))
		}
		for _, r := range rows {
			if r.ID != "" && r.Kind != "textMessage" && r.Kind != "extendedTextMessage" {
				t.Errorf("row of type %s", r.Kind)
			}
		}
	}
	a, b := mixed.Messages(c.Now()), texts.Messages(c.Now())
	if len(a) != len(b) {
		t.Fatalf("%d mixed messages, %d texts", len(a), len(b))
	}
	ids := map[string]bool{}
	for i := range a {
		if id := b[i].ID; id != "" && ids[id] {
			t.Errorf("duplicate ID %s", id)
		}
		ids[b[i].ID] = true
		if !a[i].Sent.Equal(b[i].Sent) || !a[i].Visible.Equal(b[i].Visible) ||
			a[i].Status() != b[i].Status() || a[i].Incomplete != b[i].Incomplete {
			t.Fatalf("message %d: mixed %+v, text %+v", i, a[i], b[i])
		}
	}
}
