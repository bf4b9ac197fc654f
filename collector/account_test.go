package collector

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"greenapi_exporter/internal/greenapi"
)

func TestSuspensionEnds(t *testing.T) {
	now := time.Unix(1_790_000_000, 0)
	for _, c := range []struct {
		state   greenapi.State
		until   float64
		current bool
		want    bool
	}{
		{"authorized", 1_790_000_001, true, true},
		{"authorized", 1_790_000_000, true, false},
		{"authorized", 0, true, false},
		{"suspended", 1_790_000_001, false, true},
		{"suspended", 1_700_000_000, true, true},
		{"yellowCard", 1_700_000_000, true, true},
		{"suspended", 1_700_000_000, false, false},
		{"yellowCard", 1_700_000_000, false, false},
		{"suspended", 0, true, false},
		{"unknown", 1_700_000_000, true, false},
	} {
		until := greenapi.UnixTime{Value: c.until, Known: c.until > 0}
		a := greenapi.Account{State: c.state, SuspendedUntil: until}
		if got := isSuspended(a, c.current, now); got != c.want {
			t.Errorf("%+v: got %t", c, got)
		}
	}
}

func TestStatusOmitsAnEndedSuspension(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, "account")
		e.replyOf(greenapi.GetWaSettings).body = fmt.Sprintf(
			`{"stateInstance":"authorized","suspendedUntil":%d}`, time.Now().Add(time.Hour).Unix())
		gather(t, e.scrape(t.Context()))
		if s := e.instance.Status(); !s.Account.SuspendedUntil.Known {
			t.Error("the status has no suspension")
		}
		time.Sleep(2 * time.Hour)
		if s := e.instance.Status(); s.Account.SuspendedUntil.Known {
			t.Errorf("the status has a suspension that has ended: %+v", s.Account)
		}
	})
}
