package helm

import (
	"strings"
	"testing"
)

// TestCheckerFindsMistakes makes mistakes in a rendered chart, one at a time.
func TestCheckerFindsMistakes(t *testing.T) {
	text := string(mustRun(t, "helm", template("one", "--set=networkPolicy.enabled=true")...))
	if objects, err := decode([]byte(text)); err != nil || check(objects) != nil {
		t.Fatalf("the chart is not valid: %v, %v", err, check(objects))
	}
	for name, mistake := range map[string][2]string{
		"unknown field":       {"podManagementPolicy:", "podManagmentPolicy:"},
		"unknown operator":    {"podMetricsEndpoints:", "podMetricEndpoints:"},
		"repeated field":      {"  serviceName:", "  serviceName: x\n  serviceName:"},
		"wrong type":          {"periodSeconds: 2", "periodSeconds: 2s"},
		"forbidden pod":       {"runAsNonRoot: true", "runAsNonRoot: false"},
		"forbidden container": {"capabilities: {drop: [ALL]}", "capabilities: {}"},
		"wrong selector":      {"matchLabels:\n      app", "matchLabels:\n      x: y\n      app"},
		"wrong port":          {"targetPort: http", "targetPort: metrics"},
		"wrong policy":        {"port: http}\n  egress", "port: metrics}\n  egress"},
		"wrong monitor":       {"- port: http\n", "- port: metrics\n"},
		"wrong probe":         {"path: /-/ready, port: http", "path: /-/ready, port: metrics"},
		"unknown volume":      {"{name: ledgers, mountPath", "{name: ledger, mountPath"},
	} {
		wrong := strings.Replace(text, mistake[0], mistake[1], 1)
		if wrong == text {
			t.Errorf("%s: the chart does not contain %q", name, mistake[0])
		}
		objects, err := decode([]byte(wrong))
		if err == nil {
			err = check(objects)
		}
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
