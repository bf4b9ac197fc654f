package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http/httptest"
	"regexp"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"greenapi_exporter/internal/simulator"
)

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

// thresholdStep is the color of values from Value on. The first step has no Value, and its color
// also applies to a missing value.
type thresholdStep struct {
	Color string   `json:"color"`
	Value *float64 `json:"value"`
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

// colors returns the colors of the values that a stat panel shows, by the name of the field. If it
// shows no value, the result has one color, with an empty name.
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

// problems returns the titles of stat panels that are orange or red. It skips panels that compare
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

// TestDashboardShowsFailures checks the colors of the top row while readings fail. Unknown values
// are never green.
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

// TestDashboardShowsTroubles checks the colors of the top row and the table for accounts with
// different troubles.
func TestDashboardShowsTroubles(t *testing.T) {
	useCore(t)
	d, _ := readDashboard(t)
	account := func(id, outcome, state string) simulator.Config {
		return simulator.Config{
			IDInstance: id, Token: token, NoRateLimit: true,
			Start: time.Now().Add(-15 * time.Minute), MessagesPerHour: 18000,
			Speedup: 500, TextOnly: true,
			States:   []simulator.StateChange{{State: state}},
			Outcomes: []simulator.OutcomeChange{{Status: outcome}},
		}
	}
	fleet := simulator.NewFleet(simulator.FleetConfig{Accounts: []simulator.Config{
		account("1101000001", "noAccount", "authorized"),
		account("1101000002", "", "suspended"),
		account("1101000003", "pending", "authorized"),
	}})
	host := httptest.NewServer(fleet)
	t.Cleanup(host.Close)
	instances := list{}
	for _, id := range []string{"1101000001", "1101000002", "1101000003"} {
		instances = append(instances, object{"id_instance": id, "token_env": "FLEET_TOKEN"})
	}
	file := write(t, "greenapi.yml", toYAML(t, object{
		"url": host.URL, "minutes": 15, "instances": instances,
	}))
	exporter := startExporter(t, []string{"FLEET_TOKEN=" + token},
		"--config.file="+file, "--web.metrics-scope=all")
	prometheus := connect(t, startPrometheus(t, toYAML(t, scraping(exporter.address))))
	var table query // its first column
	for _, q := range d.queries(t) {
		if q.name == "panel Instances A" {
			table = q
		}
	}
	for id, want := range map[string]struct {
		tiles   map[string]string
		trouble float64
	}{
		"1101000001": {map[string]string{"Undelivered": "red", "noAccount": "orange"}, 4},
		"1101000002": {map[string]string{"Not authorized": "red", "Longest queue": "orange"}, 8},
		"1101000003": {map[string]string{"Oldest pending": "red"}, 2},
	} {
		eventually(t, func() (bool, string) {
			got := make(map[string]string)
			for _, p := range d.top() {
				for _, color := range p.colors(t, prometheus, id) {
					if color == "orange" || color == "red" {
						got[p.Title] = color
					}
				}
			}
			series := fmt.Sprintf("{id_instance=%q}", id)
			trouble := math.Floor(run(t, prometheus, table, id)[series])
			return maps.Equal(got, want.tiles) && trouble == want.trouble,
				fmt.Sprintf("%s: %v and %v, want %v", id, got, trouble, want)
		})
	}
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
