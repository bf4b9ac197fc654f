package simulator_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"greenapi_exporter/internal/simulator"
)

// count returns the count in the answer of a method.
func count(t testing.TB, s *simulator.Simulator, method string) int {
	t.Helper()
	members := object(t, s, method)
	n, ok := members["count"].(float64)
	if !ok || len(members) != 1 {
		t.Fatalf("%s: %v", method, members)
	}
	return int(n)
}

// sentBy returns the messages sent by the given time, visible or not.
func sentBy(s *simulator.Simulator, until time.Time) []simulator.Message {
	return slices.DeleteFunc(s.Messages(until.Add(2*time.Minute)), func(m simulator.Message) bool {
		return m.Sent.After(until)
	})
}

// accepted returns the times at which messages are accepted. An account that is always authorized
// and has no delay sends its messages at these times.
func accepted(cfg simulator.Config, until time.Time) []time.Time {
	cfg.States, cfg.SendDelay = nil, 0
	s, _ := newAccount(cfg, 0)
	var times []time.Time
	for _, m := range sentBy(s, until) {
		times = append(times, m.Sent)
	}
	return times
}

func TestQueueGrowsWhileUnauthorizedAndDrains(t *testing.T) {
	const delay = 10 * time.Second
	for _, state := range []string{
		"notAuthorized", "suspended", "yellowCard", "blocked", "starting", "",
	} {
		s, c := newAccount(simulator.Config{
			Seed: 11, MessagesPerHour: 60, SendDelay: delay, NoRateLimit: true,
			States: states(state, 1, "authorized", 3),
		}, 0)
		at := func(hours float64) int {
			c.Set(start.Add(time.Duration(hours * float64(time.Hour))))
			return count(t, s, "getMessagesCount")
		}
		before := at(1)
		if before > 2 {
			t.Errorf("%q: %d messages are queued while authorized", state, before)
		}
		first := before
		for hours := 1.05; hours < 3; hours += 0.05 {
			n := at(hours)
			if n < before {
				t.Fatalf("%q: the queue shrank from %d to %d", state, before, n)
			}
			before = n
		}
		if grown := before - first; grown < 80 || grown > 160 {
			t.Errorf("%q: the queue grew by %d in two hours", state, grown)
		}
		// In 3 minutes, 18 messages are sent and about 3 are accepted.
		if n := at(3.05); n >= before-10 || n < before-30 {
			t.Errorf("%q: the queue of %d has %d messages after 3 minutes", state, before, n)
		}
		if n := at(4.5); n != 0 {
			t.Errorf("%q: %d messages are queued after 90 minutes", state, n)
		}
		sent := sentBy(s, c.Now())
		adjacent := 0
		for i := 1; i < len(sent); i++ {
			switch gap := sent[i].Sent.Sub(sent[i-1].Sent); {
			case gap < delay:
				t.Fatalf("%q: messages are sent %v apart", state, gap)
			case gap == delay:
				adjacent++
			}
		}
		if adjacent < before-10 {
			t.Errorf("%q: only %d messages are sent with the minimum delay", state, adjacent)
		}
	}
}

func TestQueuedMessagesAppearAfterAuthorization(t *testing.T) {
	cfg := busy()
	unrestricted, _ := newAccount(cfg, 0)
	cfg.States = states("suspended", 10, "authorized", 12) // does not refuse the journal
	s, c := newAccount(cfg, 12*time.Hour-1)
	login := start.Add(12 * time.Hour)

	queued := map[string]bool{}
	for _, m := range sentBy(unrestricted, login) {
		if !m.Sent.Before(start.Add(10*time.Hour)) && !m.Incomplete {
			queued[m.ID] = true
		}
	}
	if len(queued) < 20 {
		t.Fatalf("only %d queued messages", len(queued))
	}
	early := journal(t, s, 1440)
	if len(early) < 100 {
		t.Errorf("only %d rows before the authorization", len(early))
	}
	for _, r := range early {
		if queued[r.ID] {
			t.Errorf("%s is in the journal before it is sent", r.ID)
		}
	}
	c.Set(login.Add(2 * time.Minute))
	seen := map[string]bool{}
	for _, r := range journal(t, s, 3) {
		if seen[r.ID] = true; queued[r.ID] && r.Time != login.Unix() {
			t.Errorf("%s has the timestamp %d, want %d", r.ID, r.Time, login.Unix())
		}
	}
	for id := range queued {
		if !seen[id] {
			t.Errorf("%s is not in the journal", id)
		}
	}
}

func TestSendingFollowsStatesAndDelay(t *testing.T) {
	sendDelays := []time.Duration{-1, 0, time.Second, time.Minute, time.Hour}
	stateNames := []string{"authorized", "suspended", "notAuthorized"}
	rapid.Check(t, func(t *rapid.T) {
		cfg := simulator.Config{
			Seed:            rapid.Uint64().Draw(t, "seed"),
			MessagesPerHour: rapid.SampledFrom([]float64{0.5, 5, 100}).Draw(t, "rate"),
			Messages:        rapid.SampledFrom([]int{0, 50}).Draw(t, "messages"),
			SendDelay:       rapid.SampledFrom(sendDelays).Draw(t, "delay"),
			NoRateLimit:     true,
		}
		after := time.Duration(0)
		for range rapid.IntRange(0, 5).Draw(t, "changes") {
			after += time.Duration(rapid.Int64Range(1, int64(5*time.Hour)).Draw(t, "after"))
			cfg.States = append(cfg.States, simulator.StateChange{
				After: after, State: rapid.SampledFrom(stateNames).Draw(t, "state"),
			})
		}
		s, c := newAccount(cfg, 0)
		for range 4 {
			elapsed := rapid.Int64Range(-int64(time.Hour), int64(30*time.Hour)).Draw(t, "elapsed")
			c.Set(start.Add(time.Duration(elapsed)))
			times := accepted(cfg, c.Now())
			want := sendTimes(times, cfg, c.Now())
			got := sentBy(s, c.Now())
			if len(got) != len(want) {
				t.Fatalf("%d messages are sent, want %d", len(got), len(want))
			}
			for i := range want {
				if !got[i].Sent.Equal(want[i]) {
					t.Fatalf("message %d is sent at %v, want %v", i, got[i].Sent, want[i])
				}
			}
			if n := s.Queued(c.Now()); n != len(times)-len(want) {
				t.Fatalf("%d messages are queued, want %d - %d", n, len(times), len(want))
			}
		}
	})
}

// sendTimes returns the times at which the accepted messages are sent, up to the given time.
func sendTimes(accepted []time.Time, cfg simulator.Config, until time.Time) []time.Time {
	var sent []time.Time
	for i, at := range accepted {
		if i > 0 {
			if earliest := sent[i-1].Add(max(cfg.SendDelay, 0)); at.Before(earliest) {
				at = earliest
			}
		}
		state := "authorized"
		for _, change := range cfg.States {
			entered := start.Add(change.After)
			if entered.After(at) && state != "authorized" {
				at = entered
			}
			if !entered.After(at) {
				state = change.State
			}
		}
		if state != "authorized" || at.After(until) {
			break
		}
		sent = append(sent, at)
	}
	return sent
}

func TestBlockedAccountNeverSends(t *testing.T) {
	for _, delay := range []time.Duration{0, time.Second, math.MaxInt64} {
		cfg := simulator.Config{
			Seed: 1, MessagesPerHour: 50, IncomingPerHour: 50, SendDelay: delay,
			States: states("blocked", 1),
		}
		s, _ := newAccount(cfg, 0)
		before := len(sentBy(s, start.Add(time.Hour)))
		for _, hours := range []time.Duration{2, 100, 10} {
			at := start.Add(hours * time.Hour)
			if n, want := s.Queued(at), len(accepted(cfg, at))-before; n != want {
				t.Errorf("delay %v, after %d h: %d queued messages, want %d", delay, hours, n, want)
			}
			if n := len(sentBy(s, at)); n != before {
				t.Errorf("delay %v, after %d h: %d sent messages, want %d", delay, hours, n, before)
			}
			if n := s.Webhooks(at); hours == 100 && n != 0 {
				t.Errorf("delay %v: %d notifications without messages", delay, n)
			}
		}
	}
}

// TestDistantTimesDoNotOverflow uses times whose distance from Start exceeds a time.Duration.
func TestDistantTimesDoNotOverflow(t *testing.T) {
	s, _ := newAccount(simulator.Config{
		MessagesPerHour: 50, Messages: 20, SendDelay: math.MaxInt64,
		States: states("authorized", 1, "blocked", 2),
	}, 0)
	for _, at := range []time.Time{start.AddDate(1000, 0, 0), start.AddDate(200, 0, 0)} {
		if sent, queued := len(s.Messages(at)), s.Queued(at); sent != 1 || queued != 19 {
			t.Errorf("at %v: %d messages are sent, %d queued", at, sent, queued)
		}
		if n := s.Webhooks(at); n != 0 {
			t.Errorf("at %v: %d notifications", at, n)
		}
	}
	if at := start.AddDate(-1000, 0, 0); len(s.Messages(at))+s.Queued(at)+s.Webhooks(at) != 0 {
		t.Error("messages before Start")
	}
}

func TestWebhooksCountTheStepsOfTheLastFiveSeconds(t *testing.T) {
	for _, speedup := range []float64{0.2, 1, 100} {
		s, c := newAccount(simulator.Config{
			Seed: 12, MessagesPerHour: 900, IncomingPerHour: 600, Speedup: speedup,
			NoRateLimit: true, States: states("suspended", 3, "authorized", 5),
		}, 0)
		maxDelay := time.Duration(float64(2*time.Minute) / min(speedup, 1)) // of rows
		largest := 0
		for hour := 0.0; hour < 14; hour += 1.1 {
			c.Set(start.Add(time.Duration(hour * float64(time.Hour))))
			want := 0
			countIfRecent := func(at time.Time) {
				if !at.After(c.Now()) && at.After(c.Now().Add(-5*time.Second)) {
					want++
				}
			}
			for _, m := range s.Messages(c.Now().Add(maxDelay)) {
				for _, step := range m.Steps {
					countIfRecent(step.At)
				}
			}
			for _, m := range s.IncomingMessages(c.Now().Add(maxDelay)) {
				countIfRecent(m.Sent)
			}
			answer, webhooks := count(t, s, "getWebhooksCount"), s.Webhooks(c.Now())
			if answer != want || webhooks != want {
				t.Errorf("speedup %v, hour %v: getWebhooksCount %d, Webhooks %d, want %d",
					speedup, hour, answer, webhooks, want)
			}
			largest = max(largest, want)
		}
		if largest < 5 {
			t.Errorf("speedup %v: at most %d notifications", speedup, largest)
		}
	}
}

func TestNotificationsLeaveTheQueueAfterFiveSeconds(t *testing.T) {
	for name, cfg := range map[string]simulator.Config{
		"sent":     {Seed: 1, MessagesPerHour: 0.01, Messages: 1, Speedup: 1e-6}, // one early step
		"received": {Seed: 1, IncomingPerHour: 0.01},
	} {
		s, _ := newAccount(cfg, 0)
		for after, want := range map[time.Duration]int{
			-1: 0, 0: 1, 5*time.Second - 1: 1, 5 * time.Second: 0,
		} {
			if n := s.Webhooks(start.Add(after)); n != want {
				t.Errorf("%s: %d notifications after %v, want %d", name, n, after, want)
			}
		}
	}
}

func TestCyrillicCountChangesTheKey(t *testing.T) {
	s, _ := newAccount(simulator.Config{
		MessagesPerHour: 60, States: states("suspended", 0), CyrillicCount: true,
	}, time.Hour)
	for method, want := range map[string]int{
		"getMessagesCount": s.Queued(start.Add(time.Hour)), "getWebhooksCount": 0,
	} {
		members := object(t, s, method)
		if n, ok := members["сount"].(float64); !ok || int(n) != want || len(members) != 1 {
			t.Errorf("%s: %v, want the Cyrillic key with %d", method, members, want)
		}
	}
}
