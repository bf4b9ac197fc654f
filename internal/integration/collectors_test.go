package integration

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/simulator"
)

// TestTheAccountBehindTheJournal lives through a logout and a suspension: the state is named, the queue grows and drains,
// the failure of the journal has its name, and what waited is counted in the end.
func TestTheAccountBehindTheJournal(t *testing.T) {
	t.Parallel()
	start := time.Now().Truncate(time.Second).Add(-time.Hour) // so that the suspension ends in time to come
	var now atomic.Int64
	s, a := serveSimulator(t, simulator.Config{
		Start: start, MessagesPerHour: 360, SendDelay: 2 * time.Second, CyrillicCount: true, NoRateLimit: true,
		Now: func() time.Time { return start.Add(time.Duration(now.Load())) },
		States: []simulator.StateChange{
			{After: 30 * time.Minute, State: "notAuthorized"}, {After: 60 * time.Minute, State: "authorized"},
			{After: 90 * time.Minute, State: "suspended"}, {After: 48 * time.Hour, State: "authorized"},
		},
	})
	// look scrapes until all that is shown was asked for at that time of the account.
	look := func(p *process, at time.Duration, state string) map[string]*dto.MetricFamily {
		t.Helper()
		now.Store(int64(at))
		begin := float64(time.Now().UnixMilli()) / 1e3
		for {
			got := families(t, p.base+"/metrics")
			fresh := true
			for _, name := range []string{"state", "queue", "webhooks"} {
				asked, _ := sampleOf(got["greenapi_collector_last_success_timestamp_seconds"], "collector", name)
				fresh = fresh && asked >= begin
			}
			if !fresh {
				continue
			}
			assertValue(t, got, 1, "greenapi_instance_state", "state", state)
			assertValue(t, got, float64(s.Queued(start.Add(at))), "greenapi_queue_messages")
			assertValue(t, got, float64(s.Webhooks(start.Add(at))), "greenapi_webhook_queue_notifications")
			return got
		}
	}
	queue := func(got map[string]*dto.MetricFamily) float64 {
		n, _ := sampleOf(got["greenapi_queue_messages"])
		return n
	}
	all := append(withEverything(), "--greenapi.min-interval=0s")
	p := startProcess(t, a.URL, all...)
	got := look(p, 20*time.Minute, "authorized")
	baseline := s.Messages(start.Add(20 * time.Minute))
	assertValue(t, got, 1, "greenapi_instance_setting_enabled", "setting", "outgoingWebhook")
	assertValue(t, got, 0, "greenapi_instance_setting_enabled", "setting", "keepOnlineStatus")
	assertValue(t, got, 2, "greenapi_instance_send_delay_seconds")
	if got["greenapi_instance_suspended_until_timestamp_seconds"] != nil {
		t.Error("suspended in ordinary times")
	}

	first := queue(look(p, 40*time.Minute, "notAuthorized"))
	got = look(p, 55*time.Minute, "notAuthorized")
	if second := queue(got); first < 30 || second < first+30 {
		t.Errorf("while it is logged out the queue grows from %v to %v", first, second)
	}
	assertValue(t, got, 0, "greenapi_up")
	if n, _ := sampleOf(got["greenapi_api_requests_total"], "method", journalMethod, "result", "instance_logged_out"); n == 0 {
		t.Error("the failure of the journal has no name")
	}
	if n := queue(look(p, 61*time.Minute, "authorized")); n < first || n > 200 {
		t.Errorf("a minute after it was logged in again %v wait", n)
	}
	if n := queue(look(p, 80*time.Minute, "authorized")); n > 5 {
		t.Errorf("twenty minutes after it was logged in again %v wait", n)
	}
	assertTruth(t, upFamilies(t, p), baseline, s.Messages(start.Add(80*time.Minute)))

	stopWith(t, p, nil)
	p = startProcess(t, a.URL, all...) // which asks for what is asked for every 5 minutes
	got = look(p, 2*time.Hour, "suspended")
	assertValue(t, got, float64(start.Add(48*time.Hour).Unix()), "greenapi_instance_suspended_until_timestamp_seconds")
	assertValue(t, got, 1, "greenapi_up")
	if n := queue(got); n < 100 {
		t.Errorf("half an hour after it was suspended %v wait", n)
	}
}

// TestLegalOdditiesAreRead in the answers of every method.
func TestLegalOdditiesAreRead(t *testing.T) {
	for _, fault := range []simulator.Fault{
		simulator.FaultCommaStart, simulator.FaultCommaMiddle, simulator.FaultCommaEnd, simulator.FaultCommaMembers, simulator.FaultBOM, simulator.FaultGzip,
	} {
		s, a := serveSimulator(t, simulator.Config{Start: time.Now().Add(-time.Hour), MessagesPerHour: 100, IncomingPerHour: 100})
		s.SetFault(fault)
		got := families(t, startProcess(t, a.URL, withEverything()...).base+"/metrics")
		for _, c := range collector.All() {
			if success, _ := sampleOf(got["greenapi_collector_success"], "collector", c.Name); success != 1 {
				t.Errorf("%s: %s is not read", fault, c.Name)
			}
		}
	}
}

// withEverything switches all collectors on.
func withEverything() []string {
	var flags []string
	for _, c := range collector.All() {
		flags = append(flags, "--collector."+c.Name)
	}
	return flags
}

// TestCollectSparesTheOthers: a scrape that picks collectors calls no other method, and a slip calls none.
func TestCollectSparesTheOthers(t *testing.T) {
	s, a := serveSimulator(t, simulator.Config{})
	p := startProcess(t, a.URL)
	for query, status := range map[string]int{"collect[]=webhooks": 400, "collect[]=stat": 400, "collect[]=": 400, "collect[]=%zz": 400, "collect[]=state": 200} {
		response, err := http.Get(p.base + "/metrics?" + query)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != status {
			t.Errorf("%s: %s, want %d", query, response.Status, status)
		}
	}
	if s.Calls("") != 1 || s.Calls("getStateInstance") != 1 {
		t.Errorf("%d calls, %d of them of getStateInstance", s.Calls(""), s.Calls("getStateInstance"))
	}
}

// TestAMethodThatHangsIsAlone in a real process too.
func TestAMethodThatHangsIsAlone(t *testing.T) {
	t.Parallel()
	s, a := serveSimulator(t, simulator.Config{Start: time.Now().Add(-time.Hour), MessagesPerHour: 100})
	s.SetFault(simulator.FaultHang, "getMessagesCount")
	p := startProcess(t, a.URL, "--greenapi.max-calls=4")
	got := families(t, p.base+"/metrics", "X-Prometheus-Scrape-Timeout-Seconds", "2")
	assertValue(t, got, 1, "greenapi_up")
	assertValue(t, got, 1, "greenapi_instance_state", "state", "authorized")
	assertValue(t, got, 0, "greenapi_collector_success", "collector", "queue")
	assertValue(t, got, 1, "greenapi_api_requests_total", "method", "getMessagesCount", "result", "timeout")
}
