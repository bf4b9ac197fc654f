package collector

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"greenapi_exporter/internal/greenapi"
)

// metricOf has a metric of each collector that is exported if the collector has a reading.
var metricOf = map[string]string{
	"outgoing": "greenapi_outgoing_window_messages",
	"incoming": "greenapi_incoming_window_messages",
	"state":    "greenapi_instance_state",
	"queue":    "greenapi_queue_messages",
	"webhooks": "greenapi_webhook_queue_notifications",
	"settings": "greenapi_instance_setting_enabled",
	"account":  "greenapi_instance_suspended_until_timestamp_seconds",
}

// TestFailingCollectorDoesNotAffectOthers checks that all other collectors are exported within the
// deadline of the scrape, and that the failing one is reported.
func TestFailingCollectorDoesNotAffectOthers(t *testing.T) {
	if len(metricOf) != len(All()) {
		t.Fatalf("%d collectors are tested, there are %d", len(metricOf), len(All()))
	}
	for _, bad := range All() {
		for want, fail := range map[greenapi.Result]func(*reply){
			greenapi.ServerError: func(r *reply) { r.answer(500, "") },
			greenapi.Timeout:     func(r *reply) { r.took = time.Hour },
		} {
			synctest.Test(t, func(t *testing.T) {
				e := everyCollector(t)
				e.flags.Timeout = 5 * time.Second
				e.start(t)
				fail(e.replyOf(bad.Method))
				begin := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				families := gather(t, e.scrape(ctx))
				if took := time.Since(begin); took > 5*time.Second+100*time.Millisecond {
					t.Errorf("%s, %s: the scrape took %s", bad.Name, want, took)
				}
				for _, c := range All() {
					result, ok := greenapi.OK, c.Name != bad.Name
					if !ok {
						result = want
					}
					assertResult(t, families, c, result)
					if exported := families[metricOf[c.Name]] != nil; exported != ok {
						t.Errorf("%s of %s: %s exported: %t", want, bad.Name, c.Name, exported)
					}
				}
			})
		}
	}
}

func TestCollectorsRunConcurrently(t *testing.T) {
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
			took, _ := valueOf(families, "greenapi_collector_duration_seconds", "collector", c.Name)
			if took != 2 {
				t.Errorf("%s took %v", c.Name, took)
			}
		}
	})
}

func TestScrapeSelectsCollectors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := everyCollector(t)
		families := gather(t, e.scrape(t.Context(), "queue", "state", "queue"))
		want := map[string]int{greenapi.GetMessagesCount: 1, greenapi.GetStateInstance: 1}
		if !maps.Equal(e.api.calls, want) {
			t.Errorf("called %v, want %v", e.api.calls, want)
		}
		for name, metric := range metricOf {
			selected := name == "queue" || name == "state"
			_, success := valueOf(families, "greenapi_collector_success", "collector", name)
			if exported := families[metric] != nil; exported != selected || success != selected {
				t.Errorf("%s is exported: %t, its success: %t", metric, exported, success)
			}
		}
		if families["greenapi_up"] != nil {
			t.Error("greenapi_up is exported without the outgoing journal")
		}
		n := len(families["greenapi_api_requests_total"].Metric)
		if n != 2*len(greenapi.Results()) {
			t.Errorf("%d series of greenapi_api_requests_total", n)
		}
	})
}

func TestScrapeRejectsDisabledCollectors(t *testing.T) {
	e := newExporter(t, "state", "queue")
	long := strings.Repeat("x", 1000)
	for _, name := range []string{"webhooks", "State", "", long, "state,queue"} {
		_, err := e.set.Scrape(t.Context(), []*Instance{e.instance}, []string{"queue", name})
		if err == nil || !strings.Contains(err.Error(), "state, queue") || len(err.Error()) > 150 {
			t.Errorf("%.10s: %v", name, err)
		}
	}
}

func TestDisabledCollectorsExportNothing(t *testing.T) {
	set, e := NewSet(), newExporter(t)
	registry := prometheus.NewPedanticRegistry()
	e.flags.Collectors = nil
	instance, err := set.NewInstance(e.config(t), e.resources())
	if err != nil {
		t.Fatal(err)
	}
	scrape, err := set.Scrape(t.Context(), []*Instance{instance}, nil)
	if err != nil {
		t.Fatal(err)
	}
	registry.MustRegister(scrape)
	if families := gather(t, registry); len(families) != 0 {
		t.Errorf("got %v", families)
	}
}

// TestCallsPerHour checks the number of calls for each method. Methods with an interval of a second
// are called for each scrape, except for a second scrape within it.
func TestCallsPerHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, allNames()...)
		e.flags.MinInterval = 10 * time.Minute
		e.start(t)
		for range 4 * 60 {
			gather(t, e.scrape(t.Context()))
			gather(t, e.scrape(t.Context()))
			time.Sleep(15*time.Second - 250*time.Millisecond)
		}
		want := map[string]int{
			greenapi.LastOutgoingMessages: 6, greenapi.LastIncomingMessages: 6,
			greenapi.GetStateInstance: 240, greenapi.GetMessagesCount: 240,
			greenapi.GetWebhooksCount: 240, greenapi.GetSettings: 12, greenapi.GetWaSettings: 12,
		}
		if !maps.Equal(e.api.calls, want) {
			t.Errorf("called %v, want %v", e.api.calls, want)
		}
	})
}

func TestIntervalsAreExact(t *testing.T) {
	for method, want := range map[string]time.Duration{
		greenapi.LastOutgoingMessages: 2 * time.Minute,
		greenapi.LastIncomingMessages: 2 * time.Minute,
		greenapi.GetSettings:          5 * time.Minute,
		greenapi.GetWaSettings:        5 * time.Minute,
		greenapi.GetStateInstance:     time.Second,
		greenapi.GetMessagesCount:     time.Second,
		greenapi.GetWebhooksCount:     time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			e := newExporter(t, allNames()...)
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
				t.Errorf("%s: %d calls before %s, %d after it", method, early, want, now)
			}
		})
	}
}

func TestLatestReadingIsExportedDuringFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := everyCollector(t)
		e.replyOf(greenapi.GetMessagesCount).body = `{"count":17}`
		gather(t, e.scrape(t.Context()))
		time.Sleep(10 * time.Minute)
		for _, r := range e.api.replies {
			r.answer(502, "")
		}
		families := gather(t, e.scrape(t.Context()))
		for name, want := range map[string]float64{
			"greenapi_queue_messages":                             17,
			"greenapi_instance_suspended_until_timestamp_seconds": 4e9,
		} {
			if got, _ := valueOf(families, name); got != want {
				t.Errorf("%s is %v, want %v", name, got, want)
			}
		}
		if got, _ := valueOf(families, "greenapi_instance_state", "state", "authorized"); got != 1 {
			t.Errorf("authorized is %v", got)
		}
		last, _ := valueOf(families,
			"greenapi_collector_last_success_timestamp_seconds", "collector", "queue")
		if age := unixSeconds(time.Now()) - last; age < 600 || age > 601 {
			t.Errorf("the reading is %v s old, want 600", age)
		}
		if families["greenapi_incoming_window_messages"] != nil {
			t.Error("the window of a failing journal is exported")
		}
	})
}

// TestClockSkewIsThatOfTheLatestResponse checks the skew after responses of two methods, including
// failures. A response that a cache has stored has no skew.
func TestClockSkewIsThatOfTheLatestResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, "outgoing", "queue")
		queue := e.replyOf(greenapi.GetMessagesCount)
		queue.took = time.Second
		assertSkew := func(want float64, known bool) {
			t.Helper()
			families := gather(t, e.scrape(t.Context()))
			got, ok := valueOf(families, "greenapi_api_clock_skew_seconds", "id_instance", id)
			if got != want || ok != known {
				t.Errorf("%v, %t, want %v, %t", got, ok, want, known)
			}
			time.Sleep(time.Minute)
		}
		assertSkew(0, true)
		queue.skew = time.Hour
		assertSkew(3600, true)
		queue.skew = -30 * 24 * time.Hour
		queue.answer(401, "")
		assertSkew(-30*24*3600, true)
		queue.header = http.Header{"Age": {"61"}}
		assertSkew(0, false)
		queue.header, queue.noDate = nil, true
		assertSkew(0, false)
		queue.took = 0 // the outgoing journal responds last
		assertSkew(0, true)
		e.api.unreachable = true
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		before := gather(t, e.scrape(ctx))
		if _, ok := valueOf(before, "greenapi_api_clock_skew_seconds"); !ok {
			t.Error("absent after a call without a response")
		}
	})
}
