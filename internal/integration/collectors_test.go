package integration

import (
	"sync/atomic"
	"testing"
	"time"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/simulator"
)

// TestMetricsFollowALogoutAndASuspension checks the state, the queues and the result of the failing
// journal, and that the messages of the queue are counted in the end.
func TestMetricsFollowALogoutAndASuspension(t *testing.T) {
	t.Parallel()
	// The suspension must end in the future of the exporter's clock.
	start := time.Now().Truncate(time.Second).Add(-time.Hour)
	var sinceStart atomic.Int64 // of the account's clock, in nanoseconds
	s, a := serveSimulator(t, simulator.Config{
		Start: start, MessagesPerHour: 360, SendDelay: 2 * time.Second, CyrillicCount: true,
		NoRateLimit: true,
		Now:         func() time.Time { return start.Add(time.Duration(sinceStart.Load())) },
		States: []simulator.StateChange{
			{After: 30 * time.Minute, State: "notAuthorized"},
			{After: 60 * time.Minute, State: "authorized"},
			{After: 90 * time.Minute, State: "suspended"},
			{After: 48 * time.Hour, State: "authorized"},
		},
	})
	// scrapeAt scrapes until all readings are from this time of the account.
	scrapeAt := func(p *process, at time.Duration, state string) metrics {
		t.Helper()
		sinceStart.Store(int64(at))
		begin := time.Now()
		for {
			got := scrape(t, p.url+"/metrics")
			fresh := func(collector string) bool { return got.isFresh(collector, begin) }
			if !fresh("state") || !fresh("queue") || !fresh("webhooks") {
				continue
			}
			got.assert(t, 1, "greenapi_instance_state", "state", state)
			got.assert(t, float64(s.Queued(start.Add(at))), "greenapi_queue_messages")
			webhooks := float64(s.Webhooks(start.Add(at)))
			got.assert(t, webhooks, "greenapi_webhook_queue_notifications")
			return got
		}
	}
	queue := func(got metrics) float64 {
		n, _ := got.value("greenapi_queue_messages")
		return n
	}
	all := append(allCollectors(), "--greenapi.min-interval=0s")
	p := startInstance(t, a.URL, all...)
	got := scrapeAt(p, 20*time.Minute, "authorized")
	baseline := s.Messages(start.Add(20 * time.Minute))
	got.assert(t, 1, "greenapi_instance_setting_enabled", "setting", "outgoingWebhook")
	got.assert(t, 0, "greenapi_instance_setting_enabled", "setting", "keepOnlineStatus")
	got.assert(t, 2, "greenapi_instance_send_delay_seconds")
	if got["greenapi_instance_suspended_until_timestamp_seconds"] != nil {
		t.Error("an authorized account has an end of its suspension")
	}

	first := queue(scrapeAt(p, 40*time.Minute, "notAuthorized"))
	got = scrapeAt(p, 55*time.Minute, "notAuthorized")
	if second := queue(got); first < 30 || second < first+30 {
		t.Errorf("during the logout the queue grows from %v to %v", first, second)
	}
	got.assert(t, 0, "greenapi_up")
	loggedOut, _ := got.value("greenapi_api_requests_total",
		"method", journalMethod, "result", "instance_logged_out")
	if loggedOut == 0 {
		t.Error("no call of the journal has the result instance_logged_out")
	}
	if n := queue(scrapeAt(p, 61*time.Minute, "authorized")); n < first || n > 200 {
		t.Errorf("a minute after the logout, the queue has %v messages", n)
	}
	if n := queue(scrapeAt(p, 80*time.Minute, "authorized")); n > 5 {
		t.Errorf("twenty minutes after the logout, the queue has %v messages", n)
	}
	assertOutgoing(t, freshScrape(t, p), baseline, s.Messages(start.Add(80*time.Minute)))

	p.terminate(t)
	p = startInstance(t, a.URL, all...) // calls the methods whose interval is 5 minutes, too
	got = scrapeAt(p, 2*time.Hour, "suspended")
	got.assert(t, float64(start.Add(48*time.Hour).Unix()),
		"greenapi_instance_suspended_until_timestamp_seconds")
	got.assert(t, 1, "greenapi_up")
	if n := queue(got); n < 100 {
		t.Errorf("half an hour after the suspension began, the queue has %v messages", n)
	}
}

func TestAllCollectorsReadHarmlessMalformations(t *testing.T) {
	for _, fault := range []simulator.Fault{
		simulator.FaultCommaStart, simulator.FaultCommaMiddle, simulator.FaultCommaEnd,
		simulator.FaultCommaMembers, simulator.FaultBOM, simulator.FaultGzip,
	} {
		s, a := serveSimulator(t, simulator.Config{
			Start: time.Now().Add(-time.Hour), MessagesPerHour: 100, IncomingPerHour: 100,
		})
		s.SetFault(fault)
		got := scrape(t, startInstance(t, a.URL, allCollectors()...).url+"/metrics")
		for _, c := range collector.All() {
			success, _ := got.value("greenapi_collector_success", "collector", c.Name)
			if success != 1 {
				t.Errorf("%s: the collector %s fails", fault, c.Name)
			}
		}
	}
}

func TestHangingMethodDoesNotDelayOtherCollectors(t *testing.T) {
	t.Parallel()
	s, a := serveSimulator(t, simulator.Config{
		Start: time.Now().Add(-time.Hour), MessagesPerHour: 100,
	})
	s.SetFault(simulator.FaultHang, "getMessagesCount")
	p := startInstance(t, a.URL, "--greenapi.max-calls=4", "--greenapi.timeout=4s")
	got := scrape(t, p.url+"/metrics")
	got.assert(t, 1, "greenapi_up")
	got.assert(t, 1, "greenapi_instance_state", "state", "authorized")
	got.assert(t, 0, "greenapi_collector_success", "collector", "queue")
}
