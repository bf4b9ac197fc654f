package e2e

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
	"golang.org/x/sys/unix"

	"greenapi_exporter/internal/simulator"
)

const (
	journal = "lastOutgoingMessages"
	silent  = "GreenapiGoneSilent"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "64"); err != nil { // the subtests mostly wait
		panic(err)
	}
	os.Exit(m.Run())
}

// scenario is a problem of an account or its exporter, and the alerts that it must cause.
type scenario struct {
	alerts []string
	also   []string // further alerts that may fire

	// account starts when Prometheus has scraped its exporter, so its times do not depend on the
	// speed of the machine. Before that, it is idle.
	account simulator.Config
	args    []string
	ledger  func(t *testing.T, path string) // prepares the ledger's file; in memory if nil

	// start and end make changes that account does not schedule. start runs after account starts.
	start, end func(t *testing.T, r *testRun)
	exporter   bool // whether the alerts are about the exporter
}

// testRun is an exporter with its account.
type testRun struct {
	*account
	*program
	args []string
}

// restart restarts the exporter at the same address.
func (r *testRun) restart(t *testing.T) {
	_ = r.Process.Kill()
	_ = r.Wait()
	r.program = startExporterAt(t, r.address, r.env, r.args...)
}

// failing returns a scenario in which the API has a fault.
func failing(alert string, fault simulator.Fault, methods ...string) scenario {
	return scenario{
		alerts:  []string{alert},
		account: simulator.Config{MessagesPerHour: 100, Outcomes: all("read")},
		start:   func(_ *testing.T, r *testRun) { r.SetFault(fault, methods...) },
		end:     func(_ *testing.T, r *testRun) { r.SetFault(simulator.FaultNone) },
	}
}

// all returns the outcome of messages that all end with the status.
func all(status string) []simulator.OutcomeChange {
	return []simulator.OutcomeChange{{Status: status}}
}

// between returns the outcomes of messages that end with the status between two times in seconds.
// Other messages are read.
func between(status string, from, to int) []simulator.OutcomeChange {
	return []simulator.OutcomeChange{
		{Status: "read"},
		{After: time.Duration(from) * time.Second, Status: status},
		{After: time.Duration(to) * time.Second, Status: "read"},
	}
}

// inState returns the changes of an account that is in the state between two times in seconds, and
// authorized otherwise.
func inState(state string, from, to int) []simulator.StateChange {
	return []simulator.StateChange{
		{After: time.Duration(from) * time.Second, State: state},
		{After: time.Duration(to) * time.Second, State: "authorized"},
	}
}

// busy returns an account that sends two messages per second.
func busy(outcomes []simulator.OutcomeChange, states ...simulator.StateChange) simulator.Config {
	return simulator.Config{
		MessagesPerHour: 2 * 3600, Speedup: speed, Outcomes: outcomes, States: states,
	}
}

func scenarios() []scenario {
	quota := failing("GreenapiQuotaExceeded", simulator.FaultQuota, journal)
	quota.end = func(t *testing.T, r *testRun) { // the exporter would wait for ten minutes
		r.SetFault(simulator.FaultNone)
		r.restart(t)
	}
	nothing := failing("GreenapiNothingRead", simulator.FaultForbidden)
	nothing.also = []string{"GreenapiReadingFails"}
	return []scenario{
		failing("GreenapiTokenRejected", simulator.FaultUnauthorized),
		failing("GreenapiLoggedOut", simulator.FaultLoggedOut, journal),
		failing("GreenapiInstanceExpired", simulator.FaultExpired),
		quota,
		failing("GreenapiRateLimited", simulator.FaultRateLimited, journal),
		failing("GreenapiAPIDown", simulator.FaultUnavailable),
		failing("GreenapiReadingFails", simulator.FaultNull, journal),
		nothing,
		{
			alerts:   []string{"GreenapiExporterDown"},
			account:  simulator.Config{MessagesPerHour: 100},
			start:    func(_ *testing.T, r *testRun) { _ = r.Process.Kill() },
			end:      func(t *testing.T, r *testRun) { r.restart(t) },
			exporter: true,
		},
		{
			alerts:   []string{"GreenapiStorageFailing"},
			account:  busy(all("read")),
			ledger:   func(*testing.T, string) {},
			start:    func(t *testing.T, r *testRun) { limitFiles(t, r, 0) },
			end:      func(t *testing.T, r *testRun) { limitFiles(t, r, 1<<40) },
			exporter: true,
		},
		{
			alerts:  []string{"GreenapiStorageDamaged"},
			account: simulator.Config{MessagesPerHour: 100},
			ledger: func(t *testing.T, path string) {
				if err := os.WriteFile(path, []byte("damaged"), 0o600); err != nil {
					t.Fatal(err)
				}
			},
			exporter: true,
		},
		{
			alerts: []string{"GreenapiAccountNotAuthorized", "GreenapiQueueGrowing"},
			// The journal is requested less often than the state.
			also:    []string{"GreenapiLoggedOut"},
			account: busy(all("read"), inState("notAuthorized", 5, 60)...),
		},
		{
			alerts: []string{
				"GreenapiSuspended", "GreenapiUndelivered", "GreenapiMostlyUndelivered",
			},
			account: busy(between("suspended", 5, 20), inState("suspended", 5, 20)...),
		},
		{
			alerts:  []string{"GreenapiUndelivered", "GreenapiMostlyUndelivered"},
			account: busy(between("failed", 5, 25)),
		},
		{
			alerts:  []string{"GreenapiNoAccountHigh", "GreenapiMostlyUndelivered"},
			account: busy(between("noAccount", 5, 25)),
		},
		{
			alerts:  []string{"GreenapiPendingHigh"},
			account: busy(between("pending", 5, 30)),
			args:    []string{"--greenapi.minutes=1"},
		},
		{
			alerts:  []string{"GreenapiNotDelivered"},
			account: busy(between("sent", 5, 45)),
		},
		{
			alerts: []string{silent},
			end:    func(_ *testing.T, r *testRun) { r.replace(busy(all("read"))) },
		},
	}
}

// usual is the number of messages per hour that an account sent before it went silent.
const usual = 60

// limitFiles limits the size of files that the exporter can write, like a full disk.
func limitFiles(t *testing.T, r *testRun, bytes uint64) {
	limit := &unix.Rlimit{Cur: bytes, Max: math.MaxUint64}
	if err := unix.Prlimit(r.Process.Pid, unix.RLIMIT_FSIZE, limit, nil); err != nil {
		t.Error(err)
	}
}

// TestAlertsFireAndResolve checks that every scenario causes its alerts and no others, through the
// shipped rules and Alertmanager. They must resolve after its end. A healthy account must cause no
// alert.
func TestAlertsFireAndResolve(t *testing.T) {
	useCore(t)
	var exporters []*program
	start := func(n int, config simulator.Config, sc scenario) *testRun {
		id := fmt.Sprint(1101000001 + n)
		config.IDInstance = id
		args := sc.args
		if sc.ledger != nil {
			storage := t.TempDir()
			sc.ledger(t, filepath.Join(storage, id+".ledger"))
			args = append(slices.Clone(args), "--storage.path="+storage)
		}
		a := startAccount(t, config)
		r := &testRun{a, startExporter(t, a.env, args...), args}
		exporters = append(exporters, r.program)
		return r
	}
	scenarios := scenarios()
	runs := make([]*testRun, len(scenarios))
	history := ""
	for n, sc := range scenarios {
		runs[n] = start(n, simulator.Config{}, sc)
		if sc.alerts[0] == silent {
			const series = `greenapi:outgoing_messages:increase{id_instance=%q,window="1h"}`
			history = past(fmt.Sprintf(series, runs[n].id), usual)
		}
	}
	clock := new(clock)
	healthy := start(len(scenarios), simulator.Config{
		MessagesPerHour: 3600, Speedup: speed, NoRateLimit: true,
		Start: clock.Now().Add(-time.Hour), Now: clock.Now,
	}, scenario{
		// Messages must be read before they leave the window.
		args:   []string{"--greenapi.minutes=180"},
		ledger: func(*testing.T, string) {},
	})
	s := startStack(t, exporters, history)
	var running sync.WaitGroup
	for n, sc := range scenarios {
		running.Add(1)
		t.Run(sc.alerts[0], func(t *testing.T) {
			t.Parallel()
			defer running.Done()
			runScenario(t, s, sc, runs[n])
		})
	}
	t.Run("Healthy", func(t *testing.T) {
		t.Parallel()
		assertCountersMatchTruth(t, s, healthy, clock)
		running.Wait()
		s.assertAlerts(t, healthy, nil)
	})
}

// untestedAlerts are the alerts without a scenario, with the reasons. The unit tests of the rules
// cover all alerts.
var untestedAlerts = map[string]string{
	"GreenapiExporterAbsent":      "it requires a Prometheus without exporters",
	"GreenapiInstancesNotScraped": "it requires a Prometheus without the job of the instances",
	"GreenapiConfigReloadFailed":  "these exporters have no configuration file",
	"GreenapiPartnerListOld":      "these exporters do not use the Partner API",
	"GreenapiSubscriptionEnds":    "these exporters do not use the Partner API",
	"GreenapiSubscriptionEndsNow": "these exporters do not use the Partner API",
	"GreenapiExporterUnsteady":    "it requires several restarts in half an hour",
	"GreenapiJournalNotScraped":   "it requires another job that is removed from the configuration",
	"GreenapiJournalUnread":       "it requires an exporter that was down for two weeks",
	"GreenapiWebhookQueueGrowing": "the simulated queue of webhooks does not grow",
	"GreenapiSettingOff":          "the simulated settings do not change",
	"Watchdog":                    "TestNotificationsReachTelegramAndEmail awaits it",
	"GreenapiSendingSlow":         "its 10 minutes are a bound of a histogram, which remains",
}

func TestEveryAlertIsTested(t *testing.T) {
	var file struct {
		Groups []struct{ Rules []struct{ Alert string } }
	}
	text, err := os.ReadFile(shippedRules)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	tested := make(map[string]bool)
	for _, sc := range scenarios() {
		for _, alert := range sc.alerts {
			tested[alert] = true
		}
	}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			reason := untestedAlerts[rule.Alert]
			if rule.Alert != "" && tested[rule.Alert] == (reason != "") {
				t.Errorf("%s: tested %t, reason for not testing %q",
					rule.Alert, tested[rule.Alert], reason)
			}
			delete(tested, rule.Alert)
		}
	}
	if len(tested) > 0 {
		t.Errorf("the rules do not have the alerts %v", tested)
	}
}

func runScenario(t *testing.T, s *stack, sc scenario, r *testRun) {
	subject := r.id
	if sc.exporter {
		subject = r.address
	}
	s.waitFor(t, fmt.Sprintf("greenapi_up{id_instance=%q} == 1", r.id)) // healthy first
	r.replace(sc.account)
	if sc.start != nil {
		sc.start(t, r)
	}
	for _, alert := range sc.alerts {
		s.inbox.wait(t, alertKey{alert, subject}, "firing")
	}
	if sc.end != nil {
		sc.end(t, r)
	}
	for _, alert := range sc.alerts {
		s.inbox.wait(t, alertKey{alert, subject}, "resolved")
	}
	s.assertAlerts(t, r, slices.Concat(sc.alerts, sc.also))
}

// assertAlerts checks that no other alerts have fired for a run. Alerts on failed scrapes may fire
// if scrapes time out on a busy machine.
func (s *stack) assertAlerts(t *testing.T, r *testRun, expected []string) {
	t.Helper()
	const slow = "count_over_time((scrape_duration_seconds{instance=%q} > 0.9)[10m:1s])"
	value, _, _, err := s.api.Query(t.Context(), fmt.Sprintf(slow, r.address), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if timeouts := value.(model.Vector); len(timeouts) > 0 {
		t.Logf("%v slow scrapes", timeouts[0].Value)
		expected = append(expected, "GreenapiExporterDown", "GreenapiExporterUnsteady")
	}
	for _, alert := range s.inbox.alertsOf(r.id, r.address) {
		if !slices.Contains(expected, alert) {
			t.Errorf("unexpected alert %s", alert)
		}
	}
}
