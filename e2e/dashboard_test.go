package e2e

import (
	"bytes"
	"cmp"
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
	"annotation Alerts A":                          "no alert fires",
	"panel Alerts firing A":                        "there are no rules",
	"panel Alerts firing B":                        "there are no rules",
	"panel Queued notifications A":                 "webhooks is off by default",
	"panel Suspended for A":                        "account is off by default",
	"panel Delay between messages A":               "settings is off by default",
	"panel Enabled settings A":                     "settings is off by default",
	"panel Received messages, by type A":           "incoming is off by default",
	"panel Incoming journal window, by type A":     "incoming is off by default",
	"panel Time since the last received message A": "incoming is off by default",
	"panel Subscriptions that end next A":          "there is no Partner API",
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
		Defaults  fieldConfig `json:"defaults"`
		Overrides []struct {
			Matcher    struct{ Options string } `json:"matcher"`
			Properties []struct {
				ID    string          `json:"id"`
				Value json.RawMessage `json:"value"`
			} `json:"properties"`
		} `json:"overrides"`
	} `json:"fieldConfig"`
	Options struct {
		Legend struct {
			Calcs []string `json:"calcs"`
		} `json:"legend"`
	} `json:"options"`
	Transformations []struct {
		ID      string                   `json:"id"`
		Options struct{ LimitField int } `json:"options"`
	} `json:"transformations"`
}

type fieldConfig struct {
	Unit       string                 `json:"unit"`
	Color      fieldColor             `json:"color"`
	Thresholds thresholds             `json:"thresholds"`
	Links      []struct{ URL string } `json:"links"`
}

type fieldColor struct {
	Mode       string `json:"mode"`
	FixedColor string `json:"fixedColor"`
}

type thresholds struct {
	Steps []thresholdStep `json:"steps"`
}

// thresholdStep is the color of values from Value on. The first step has no Value: its color is
// also that of a missing value.
type thresholdStep struct {
	Color string   `json:"color"`
	Value *float64 `json:"value"`
}

type target struct {
	RefID        string     `json:"refId"`
	Expr         string     `json:"expr"`
	Instant      bool       `json:"instant"`
	LegendFormat string     `json:"legendFormat"`
	Datasource   datasource `json:"datasource"`
}

// field returns the configuration of the field with a name. The properties of matching overrides
// replace the defaults.
func (p panel) field(t *testing.T, name string) fieldConfig {
	t.Helper()
	c := p.FieldConfig.Defaults
	for _, o := range p.FieldConfig.Overrides {
		if o.Matcher.Options != name {
			continue
		}
		for _, property := range o.Properties {
			switch property.ID {
			case "unit":
				c.Unit = decode[string](t, property.Value)
			case "color":
				c.Color = decode[fieldColor](t, property.Value)
			case "thresholds":
				c.Thresholds = decode[thresholds](t, property.Value)
			case "links":
				c.Links = decode[[]struct{ URL string }](t, property.Value)
			}
		}
	}
	return c
}

func decode[T any](t *testing.T, text json.RawMessage) (v T) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// fields returns the configurations of all fields, including that of a field without overrides.
func (p panel) fields(t *testing.T) []fieldConfig {
	t.Helper()
	all := []fieldConfig{p.FieldConfig.Defaults}
	for _, o := range p.FieldConfig.Overrides {
		all = append(all, p.field(t, o.Matcher.Options))
	}
	return all
}

// of returns the color of a value, or of no value if it is nil.
func (c fieldConfig) of(value *float64) string {
	if c.Color.Mode == "fixed" {
		return c.Color.FixedColor
	}
	color := c.Thresholds.Steps[0].Color
	for _, step := range c.Thresholds.Steps[1:] {
		if value != nil && *value >= *step.Value {
			color = step.Color
		}
	}
	return color
}

// colors returns the colors of the values that a stat panel shows, by the names of the fields. If
// it shows no value, the only name is empty.
func (p panel) colors(t *testing.T, prometheus v1.API, instances string) map[string]string {
	t.Helper()
	colors := make(map[string]string)
	for _, target := range p.Targets {
		q := query{name: "panel " + p.Title + " " + target.RefID, expr: target.Expr, instant: true}
		for labels, value := range run(t, prometheus, q, instances) {
			name := target.LegendFormat
			if match := legendLabel.FindStringSubmatch(name); match != nil {
				value := regexp.MustCompile(match[1] + `="([^"]*)"`).FindStringSubmatch(labels)
				if value != nil {
					name = value[1]
				}
			}
			colors[name] = p.field(t, name).of(&value)
		}
	}
	if len(colors) == 0 {
		colors[""] = p.FieldConfig.Defaults.of(nil)
	}
	return colors
}

var legendLabel = regexp.MustCompile(`^\{\{(\w+)\}\}$`)

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
	isLimited  bool // a transformation limits what is shown
}

// queries returns the queries of all panels, annotations and variables.
func (d dashboard) queries(t *testing.T) []query {
	t.Helper()
	var all []query
	for _, p := range d.all() {
		isLimited := false
		for _, transformation := range p.Transformations {
			limit := transformation.Options.LimitField
			isLimited = isLimited || limit > 0 && limit <= maxSeries
		}
		for _, target := range p.Targets {
			name := "panel " + p.Title + " " + target.RefID
			all = append(all, query{name, target.Expr, target.Instant, isLimited})
		}
	}
	for _, a := range d.Annotations.List {
		all = append(all, query{name: "annotation " + a.Name + " A", expr: a.Target.Expr})
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
		all = append(all, query{name: "variable " + v.Name, expr: expr, instant: true})
	}
	return all
}

var labelValues = regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`)

// fill replaces Grafana's variables by their values for a scrape interval of one second.
func fill(t *testing.T, expr, instances string) string {
	t.Helper()
	filled := strings.NewReplacer("$id_instance", instances, "$__rate_interval", "15s",
		"$__range", "60s", "$__interval", "1s").Replace(expr)
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
func scraping(address string) object {
	return object{
		"global": object{
			"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s",
		},
		"scrape_configs": list{object{
			"job_name":       "greenapi",
			"static_configs": list{object{"targets": list{address}}},
		}},
	}
}

// busyAccount starts a healthy account that sends ten messages per second, which are soon read.
func busyAccount(t *testing.T) *account {
	return startAccount(t, simulator.Config{
		IDInstance: "1101000001", Seed: 1, Start: time.Now().Add(-time.Hour), NoRateLimit: true,
		MessagesPerHour: 36000, IncomingPerHour: 36000, Speedup: 500,
	})
}

// testRules has a threshold, and an alert that fires every other second.
const testRules = `
groups:
  - name: test
    rules:
      - {record: greenapi:threshold, expr: vector(1)}
      - alert: GreenapiTest
        expr: greenapi_up == 1 and on () vector(time() % 2) < 1
        labels: {severity: warning}
`

// nativeHistograms makes Prometheus store classic histograms as native ones with custom buckets.
// Then there are no series of buckets.
var nativeHistograms = object{
	"scrape_native_histograms":           true,
	"always_scrape_classic_histograms":   false,
	"convert_classic_histograms_to_nhcb": true,
}

func TestDashboardQueriesFindData(t *testing.T) {
	useCore(t)
	d, _ := readDashboard(t)
	for name, c := range map[string]struct {
		args   []string
		rules  string
		global object
		empty  map[string]string
	}{
		"default collectors": {empty: emptyOnAHealthySystem},
		"all collectors, an alert and native histograms": {
			args: []string{"--collector.webhooks", "--collector.settings", "--collector.account",
				"--collector.incoming"},
			rules: testRules, global: nativeHistograms,
			empty: map[string]string{
				"panel Subscriptions that end next A": "there is no Partner API",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append(c.args, "--greenapi.minutes=5")
			exporter := startExporter(t, busyAccount(t).env, args...)
			config := scraping(exporter.address)
			maps.Copy(config["global"].(object), c.global)
			if c.rules != "" {
				config["rule_files"] = list{write(t, "rules.yml", c.rules)}
			}
			prometheus := connect(t, startPrometheus(t, toYAML(t, config)))
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
			if problems := d.problems(t, prometheus); c.rules == "" && len(problems) > 0 {
				t.Errorf("a healthy system has problems: %q", problems)
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

// problems returns the titles of stat panels that are orange or red. It skips those that compare
// with the messages of an hour, because the tests run for seconds.
func (d dashboard) problems(t *testing.T, prometheus v1.API) []string {
	t.Helper()
	var titles []string
	for _, p := range d.all() {
		if p.Type != "stat" || p.Title == "Undelivered" || p.Title == "noAccount" {
			continue
		}
		for _, color := range p.colors(t, prometheus, ".+") {
			if color == "orange" || color == "red" {
				titles = append(titles, p.Title)
			}
		}
	}
	return titles
}

func TestDashboardQueriesSelectTheInstance(t *testing.T) {
	d, _ := readDashboard(t)
	ofAnInstance := map[string]bool{"greenapi_collector_failing": true, "ALERTS": true}
	histograms := make(map[string]string) // from the names of their series to their own
	for line := range strings.Lines(golden(t)) {
		if words := strings.Fields(line); words[0] == "#" && words[len(words)-1] == "histogram" {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				histograms[words[2]+suffix] = words[2]
			}
		}
		if name, labels, _ := strings.Cut(line, "{"); strings.Contains(labels, "id_instance=") {
			ofAnInstance[cmp.Or(histograms[name], name)] = true
		}
	}
	used := make(map[string]bool)
	for _, q := range d.queries(t) {
		for _, selector := range selectors.FindAllStringSubmatch(q.expr, -1) {
			name, labels := cmp.Or(histograms[selector[1]], selector[1]), selector[2]
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

// TestDashboardShowsFailures checks the colors of the top row while readings fail. What is unknown
// is never green.
func TestDashboardShowsFailures(t *testing.T) {
	useCore(t)
	d, _ := readDashboard(t)
	account := busyAccount(t)
	exporter := startExporter(t, account.env, "--greenapi.minutes=5")
	prometheus := connect(t, startPrometheus(t, toYAML(t, scraping(exporter.address))))
	tiles := d.top()
	expect := func(phase string, want map[string]string) {
		t.Helper()
		eventually(t, func() (bool, string) {
			got := make(map[string]string)
			for _, p := range tiles {
				for _, color := range p.colors(t, prometheus, ".+") {
					got[p.Title] = color
				}
			}
			return maps.Equal(got, want), fmt.Sprintf("%s: %v, want %v", phase, got, want)
		})
	}
	const unknown = "#71757e"
	expect("healthy", map[string]string{
		"Alerts firing": unknown, // there are no rules
		"Not read":      "green", "Not authorized": "green", "Longest queue": "green",
		"Oldest pending": "green", "Undelivered": "green", "noAccount": "green", "Sent": "blue",
	})
	account.SetFault(simulator.FaultLoggedOut, "lastOutgoingMessages")
	expect("the journal is not read", map[string]string{
		"Alerts firing": unknown, "Not read": "red",
		"Not authorized": "green", "Longest queue": "green",
		"Oldest pending": unknown, "Undelivered": unknown, "noAccount": unknown, "Sent": unknown,
	})
	var table []panel
	for _, p := range d.all() {
		if p.Title == "Instances" {
			table = append(table, p)
		}
	}
	for i, want := range map[int]map[string]float64{
		0: {`{id_instance="1101000001"}`: 16}, // not read
		1: {`{id_instance="1101000001", state="authorized"}`: 1},
		2: {`{id_instance="1101000001", result="instance_logged_out"}`: 1},
	} {
		q := query{name: "column", expr: table[0].Targets[i].Expr, instant: true}
		if got := run(t, prometheus, q, ".+"); !maps.Equal(got, want) {
			t.Errorf("query %d of the table returns %v, want %v", i, got, want)
		}
	}
	account.SetFault(simulator.FaultNone)
	_ = exporter.Process.Kill()
	nothing := map[string]string{
		"Alerts firing": unknown, "Not read": "red",
		"Not authorized": unknown, "Longest queue": unknown,
		"Oldest pending": unknown, "Undelivered": unknown, "noAccount": unknown, "Sent": unknown,
	}
	expect("the exporter is dead", nothing)
	_ = exporter.Wait()
	// This has the same effect as missing scrape jobs of these collectors.
	startExporterAt(t, exporter.address, account.env,
		"--collector.disable-defaults", "--collector.settings")
	eventually(t, func() (bool, string) {
		read := query{name: "settings", expr: "greenapi_collector_success == 1", instant: true}
		return len(run(t, prometheus, read, ".+")) > 0, "settings are not read"
	})
	expect("the collectors are off", nothing)
}

// top returns the panels of the top row.
func (d dashboard) top() []panel {
	var top []panel
	for _, p := range d.Panels {
		if p.GridPos.Y == 0 {
			top = append(top, p)
		}
	}
	return top
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
# TYPE greenapi:threshold gauge
greenapi:threshold 1
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

// TestDashboardLimitsSeriesOf60Instances checks the number of series of each panel. A panel with a
// line for each instance would be illegible.
func TestDashboardLimitsSeriesOf60Instances(t *testing.T) {
	useCore(t)
	const instances = 60
	d, _ := readDashboard(t)
	prometheus := connect(t, startPrometheus(t, fmt.Sprintf(`
scrape_configs:
  - job_name: greenapi
    honor_labels: true
    scrape_interval: 2s
    scrape_timeout: 2s
    static_configs:
      - targets: [%q]
`, serveExpositions(t, instances))))
	const expr = "min(count_over_time(greenapi_outgoing_messages_total[1m])) >= 3"
	several := query{name: "scrapes", expr: expr, instant: true}
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
		case got > maxSeries && !q.isLimited:
			t.Errorf("%s returns %d series for %d instances, more than %d; aggregate or use topk",
				q.name, got, instances, maxSeries)
		}
	}
}

// units are the allowed unit IDs. Grafana shows an unknown ID as text. The unit short is not allowed,
// because it rounds counts to thousands, and shows an id as a number of billions.
var units = []string{"locale", "none", "s", "percentunit", "bytes", "decbytes"}

// maxOpenPanels is the number of panels that a person can look through.
const maxOpenPanels = 16

func TestDashboardPanelsAreComplete(t *testing.T) {
	d, text := readDashboard(t)
	// The threshold only shows whether Prometheus has the rules.
	text = strings.ReplaceAll(text, "count(greenapi:threshold)", "")
	for _, word := range []string{"__inputs", "__requires", "${DS_", "greenapi:"} {
		if strings.Contains(text, word) {
			t.Errorf("the dashboard contains %s", word)
		}
	}
	open := 0
	for _, p := range d.Panels {
		if p.Type != "row" {
			open++
		}
	}
	if open > maxOpenPanels {
		t.Errorf("%d panels are open", open)
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
		if p.Title == "" || len(p.Description) < 40 {
			t.Errorf("panel %q has no title or no description", p.Title)
		}
		if !slices.Contains(units, p.FieldConfig.Defaults.Unit) {
			t.Errorf("panel %q has the unit %q", p.Title, p.FieldConfig.Defaults.Unit)
		}
		isColored := slices.Contains([]string{"stat", "gauge", "bargauge", "state-timeline"}, p.Type)
		for _, field := range p.fields(t) {
			if isColored && field.Color.Mode != "fixed" && field.of(nil) == "green" {
				t.Errorf("panel %q is green without a value", p.Title)
			}
		}
		if p.Type == "table" {
			instance := p.field(t, "instance")
			if instance.Unit != "string" || len(instance.Links) != 1 ||
				!strings.Contains(instance.Links[0].URL, "&var-id_instance=${__value.raw}&") {
				t.Errorf("table %q shows ids as numbers, or its links contain them", p.Title)
			}
		}
		// The last value of a series that has ended is not current.
		if len(p.Options.Legend.Calcs) > 0 {
			t.Errorf("the legend of panel %q has values", p.Title)
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

// TestDashboardPanelsDoNotOverlap checks that each cell of the grid has exactly one panel. The panels
// of a collapsed row have a grid of their own below the row.
func TestDashboardPanelsDoNotOverlap(t *testing.T) {
	d, _ := readDashboard(t)
	ids := make(map[int]string)
	var check func(panels []panel, top int)
	check = func(panels []panel, top int) {
		at := make(map[[2]int]string)
		bottom := top
		for _, p := range panels {
			if other, taken := ids[p.ID]; taken || p.ID <= 0 {
				t.Errorf("panels %q and %q have the id %d", other, p.Title, p.ID)
			}
			ids[p.ID] = p.Title
			g := p.GridPos
			if g.X < 0 || g.Y < top || g.W < 1 || g.H < 1 || g.X+g.W > 24 {
				t.Errorf("panel %q is outside the grid: %+v", p.Title, g)
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
			check(p.Panels, g.Y+1)
		}
		if len(at) != 24*(bottom-top) {
			t.Errorf("%d of %d cells are empty", 24*(bottom-top)-len(at), 24*(bottom-top))
		}
	}
	check(d.Panels, 0)
}
