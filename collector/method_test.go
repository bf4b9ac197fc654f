package collector

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	dto "github.com/prometheus/client_model/go"

	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
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
					fine := boolFloat(c.Name != bad.Name)
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

// TestTheIntervalsAreExact: before an interval is over, a scrape gets the reading there is.
func TestTheIntervalsAreExact(t *testing.T) {
	for method, want := range map[string]time.Duration{
		greenapi.LastOutgoingMessages: 2 * time.Minute, greenapi.LastIncomingMessages: 2 * time.Minute,
		greenapi.GetSettings: 5 * time.Minute, greenapi.GetWaSettings: 5 * time.Minute,
		// From the end of the call, as they are no more apart than the API asks for.
		greenapi.GetStateInstance: time.Second, greenapi.GetMessagesCount: time.Second, greenapi.GetWebhooksCount: time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			e := newExporter(t, everything()...)
			e.flags.MinInterval = 2 * time.Minute
			e.start(t)
			for _, c := range All() {
				e.replyOf(c.Method).took = 0
			}
			gather(t, e.scrape(t.Context()))
			time.Sleep(want - time.Nanosecond)
			gather(t, e.scrape(t.Context()))
			early := e.api.calls[method]
			time.Sleep(time.Nanosecond)
			gather(t, e.scrape(t.Context()))
			if now := e.api.calls[method]; early != 1 || now != 2 {
				t.Errorf("%s: %d calls before %s, %d then", method, early, want, now)
			}
		})
	}
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
	e := newExporter(t, "state", "queue")
	for _, name := range []string{"webhooks", "State", "", strings.Repeat("x", 1000), "state,queue"} {
		_, err := e.set.Scrape(t.Context(), []*Instance{e.instance}, []string{"queue", name})
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
		if age := unixSeconds(time.Now()) - last; age < 600 || age > 601 {
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
				if state := label(m, "state"); m.Gauge.GetValue() != boolFloat(state == want) {
					t.Errorf("%s: %s is %v", answer, state, m.Gauge.GetValue())
				}
			}
		})
	}
}

// TestSuspensionsEnd: until is shown while it lies ahead, or while the API says that it goes on.
func TestSuspensionsEnd(t *testing.T) {
	now := time.Unix(1_790_000_000, 0)
	for _, c := range []struct {
		state   greenapi.State
		until   float64
		current bool
		want    bool
	}{
		{"authorized", 1_790_000_001, true, true},
		{"authorized", 1_790_000_000, true, false},
		{"authorized", 0, true, false},
		{"suspended", 1_790_000_001, false, true},
		{"suspended", 1_700_000_000, true, true},
		{"yellowCard", 1_700_000_000, true, true},
		{"suspended", 1_700_000_000, false, false},
		{"yellowCard", 1_700_000_000, false, false},
		{"suspended", 0, true, false},
		{"unknown", 1_700_000_000, true, false},
	} {
		a := greenapi.Account{State: c.state, SuspendedUntil: greenapi.UnixTime{Value: c.until, Known: c.until > 0}}
		if got := isSuspended(a, c.current, now); got != c.want {
			t.Errorf("%+v: %t", c, got)
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

// TestWhatIsNotKnownIsAbsent: no pause in the settings, no message yet, no call yet.
func TestWhatIsNotKnownIsAbsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, everything()...)
		e.api.others[greenapi.GetSettings].body = `{"outgoingWebhook":"yes"}`
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		families := gather(t, e.scrape(gone))
		for _, name := range []string{"greenapi_collector_duration_seconds", "greenapi_collector_last_success_timestamp_seconds", "greenapi_queue_messages", "greenapi_instance_state"} {
			if families[name] != nil {
				t.Errorf("%s is shown before the first call", name)
			}
		}
		families = gather(t, e.scrape(t.Context()))
		for _, name := range []string{"greenapi_instance_send_delay_seconds", "greenapi_incoming_last_message_timestamp_seconds", "greenapi_outgoing_last_message_timestamp_seconds", signs["account"]} {
			if families[name] != nil {
				t.Errorf("%s is shown, though the API does not tell", name)
			}
		}
		if families[signs["settings"]] == nil || families[signs["incoming"]] == nil {
			t.Error("what is known is not shown")
		}
	})
}

// TestIncomingCountersAreCreatedWhenTheyWereZero: at the good reading before the one that first shows the type.
func TestIncomingCountersAreCreatedWhenTheyWereZero(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, "incoming")
		birth := time.Now()
		gather(t, e.scrape(t.Context()))
		time.Sleep(time.Minute)
		before := time.Now()
		gather(t, e.scrape(t.Context()))
		time.Sleep(time.Minute)
		e.api.others[greenapi.LastIncomingMessages].body = journalOf(incoming("B1", "pollMessage", 0))
		created := make(map[string]time.Time)
		for _, m := range gather(t, e.scrape(t.Context()))["greenapi_incoming_messages_total"].Metric {
			created[label(m, "type")] = m.Counter.CreatedTimestamp.AsTime()
		}
		if !created["pollMessage"].Equal(before) || !created["textMessage"].Equal(birth) {
			t.Errorf("created %v, want %v and %v", created, before, birth)
		}
	})
}

// TestCloseEndsEveryCall, of journals and others.
func TestCloseEndsEveryCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, everything()...)
		for _, c := range All() {
			e.replyOf(c.Method).took = time.Hour
		}
		done := make(chan map[string]*dto.MetricFamily)
		go func() { done <- gather(t, e.scrape(t.Context())) }()
		synctest.Wait()
		begin := time.Now()
		e.instance.Close()
		families := <-done
		if took := time.Since(begin); took > 0 {
			t.Errorf("it took %s", took)
		}
		for _, c := range All() {
			if n, _ := valueOf(families, "greenapi_api_requests_total", "method", c.Method, "result", "canceled"); n != 1 {
				t.Errorf("%v calls of %s were canceled", n, c.Method)
			}
		}
	})
}

// TestALedgerThatCannotBeReadClosesTheOthers: what they have appended is in a snapshot then.
func TestALedgerThatCannotBeReadClosesTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, "outgoing", "incoming").kept(t)
		for range 5 {
			gather(t, e.scrape(t.Context()))
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		if err := e.storage.Close(); err != nil { // as if it was killed
			t.Fatal(err)
		}
		outgoing, incoming := e.directory+"/"+id+".ledger", e.directory+"/"+id+".incoming.ledger"
		if err := errors.Join(os.Remove(incoming), os.Mkdir(incoming, 0o700)); err != nil {
			t.Fatal(err)
		}
		before, err := os.Stat(outgoing)
		if err != nil {
			t.Fatal(err)
		}
		if e.storage, err = ledger.OpenStorage(e.directory, log.NewNopLogger()); err != nil {
			t.Fatal(err)
		}
		defer e.storage.Close()
		if _, err := e.set.NewInstance(e.config(t), e.resources()); err == nil || !strings.Contains(err.Error(), "move it away") {
			t.Errorf("bound: %v", err)
		}
		if after, err := os.Stat(outgoing); err != nil || after.Size() >= before.Size() {
			t.Errorf("%d bytes are appended still, %v", before.Size(), err)
		}
	})
}

// TestTheLogTellsOfTheState: once of each change, with what to do, and nothing at a start that finds all well.
func TestTheLogTellsOfTheState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, "state")
		for _, answer := range []string{`"authorized"`, `"notAuthorized"`, `"notAuthorized"`, `"suspended"`, `"brandNew"`, `null`, `"authorized"`} {
			e.api.others[greenapi.GetStateInstance].body = `{"stateInstance":` + answer + `}`
			for range 3 {
				gather(t, e.scrape(t.Context()))
				time.Sleep(time.Minute)
				e.api.others[greenapi.GetStateInstance].status = 500 // an outage is no change
				gather(t, e.scrape(t.Context()))
				time.Sleep(time.Minute)
				e.api.others[greenapi.GetStateInstance].status = 200
			}
		}
		e.restart(t)
		e.api.others[greenapi.GetStateInstance].body = `{"stateInstance":"blocked"}`
		gather(t, e.scrape(t.Context()))
		want := [][]string{
			{"level=warn", "id_instance=" + id, "state=notAuthorized", "before=authorized", "scan the QR code"},
			{"level=warn", "state=suspended", "before=notAuthorized", "has suspended sending"},
			{"level=warn", "state=other", "advice="},
			{"level=warn", "state=unknown", "advice="},
			{"level=info", "state=authorized", "before=unknown", "instance recovered"},
			{"level=warn", "instance needs attention", "state=blocked", "advice="}, // of another run, which knows of no change
		}
		var said []string
		for line := range strings.Lines(e.logged()) {
			if strings.Contains(line, " state=") {
				said = append(said, line)
			}
		}
		assertLines(t, said, want)
		if strings.Contains(said[len(said)-1], "before=") || strings.Contains(strings.Join(said, ""), "brandNew") {
			t.Errorf("logged:\n%s", strings.Join(said, ""))
		}
	})
}

// TestACallWithoutAPlaceNarrowsNothing: no answer has been too large.
func TestACallWithoutAPlaceNarrowsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t)
		gather(t, e.scrape(t.Context()))
		time.Sleep(48 * time.Hour)
		e.api.unreachable = true
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		gather(t, e.scrape(ctx))
		e.api.unreachable = false
		time.Sleep(time.Minute)
		families := gather(t, e.scrape(t.Context()))
		if want := 60 + 48*60 + 1 + 1 + 5; e.api.minutes[len(e.api.minutes)-1] < want-1 {
			t.Errorf("asked for %v, want %d at the end", e.api.minutes, want)
		}
		if unread, _ := valueOf(families, "greenapi_outgoing_unread_seconds_total"); unread != 0 {
			t.Errorf("%v s are unread", unread)
		}
	})
}
