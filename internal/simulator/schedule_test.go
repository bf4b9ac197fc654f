package simulator_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"greenapi_exporter/internal/simulator"
)

// states returns the changes for pairs of a state and the hours after the start.
func states(statesAndHours ...any) []simulator.StateChange {
	var changes []simulator.StateChange
	for pair := range slices.Chunk(statesAndHours, 2) {
		changes = append(changes, simulator.StateChange{
			After: time.Duration(pair[1].(int)) * time.Hour, State: pair[0].(string),
		})
	}
	return changes
}

// object returns the answer of a method that is not a journal.
func object(t testing.TB, s http.Handler, method string) map[string]any {
	t.Helper()
	w := get(s, pathOf(method))
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%s: status %d, type %q", method, w.Code, w.Header().Get("Content-Type"))
	}
	var members map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &members); err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	return members
}

func TestStateFollowsStates(t *testing.T) {
	changes := states("starting", 1, "", 2, "sleepMode", 3, `a \ "new" state`, 4, "authorized", 5)
	s, c := newAccount(simulator.Config{NoRateLimit: true, States: changes}, 0)
	changes[0].State = "changed by the caller"
	for _, test := range []struct {
		at   time.Duration
		want any
	}{
		{-time.Hour, "authorized"}, {0, "authorized"}, {time.Hour - 1, "authorized"},
		{time.Hour, "starting"}, {2*time.Hour - 1, "starting"}, {2 * time.Hour, nil},
		{3 * time.Hour, "sleepMode"}, {4 * time.Hour, `a \ "new" state`},
		{5 * time.Hour, "authorized"}, {5000 * time.Hour, "authorized"},
	} {
		c.Set(start.Add(test.at))
		for _, method := range []string{"getStateInstance", "getWaSettings"} {
			if got, ok := object(t, s, method)["stateInstance"]; got != test.want || !ok {
				t.Errorf("after %v: %s: %v, want %v", test.at, method, got, test.want)
			}
		}
	}
	if members := object(t, s, "getStateInstance"); len(members) != 1 {
		t.Errorf("members %v", members)
	}
}

func TestStatesRefuseOnlyJournals(t *testing.T) {
	for state, fault := range map[string]simulator.Fault{
		"notAuthorized": simulator.FaultLoggedOut, "starting": simulator.FaultStarting,
		"authorized": {}, "blocked": {}, "yellowCard": {}, "suspended": {}, "sleepMode": {},
		"pendingCode": {}, "": {},
	} {
		cfg := busy()
		cfg.IncomingPerHour = 20
		cfg.States = states(state, 1)
		s, _ := newAccount(cfg, 2*time.Hour)
		for _, method := range objects {
			object(t, s, method)
		}
		for _, method := range journals {
			got := get(s, pathOf(method))
			if fault == simulator.FaultNone {
				rows := decode(t, got.Body.Bytes())
				if got.Code != http.StatusOK || len(rows) == 0 {
					t.Errorf("%q: %s: status %d with %d rows", state, method, got.Code, len(rows))
				}
				continue
			}
			faulty, _ := newAccount(busy(), 2*time.Hour)
			faulty.SetFault(fault)
			want := get(faulty, pathOf(method))
			if got.Code != http.StatusBadRequest || got.Body.String() != want.Body.String() {
				t.Errorf("%q: %s: %d %s, want %s", state, method, got.Code, got.Body, want.Body)
			}
			s.SetFault(simulator.FaultQuota)
			if code := get(s, pathOf(method)).Code; code != 466 {
				t.Errorf("%q: %s: status %d, want the status of the fault", state, method, code)
			}
			s.SetFault(simulator.FaultGzip)
			if code := get(s, pathOf(method)).Code; code != http.StatusOK {
				t.Errorf("%q: %s: status %d with a fault in the body", state, method, code)
			}
			s.SetFault(simulator.FaultNone)
		}
	}
}

func TestWaSettingsContainThePhoneOnlyWithASession(t *testing.T) {
	for state, hasSession := range map[string]bool{
		"authorized": true, "suspended": true, "yellowCard": true, "sleepMode": true,
		"notAuthorized": false, "blocked": false, "starting": false,
	} {
		s, _ := newAccount(simulator.Config{States: states(state, 1)}, time.Hour)
		members := object(t, s, "getWaSettings")
		for _, name := range []string{"phone", "avatar", "deviceId"} {
			if text, ok := members[name].(string); !ok || (text != "") != hasSession {
				t.Errorf("%s: %s is %v", state, name, members[name])
			}
		}
		if hasSession && members["phone"] != simulator.Phone {
			t.Errorf("%s: the phone is %v", state, members["phone"])
		}
	}
}

func TestWaSettingsContainTheEndOfASuspension(t *testing.T) {
	s, c := newAccount(simulator.Config{NoRateLimit: true, States: states(
		"suspended", 1, "authorized", 4, "yellowCard", 6, "blocked", 7, "suspended", 10)}, 0)
	for _, test := range []struct {
		hours     float64
		key       string
		untilHour int
	}{
		{0, "", 0}, {1, "suspendedUntil", 4}, {3.9, "suspendedUntil", 4}, {4, "", 0},
		{6, "yellowCardUntil", 7}, {7, "", 0}, {10, "suspendedUntil", 34},
		{33, "suspendedUntil", 34}, {100, "suspendedUntil", 34},
	} {
		c.Set(start.Add(time.Duration(test.hours * float64(time.Hour))))
		got := map[string]any{}
		members := object(t, s, "getWaSettings")
		for _, key := range []string{"suspendedUntil", "yellowCardUntil"} {
			if until, ok := members[key]; ok {
				got[key] = until
			}
		}
		want := map[string]any{}
		if test.key != "" {
			want[test.key] = float64(start.Add(time.Duration(test.untilHour) * time.Hour).Unix())
		}
		if !maps.Equal(got, want) {
			t.Errorf("after %v h: %v, want %v", test.hours, got, want)
		}
	}
}

func TestSettingsHaveDocumentedMembers(t *testing.T) {
	s, _ := newAccount(simulator.Config{SendDelay: -time.Second}, time.Hour)
	if delay := object(t, s, "getSettings")["delaySendMessagesMilliseconds"]; delay != 0.0 {
		t.Errorf("delaySendMessagesMilliseconds is %v for a negative delay", delay)
	}
	s, _ = newAccount(simulator.Config{SendDelay: 2500 * time.Millisecond}, time.Hour)
	members := object(t, s, "getSettings")
	for name, want := range map[string]any{
		"wid": simulator.Phone + "@c.us", "webhookUrlToken": simulator.WebhookToken,
		"delaySendMessagesMilliseconds": 2500.0,
		"countryInstance":               "", "typeAccount": "", "proxyInstance": "",
	} {
		if members[name] != want {
			t.Errorf("%s is %v, want %v", name, members[name], want)
		}
		delete(members, name)
	}
	if url, _ := members["webhookUrl"].(string); url == "" {
		t.Error("no webhookUrl")
	}
	delete(members, "webhookUrl")
	on := []string{
		"outgoingWebhook", "outgoingMessageWebhook", "outgoingAPIMessageWebhook",
		"incomingWebhook", "stateWebhook",
	}
	off := []string{
		"markIncomingMessagesReaded", "markIncomingMessagesReadedOnReply", "sharedSession",
		"deviceWebhook", "statusInstanceWebhook", "enableMessagesHistory", "keepOnlineStatus",
		"pollMessageWebhook", "incomingBlockWebhook", "incomingCallWebhook",
		"editedMessageWebhook", "deletedMessageWebhook",
	}
	want := map[string]any{}
	for _, name := range on {
		want[name] = "yes"
	}
	for _, name := range off {
		want[name] = "no"
	}
	if !maps.Equal(members, want) {
		t.Errorf("the other settings are %v, want %v", members, want)
	}
}
