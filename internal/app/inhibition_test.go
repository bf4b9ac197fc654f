package app

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// matchers are conditions on the labels of an alert, such as alertname=~"Greenapi.+".
type matchers []string

var matcherPattern = regexp.MustCompile(`^(\w+)(=~|=|!=)"(.*)"$`)

func (ms matchers) match(t *testing.T, labels map[string]string) bool {
	t.Helper()
	for _, m := range ms {
		parts := matcherPattern.FindStringSubmatch(m)
		if parts == nil {
			t.Fatalf("cannot parse the matcher %s", m)
		}
		value, operand := labels[parts[1]], parts[3]
		ok := value == operand
		switch parts[2] {
		case "!=":
			ok = !ok
		case "=~":
			ok = regexp.MustCompile("^(?:" + operand + ")$").MatchString(value)
		}
		if !ok {
			return false
		}
	}
	return true
}

type inhibitRule struct {
	Source matchers `yaml:"source_matchers"`
	Target matchers `yaml:"target_matchers"`
	Equal  []string
}

// inhibits reports whether the firing alert source inhibits target. As in Alertmanager, labels that
// both alerts lack are equal.
func (r *inhibitRule) inhibits(t *testing.T, source, target map[string]string) bool {
	t.Helper()
	return r.Source.match(t, source) && r.Target.match(t, target) &&
		!slices.ContainsFunc(r.Equal, func(name string) bool { return source[name] != target[name] })
}

// alertLabels returns the labels of an alert. Only alerts of instances have an id_instance.
func alertLabels(r rule, id string) map[string]string {
	labels := map[string]string{"alertname": r.Alert, "job": "greenapi", "instance": id}
	if strings.Contains(r.Annotations["summary"], "$labels.id_instance") {
		labels["id_instance"] = id
	}
	return labels
}

// TestAlertmanagerInhibitsConsequences compares inhibit_rules with the intended pairs of alerts.
// All other pairs must not be inhibited, and neither must alerts of different instances.
func TestAlertmanagerInhibitsConsequences(t *testing.T) {
	var config struct {
		Rules []inhibitRule `yaml:"inhibit_rules"`
	}
	readYAML(t, composeDir+"alertmanager.yml", &config)
	inhibits := func(source, target map[string]string) bool {
		return slices.ContainsFunc(config.Rules, func(r inhibitRule) bool {
			return r.inhibits(t, source, target)
		})
	}
	const cannotSend = "QueueGrowing PendingHigh Undelivered MostlyUndelivered NotDelivered " +
		"SendingSlow GoneSilent "
	want := map[string]string{
		"AccountNotAuthorized": cannotSend,
		"LoggedOut":            cannotSend + "ReadingFails",
		"InstanceExpired": cannotSend + "ReadingFails AccountNotAuthorized LoggedOut " +
			"TokenRejected SubscriptionEnds SubscriptionEndsNow",
		"Suspended":           cannotSend,
		"MostlyUndelivered":   "Undelivered NoAccountHigh",
		"SubscriptionEndsNow": "SubscriptionEnds",
		"TokenRejected":       "ReadingFails",
		"APIDown":             "ReadingFails",
		"NothingRead":         "ReadingFails",
	}
	alerts := slices.DeleteFunc(readRules(t), func(r rule) bool { return r.Alert == "" })
	for _, source := range alerts {
		for _, target := range alerts {
			name := strings.TrimPrefix(target.Alert, "Greenapi")
			targets := want[strings.TrimPrefix(source.Alert, "Greenapi")]
			pair := slices.Contains(strings.Fields(targets), name)
			from, to := alertLabels(source, "1101000001"), alertLabels(target, "1101000001")
			if source.Alert == "GreenapiExporterDown" {
				pair = to["id_instance"] != "" && source.Alert != target.Alert ||
					name == "ExporterUnsteady"
				// The exporter's own target has no id_instance.
				exporter := maps.Clone(from)
				delete(exporter, "id_instance")
				if inhibits(exporter, to) != (name == "ExporterUnsteady") {
					t.Errorf("inhibited by an exporter that is down: %v", to)
				}
			}
			if got := inhibits(from, to); got != pair {
				t.Errorf("%s inhibits %s: %t, want %t", source.Alert, target.Alert, got, pair)
			}
			if inhibits(from, alertLabels(target, "1101000002")) {
				t.Errorf("%s inhibits %s of another instance", source.Alert, target.Alert)
			}
		}
	}
}
