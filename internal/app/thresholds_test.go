package app

import (
	"fmt"
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
