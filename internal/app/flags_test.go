package app

import (
	"io"
	"strings"
	"testing"
	"time"

	"greenapi_exporter/collector"
)

func TestCollectorFlagsSelectCollectors(t *testing.T) {
	for args, want := range map[string]string{
		"":                             "outgoing,state,queue",
		"--collector.incoming":         "outgoing,state,queue,incoming",
		"--no-collector.queue":         "outgoing,state",
		"--collector.disable-defaults": "",
		"--collector.disable-defaults --collector.queue --collector.account": "queue,account",
		"--demo":                         "outgoing,state,queue,webhooks,settings,account,incoming",
		"--demo --no-collector.incoming": "outgoing,state,queue,webhooks,settings,account",
		"--demo --collector.disable-defaults --collector.state": "state",
	} {
		o, _, err := parse(strings.Fields(args), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		var on []string
		for _, c := range collector.All() {
			if o.enabled(c.Name) {
				on = append(on, c.Name)
			}
		}
		if got := strings.Join(on, ","); got != want {
			t.Errorf("%s: %s, want %s", args, got, want)
		}
	}
}

func TestDurationFlagsAcceptDays(t *testing.T) {
	t.Setenv("GREENAPI_MIN_INTERVAL", "1d12h")
	o, _, err := parse([]string{"--storage.retention=4w"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if i := o.instance; i.MinInterval != 36*time.Hour || i.Retention != 28*24*time.Hour {
		t.Errorf("got the interval %v and the retention %v", i.MinInterval, i.Retention)
	}
}
