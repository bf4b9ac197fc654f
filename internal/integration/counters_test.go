package integration

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"greenapi_exporter/internal/simulator"
)

// TestCountersEqualTheTruth scrapes a simulated account at random times of its clock, and then
// compares every counter with the messages of the account. Rows arrive up to 2 minutes late, and
// the account sleeps and is suspended in between. Half of the accounts filter the journal by the
// time of the last action, so a window of an hour suffices. The others need a window that covers
// all messages. In half of the accounts, each status changes the timestamp of the message.
func TestCountersEqualTheTruth(t *testing.T) {
	seeds := uint64(2)
	if thorough {
		seeds = 4
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			testCounters(t, seed, seed%2 == 1, seed == 1 || seed == 2)
		})
	}
}

func testCounters(t *testing.T, seed uint64, byLastAction, moving bool) {
	start := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	var sinceStart atomic.Int64 // of the account's clock, in nanoseconds
	now := func() time.Time { return start.Add(time.Duration(sinceStart.Load())) }
	s, a := serveSimulator(t, simulator.Config{
		Seed: seed, Start: start, Now: now, NoRateLimit: true,
		FilterByLastAction: byLastAction, MovingTimestamps: moving,
		Messages: 3000, MessagesPerHour: 1500, IncomingPerHour: 200, SendDelay: time.Second,
		States: []simulator.StateChange{
			{After: 80 * time.Minute, State: "sleepMode"},
			{After: 2 * time.Hour, State: "authorized"},
			{After: 150 * time.Minute, State: "suspended"},
			{After: 4 * time.Hour, State: "authorized"},
		},
	})
	minutes := "--greenapi.minutes=1440"
	if byLastAction {
		minutes = "--greenapi.minutes=60"
	}
	p := startInstance(t, a.URL, "--greenapi.min-interval=0s", minutes, "--collector.incoming")
	random := rand.New(rand.NewPCG(seed, 1))
	sinceStart.Store(int64(10 * time.Minute))
	scrape(t, p.url+"/metrics") // the baseline
	baseline, incomingBaseline := s.Messages(now()), s.IncomingMessages(now())
	for now().Before(start.Add(12 * time.Hour)) {
		sinceStart.Add(int64(time.Duration(1+random.IntN(40)) * time.Minute))
		scrape(t, p.url+"/metrics")
	}
	got := freshScrape(t, p)
	assertOutgoing(t, got, baseline, s.Messages(now()))
	assertIncoming(t, got, incomingBaseline, s.IncomingMessages(now()))
}

// assertOutgoing compares the counters with the changes of the messages since the baseline.
func assertOutgoing(t *testing.T, got metrics, baseline, messages []simulator.Message) {
	t.Helper()
	change := simulator.Between(baseline, messages)
	want := make(map[string]float64)
	for kind, n := range change.Messages {
		want[kind+" "] = float64(n)
	}
	assertCounters(t, got, "greenapi_outgoing_messages_total", want)
	want = make(map[string]float64)
	for key, n := range change.Statuses {
		want[key.Status+" "+key.Type+" "] = float64(n)
	}
	assertCounters(t, got, "greenapi_outgoing_message_statuses_total", want)
}

// assertIncoming is assertOutgoing for received messages, which have no statuses.
func assertIncoming(t *testing.T, got metrics, baseline, messages []simulator.Message) {
	t.Helper()
	want := make(map[string]float64)
	for kind, n := range simulator.Between(baseline, messages).Messages {
		want[kind+" "] = float64(n)
	}
	assertCounters(t, got, "greenapi_incoming_messages_total", want)
}

// assertCounters compares a family with the expected values, by labels. Further samples must be 0.
func assertCounters(t *testing.T, got metrics, name string, want map[string]float64) {
	t.Helper()
	if len(want) == 0 {
		t.Fatalf("the account has no changes for %s", name)
	}
	values := sampleValues(got[name])
	for labels, v := range values {
		if v != want[labels] {
			t.Errorf("%s{%s}: got %v, want %v", name, labels, v, want[labels])
		}
	}
	for labels, v := range want {
		if _, ok := values[labels]; !ok {
			t.Errorf("%s{%s} does not exist, want %v", name, labels, v)
		}
	}
}

// sampleValues returns the values of a family by their labels, without the instance's.
func sampleValues(f *dto.MetricFamily) map[string]float64 {
	values := make(map[string]float64)
	for _, m := range f.GetMetric() {
		labels := ""
		for _, l := range m.Label {
			if l.GetName() != "id_instance" {
				labels += l.GetValue() + " "
			}
		}
		values[labels] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
	}
	return values
}

// counterRecorder checks that the counters of an instance never decrease, across all processes.
type counterRecorder struct {
	scrapes int
	last    map[string]float64
}

func (r *counterRecorder) record(t *testing.T, got metrics) {
	t.Helper()
	r.scrapes++
	values := make(map[string]float64)
	for _, name := range []string{
		"greenapi_outgoing_messages_total", "greenapi_outgoing_message_statuses_total",
		"greenapi_outgoing_unread_seconds_total", "greenapi_incoming_messages_total",
	} {
		for labels, v := range sampleValues(got[name]) {
			values[name+" "+labels] = v
		}
	}
	const birth = "greenapi_outgoing_ledger_birth_timestamp_seconds"
	values[birth], _ = got.value(birth)
	for series, before := range r.last {
		if now, ok := values[series]; !ok || now < before || series == birth && now != before {
			t.Fatalf("scrape %d: %s is %v (exists: %t) after %v",
				r.scrapes, series, now, ok, before)
		}
	}
	r.last = values
}

// freshScrape scrapes until the exporter has called the journals after freshScrape did. After a
// kill during a call, the previous reading is valid for a while.
func freshScrape(t *testing.T, p *process) metrics {
	t.Helper()
	begin := time.Now()
	for {
		got := scrape(t, p.url+"/metrics")
		if got.isFresh("outgoing", begin) && got.isFresh("incoming", begin) {
			return got
		}
	}
}

// isFresh reports whether the collector is off or has succeeded with a call since begin.
func (m metrics) isFresh(collector string, begin time.Time) bool {
	success, on := m.value("greenapi_collector_success", "collector", collector)
	last, _ := m.value("greenapi_collector_last_success_timestamp_seconds", "collector", collector)
	return !on || success == 1 && last >= float64(begin.UnixMilli())/1e3
}
