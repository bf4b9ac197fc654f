package simulator_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"greenapi_exporter/internal/simulator"
)

func TestLivesKeepTheirOrder(t *testing.T) {
	s, _ := newAccount(simulator.Config{
		Seed: 3, MessagesPerHour: 500, States: states("suspended", 40, "authorized", 50),
		Outcomes: []simulator.OutcomeChange{{After: 90 * time.Hour, Status: "pending"}, {After: 91 * time.Hour}},
	}, 0)
	paths := map[string][]string{
		"pending": {}, "sent": {"pending"}, "delivered": {"pending", "sent"}, "read": {"pending", "sent", "delivered"}, "": {},
		"noAccount": {"pending"}, "failed": {"pending"}, "yellowCard": {"pending"}, "suspended": {"pending"},
		"notInGroup": {"pending"}, "noActiveSession": {"pending"},
	}
	seen := map[string]int{}
	before := start
	for n, m := range s.Messages(start.Add(100 * time.Hour)) {
		if n == 0 && !m.Sent.Equal(start) {
			t.Errorf("the first message was sent at %v, want %v", m.Sent, start)
		}
		if m.Sent.Before(before) {
			t.Fatalf("%s was sent before the message before it", m.ID)
		}
		before = m.Sent
		if late := m.Visible.Sub(m.Sent); late < 0 || late > 2*time.Minute {
			t.Errorf("%s was visible after %v", m.ID, late)
		}
		if m.Incomplete {
			if m.ID != "" || m.Type != "" || m.Steps != nil {
				t.Errorf("an incomplete message that knows something: %+v", m)
			}
			continue
		}
		seen[m.Status()]++
		var words []string
		at := m.Sent
		for _, step := range m.Steps {
			words = append(words, step.Status)
			if step.At.Before(at) {
				t.Errorf("%s was %s before what comes before", m.ID, step.Status)
			}
			at = step.At
		}
		if want, known := paths[m.Status()]; !known || !slices.Equal(words[:len(words)-1], want) {
			t.Errorf("%s went %v", m.ID, words)
		}
		if !m.Steps[0].At.Equal(m.Sent) {
			t.Errorf("%s had no status when it was sent", m.ID)
		}
	}
	for status := range paths {
		if seen[status] == 0 {
			t.Errorf("no message ended at %q", status)
		}
	}
}

// TestFatesDecideWhatBecomesOfMessages, by when they are accepted; and without a suspension none is refused for one.
func TestFatesDecideWhatBecomesOfMessages(t *testing.T) {
	s, _ := newAccount(simulator.Config{Seed: 3, MessagesPerHour: 500, Outcomes: []simulator.OutcomeChange{
		{After: 20 * time.Hour, Status: "noAccount"}, {After: 30 * time.Hour, Status: "pending"}, {After: 40 * time.Hour},
	}}, 0)
	for _, m := range s.Messages(start.Add(80 * time.Hour)) {
		want := ""
		switch after := m.Sent.Sub(start); {
		case m.Incomplete:
			continue
		case after >= 40*time.Hour, after < 20*time.Hour:
			if m.Status() == "suspended" || m.Status() == "yellowCard" || m.Status() == "pending" {
				t.Errorf("%s ended as %s without a reason", m.ID, m.Status())
			}
			continue
		case after >= 30*time.Hour:
			want = "pending"
		default:
			want = "noAccount"
		}
		if m.Status() != want {
			t.Errorf("%s of %v ended as %q, want %s", m.ID, m.Sent, m.Status(), want)
		}
	}
	for _, bad := range [][]simulator.OutcomeChange{{{Status: "lost"}}, {{After: 2}, {After: 2}}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%v is accepted", bad)
				}
			}()
			simulator.New(simulator.Config{Outcomes: bad})
		}()
	}
}

func TestDelaysAreThoseOfPeople(t *testing.T) {
	delays := func(pace float64) (pending, delivered, read []time.Duration) {
		s, _ := newAccount(simulator.Config{Seed: 4, MessagesPerHour: 1000, Speedup: pace}, 0)
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
	_, _, quick := delays(60)
	within(t, "read at sixty times the pace", median(quick).Seconds(), 7, 30)
}

func within(t *testing.T, what string, got, least, most float64) {
	t.Helper()
	if got < least || got > most {
		t.Errorf("%s: %v, want %v to %v", what, got, least, most)
	}
}

func TestRateOfSending(t *testing.T) {
	s, _ := newAccount(simulator.Config{Seed: 5, MessagesPerHour: 100}, 0)
	n := float64(len(s.Messages(start.Add(1000 * time.Hour))))
	if math.Abs(n/100_000-1) > 0.02 {
		t.Errorf("%v messages in a thousand hours, want about 100,000", n)
	}
}

func TestPaceDoesNotMoveTheSending(t *testing.T) {
	cfg := busy()
	slow, _ := newAccount(cfg, 0)
	cfg.Speedup = 1000
	quick, _ := newAccount(cfg, 0)
	until := start.Add(100 * time.Hour)
	a, b := slow.Messages(until.Add(2*time.Minute)), quick.Messages(until)
	for n := range b {
		if a[n].ID != b[n].ID || !a[n].Sent.Equal(b[n].Sent) {
			t.Fatalf("message %d differs", n)
		}
	}
}

func TestMessagesEnd(t *testing.T) {
	for _, test := range []struct {
		messages int
		rate     float64
		want     int
	}{{1, 60, 1}, {250, 60, 250}, {250, 0, 0}} {
		s, _ := newAccount(simulator.Config{Seed: 6, MessagesPerHour: test.rate, Messages: test.messages}, 0)
		if got := len(s.Messages(start.Add(1000 * time.Hour))); got != test.want {
			t.Errorf("%d messages at %v an hour: %d in all", test.messages, test.rate, got)
		}
		if got := len(s.Messages(start.Add(-time.Second))); got != 0 {
			t.Errorf("%d messages before the start", got)
		}
	}
}

func TestIDAndTypeTellMessagesApart(t *testing.T) {
	s, _ := newAccount(simulator.Config{Seed: 8, MessagesPerHour: 1000}, 0)
	type key struct{ id, kind string }
	seen := map[key]bool{}
	ids := map[string]bool{}
	twins := 0
	for _, m := range s.Messages(start.Add(100 * time.Hour)) {
		if m.Incomplete {
			continue
		}
		if seen[key{m.ID, m.Type}] {
			t.Fatalf("two messages are %s of type %s", m.ID, m.Type)
		}
		if len(m.ID) < 16 || len(m.ID) > 32 {
			t.Errorf("an id of %d characters", len(m.ID))
		}
		if ids[m.ID] {
			twins++
		}
		seen[key{m.ID, m.Type}], ids[m.ID] = true, true
	}
	if twins == 0 {
		t.Error("no id appears with two types")
	}
}

func TestTextOnlyChangesNothingButTheKind(t *testing.T) {
	cfg := simulator.Config{Seed: 3, MessagesPerHour: 100, IncomingPerHour: 100}
	mixed, _ := newAccount(cfg, 20*time.Hour)
	cfg.TextOnly = true
	texts, c := newAccount(cfg, 20*time.Hour)
	for _, path := range []string{journalPath(1440), incomingPath(1440)} {
		body := get(texts, path).Body.String()
		rows := decode(t, []byte(body))
		if len(rows) < 1000 || strings.Contains(body, "/9j/") {
			t.Errorf("%d rows, or a thumbnail among them", len(rows))
		}
		for _, r := range rows {
			if r.ID != "" && r.Kind != "textMessage" && r.Kind != "extendedTextMessage" {
				t.Errorf("a %s", r.Kind)
			}
		}
	}
	a, b := mixed.Messages(c.Now()), texts.Messages(c.Now())
	if len(a) != len(b) {
		t.Fatalf("%d messages of all kinds, %d texts", len(a), len(b))
	}
	ids := map[string]bool{}
	for i := range a {
		if id := b[i].ID; id != "" && ids[id] {
			t.Errorf("the id %s twice", id)
		}
		ids[b[i].ID] = true
		if !a[i].Sent.Equal(b[i].Sent) || !a[i].Visible.Equal(b[i].Visible) || a[i].Status() != b[i].Status() || a[i].Incomplete != b[i].Incomplete {
			t.Fatalf("message %d is %+v, as a text %+v", i, a[i], b[i])
		}
	}
}
