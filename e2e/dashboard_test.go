package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"greenapi_exporter/internal/simulator"
)

// emptyOnAHealthySystem are the queries without data on a healthy system with the default
// collectors, and the reasons. Queries that return data must not be listed.
var emptyOnAHealthySystem = map[string]string{
	"annotation Alerts A":                                       "no alert fires",
	"panel Queued notifications, by instance A":                 "webhooks is off by default",
	"panel Suspended for A":                                     "account is off by default",
	"panel Delay between messages A":                            "settings is off by default",
	"panel Enabled settings A":                                  "settings is off by default",
	"panel Received messages, by type A":                        "incoming is off by default",
	"panel Incoming journal window A":                           "incoming is off by default",
	"panel Time since the last received message, by instance A": "incoming is off by default",
}

// maxSeries is the number of series that a panel can show legibly.
const maxSeries = 20

// dashboard is the part of grafana-dashboard.json that the tests use. `make dashboard` validates
// the whole file.
type dashboard struct {
	Panels     []panel `json:"panels"`
	Templating struct {
		List []struct {
			Name       string      `json:"name"`
			Type       string      `json:"type"`
			Query      any         `json:"query"`
			Definition string      `json:"definition"`
			Datasource *datasource `json:"datasource"`
		} `json:"list"`
	} `json:"templating"`
	Annotations struct {
		List []struct {
			Name       string     `json:"name"`
			Datasource datasource `json:"datasource"`
			Target     target     `json:"target"`
		} `json:"list"`
	} `json:"annotations"`
}

type datasource struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type panel struct {
	ID          int        `json:"id"`
	Type        string     `json:"type"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Collapsed   bool       `json:"collapsed"`
	Datasource  datasource `json:"datasource"`
	GridPos     struct{ X, Y, W, H int }
	Targets     []target `json:"targets"`
	Panels      []panel  `json:"panels"`
	FieldConfig struct {
		Defaults struct {
			Unit       string `json:"unit"`
			Thresholds struct {
				Steps []struct{ Color string }
			} `json:"thresholds"`
		} `json:"defaults"`
		Overrides []struct {
			Properties []struct{ ID string } `json:"properties"`
		} `json:"overrides"`
	} `json:"fieldConfig"`
}

type target struct {
	RefID      string     `json:"refId"`
	Expr       string     `json:"expr"`
	Instant    bool       `json:"instant"`
	Datasource datasource `json:"datasource"`
}

// readDashboard returns the dashboard and the text of its file.
func readDashboard(t *testing.T) (dashboard, string) {
	t.Helper()
	text, err := os.ReadFile("../grafana-dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d, string(text)
}

// all returns all panels except rows, including those in collapsed rows.
func (d dashboard) all() []panel {
	var all []panel
	for _, p := range d.Panels {
		if p.Type != "row" {
			all = append(all, p)
		}
		all = append(all, p.Panels...)
	}
	return all
}

// query is a query of the dashboard, with variables.
type query struct {
	name, expr string
	instant    bool
}

// queries returns the queries of all panels, annotations and variables.
func (d dashboard) queries(t *testing.T) []query {
	t.Helper()
	var all []query
	for _, p := range d.all() {
		for _, target := range p.Targets {
			name := "panel " + p.Title + " " + target.RefID
			all = append(all, query{name, target.Expr, target.Instant})
		}
	}
	for _, a := range d.Annotations.List {
		all = append(all, query{"annotation " + a.Name + " A", a.Target.Expr, false})
	}
	for _, v := range d.Templating.List {
		if v.Type != "query" {
			continue
		}
		match := labelValues.FindStringSubmatch(v.Definition)
		if fmt.Sprint(v.Query.(map[string]any)["query"]) != v.Definition || match == nil {
			t.Fatalf("variable %s: definition %q and query %v are not the same label_values(…)",
				v.Name, v.Definition, v.Query)
		}
		expr := fmt.Sprintf("group by (%[2]s) (%[1]s{%[2]s!=\"\"})", match[1], match[2])
		all = append(all, query{"variable " + v.Name, expr, true})
	}
	return all
}

var labelValues = regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`)

// fill replaces Grafana's variables by their values for a scrape interval of one second.
func fill(t *testing.T, expr, instances string) string {
	t.Helper()
	filled := strings.NewReplacer("$id_instance", instances, "$__rate_interval", "15s",
		"$__range", "60s", "$__interval", "1s", "$quota", "1000").Replace(expr)
	if strings.Contains(filled, "$") {
		t.Fatalf("unknown variable: %s", filled)
	}
	return filled
}

// run runs a query like Grafana and returns the last values of all series.
func run(t *testing.T, prometheus v1.API, q query, instances string) map[string]float64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	now := time.Now()
	var result model.Value
	var warnings v1.Warnings
	var infos v1.Infos
	var err error
	expr := fill(t, q.expr, instances)
	if q.instant {
		result, warnings, infos, err = prometheus.Query(ctx, expr, now)
	} else {
		last20s := v1.Range{Start: now.Add(-20 * time.Second), End: now, Step: time.Second}
		result, warnings, infos, err = prometheus.QueryRange(ctx, expr, last20s)
	}
	if err != nil {
		t.Fatalf("%s: %v\n%s", q.name, err, expr)
	}
	if len(warnings)+len(infos) > 0 {
		t.Errorf("%s: warnings %q, infos %q\n%s", q.name, warnings, infos, expr)
	}
	values := make(map[string]float64)
	add := func(series model.Metric, value model.SampleValue) {
		if !math.IsNaN(float64(value)) {
			values[series.String()] = float64(value)
		}
	}
	switch result := result.(type) {
	case model.Vector:
		for _, sample := range result {
			add(sample.Metric, sample.Value)
		}
	case model.Matrix:
		for _, series := range result {
			for _, pair := range series.Values {
				add(series.Metric, pair.Value)
			}
		}
	default:
		t.Fatalf("%s: unexpected result %T", q.name, result)
	}
	return values
}

// scraping returns a configuration of Prometheus that scrapes the exporter every second.
func scraping(address, more string) string {
	return fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
scrape_configs:
  - job_name: greenapi
    static_configs:
      - targets: [%q]
%s`, address, more)
}

// busyAccount starts a healthy account that sends ten messages per second, which are soon read.
func busyAccount(t *testing.T) *account {
	return startAccount(t, simulator.Config{
		IDInstance: "1101000001", Seed: 1, Start: time.Now().Add(-time.Hour), NoRateLimit: true,
		MessagesPerHour: 36000, IncomingPerHour: 36000, Speedup: 500,
	})
}

func TestDashboardQueriesFindData(t *testing.T) {
	const alert = "{groups: [{name: g, rules: [{alert: GreenapiTest, expr: greenapi_up == 1}]}]}"
	d, _ := readDashboard(t)
	for name, c := range map[string]struct {
		args  []string
		alert bool
		empty map[string]string
	}{
		"default collectors": {nil, false, emptyOnAHealthySystem},
		"all collectors and an alert": {
			args: []string{"--collector.webhooks", "--collector.settings", "--collector.account",
				"--collector.incoming"},
			alert: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append(c.args, "--greenapi.minutes=5")
			exporter := startExporter(t, busyAccount(t).env, args...)
			rules := ""
			if c.alert {
				rules = "rule_files: [" + write(t, "rules.yml", alert) + "]"
			}
			prometheus := connect(t, startPrometheus(t, scraping(exporter.address, rules)))
			for _, instances := range []string{".+", "1101000001", "1101000001|1101000002"} {
				eventually(t, func() (bool, string) {
					missing := make(map[string]string)
					for _, q := range d.queries(t) {
						if c.empty[q.name] == "" && len(run(t, prometheus, q, instances)) == 0 {
							missing[q.name] = fill(t, q.expr, instances)
						}
					}
					return len(missing) == 0, fmt.Sprintf("no data for %s: %v", instances, missing)
				})
			}
			unknown := maps.Clone(c.empty)
			for _, q := range d.queries(t) {
				delete(unknown, q.name)
				if reason := c.empty[q.name]; reason != "" && len(run(t, prometheus, q, ".+")) > 0 {
					t.Errorf("%s returns data and must not be listed as empty (%s)", q.name, reason)
				}
			}
			if len(unknown) > 0 {
				t.Errorf("unknown queries are listed as empty: %v", unknown)
			}
		})
	}
}

func TestDashboardQueriesSelectTheInstance(t *testing.T) {
	d, _ := readDashboard(t)
	ofAnInstance := map[string]bool{"greenapi_collector_failing": true, "ALERTS": true}
	for _, line := range strings.Split(golden(t), "\n") {
		if name, labels, _ := strings.Cut(line, "{"); strings.Contains(labels, "id_instance=") {
			ofAnInstance[name] = true
		}
	}
	used := make(map[string]bool)
	for _, q := range d.queries(t) {
		for _, selector := range selectors.FindAllStringSubmatch(q.expr, -1) {
			name, labels := selector[1], selector[2]
			used[name] = true
			isSelective := strings.Contains(labels, `id_instance=~"$id_instance`)
			if ofAnInstance[name] && !isSelective && !strings.HasPrefix(q.name, "variable ") {
				t.Errorf("%s selects %s of all instances", q.name, name)
			}
		}
	}
	for name := range ofAnInstance {
		if !used[name] {
			t.Errorf("no query uses %s", name)
		}
	}
}

// selectors matches metrics and their label matchers.
var selectors = regexp.MustCompile(`\b(greenapi_\w+|ALERTS)(?:\{([^}]*)\})?`)

// TestDashboardShowsFailures checks that unknown values of a failing instance do not look healthy.
func TestDashboardShowsFailures(t *testing.T) {
	d, _ := readDashboard(t)
	account := busyAccount(t)
	exporter := startExporter(t, account.env, "--greenapi.minutes=5")
	prometheus := connect(t, startPrometheus(t, scraping(exporter.address, "")))
	byName := make(map[string]query)
	for _, q := range d.queries(t) {
		byName[q.name] = q
	}
	expect := func(want map[string]map[string]float64) {
		t.Helper()
		eventually(t, func() (bool, string) {
			for name, want := range want {
				q, ok := byName[name]
				if !ok {
					t.Fatalf("the dashboard has no %q", name)
				}
				if got := run(t, prometheus, q, ".+"); !maps.Equal(got, want) {
					return false, fmt.Sprintf("%s is %v, want %v", name, got, want)
				}
			}
			return true, ""
		})
	}
	expect(map[string]map[string]float64{
		"panel Instances A":                   {"{}": 1},
		"panel Instances B":                   {"{}": 0},
		"panel Failed readings A":             {`{result="all readings succeed"}`: 0},
		"panel Failed readings by instance A": {`{result="all readings succeed"}`: 0},
		"panel Accounts not authorized A":     {`{state="all are authorized"}`: 0},
		"panel Missed journal time A":         {"{}": 0},
	})
	account.SetFault(simulator.FaultLoggedOut, "lastOutgoingMessages")
	expect(map[string]map[string]float64{
		"panel Instances A":       {"{}": 0},
		"panel Instances B":       {"{}": 1},
		"panel Failed readings A": {`{result="instance_logged_out"}`: 1},
		"panel noAccount now A":   {},
		"panel noAccount now B":   {},
		"panel Pending now A":     {},
		"panel Pending now B":     {},
		"panel Oldest pending A":  {},
	})
	failing := run(t, prometheus, byName["panel Failed readings by instance A"], ".+")
	const want = `{collector="outgoing", id_instance="1101000001", result="instance_logged_out"}`
	if got := slices.Collect(maps.Keys(failing)); !slices.Equal(got, []string{want}) {
		t.Errorf("failed readings by instance: %v, want %s", got, want)
	}
	account.SetFault(simulator.FaultNone)
	expect(map[string]map[string]float64{
		"panel Instances B":       {"{}": 0},
		"panel Failed readings A": {`{result="all readings succeed"}`: 0},
	})
	_ = exporter.Process.Kill()
	expect(map[string]map[string]float64{
		"panel Instances A": {},
		"panel Instances B": {"{}": 1}, // it was up within the last hour
	})
	_ = exporter.Wait()
	// This has the same effect as a missing scrape job of the journal.
	startExporterAt(t, exporter.address, account.env, "--no-collector.outgoing")
	expect(map[string]map[string]float64{
		"panel Failed readings A": {`{result="all readings succeed"}`: 0},
		"panel Instances A":       {},
		"panel Instances B":       {"{}": 1},
	})
}

// golden returns the exposition of an instance with all collectors, and of its exporter.
func golden(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../collector/testdata/live.prom")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// serveExpositions serves the metrics of n instances, derived from the golden exposition. Gauges
// change in each scrape, so topk selects other instances.
func serveExpositions(t *testing.T, n int) (address string) {
	t.Helper()
	const more = `# TYPE greenapi_collector_failing gauge
greenapi_collector_failing{id_instance="1101000001",collector="outgoing",result="timeout"} 1
# TYPE greenapi_exporter_build_info gauge
greenapi_exporter_build_info{version="1"} 1
# TYPE greenapi_exporter_instances gauge
greenapi_exporter_instances 1
# TYPE greenapi_exporter_config_last_reload_successful gauge
greenapi_exporter_config_last_reload_successful 1
# TYPE greenapi_exporter_config_last_reload_success_timestamp_seconds gauge
greenapi_exporter_config_last_reload_success_timestamp_seconds 1
# TYPE greenapi_exporter_partner_last_success_timestamp_seconds gauge
greenapi_exporter_partner_last_success_timestamp_seconds 1
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 1
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 1
# TYPE scrape_duration_seconds gauge
scrape_duration_seconds 1
`
	type line struct {
		series string
		value  func(scrape int64) int64
	}
	counter := func(scrape int64) int64 { return 100 * scrape }
	gauge := func(int64) int64 { return rand.Int64N(1000) }
	boolean := func(int64) int64 { return rand.Int64N(2) }
	timestamp := func(int64) int64 { return time.Now().Unix() + rand.Int64N(1000) - 900 }
	booleans := []string{
		"greenapi_up", "greenapi_collector_success", "greenapi_instance_state",
		"greenapi_instance_setting_enabled",
	}
	var lines []line
	value := counter
	for text := range strings.Lines(golden(t) + more) {
		words := strings.Fields(text)
		if words[0] == "#" {
			switch name := words[2]; {
			case words[1] != "TYPE":
			case words[3] != "gauge":
				value = counter
			case strings.HasSuffix(name, "_timestamp_seconds"):
				value = timestamp
			case slices.Contains(booleans, name):
				value = boolean
			default:
				value = gauge
			}
			continue
		}
		name, labels, _ := strings.Cut(strings.Join(words[:len(words)-1], " "), "{")
		labels = strings.TrimSuffix(labels, "}")
		if !strings.Contains(labels, "id_instance=") {
			labels = strings.TrimPrefix(labels+`,instance="exporter-1101000001"`, ",")
		}
		lines = append(lines, line{name + "{" + labels + "} ", value})
	}
	var scrapes atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		var page bytes.Buffer
		scrape := scrapes.Add(1)
		for i := range n {
			id := fmt.Sprint(1101000001 + i)
			for _, l := range lines {
				series := strings.ReplaceAll(l.series, "1101000001", id)
				fmt.Fprintf(&page, "%s%d\n", series, l.value(scrape))
			}
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		_, _ = page.WriteTo(w)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// TestDashboardLimitsSeriesOf400Instances checks the number of series of each panel. A panel with a
// line for each instance would be illegible.
func TestDashboardLimitsSeriesOf400Instances(t *testing.T) {
	const instances = 400
	d, _ := readDashboard(t)
	prometheus := connect(t, startPrometheus(t, fmt.Sprintf(`
scrape_configs:
  - job_name: greenapi
    honor_labels: true
    scrape_interval: 5s
    scrape_timeout: 5s
    static_configs:
      - targets: [%q]
`, serveExpositions(t, instances))))
	const expr = "min(count_over_time(greenapi_outgoing_messages_total[1m])) >= 3"
	several := query{"scrapes", expr, true}
	eventually(t, func() (bool, string) {
		return len(run(t, prometheus, several, ".+")) > 0, "fewer than three scrapes"
	})
	for _, q := range d.queries(t) {
		if strings.HasPrefix(q.name, "annotation ") {
			continue // no alert fires
		}
		started := time.Now()
		got := len(run(t, prometheus, q, ".+"))
		t.Logf("%-60s %3d series in %v", q.name, got, time.Since(started).Round(time.Millisecond))
		switch {
		case q.name == "variable id_instance":
			if got != instances {
				t.Errorf("%s has %d values", q.name, got)
			}
		case got == 0:
			t.Errorf("%s returns no data", q.name)
		case got > maxSeries:
			t.Errorf("%s returns %d series for %d instances, more than %d; aggregate or use topk",
				q.name, got, instances, maxSeries)
		}
	}
}

// units are the allowed unit IDs. Grafana shows an unknown ID as text.
var units = []string{"short", "s", "percentunit", "bytes", "Bps", "cpm"}

func TestDashboardPanelsAreComplete(t *testing.T) {
	d, text := readDashboard(t)
	for _, word := range []string{"__inputs", "__requires", "${DS_", "greenapi:"} {
		if strings.Contains(text, word) {
			t.Errorf("the dashboard contains %s", word)
		}
	}
	chosen := datasource{"prometheus", "${datasource}"}
	for _, v := range d.Templating.List {
		if v.Datasource != nil && *v.Datasource != chosen {
			t.Errorf("variable %s uses the data source %v", v.Name, *v.Datasource)
		}
	}
	for _, a := range d.Annotations.List {
		if a.Datasource != chosen {
			t.Errorf("annotation %s uses the data source %v", a.Name, a.Datasource)
		}
	}
	for _, p := range d.all() {
		fields := p.FieldConfig.Defaults
		steps := len(fields.Thresholds.Steps)
		for _, override := range p.FieldConfig.Overrides {
			for _, property := range override.Properties {
				if property.ID == "thresholds" {
					steps = max(steps, 2)
				}
			}
		}
		if p.Title == "" || len(p.Description) < 40 {
			t.Errorf("panel %q has no title or no description", p.Title)
		}
		if !slices.Contains(units, fields.Unit) {
			t.Errorf("panel %q has the unit %q", p.Title, fields.Unit)
		}
		isColored := slices.Contains([]string{"stat", "gauge", "bargauge"}, p.Type)
		if steps == 0 || steps < 2 && isColored {
			t.Errorf("panel %q has no thresholds", p.Title)
		}
		if p.Datasource != chosen {
			t.Errorf("panel %q uses the data source %v", p.Title, p.Datasource)
		}
		if len(p.Targets) == 0 {
			t.Errorf("panel %q has no query", p.Title)
		}
		for _, target := range p.Targets {
			if target.Datasource != chosen {
				t.Errorf("panel %q %s uses the data source %v",
					p.Title, target.RefID, target.Datasource)
			}
		}
	}
}

// TestDashboardPanelsDoNotOverlap checks that each cell of the grid has exactly one panel if all
// rows are expanded.
func TestDashboardPanelsDoNotOverlap(t *testing.T) {
	d, _ := readDashboard(t)
	ids := make(map[int]string)
	at := make(map[[2]int]string)
	bottom := 0
	var place func(panels []panel)
	place = func(panels []panel) {
		for _, p := range panels {
			if other, taken := ids[p.ID]; taken || p.ID <= 0 {
				t.Errorf("panels %q and %q have the id %d", other, p.Title, p.ID)
			}
			ids[p.ID] = p.Title
			g := p.GridPos
			if g.X < 0 || g.Y < 0 || g.W < 1 || g.H < 1 || g.X+g.W > 24 {
				t.Errorf("panel %q is outside the 24 columns: %+v", p.Title, g)
			}
			for x := g.X; x < g.X+g.W; x++ {
				for y := g.Y; y < g.Y+g.H; y++ {
					if other, taken := at[[2]int{x, y}]; taken {
						t.Fatalf("panels %q and %q overlap", other, p.Title)
					}
					at[[2]int{x, y}] = p.Title
				}
			}
			bottom = max(bottom, g.Y+g.H)
			if p.Type == "row" && p.Collapsed == (len(p.Panels) == 0) {
				t.Errorf("row %q must contain panels if and only if it is collapsed", p.Title)
			}
			place(p.Panels)
		}
	}
	place(d.Panels)
	if len(at) != 24*bottom {
		t.Errorf("%d of %d cells are empty", 24*bottom-len(at), 24*bottom)
	}
}
