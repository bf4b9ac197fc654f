package e2e

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"greenapi_exporter/internal/simulator"
)

const (
	fleetSize = 500
	// fleetSpeed is the divisor of the intervals of scraping, evaluation and grouping. Each
	// instance is scraped every 7.5 seconds: 67 scrapes and 25,000 samples per second, which two
	// busy cores can process. The durations in the rules are divided by speed.
	fleetSpeed = 8
)

// problem is a fault of all methods or of some methods, or a state of the account.
type problem struct {
	fault   simulator.Fault
	methods []string
	state   string
}

// problems returns twenty different problems. Faults that look like an outage of GREEN-API affect
// only the journal. Otherwise, the notification of the outage would contain them.
func problems() []problem {
	faulty := func(fault simulator.Fault, methods ...string) problem {
		return problem{fault: fault, methods: methods}
	}
	return []problem{
		faulty(simulator.FaultUnauthorized),
		faulty(simulator.FaultUnauthorizedOK),
		faulty(simulator.FaultLoggedOut, journal),
		{state: "notAuthorized"},
		faulty(simulator.FaultStartingOrLoggedOut, journal),
		faulty(simulator.FaultStarting, journal),
		faulty(simulator.FaultExpired),
		faulty(simulator.FaultDeleted),
		faulty(simulator.FaultBadRequest),
		faulty(simulator.FaultForbidden),
		faulty(simulator.FaultNotFound),
		faulty(simulator.FaultRateLimited, journal),
		faulty(simulator.FaultRetryAfter, journal),
		faulty(simulator.FaultQuota, journal),
		faulty(simulator.FaultServerError, journal),
		faulty(simulator.FaultHang, journal),
		faulty(simulator.FaultHTML),
		faulty(simulator.FaultRedirect),
		faulty(simulator.FaultTruncated, journal),
		{state: "suspended"},
	}
}

// bigFleet is a host with accounts, some of them with problems, and their exporter.
type bigFleet struct {
	*simulator.Fleet
	*program
	stack *stack

	ids      []string
	problems map[string]problem // by ID
}

func startBigFleet(t *testing.T) *bigFleet {
	f := &bigFleet{problems: make(map[string]problem)}
	kinds := problems()
	var accounts []simulator.Config
	started := time.Now().Add(-time.Hour)
	for n := range fleetSize {
		id := fmt.Sprint(1101000001 + n)
		account := simulator.Config{
			IDInstance: id, Token: token, Start: started, MessagesPerHour: 20,
		}
		if every := fleetSize / len(kinds); n%every == every/2 {
			f.problems[id] = kinds[n/every]
			if state := f.problems[id].state; state != "" {
				account.States = []simulator.StateChange{{State: state}}
			}
		}
		f.ids = append(f.ids, id)
		accounts = append(accounts, account)
	}
	f.Fleet = simulator.NewFleet(simulator.FleetConfig{Accounts: accounts})
	for id, p := range f.problems {
		f.Account(id).SetFault(p.fault, p.methods...)
	}
	host := httptest.NewServer(f.Fleet)
	t.Cleanup(func() {
		host.CloseClientConnections() // one request hangs
		host.Close()
	})

	instances := list{}
	for _, id := range f.ids {
		instances = append(instances, object{"id_instance": id, "token_env": "FLEET_TOKEN"})
	}
	config := object{"url": host.URL, "minutes": 60, "instances": instances}
	file := write(t, "greenapi.yml", toYAML(t, config))
	f.program = startExporter(t, []string{"FLEET_TOKEN=" + token}, "--config.file="+file)
	f.stack = f.startStack(t)
	return f
}

// startStack starts Prometheus with the documented scrape jobs and the shipped rules, and
// Alertmanager with the shipped grouping.
func (f *bigFleet) startStack(t *testing.T) *stack {
	s := &stack{inbox: newInbox(t)}
	config := shippedAlertmanager(t, fleetSpeed)
	receiver := config["route"].(object)["receiver"]
	config["receivers"] = list{s.inbox.receiver(receiver), object{"name": "heartbeat"}}
	alertmanager := startAlertmanager(t, toYAML(t, config))

	jobs := list{}
	interval := faster(t, "1m", fleetSpeed)
	for _, job := range documentedJobs(t, "docs/many-instances.md") {
		text := strings.ReplaceAll(toYAML(t, job), "localhost:10466", f.address)
		var copied object
		if err := yaml.Unmarshal([]byte(text), &copied); err != nil {
			t.Fatal(err)
		}
		copied["scrape_interval"], copied["scrape_timeout"] = interval, interval
		jobs = append(jobs, copied)
	}
	s.api = connect(t, startPrometheus(t, toYAML(t, object{
		"global":         object{"evaluation_interval": interval},
		"rule_files":     list{fasterRules(t, speed)},
		"scrape_configs": jobs,
		"alerting":       alertingConfig(alertmanager),
	})))
	return s
}

// TestFleetOf500Instances checks one exporter that serves 500 instances, 20 of them with problems.
func TestFleetOf500Instances(t *testing.T) {
	useCore(t)
	f := startBigFleet(t)
	f.stack.waitFor(t, fmt.Sprintf("count(up == 1) == %d", fleetSize+1))
	f.stack.waitFor(t, fmt.Sprintf("count(greenapi_up) == %d", fleetSize))
	failing := len(f.problems) - 1 // a suspended account can be read
	f.stack.waitFor(t, fmt.Sprintf("count(greenapi_up == 0) == %d", failing))
	t.Run("PageListsProblemsFirst", func(t *testing.T) { f.testPage(t) })
	t.Run("DashboardLimitsSeries", func(t *testing.T) { f.testDashboard(t) })
	t.Run("OutageIsOneNotification", func(t *testing.T) { f.testOutage(t) })
	t.Run("ExporterDownIsOneNotification", func(t *testing.T) { f.testKill(t) })
	f.stack.inbox.mu.Lock()
	defer f.stack.inbox.mu.Unlock()
	unexpected := make(map[string]int)
	for key := range f.stack.inbox.states {
		_, hasProblem := f.problems[key.subject]
		if !hasProblem && key.alert != "GreenapiAPIDown" && key.alert != "GreenapiExporterDown" {
			unexpected[key.alert]++
		}
	}
	if len(unexpected) > 0 {
		t.Errorf("alerts of healthy instances: %v", unexpected)
	}
	for _, n := range f.stack.inbox.notifications {
		counts := make(map[string]int)
		for key, status := range n.alerts {
			counts[key.alert+" "+status]++
		}
		t.Logf("%s: notification of %v", n.at.Format(time.TimeOnly), counts)
	}
}

// probeLink matches the link to an instance's metrics.
var probeLink = regexp.MustCompile(`^\./probe\?target=([0-9]+)$`)

func (f *bigFleet) testPage(t *testing.T) {
	browser := startBrowser(t)
	healthy := f.ids[fleetSize-1]
	for _, s := range []screen{{1280, "light", false}, {360, "light", false}} {
		page := openPage(t, browser, s, f.url("/"), "fleet")
		page.mustContain(t, "1–100 of 500")
		var listed []string
		for _, link := range page.Links {
			if match := probeLink.FindStringSubmatch(link); match != nil {
				listed = append(listed, match[1])
			}
		}
		if len(listed) != 100 {
			t.Errorf("%s: the page lists %d instances", s, len(listed))
			continue
		}
		first := slices.Sorted(slices.Values(listed[:len(f.problems)]))
		if want := slices.Sorted(maps.Keys(f.problems)); !slices.Equal(first, want) {
			t.Errorf("%s: the first instances are %v, want those with problems, %v",
				s, first, want)
		}
		if !slices.Contains(page.Links, "./?page=2") {
			t.Errorf("%s: no link to page 2: %q", s, page.Links)
		}
		openPage(t, browser, s, f.url("/?page=2"), "fleet-2").mustContain(t, "101–200 of 500")
		found := openPage(t, browser, s, f.url("/?search="+healthy), "fleet-search")
		found.mustContain(t, healthy, "1–1 of 1")
		if !slices.Contains(found.Links, "./probe?target="+healthy) {
			t.Errorf("%s: no link to the metrics of %s: %q", s, healthy, found.Links)
		}
	}
	response, err := http.Get(f.url("/probe?target=" + healthy))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("greenapi_up{id_instance=%q} 1", healthy)
	if !strings.Contains(string(text), want) {
		t.Errorf("the metrics of the instance: %s without %s", response.Status, want)
	}
}

// testDashboard runs only the queries of the first view, which Grafana runs at once.
func (f *bigFleet) testDashboard(t *testing.T) {
	d, _ := readDashboard(t)
	d.Panels = slices.DeleteFunc(d.Panels, func(p panel) bool { return p.GridPos.Y > 24 })
	for _, q := range d.queries(t) {
		started := time.Now()
		got := run(t, f.stack.api, q, ".+")
		t.Logf("%-60s %3d series in %v",
			q.name, len(got), time.Since(started).Round(time.Millisecond))
		switch {
		case q.name == "variable id_instance" && len(got) != fleetSize:
			t.Errorf("%s has %d values", q.name, len(got))
		case strings.HasPrefix(q.name, "panel ") && len(got) > maxSeries:
			t.Errorf("%s returns %d series", q.name, len(got))
		case q.name == "panel Instances A" && got["{}"] != fleetSize-19,
			q.name == "panel Instances B" && got["{}"] != 19:
			t.Errorf("%s is %v", q.name, got)
		}
	}
}

// testOutage makes the API fail for all accounts.
func (f *bigFleet) testOutage(t *testing.T) {
	fail := func() {
		for _, id := range f.ids {
			f.Account(id).SetFault(simulator.FaultBadGateway)
		}
	}
	restore := func() {
		for _, id := range f.ids {
			f.Account(id).SetFault(simulator.FaultNone)
			f.Account(id).SetFault(f.problems[id].fault, f.problems[id].methods...)
		}
	}
	var want []string
	for _, id := range f.ids {
		if _, hasProblem := f.problems[id]; !hasProblem {
			want = append(want, id)
		}
	}
	from := f.stack.inbox.once(t, "GreenapiAPIDown", want, fail)
	restore()
	// The accounts recover one after another, so the first notifications may be partly resolved.
	if all := f.stack.inbox.until(t, "GreenapiAPIDown", "resolved", from); len(all) > 3 {
		t.Errorf("%d notifications of the outage, want at most 3", len(all))
	}
}

// testKill kills the exporter.
func (f *bigFleet) testKill(t *testing.T) {
	f.stack.inbox.once(t, "GreenapiExporterDown", append(slices.Clone(f.ids), f.address), func() {
		_ = f.Process.Kill()
		_ = f.Wait()
	})
}

// received returns the notifications of an alert, starting with number from of all notifications.
func (i *inbox) received(alert string, from int) (found []notification, changed <-chan struct{}) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, n := range i.notifications[from:] {
		for key := range n.alerts {
			if key.alert == alert {
				found = append(found, n)
			}
			break // a notification is grouped by alert
		}
	}
	return found, i.changed
}

// until waits until the latest notification of the alert has the status. It returns all
// notifications of the alert.
func (i *inbox) until(t *testing.T, alert, status string, from int) []notification {
	t.Helper()
	started := time.Now()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		found, changed := i.received(alert, from)
		if n := len(found); n > 0 && found[n-1].status == status {
			t.Logf("%s is %s after %s, in notification %d with %d alerts", alert, status,
				time.Since(started).Round(time.Second), n, len(found[n-1].alerts))
			return found
		}
		select {
		case <-changed:
		case <-timeout.C:
			t.Fatalf("%d notifications of %s, the latest is not %s",
				len(found), alert, status)
		}
	}
}

// once calls damage and waits for a notification of the alert, which must contain all subjects. It
// returns the number of notifications before damage.
func (i *inbox) once(t *testing.T, alert string, subjects []string, damage func()) (from int) {
	t.Helper()
	i.mu.Lock()
	from = len(i.notifications)
	i.mu.Unlock()
	damage()
	alerts := i.until(t, alert, "firing", from)[0].alerts
	var missing []string
	for _, subject := range subjects {
		if alerts[alertKey{alert, subject}] != "firing" {
			missing = append(missing, subject)
		}
	}
	if len(missing) > 0 {
		t.Errorf("the notification of %s has %d alerts and lacks %d, for example %s",
			alert, len(alerts), len(missing), missing[0])
	}
	return from
}
