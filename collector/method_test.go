package collector

import (
	"context"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	dto "github.com/prometheus/client_model/go"

	"greenapi_exporter/greenapi"
)

// signs is a metric of each collector that tells that it has been read.
var signs = map[string]string{
	"outgoing": "greenapi_outgoing_window_messages",
	"incoming": "greenapi_incoming_window_messages",
	"state":    "greenapi_instance_state",
	"queue":    "greenapi_queue_messages",
	"webhooks": "greenapi_webhook_queue_notifications",
	"settings": "greenapi_instance_setting_enabled",
	"account":  "greenapi_instance_suspended_until_timestamp_seconds",
}

// replyOf is how the method of a collector is answered.
func (e *exporter) replyOf(method string) *reply {
	if method == greenapi.LastOutgoingMessages {
		return &e.api.reply
	}
	return e.api.others[method]
}

// everyCollector is an exporter with all of them on, whose account is suspended, so that each has something to show.
func everyCollector(t *testing.T) *exporter {
	e := newExporter(t, everything()...)
	e.api.others[greenapi.GetWaSettings].body = `{"stateInstance":"suspended","suspendedUntil":4000000000}`
	return e
}

// valueOf is the value of the series of the family with this label, or of the only one; ok if it is there.
func valueOf(families map[string]*dto.MetricFamily, name string, labels ...string) (value float64, ok bool) {
	for _, m := range families[name].GetMetric() {
		matches := true
		for i := 0; i < len(labels); i += 2 {
			matches = matches && label(m, labels[i]) == labels[i+1]
		}
		if matches {
			return m.GetGauge().GetValue() + m.GetCounter().GetValue(), true
		}
	}
	return 0, false
}

// TestACollectorThatFailsOrHangsCostsTheOthersNothing: they are shown within the scrape's deadline, and it is said which
// one is not.
func TestACollectorThatFailsOrHangsCostsTheOthersNothing(t *testing.T) {
	if len(signs) != len(All()) {
		t.Fatalf("%d collectors are tested, there are %d", len(signs), len(All()))
	}
	for _, bad := range All() {
		for want, breaks := range map[greenapi.Result]func(*reply){
			greenapi.ServerError: func(r *reply) { r.answer(500, "") },
			greenapi.Timeout:     func(r *reply) { r.took = time.Hour },
		} {
			synctest.Test(t, func(t *testing.T) {
				e := everyCollector(t)
				breaks(e.replyOf(bad.Method))
				begin := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				families := gather(t, e.scrape(ctx))
				if took := time.Since(begin); took > 5*time.Second+100*time.Millisecond {
					t.Errorf("%s, %s: the scrape took %s", bad.Name, want, took)
				}
				for _, c := range All() {
					fine := oneIf(c.Name != bad.Name)
					if success, ok := valueOf(families, "greenapi_collector_success", "collector", c.Name); !ok || success != fine {
						t.Errorf("%s fails by %s: success of %s is %v", bad.Name, want, c.Name, success)
					}
					if shown := families[signs[c.Name]] != nil; shown != (fine == 1) {
						t.Errorf("%s fails by %s: %s is shown: %t", bad.Name, want, signs[c.Name], shown)
					}
					for result, n := range map[greenapi.Result]float64{want: 1 - fine, greenapi.OK: fine} {
						if got, _ := valueOf(families, "greenapi_api_requests_total", "method", c.Method, "result", string(result)); got != n {
							t.Errorf("%s fails by %s: %v calls of %s with %s, want %v", bad.Name, want, got, c.Method, result, n)
						}
					}
				}
			})
		}
	}
}

func TestCollectorsAreReadSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := everyCollector(t)
		for _, c := range All() {
			e.replyOf(c.Method).took = 2 * time.Second
		}
		begin := time.Now()
		families := gather(t, e.scrape(t.Context()))
		if took := time.Since(begin); took != 2*time.Second {
			t.Errorf("seven calls of 2 s took %s", took)
		}
		for _, c := range All() {
			if took, _ := valueOf(families, "greenapi_collector_duration_seconds", "collector", c.Name); took != 2 {
				t.Errorf("%s took %v", c.Name, took)
			}
		}
	})
}

// TestHowOftenMethodsAreCalled: what changes seldom every 5 minutes, the journals as the interval says, the others with
// every scrape, but not twice a second.
func TestHowOftenMethodsAreCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, everything()...)
		e.flags.MinInterval = 10 * time.Minute
		e.start(t)
		for range 4 * 60 {
			gather(t, e.scrape(t.Context()))
			gather(t, e.scrape(t.Context())) // within the second
			time.Sleep(15*time.Second - 250*time.Millisecond)
		}
		want := map[string]int{
			greenapi.LastOutgoingMessages: 6, greenapi.LastIncomingMessages: 6,
			greenapi.GetStateInstance: 240, greenapi.GetMessagesCount: 240, greenapi.GetWebhooksCount: 240,
			greenapi.GetSettings: 12, greenapi.GetWaSettings: 12,
		}
		if !maps.Equal(e.api.calls, want) {
			t.Errorf("called %v, want %v", e.api.calls, want)
		}
	})
}

// TestCollectPicksCollectors: only those that are named are called and shown.
func TestCollectPicksCollectors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := everyCollector(t)
		families := gather(t, e.scrape(t.Context(), "queue", "state", "queue"))
		if want := map[string]int{greenapi.GetMessagesCount: 1, greenapi.GetStateInstance: 1}; !maps.Equal(e.api.calls, want) {
			t.Errorf("called %v, want %v", e.api.calls, want)
		}
		for name, sign := range signs {
			picked := name == "queue" || name == "state"
			_, judged := valueOf(families, "greenapi_collector_success", "collector", name)
			if shown := families[sign] != nil; shown != picked || judged != picked {
				t.Errorf("%s is shown: %t, success: %t", sign, shown, judged)
			}
		}
		if families["greenapi_up"] != nil {
			t.Error("greenapi_up is shown without the outgoing journal")
		}
		if n := len(families["greenapi_api_requests_total"].Metric); n != 2*len(greenapi.Results()) {
			t.Errorf("%d series of calls", n)
		}
	})
}

func TestCollectorsThatAreNotOnCannotBePicked(t *testing.T) {
	set := NewSet(func(name string) bool { return name == "state" || name == "queue" })
	for _, name := range []string{"webhooks", "State", "", strings.Repeat("x", 1000), "state,queue"} {
		_, err := set.Scrape(t.Context(), nil, []string{"queue", name})
		if err == nil || !strings.Contains(err.Error(), "state, queue") || len(err.Error()) > 150 {
			t.Errorf("%.10s: %v", name, err)
		}
	}
}

// TestWhatWasReadLastStays while it cannot be read again.
func TestWhatWasReadLastStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := everyCollector(t)
		e.api.others[greenapi.GetMessagesCount].body = `{"count":17}`
		gather(t, e.scrape(t.Context()))
		time.Sleep(10 * time.Minute)
		for _, reply := range e.api.others {
			reply.answer(502, "")
		}
		families := gather(t, e.scrape(t.Context()))
		for name, want := range map[string]float64{"greenapi_queue_messages": 17, "greenapi_instance_suspended_until_timestamp_seconds": 4e9} {
			if got, _ := valueOf(families, name); got != want {
				t.Errorf("%s is %v, want %v", name, got, want)
			}
		}
		if got, _ := valueOf(families, "greenapi_instance_state", "state", "authorized"); got != 1 {
			t.Errorf("authorized is %v", got)
		}
		last, _ := valueOf(families, "greenapi_collector_last_success_timestamp_seconds", "collector", "queue")
		if age := unix(time.Now()) - last; age < 600 || age > 601 {
			t.Errorf("the reading is said to be %v s old", age)
		}
		if families["greenapi_incoming_window_messages"] != nil {
			t.Error("the window of a journal that cannot be read is shown")
		}
	})
}

func TestStatesAreExclusive(t *testing.T) {
	for answer, want := range map[string]string{
		`"authorized"`: "authorized", `"notAuthorized"`: "notAuthorized", `"yellowCard"`: "yellowCard", `"suspended"`: "suspended",
		`null`: "unknown", `"quarantined"`: "other",
	} {
		synctest.Test(t, func(t *testing.T) {
			e := newExporter(t, "state")
			e.api.others[greenapi.GetStateInstance].body = `{"stateInstance":` + answer + `}`
			family := gather(t, e.scrape(t.Context()))["greenapi_instance_state"]
			if len(family.GetMetric()) != len(greenapi.States()) {
				t.Errorf("%s: %d states", answer, len(family.GetMetric()))
			}
			for _, m := range family.GetMetric() {
				if state := label(m, "state"); m.Gauge.GetValue() != oneIf(state == want) {
					t.Errorf("%s: %s is %v", answer, state, m.Gauge.GetValue())
				}
			}
		})
	}
}

// TestSuspensionsEnd: until is shown while it lies ahead, or while the state says that it goes on.
func TestSuspensionsEnd(t *testing.T) {
	now := time.Unix(1_790_000_000, 0)
	for _, c := range []struct {
		state greenapi.State
		until float64
		want  bool
	}{
		{"authorized", 1_790_000_001, true},
		{"authorized", 1_790_000_000, false},
		{"authorized", 0, false},
		{"suspended", 1_790_000_001, true},
		{"suspended", 1_700_000_000, true},
		{"yellowCard", 1_700_000_000, true},
		{"suspended", 0, false},
		{"unknown", 1_700_000_000, false},
	} {
		a := greenapi.Account{State: c.state, SuspendedUntil: greenapi.Seconds{Value: c.until, Known: c.until > 0}}
		if got := isSuspended(a, now); got != c.want {
			t.Errorf("%s until %v: %t", c.state, c.until, got)
		}
	}
}

// TestWhatIsPrivateStaysPrivate: neither log nor exposition has the phone, the token of the webhook or who wrote.
func TestWhatIsPrivateStaysPrivate(t *testing.T) {
	for _, code := range []int{200, 400, 500} {
		synctest.Test(t, func(t *testing.T) {
			e := newExporter(t, everything()...)
			e.api.others[greenapi.LastIncomingMessages].body = journalOf(incoming("B1", "textMessage", 1))
			for _, c := range All() {
				e.replyOf(c.Method).status = code
			}
			text := exposition(t, e.scrape(t.Context()), plainText) + e.logged()
			for _, private := range []string{secret, webhookToken, "11005550100", "11001234567", "Ann"} {
				if strings.Contains(text, private) {
					t.Errorf("%d: %s is told", code, private)
				}
			}
			if code == 200 && !strings.Contains(text, `setting="outgoingWebhook"`) {
				t.Error("the settings were not read")
			}
		})
	}
}

// TestTheIncomingJournalIsCounted like the outgoing one: once each, over restarts, in a file of its own.
func TestTheIncomingJournalIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, "outgoing", "incoming").kept(t)
		in := e.api.others[greenapi.LastIncomingMessages]
		e.api.body = journalOf(row("B1", "textMessage", "sent", 1)) // an id of the other journal is another message
		in.body = journalOf(incoming("B0", "textMessage", 1))
		gather(t, e.scrape(t.Context()))
		for round := range 3 {
			time.Sleep(time.Minute)
			in.body = journalOf(incoming("B1", "textMessage", 1), incoming("B1", "imageMessage", 1), incoming("B2", "textMessage", 1), incoming("B0", "textMessage", 2+round))
			families := gather(t, e.scrape(t.Context()))
			for kind, want := range map[string][2]float64{"textMessage": {2, 3}, "imageMessage": {1, 1}, "videoMessage": {0, 0}} {
				total, _ := valueOf(families, "greenapi_incoming_messages_total", "type", kind)
				rows, _ := valueOf(families, "greenapi_incoming_window_messages", "type", kind)
				if total != want[0] || rows != want[1] {
					t.Errorf("round %d, %s: %v counted, %v in the window, want %v", round, kind, total, rows, want)
				}
			}
			if n, _ := valueOf(families, "greenapi_outgoing_messages_total", "type", "textMessage"); n != 0 {
				t.Errorf("%v messages are outgoing", n)
			}
			e.restart(t)
		}
	})
}

// TestRestartsCallNeitherJournal within the interval; both have a quota.
func TestRestartsCallNeitherJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, everything()...)
		e.flags.MinInterval = time.Hour
		e.kept(t)
		var want []string
		for i := range 5 {
			lines := slices.DeleteFunc(ofTheInstance(t, e.scrape(t.Context())), func(line string) bool { return !strings.Contains(line, "greenapi_incoming") })
			if i == 0 {
				want = lines
			}
			if len(lines) < 20 || !slices.Equal(lines, want) {
				t.Errorf("start %d: got %s, want %s", i, lines, want)
			}
			time.Sleep(5 * time.Minute)
			e.restart(t)
		}
		for method, n := range map[string]int{greenapi.LastOutgoingMessages: 1, greenapi.LastIncomingMessages: 1, greenapi.GetStateInstance: 5} {
			if e.api.calls[method] != n {
				t.Errorf("%d calls of %s, want %d", e.api.calls[method], method, n)
			}
		}
	})
}

// TestALedgerOfTheOtherJournalIsSetAside: files that were given each other's names would count messages twice.
func TestALedgerOfTheOtherJournalIsSetAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, "outgoing", "incoming").kept(t)
		gather(t, e.scrape(t.Context()))
		e.instance.Close()
		ours, theirs := e.directory+"/"+id+".ledger", e.directory+"/"+id+".incoming.ledger"
		swap(t, ours, theirs)
		e.restart(t)
		if damaged := e.storage.Damaged(); damaged != 2 {
			t.Errorf("%d files were set aside", damaged)
		}
		if text := e.logged(); !strings.Contains(text, "id_instance="+id+" ") || strings.Contains(text, "id_instance="+id+".") {
			t.Errorf("logged:\n%s", text)
		}
	})
}

func swap(t *testing.T, a, b string) {
	t.Helper()
	for _, step := range [][2]string{{a, a + ".x"}, {b, a}, {a + ".x", b}} {
		if err := os.Rename(step[0], step[1]); err != nil {
			t.Fatal(err)
		}
	}
}
