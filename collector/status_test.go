package collector

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/poll"
)

// results are those of the collectors of a status, by name.
func results(s Status) map[string]greenapi.Result {
	all := make(map[string]greenapi.Result)
	for _, c := range s.Collectors {
		all[c.Name] = c.Result
	}
	return all
}

// TestAStatusCostsNoCall, before the first scrape, between two, in one and in a failure, and says what was read last.
func TestAStatusCostsNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, everything()...)
		s := e.instance.Status()
		if len(s.Collectors) != len(All()) || s.ID != id || s.Window != time.Hour {
			t.Errorf("got %+v", s)
		}
		for name, result := range results(s) {
			if result != "" {
				t.Errorf("before the first scrape %s is %s", name, result)
			}
		}
		if s.Outgoing != nil || s.Incoming != nil || s.State != "" || s.Queued != nil || s.Notifications != nil || s.Settings != nil || s.Account != nil {
			t.Errorf("before the first scrape there is %+v", s)
		}
		if len(e.api.calls) > 0 {
			t.Fatalf("calls: %v", e.api.calls)
		}

		gather(t, e.live(t))
		before := e.api.calls[greenapi.LastOutgoingMessages]
		read := time.Now()
		time.Sleep(time.Hour)
		s = e.instance.Status()
		for name, result := range results(s) {
			if result != greenapi.OK {
				t.Errorf("%s is %q", name, result)
			}
		}
		if s.Outgoing.OldestPending.Seconds == 0 || len(s.Incoming.Types) == 0 || s.State != "suspended" || *s.Queued != 17 || *s.Notifications != 3 ||
			!s.Settings.Enabled["outgoingWebhook"] || s.Account.State != "suspended" || !s.Account.SuspendedUntil.Known {
			t.Errorf("got %+v", s)
		}
		if age := read.Sub(s.Collectors[0].Success); age <= 0 || age > time.Second || !s.Collectors[0].Called.Equal(s.Collectors[0].Success) {
			t.Errorf("the journal is said to have been read %s before it was", age)
		}

		e.api.answer(401, "")
		gather(t, e.scrape(t.Context()))
		s = e.instance.Status()
		if c := s.Collectors[0]; c.Result != greenapi.Unauthorized || !c.Failing() || c.Detail != "HTTP 401" || c.Success.After(read) || !c.Called.After(read) {
			t.Errorf("in a failure: %+v", c)
		}
		if s.Outgoing == nil {
			t.Error("in a failure what was read before is gone")
		}
		if n := e.api.calls[greenapi.LastOutgoingMessages]; n != before+1 {
			t.Errorf("the journal was called %d times", n-before)
		}

		time.Sleep(time.Hour)
		e.api.took = time.Hour
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		go func() { _, _ = e.scrape(ctx).Gather() }()
		synctest.Wait()
		begin := time.Now()
		if s := e.instance.Status(); s.Collectors[0].Result != greenapi.Unauthorized || time.Since(begin) > 0 {
			t.Errorf("in a call: %+v after %s", s.Collectors[0], time.Since(begin))
		}
		cancel()
		synctest.Wait()
	})
}

// TestASuspensionThatIsOverIsNotInTheStatus.
func TestASuspensionThatIsOverIsNotInTheStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, "account")
		e.api.others[greenapi.GetWaSettings].body = fmt.Sprintf(`{"stateInstance":"authorized","suspendedUntil":%d}`, time.Now().Add(time.Hour).Unix())
		gather(t, e.scrape(t.Context()))
		if s := e.instance.Status(); !s.Account.SuspendedUntil.Known {
			t.Error("a suspension that lasts is not in the status")
		}
		time.Sleep(2 * time.Hour)
		if s := e.instance.Status(); s.Account.SuspendedUntil.Known {
			t.Errorf("the status has a suspension that is over: %+v", s.Account)
		}
	})
}

// TestACallThatWasInterruptedIsNoFailureInTheStatus: its end is not known.
func TestACallThatWasInterruptedIsNoFailureInTheStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t).kept(t)
		e.api.took = 10 * time.Second
		go func() { _, _ = e.scrape(t.Context()).Gather() }()
		time.Sleep(time.Second)
		e.restart(t) // killed in the call
		c := e.instance.Status().Collectors[0]
		if c.Result != "" || c.Failing() || c.Detail != poll.ErrInterrupted.Error() {
			t.Errorf("got %+v", c)
		}
		time.Sleep(time.Minute)
	})
}
