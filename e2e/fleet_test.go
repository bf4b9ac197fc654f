package e2e

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
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
	// fleetPace is by how much the times of scraping, evaluating and grouping are divided: an instance is scraped every 7.5
	// seconds, which makes 67 scrapes and 25,000 samples a second: what two processors can do that have other work too. What the rules wait for is divided
	// by speed, as elsewhere.
	fleetPace = 8
)

// ailment is what is wrong with an account: what its host answers, by all methods or some, or a state it is in.
type ailment struct {
	fault   simulator.Fault
	methods []string
	state   string
}

// ailments are of twenty kinds. Those by which GREEN-API itself seems to be down are of the journal alone: else they would
// be in one notification with the outage.
func ailments() []ailment {
	of := func(fault simulator.Fault, methods ...string) ailment { return ailment{fault: fault, methods: methods} }
	return []ailment{
		of(simulator.FaultUnauthorized), of(simulator.FaultUnauthorizedOK), of(simulator.FaultLoggedOut, journal), {state: "notAuthorized"},
		of(simulator.FaultStartingOrLoggedOut, journal), of(simulator.FaultStarting, journal), of(simulator.FaultExpired),
		of(simulator.FaultDeleted), of(simulator.FaultBadRequest), of(simulator.FaultForbidden), of(simulator.FaultNotFound),
		of(simulator.FaultRateLimited, journal), of(simulator.FaultRetryAfter, journal), of(simulator.FaultQuota, journal),
		of(simulator.FaultServerError, journal), of(simulator.FaultHang, journal), of(simulator.FaultHTML), of(simulator.FaultRedirect),
		of(simulator.FaultTruncated, journal), {state: "suspended"},
	}
}

// many is a host with accounts, some of which ail, and the exporter of all of them.
type many struct {
	*simulator.Fleet
	*program
	stack *stack

	ids    []string
	ailing map[string]ailment
}

// startPlain starts an exporter that is built without the race detector, with which it cannot serve so many in time.
func startPlain(t *testing.T, env []string, args ...string) *program {
	t.Helper()
	const name = "greenapi_exporter_plain"
	build := exec.Command("go", "build", "-buildvcs=false", "-o", filepath.Join(".tools/bin", name), ".")
	build.Dir, build.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return start(t, exporterListens, env, name, append([]string{"--web.listen-address=127.0.0.1:0"}, args...)...)
}

func startMany(t *testing.T) *many {
	m := &many{ailing: make(map[string]ailment)}
	kinds := ailments()
	var accounts []simulator.Config
	began := time.Now().Add(-time.Hour)
	for n := range fleetSize {
		id := fmt.Sprint(1101000001 + n)
		account := simulator.Config{IDInstance: id, Token: token, Start: began, MessagesPerHour: 20}
		if every := fleetSize / len(kinds); n%every == every/2 {
			m.ailing[id] = kinds[n/every]
			if state := m.ailing[id].state; state != "" {
				account.States = []simulator.StateChange{{State: state}}
			}
		}
		m.ids = append(m.ids, id)
		accounts = append(accounts, account)
	}
	m.Fleet = simulator.NewFleet(simulator.FleetConfig{Accounts: accounts})
	for id, a := range m.ailing {
		m.Account(id).SetFault(a.fault, a.methods...)
	}
	host := httptest.NewServer(m.Fleet)
	t.Cleanup(func() {
		host.CloseClientConnections() // one hangs
		host.Close()
	})

	instances := list{}
	for _, id := range m.ids {
		instances = append(instances, object{"id_instance": id, "token_env": "FLEET_TOKEN"})
	}
	file := write(t, "greenapi.yml", toYAML(t, object{"url": host.URL, "minutes": 60, "instances": instances}))
	m.program = startPlain(t, []string{"FLEET_TOKEN=" + token}, "--config.file="+file)
	m.stack = m.startStack(t)
	return m
}

// startStack starts Prometheus as the README says it, with the shipped rules, and Alertmanager with the shipped grouping.
func (m *many) startStack(t *testing.T) *stack {
	s := &stack{inbox: newInbox(t)}
	text, err := os.ReadFile("../deploy/compose/alertmanager.yml")
	if err != nil {
		t.Fatal(err)
	}
	var config object
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	route := config["route"].(object)
	config["receivers"] = list{object{"name": route["receiver"], "webhook_configs": list{object{"url": s.inbox.url}}}}
	for _, name := range []string{"group_wait", "group_interval"} {
		route[name] = faster(t, route[name], fleetPace)
	}
	alertmanager := startAlertmanager(t, toYAML(t, config))

	jobs := list{}
	interval := faster(t, "1m", fleetPace)
	for _, job := range readmeJobs(t, 1) {
		text := strings.ReplaceAll(toYAML(t, job), "localhost:10466", m.address)
		var here object
		if err := yaml.Unmarshal([]byte(text), &here); err != nil {
			t.Fatal(err)
		}
		here["scrape_interval"], here["scrape_timeout"] = interval, interval
		jobs = append(jobs, here)
	}
	s.api = connect(t, startPrometheus(t, toYAML(t, object{
		"global":         object{"evaluation_interval": interval},
		"rule_files":     list{fasterRules(t, speed)},
		"scrape_configs": jobs,
		"alerting":       object{"alertmanagers": list{object{"static_configs": list{object{"targets": list{alertmanager.address}}}}}},
	})))
	return s
}

// TestManyInstances has 500 of one exporter, 20 of which ail, in the page, in the dashboard's queries and in the
// notifications of an outage.
func TestManyInstances(t *testing.T) {
	m := startMany(t)
	m.stack.waitFor(t, fmt.Sprintf("count(up == 1) == %d", fleetSize+1))
	m.stack.waitFor(t, fmt.Sprintf("count(greenapi_up) == %d", fleetSize))
	m.stack.waitFor(t, fmt.Sprintf("count(greenapi_up == 0) == %d", len(m.ailing)-1)) // one is suspended, and read
	t.Run("Page", func(t *testing.T) { m.testPage(t) })
	t.Run("Dashboard", func(t *testing.T) { m.testDashboard(t) })
	t.Run("Outage", func(t *testing.T) { m.testOutage(t) })
	t.Run("Kill", func(t *testing.T) { m.testKill(t) })
	m.stack.inbox.mu.Lock()
	defer m.stack.inbox.mu.Unlock()
	too := make(map[string]int)
	for n := range m.stack.inbox.states {
		if _, ails := m.ailing[n.who]; !ails && n.alert != "GreenapiAPIDown" && n.alert != "GreenapiExporterDown" {
			too[n.alert]++
		}
	}
	if len(too) > 0 {
		t.Errorf("alerts of instances with which nothing is wrong: %v", too)
	}
	for _, n := range m.stack.inbox.notifications {
		of := make(map[string]int)
		for about, status := range n.alerts {
			of[about.alert+" "+status]++
		}
		t.Logf("%s: a notification of %v", n.at.Format(time.TimeOnly), of)
	}
}

// probes matches what leads to an instance's metrics.
var probes = regexp.MustCompile(`^/probe\?target=([0-9]+)$`)

func (m *many) testPage(t *testing.T) {
	browser := startBrowser(t)
	healthy := m.ids[fleetSize-1]
	for _, s := range []screen{{1280, "light", false}, {360, "light", false}} {
		page := openPage(t, browser, s, m.url("/"), "fleet")
		page.has(t, "1–100 of 500")
		var listed []string
		for _, link := range page.Links {
			if match := probes.FindStringSubmatch(link); match != nil {
				listed = append(listed, match[1])
			}
		}
		if len(listed) != 100 {
			t.Errorf("%s: the page lists %d instances", s, len(listed))
			continue
		}
		first := slices.Sorted(slices.Values(listed[:len(m.ailing)]))
		if want := slices.Sorted(maps.Keys(m.ailing)); !slices.Equal(first, want) {
			t.Errorf("%s: the first are %v, want those that ail: %v", s, first, want)
		}
		if !slices.Contains(page.Links, "/?page=2") {
			t.Errorf("%s: nothing leads to page 2: %q", s, page.Links)
		}
		openPage(t, browser, s, m.url("/?page=2"), "fleet-2").has(t, "101–200 of 500")
		found := openPage(t, browser, s, m.url("/?search="+healthy), "fleet-search")
		found.has(t, healthy, "1–1 of 1")
		if !slices.Contains(found.Links, "/probe?target="+healthy) {
			t.Errorf("%s: nothing leads to the metrics of %s: %q", s, healthy, found.Links)
		}
	}
	answer, err := http.Get(m.url("/probe?target=" + healthy))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("greenapi_up{id_instance=%q} 1", healthy); !strings.Contains(string(text), want) {
		t.Errorf("its link leads to %s, without %s", answer.Status, want)
	}
}

// testDashboard asks what is asked as soon as the dashboard is opened: TestTheDashboardServesAt400Instances asks the rest.
func (m *many) testDashboard(t *testing.T) {
	d, _ := readDashboard(t)
	d.Panels = slices.DeleteFunc(d.Panels, func(p panel) bool { return p.GridPos.Y > 24 }) // the accounts and what is below
	for _, q := range d.queries(t) {
		begin := time.Now()
		got := run(t, m.stack.api, q, ".+")
		t.Logf("%-60s %3d series in %v", q.name, len(got), time.Since(begin).Round(time.Millisecond))
		switch {
		case q.name == "variable id_instance" && len(got) != fleetSize:
			t.Errorf("%s offers %d", q.name, len(got))
		case strings.HasPrefix(q.name, "panel ") && len(got) > most:
			t.Errorf("%s answers %d series", q.name, len(got))
		case q.name == "panel Instances A" && got["{}"] != fleetSize-19, q.name == "panel Instances B" && got["{}"] != 19:
			t.Errorf("%s is %v", q.name, got)
		}
	}
}

// testOutage lets the API fail for every account.
func (m *many) testOutage(t *testing.T) {
	fail := func() {
		for _, id := range m.ids {
			m.Account(id).SetFault(simulator.FaultBadGateway)
		}
	}
	mend := func() {
		for _, id := range m.ids {
			m.Account(id).SetFault(simulator.FaultNone)
			m.Account(id).SetFault(m.ailing[id].fault, m.ailing[id].methods...)
		}
	}
	var want []string
	for _, id := range m.ids {
		if _, ails := m.ailing[id]; !ails {
			want = append(want, id)
		}
	}
	from := m.stack.inbox.once(t, "GreenapiAPIDown", want, fail)
	mend()
	// They do not get well at one moment: one notification may say so of some before it is all.
	if all := m.stack.inbox.until(t, "GreenapiAPIDown", "resolved", from); len(all) > 3 {
		t.Errorf("%d notifications of the outage", len(all))
	}
}

// testKill ends the exporter.
func (m *many) testKill(t *testing.T) {
	m.stack.inbox.once(t, "GreenapiExporterDown", append(slices.Clone(m.ids), m.address), func() {
		_ = m.Process.Kill()
		_ = m.Wait()
	})
}

// about is the notifications of an alert that have come, from the nth of all on.
func (i *inbox) about(alert string, from int) (found []notification, changed <-chan struct{}) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, n := range i.notifications[from:] {
		for about := range n.alerts {
			if about.alert == alert {
				found = append(found, n)
			}
			break // all are of one kind
		}
	}
	return found, i.changed
}

// until waits for a notification of the alert with that status as a whole, and returns all that have come.
func (i *inbox) until(t *testing.T, alert, status string, from int) []notification {
	t.Helper()
	begin := time.Now()
	patience := time.NewTimer(2 * time.Minute)
	defer patience.Stop()
	for {
		found, changed := i.about(alert, from)
		if n := len(found); n > 0 && found[n-1].status == status {
			t.Logf("%s is %s after %s, in notification %d, which has %d", alert, status, time.Since(begin).Round(time.Second), n, len(found[n-1].alerts))
			return found
		}
		select {
		case <-changed:
		case <-patience.C:
			t.Fatalf("%d notifications of %s, none that is %s", len(found), alert, status)
		}
	}
}

// once breaks something and waits for one notification of the alert, which must tell of all of who. It returns how many
// notifications there were before.
func (i *inbox) once(t *testing.T, alert string, who []string, damage func()) (from int) {
	t.Helper()
	i.mu.Lock()
	from = len(i.notifications)
	i.mu.Unlock()
	damage()
	told := i.until(t, alert, "firing", from)[0].alerts
	var missing []string
	for _, w := range who {
		if told[notice{alert, w}] != "firing" {
			missing = append(missing, w)
		}
	}
	if len(missing) > 0 {
		t.Errorf("the notification of %s has %d alerts and lacks %d, such as that of %s", alert, len(told), len(missing), missing[0])
	}
	return from
}
