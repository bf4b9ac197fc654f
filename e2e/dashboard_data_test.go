package e2e

import (
	"bytes"
	"cmp"
	"context"
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

// emptyOnAHealthySystem contains the queries without data on a healthy system with the default
// collectors, and the reasons. It must not contain queries that return data.
var emptyOnAHealthySystem = map[string]string{
	"annotation Alerts A":                          "no alert fires",
	"panel Alerts firing A":                        "there are no rules",
	"panel Alerts firing B":                        "there are no rules",
	"panel Queued notifications, by instance A":    "webhooks is off by default",
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

// query is a query of the dashboard, with variables.
type query struct {
	name, expr string
	instant    bool
	isLimited  bool // whether a transformation limits the rows
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

// fill replaces Grafana's variables with their values for a scrape interval of one second.
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

// busyAccount starts a healthy account that sends ten messages per second. Recipients read them
// soon.
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

func TestDashboardQueriesSelectTheInstance(t *testing.T) {
	d, _ := readDashboard(t)
	ofAnInstance := map[string]bool{"greenapi_collector_failing": true, "ALERTS": true}
	histograms := make(map[string]string) // names of histograms by the names of their series
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
