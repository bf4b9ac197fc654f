package collector

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"greenapi_exporter/internal/greenapi"
)

func TestStatesAreExclusive(t *testing.T) {
	for answer, want := range map[string]string{
		`"authorized"`: "authorized", `"notAuthorized"`: "notAuthorized",
		`"yellowCard"`: "yellowCard", `"suspended"`: "suspended",
		`null`: "unknown", `"quarantined"`: "other",
	} {
		synctest.Test(t, func(t *testing.T) {
			e := newExporter(t, "state")
			e.replyOf(greenapi.GetStateInstance).body = `{"stateInstance":` + answer + `}`
			family := gather(t, e.scrape(t.Context()))["greenapi_instance_state"]
			if len(family.GetMetric()) != len(greenapi.States()) {
				t.Errorf("%s: %d states", answer, len(family.GetMetric()))
			}
			for _, m := range family.GetMetric() {
				if state := label(m, "state"); m.Gauge.GetValue() != boolFloat(state == want) {
					t.Errorf("%s: %s is %v", answer, state, m.Gauge.GetValue())
				}
			}
		})
	}
}

// TestStateChangesAreLogged checks that each change is logged once, with advice. A first state that
// needs no attention is not logged.
func TestStateChangesAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, "state")
		reply := e.replyOf(greenapi.GetStateInstance)
		for _, state := range []string{
			`"authorized"`, `"notAuthorized"`, `"notAuthorized"`, `"suspended"`, `"brandNew"`,
			`null`, `"authorized"`,
		} {
			reply.body = `{"stateInstance":` + state + `}`
			for range 3 {
				gather(t, e.scrape(t.Context()))
				time.Sleep(time.Minute)
				reply.status = 500 // a failure is no change
				gather(t, e.scrape(t.Context()))
				time.Sleep(time.Minute)
				reply.status = 200
			}
		}
		e.restart(t)
		reply.body = `{"stateInstance":"blocked"}`
		gather(t, e.scrape(t.Context()))
		want := [][]string{
			{"level=warn", id, "state=notAuthorized", "before=authorized", "advice="},
			{"level=warn", "state=suspended", "before=notAuthorized", "advice="},
			{"level=warn", "state=other", "advice="},
			{"level=warn", "state=unknown", "advice="},
			{"level=info", "state=authorized", "before=unknown", "instance recovered"},
			{"level=warn", "needs attention", "state=blocked", "advice="}, // after the restart
		}
		var logged []string
		for line := range strings.Lines(e.logged()) {
			if strings.Contains(line, " state=") {
				logged = append(logged, line)
			}
		}
		assertLines(t, logged, want)
		text, last := strings.Join(logged, ""), logged[len(logged)-1]
		if strings.Contains(last, "before=") || strings.Contains(text, "brandNew") {
			t.Errorf("logged:\n%s", text)
		}
	})
}
