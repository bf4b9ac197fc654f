package e2e

import (
	"testing"

	"greenapi_exporter/simulator"
)

func TestPrograms(t *testing.T) {
	a := startAccount(t, simulator.Config{IDInstance: "1101000001", MessagesPerHour: 100})
	t.Log(startExporter(t, a.env).address)
	t.Log(startPrometheus(t, "").address)
	t.Log(startAlertmanager(t, "route: {receiver: none}\nreceivers: [{name: none}]\n").address)
}
