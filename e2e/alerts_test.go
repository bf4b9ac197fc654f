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
	if err := flag.Set("test.parallel", "64"); err != nil { // waiting needs no processor
		panic(err)
	}
	os.Exit(m.Run())
}

// trouble is what an account or its exporter gets into, and the alerts that must come of it, all of them and no other.
type trouble struct {
	alerts []string
	also   []string // alerts that may come besides

	account simulator.Config // whose times are since about the start of the exporter
	args    []string
	ledger  func(t *testing.T, path string) // what to do with the ledger's file before the start; nil: it is in memory

	// begin and mend change what is not on the account's schedule.
	begin, mend func(t *testing.T, p *patient)
	exporter    bool // whether the alerts are about the exporter
}

// patient is an exporter with its account.
type patient struct {
	*account
	*program
	args []string
}

// restart starts the exporter again where it was.
func (p *patient) restart(t *testing.T) {
	_ = p.Process.Kill()
	_ = p.Wait()
	p.program = startExporterAt(t, p.address, p.env, p.args...)
}

// failing is a trouble by a fault of the API.
func failing(alert string, fault simulator.Fault, methods ...string) trouble {
	return trouble{
		alerts:  []string{alert},
		account: simulator.Config{MessagesPerHour: 100, Outcomes: all("read")},
		begin:   func(_ *testing.T, p *patient) { p.SetFault(fault, methods...) },
		mend:    func(_ *testing.T, p *patient) { p.SetFault(simulator.FaultNone) },
	}
}

// all is the fate of messages that all end with the same status.
func all(status string) []simulator.OutcomeChange { return []simulator.OutcomeChange{{Status: status}} }

// meanwhile is a fate of messages between two times, among messages that are read.
func meanwhile(status string, from, to time.Duration) []simulator.OutcomeChange {
	return []simulator.OutcomeChange{{Status: "read"}, {After: from, Status: status}, {After: to, Status: "read"}}
}

// A window of one minute, so that the counters cover it soon, and an account that sends a message a second to people who
// read at once.
var minute = []string{"--greenapi.minutes=1"}

func busy(fates []simulator.OutcomeChange, states ...simulator.StateChange) simulator.Config {
	return simulator.Config{MessagesPerHour: 3600, Speedup: speed, Outcomes: fates, States: states}
}

func troubles() []trouble {
	quota := failing("GreenapiQuotaExceeded", simulator.FaultQuota, journal)
	quota.mend = func(t *testing.T, p *patient) { // which waits for ten minutes
		p.SetFault(simulator.FaultNone)
		p.restart(t)
	}
	nothing := failing("GreenapiNothingRead", simulator.FaultForbidden)
	nothing.also = []string{"GreenapiReadingFails"}
	return []trouble{
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
			begin:    func(_ *testing.T, p *patient) { _ = p.Process.Kill() },
			mend:     func(t *testing.T, p *patient) { p.restart(t) },
			exporter: true,
		},
		{
			alerts:   []string{"GreenapiStorageFailing"},
			account:  simulator.Config{MessagesPerHour: 3600},
			ledger:   func(*testing.T, string) {},
			begin:    func(t *testing.T, p *patient) { limitFiles(t, p, 0) },
			mend:     func(t *testing.T, p *patient) { limitFiles(t, p, 1<<40) },
			exporter: true,
		},
		{
			alerts:  []string{"GreenapiStorageDamaged"},
			account: simulator.Config{MessagesPerHour: 100},
			ledger: func(t *testing.T, path string) {
				if err := os.WriteFile(path, []byte("what a sick disk makes of it"), 0o600); err != nil {
					t.Fatal(err)
				}
			},
			exporter: true,
		},
		{
			alerts: []string{"GreenapiAccountNotAuthorized", "GreenapiQueueGrowing"},
			also:   []string{"GreenapiLoggedOut"}, // the next call of the journal comes later than that of the state
			account: busy(all("read"), simulator.StateChange{After: 5 * time.Second, State: "notAuthorized"},
				simulator.StateChange{After: 120 * time.Second, State: "authorized"}),
		},
		{
			alerts: []string{"GreenapiSuspended", "GreenapiMessagesRefused"},
			account: busy(meanwhile("suspended", 10*time.Second, 40*time.Second), simulator.StateChange{After: 10 * time.Second, State: "suspended"},
				simulator.StateChange{After: 40 * time.Second, State: "authorized"}),
		},
		{
			alerts:  []string{"GreenapiNoAccountHigh"},
			account: busy(meanwhile("noAccount", 75*time.Second, 130*time.Second)),
			args:    minute,
		},
		{
			alerts:  []string{"GreenapiPendingHigh", "GreenapiPendingStuck"},
			account: simulator.Config{MessagesPerHour: 2 * 3600, Speedup: speed, Outcomes: meanwhile("pending", 10*time.Second, 80*time.Second)},
			args:    minute,
		},
		{
			alerts:  []string{"GreenapiNotDelivered"},
			account: busy(meanwhile("sent", 70*time.Second, 150*time.Second)),
			args:    minute,
		},
		{
			alerts: []string{silent},
			also:   []string{"GreenapiAccountNotAuthorized", "GreenapiQueueGrowing"},
			account: busy(all("read"), simulator.StateChange{After: 75 * time.Second, State: "sleepMode"},
				simulator.StateChange{After: 170 * time.Second, State: "authorized"}),
			args: minute,
		},
	}
}

// limitFiles lets the exporter write no file beyond so many bytes, which is like a disk that is full.
func limitFiles(t *testing.T, p *patient, bytes uint64) {
	if err := unix.Prlimit(p.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: bytes, Max: math.MaxUint64}, nil); err != nil {
		t.Error(err)
	}
}

// TestTroubles has every trouble come to the inbox by the shipped rules and by Alertmanager, and go when it is mended; and
// nothing else come. Beside them an account in good health raises no alert, and what Prometheus has of it is the truth.
func TestTroubles(t *testing.T) {
	var exporters []*program
	start := func(n int, tr trouble) *patient {
		id := fmt.Sprint(1101000001 + n)
		config := tr.account
		config.IDInstance, config.Seed = id, uint64(n)
		args := tr.args
		if tr.ledger != nil {
			storage := t.TempDir()
			tr.ledger(t, filepath.Join(storage, id+".ledger"))
			args = append(slices.Clone(args), "--storage.path="+storage)
		}
		a := startAccount(t, config)
		p := &patient{a, startExporter(t, a.env, args...), args}
		exporters = append(exporters, p.program)
		return p
	}
	list := troubles()
	patients := make([]*patient, len(list))
	usual := ""
	for n, tr := range list {
		patients[n] = start(n, tr)
		if tr.alerts[0] == silent { // usually it sends as it does now
			usual = past(fmt.Sprintf("greenapi:outgoing_messages:increase1h{id_instance=%q}", patients[n].id), tr.account.MessagesPerHour/speed)
		}
	}
	clock := new(clock)
	healthy := start(len(list), trouble{
		account: simulator.Config{
			MessagesPerHour: 3600, Speedup: speed, Start: clock.Now().Add(-time.Hour), Now: clock.Now, NoRateLimit: true,
		},
		args:   []string{"--greenapi.minutes=180"}, // for a message to be read before it leaves the window
		ledger: func(*testing.T, string) {},
	})
	s := startStack(t, exporters, usual)
	var suffering sync.WaitGroup
	for n, tr := range list {
		suffering.Add(1)
		t.Run(tr.alerts[0], func(t *testing.T) {
			t.Parallel()
			defer suffering.Done()
			suffer(t, s, tr, patients[n])
		})
	}
	t.Run("Healthy", func(t *testing.T) {
		t.Parallel()
		assertCountersAreTrue(t, s, healthy, clock)
		suffering.Wait()
		if got := append(s.inbox.of(healthy.id), s.inbox.of(healthy.address)...); len(got) > 0 {
			t.Errorf("alerts of an account in good health: %v", got)
		}
	})
}

// noTrouble says why an alert of the rules is in no trouble; the rules' own tests have them all.
var noTrouble = map[string]string{
	"GreenapiExporterAbsent":      "it would need a Prometheus without exporters",
	"GreenapiInstancesNotScraped": "it would need a Prometheus without the job of the instances",
	"GreenapiConfigReloadFailed":  "these exporters have no file",
	"GreenapiPartnerListOld":      "these instances are not listed by the Partner API",
	"GreenapiSubscriptionEnds":    "these instances are not listed by the Partner API",
	"GreenapiSubscriptionEndsNow": "these instances are not listed by the Partner API",
	"GreenapiExporterUnsteady":    "it takes several restarts in half an hour, and a single one must not raise it",
	"GreenapiJournalNotScraped":   "it would need another job that is taken out of the configuration",
	"GreenapiJournalUnread":       "it takes an exporter that was away for two weeks",
	"GreenapiWebhookQueueGrowing": "the simulated consumer of webhooks does not recover",
	"GreenapiSettingOff":          "the simulated settings do not change",
}

func TestEveryAlertIsATrouble(t *testing.T) {
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
	for _, tr := range troubles() {
		for _, alert := range tr.alerts {
			tested[alert] = true
		}
	}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			if rule.Alert != "" && tested[rule.Alert] == (noTrouble[rule.Alert] != "") {
				t.Errorf("%s: in a trouble %t, the reason why not is %q", rule.Alert, tested[rule.Alert], noTrouble[rule.Alert])
			}
			delete(tested, rule.Alert)
		}
	}
	if len(tested) > 0 {
		t.Errorf("there are no such alerts: %v", tested)
	}
}

func suffer(t *testing.T, s *stack, tr trouble, p *patient) {
	who := p.id
	if tr.exporter {
		who = p.address
	}
	if tr.begin != nil {
		s.waitFor(t, fmt.Sprintf("greenapi_up{id_instance=%q} == 1", p.id)) // for it to be well first
		tr.begin(t, p)
	}
	for _, alert := range tr.alerts {
		s.inbox.wait(t, notice{alert, who}, "firing")
	}
	if tr.mend != nil {
		tr.mend(t, p)
	}
	for _, alert := range tr.alerts {
		s.inbox.wait(t, notice{alert, who}, "resolved")
	}
	for _, alert := range append(s.inbox.of(p.id), s.inbox.of(p.address)...) {
		if !slices.Contains(tr.alerts, alert) && !slices.Contains(tr.also, alert) {
			t.Errorf("%s came too", alert)
		}
	}
}
