package e2e

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestDashboardHasTheThresholdsOfTheAlerts compares the numbers in queries and the steps of colors
// with the rules.
func TestDashboardHasTheThresholdsOfTheAlerts(t *testing.T) {
	d, _ := readDashboard(t)
	threshold := thresholdsOfTheAlerts(t)
	formula := func(names ...string) string {
		if len(names) == 1 {
			return fmt.Sprintf(">= bool %v", threshold[names[0]])
		}
		return fmt.Sprintf("> bool %v + %v *", threshold[names[0]], threshold[names[1]])
	}
	undelivered := formula("undelivered_messages", "undelivered_share")
	mostly := formula("undelivered_messages", "mostly_undelivered_share")
	pending := formula("pending_seconds")
	queue := formula("queue_messages", "queue_share")
	formulas := map[string][]string{
		"Undelivered":    {undelivered, mostly},
		"noAccount":      {formula("no_account_messages", "no_account_share")},
		"Oldest pending": {pending, formula("pending_messages", "pending_share")},
		"Longest queue":  {queue},
		"Instances":      {undelivered, pending, queue},
	}
	steps := map[string]map[string][]float64{ // by panel and field
		"Oldest pending":                    {"": {0, threshold["pending_seconds"]}},
		"Oldest pending, by instance":       {"": {threshold["pending_seconds"]}},
		"Instances":                         {"oldest pending": {threshold["pending_seconds"]}},
		"Queued notifications, by instance": {"": {threshold["webhook_queue_notifications"] + 1}},
		"Age of the Partner API’s list":     {"": {0, threshold["partner_list_seconds"]}},
		"Subscriptions that end next": {"ends in": {
			threshold["subscription_last_seconds"], threshold["subscription_seconds"],
		}},
	}
	for _, p := range d.all() {
		if want, ok := formulas[p.Title]; ok {
			got := comparison.FindAllString(p.Targets[0].Expr, -1)
			if !slices.Equal(got, want) {
				t.Errorf("panel %q compares with %q, want %q", p.Title, got, want)
			}
			delete(formulas, p.Title)
		}
		for field, want := range steps[p.Title] {
			var got []float64
			for _, step := range p.field(t, field).Thresholds.Steps[1:] {
				got = append(got, *step.Value)
			}
			if !slices.Equal(got, want) {
				t.Errorf("the steps of panel %q are %v, want %v", p.Title, got, want)
			}
		}
		delete(steps, p.Title)
	}
	if len(formulas)+len(steps) > 0 {
		t.Errorf("missing panels: %v, %v", formulas, steps)
	}
}

var comparison = regexp.MustCompile(`>=? bool [0-9.]+(?: \+ [0-9.]+ \*)?`)

// thresholdsOfTheAlerts returns the values of greenapi:threshold by name.
func thresholdsOfTheAlerts(t *testing.T) map[string]float64 {
	t.Helper()
	text, err := os.ReadFile(shippedRules)
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Groups []struct {
			Rules []struct {
				Record string
				Labels map[string]string
				Expr   string
			}
		}
	}
	if err := yaml.Unmarshal(text, &rules); err != nil {
		t.Fatal(err)
	}
	values := make(map[string]float64)
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			if rule.Record != "greenapi:threshold" {
				continue
			}
			var value float64
			if _, err := fmt.Sscanf(rule.Expr, "vector(%g)", &value); err != nil {
				t.Fatalf("%s: %v", rule.Expr, err)
			}
			values[rule.Labels["name"]] = value
		}
	}
	return values
}
