package simulator_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"greenapi_exporter/internal/simulator"
)

func TestIncomingJournalMatchesIncomingMessages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := simulator.Config{
			Seed:            rapid.Uint64().Draw(t, "seed"),
			MessagesPerHour: 10,
			IncomingPerHour: rapid.SampledFrom([]float64{-1, 0, 0.5, 5, 100}).Draw(t, "rate"),
			Speedup:         rapid.SampledFrom([]float64{0, 0.1, 1000}).Draw(t, "speedup"),
			NoRateLimit:     true,
			// The following fields affect only sent messages.
			Messages:  rapid.SampledFrom([]int{0, 3}).Draw(t, "messages"),
			SendDelay: rapid.SampledFrom([]time.Duration{0, time.Hour}).Draw(t, "send delay"),

			MovingTimestamps:   rapid.Bool().Draw(t, "moving timestamps"),
			FilterByLastAction: rapid.Bool().Draw(t, "filter by last action"),
		}
		blockedAt := rapid.IntRange(4, 30).Draw(t, "blocked at")
		cfg.States = states("suspended", 1, "authorized", 3, "blocked", blockedAt)
		s, c := newAccount(cfg, 0)
		for range 5 {
			elapsed := rapid.Int64Range(-int64(time.Hour), int64(30*time.Hour)).Draw(t, "elapsed")
			c.Set(start.Add(time.Duration(elapsed)))
			minutes := rapid.SampledFrom([]int{1, 2, 30, 1440}).Draw(t, "minutes")
			var rows []row
			body := get(s, incomingPath(minutes)).Body.Bytes()
			if err := json.Unmarshal(body, &rows); err != nil {
				t.Fatal(err)
			}
			want := map[[2]string]int64{}
			for _, m := range s.IncomingMessages(c.Now()) {
				if m.Incomplete || len(m.Steps) > 0 || m.Visible.After(c.Now()) ||
					m.Timestamp.Unix() != m.Sent.Unix() || !m.Listed.Equal(m.Timestamp) {
					t.Fatalf("invalid received message: %+v", m)
				}
				if m.Listed.Unix() >= c.Now().Unix()-60*int64(minutes) {
					want[[2]string{m.ID, m.Type}] = m.Sent.Unix()
				}
			}
			got := map[[2]string]int64{}
			for i, r := range rows {
				if got[[2]string{r.ID, r.Kind}] = r.Time; i > 0 && r.Time > rows[i-1].Time {
					t.Fatalf("%s is newer than the previous row", r.ID)
				}
			}
			if len(got) != len(rows) || !maps.Equal(got, want) {
				t.Fatalf("the journal contains %v, want %v", got, want)
			}
		}
	})
}

func TestMessagesArriveOnlyWhileAuthorized(t *testing.T) {
	// SendDelay and Messages affect only sent messages.
	cfg := simulator.Config{Seed: 13, IncomingPerHour: 60, SendDelay: time.Hour, Messages: 1}
	unrestricted, _ := newAccount(cfg, 0)
	cfg.States = states("notAuthorized", 2, "authorized", 4)
	s, c := newAccount(cfg, 5*time.Hour)
	logout, login := start.Add(2*time.Hour), start.Add(4*time.Hour)
	delayed, arrived := 0, s.IncomingMessages(c.Now())
	all := unrestricted.IncomingMessages(c.Now())
	for i, m := range all[:len(arrived)-10] { // the last messages may not be visible yet
		want := m.Sent
		if !want.Before(logout) && want.Before(login) {
			want = login
			delayed++
		}
		if got := arrived[i]; got.ID != m.ID || !got.Sent.Equal(want) {
			t.Errorf("message %d arrives at %v, want %v", i, got.Sent, want)
		}
	}
	if delayed < 80 || delayed > 160 {
		t.Errorf("%d messages are delayed", delayed)
	}
}

func TestIncomingRowsHaveDocumentedMembers(t *testing.T) {
	s, c := newAccount(simulator.Config{
		Seed: 14, MessagesPerHour: 200, IncomingPerHour: 200, NoRateLimit: true,
		MovingTimestamps: true, FilterByLastAction: true,
	}, 24*time.Hour)
	var rows []map[string]any
	if err := json.Unmarshal(get(s, incomingPath(1440)).Body.Bytes(), &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) < 4500 {
		t.Errorf("%d rows in a day", len(rows))
	}
	names, chats, kinds := map[any]bool{}, map[string]bool{}, map[any]bool{}
	for _, r := range rows {
		if r["type"] != "incoming" {
			t.Fatalf("a row of type %v", r["type"])
		}
		for _, name := range []string{"statusMessage", "sendByApi"} {
			if value, ok := r[name]; ok {
				t.Errorf("%s is %v", name, value)
			}
		}
		sender, _ := r["senderId"].(string)
		chat, _ := r["chatId"].(string)
		_, domain, _ := strings.Cut(chat, "@")
		if !strings.HasPrefix(sender, "1100") || !strings.HasPrefix(chat, "1100") ||
			(domain == "g.us") == (sender == chat) {
			t.Errorf("chat %q, sender %q", chat, sender)
		}
		_, named := r["senderContactName"].(string)
		if name, ok := r["senderName"].(string); ok && named {
			names[name] = true
		}
		chats[domain], kinds[r["typeMessage"]] = true, true
	}
	if len(names) < 5 || len(chats) != 3 || len(kinds) != 13 {
		t.Errorf("names %v, chats %v, kinds %v", names, chats, kinds)
	}
	sent := map[string]bool{}
	for _, m := range s.Messages(c.Now()) {
		sent[m.ID] = true
	}
	received := s.IncomingMessages(c.Now())
	if slices.ContainsFunc(received, func(m simulator.Message) bool { return sent[m.ID] }) {
		t.Error("a message is both sent and received")
	}
	if !received[0].Sent.Equal(start) {
		t.Error("the first message is not received at Start")
	}
}

func TestFaultsChangeTheIncomingJournal(t *testing.T) {
	for _, rate := range []float64{0, 20} {
		cfg := simulator.Config{Seed: 15, IncomingPerHour: rate, NoRateLimit: true}
		for fault, isExpected := range map[simulator.Fault]func(rows []map[string]any) bool{
			simulator.FaultBadTimestamp: func(rows []map[string]any) bool {
				last := rows[len(rows)-1]
				_, status := last["statusMessage"]
				return last["timestamp"] == "yesterday" && last["type"] == "incoming" && !status
			},
			simulator.FaultGzip: func(rows []map[string]any) bool {
				return (len(rows) > 0) == (rate > 0)
			},
		} {
			s, _ := newAccount(cfg, 10*time.Hour)
			s.SetFault(fault, incoming)
			var rows []map[string]any
			err := json.Unmarshal(get(s, incomingPath(600)).Body.Bytes(), &rows)
			if err != nil || !isExpected(rows) {
				t.Errorf("%s: %d rows, error %v", fault, len(rows), err)
			}
		}
		s, _ := newAccount(cfg, 10*time.Hour)
		good := get(s, incomingPath(600)).Body.String()
		s.SetFault(simulator.FaultCommaEnd)
		want := good
		if rate > 0 {
			want = good[:len(good)-1] + ",]"
		}
		if got := get(s, incomingPath(600)).Body.String(); got != want {
			t.Errorf("got %.100s, want %.100s", got, want)
		}
	}
}
