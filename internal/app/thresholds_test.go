package app

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"greenapi_exporter/collector"
)

// TestAlertsHaveTheThresholdsOfThePage compares the rules with the thresholds of the status page
// and the log.
func TestAlertsHaveTheThresholdsOfThePage(t *testing.T) {
	want := map[string]string{
		"not_delivered_messages": fmt.Sprintf("vector(%v)", collector.NotDeliveredMessages),
		"not_delivered_share":    fmt.Sprintf("vector(%v)", collector.NotDeliveredShare),
		"undelivered_messages":   fmt.Sprintf("vector(%v)", collector.UndeliveredMessages),
		"undelivered_share":      fmt.Sprintf("vector(%v)", collector.UndeliveredShare),
		"no_account_messages":    fmt.Sprintf("vector(%v)", collector.UndeliveredMessages),
		"no_account_share":       fmt.Sprintf("vector(%v)", collector.UndeliveredShare),
		"pending_messages":       fmt.Sprintf("vector(%v)", collector.PendingMessages),
		"pending_share":          fmt.Sprintf("vector(%v)", collector.PendingShare),
		"pending_seconds":        fmt.Sprintf("vector(%v)", collector.PendingTime.Seconds()),
		"recovered_messages":     fmt.Sprintf("vector(%v)", collector.RecoveredMessages),
	}
	for _, r := range readRules(t) {
		name := r.Labels["name"]
		if want[name] != "" && r.Expr != want[name] {
			t.Errorf("%s is %s in the rules, want %s", name, r.Expr, want[name])
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("the rules lack the thresholds %v", want)
	}
}

// TestDocsHaveTheThresholds compares the numbers in the documentation with the program and the
// rules.
func TestDocsHaveTheThresholds(t *testing.T) {
	thresholds := make(map[string]string)
	for _, r := range readRules(t) {
		value := strings.TrimSuffix(strings.TrimPrefix(r.Expr, "vector("), ")")
		thresholds[r.Labels["name"]] = value
	}
	percent := func(name string) string {
		share, err := strconv.ParseFloat(thresholds[name], 64)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return fmt.Sprintf("%v %%", math.Round(100*share))
	}
	undelivered := fmt.Sprintf("more than %d messages plus %v %% of all",
		collector.UndeliveredMessages, 100*collector.UndeliveredShare)
	tile := func(messages, share string) string {
		return "more than " + thresholds[messages] + " plus " + percent(share)
	}
	for page, facts := range map[string][]string{
		"docs/configuration.md": {
			undelivered,
			fmt.Sprintf("more than %d messages plus %v %% of all",
				collector.NotDeliveredMessages, 100*collector.NotDeliveredShare),
			fmt.Sprintf("at most %d similar lines a minute", maxPerMinute),
		},
		"docs/dashboard.md": {
			tile("undelivered_messages", "undelivered_share") + " of an instance's messages |",
			tile("undelivered_messages", "mostly_undelivered_share") + " |",
			fmt.Sprintf("| %d minutes or more |", int(collector.PendingTime.Minutes())),
		},
		"docs/alerts.md": {"from " + percent("no_account_share") + " to 20 %"},
		"deploy/prometheus/README.md": {
			"by default " + thresholds["undelivered_messages"] + " plus " +
				percent("undelivered_share"),
		},
	} {
		text := strings.ReplaceAll(unwrapped(readText(t, "../../"+page)), ",", "")
		for _, fact := range facts {
			if !strings.Contains(text, fact) {
				t.Errorf("%s does not contain %q", page, fact)
			}
		}
	}
}
