package collector

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/poll"
)

// results returns the results of the collectors by name.
func results(s Status) map[string]greenapi.Result {
	all := make(map[string]greenapi.Result)
	for _, c := range s.Collectors {
		all[c.Name] = c.Result
	}
	return all
}

// TestStatusMakesNoCall checks Status before the first scrape, after a success or a failure, and
// during a call.
func TestStatusMakesNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, allNames()...)
		s := e.instance.Status()
		if len(s.Collectors) != len(All()) || s.ID != id || s.Window != time.Hour {
			t.Errorf("got %+v", s)
		}
		for name, result := range results(s) {
			if result != "" {
				t.Errorf("before the first scrape: %s is %s", name, result)
			}
		}
		if s.Outgoing != nil || s.Incoming != nil || s.State != "" || s.Queued != nil ||
			s.Notifications != nil || s.Settings != nil || s.Account != nil {
			t.Errorf("before the first scrape: %+v", s)
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
		if s.Outgoing.OldestPending.Seconds == 0 || len(s.Incoming.Types) == 0 ||
			s.State != "suspended" || *s.Queued != 17 || *s.Notifications != 3 ||
			!s.Settings.Enabled["outgoingWebhook"] ||
			s.Account.State != "suspended" || !s.Account.SuspendedUntil.Known {
			t.Errorf("after a success: %+v", s)
		}
		c := s.Collectors[0]
		if age := read.Sub(c.Success); age <= 0 || age > time.Second || !c.Called.Equal(c.Success) {
			t.Errorf("after a success: %+v", c)
		}

		e.api.answer(401, "")
		gather(t, e.scrape(t.Context()))
		s = e.instance.Status()
		c = s.Collectors[0]
		if c.Result != greenapi.Unauthorized || !c.Failing() || c.Detail != "HTTP 401" ||
			c.Success.After(read) || !c.Called.After(read) {
			t.Errorf("after a failure: %+v", c)
		}
		if s.Outgoing == nil {
			t.Error("after a failure: the latest reading is missing")
		}
		if !c.InFlight.IsZero() {
			t.Errorf("after a call, InFlight is %s, want zero", c.InFlight)
		}
		if n := e.api.calls[greenapi.LastOutgoingMessages]; n != before+1 {
			t.Errorf("%d calls, want 1", n-before)
		}

		time.Sleep(time.Hour)
		e.api.took = time.Hour
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		go func() { _, _ = e.scrape(ctx).Gather() }()
		synctest.Wait()
		begin := time.Now()
		c = e.instance.Status().Collectors[0]
		if took := time.Since(begin); c.Result != greenapi.Unauthorized || took > 0 ||
			!c.InFlight.Equal(begin) {
			t.Errorf("during a call: %+v after %s", c, took)
		}
		cancel()
		synctest.Wait()
	})
}

func TestInterruptedCallIsNoFailureInTheStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t).persistent(t)
		e.api.took = 10 * time.Second
		go func() { _, _ = e.scrape(t.Context()).Gather() }()
		time.Sleep(time.Second)
		e.restart(t) // during the call
		c := e.instance.Status().Collectors[0]
		if c.Result != "" || c.Failing() || c.Detail != poll.ErrInterrupted.Error() {
			t.Errorf("got %+v", c)
		}
		time.Sleep(time.Minute)
	})
}

// TestStatusHasTheTimeOfTheLatestScrape also checks that neither a call of Status nor a refused
// scrape counts as a scrape.
func TestStatusHasTheTimeOfTheLatestScrape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, "outgoing", "state")
		if s := e.instance.Status(); !s.Scraped.IsZero() || !s.Opened.Equal(time.Now()) {
			t.Errorf("before the first scrape: opened %s, scraped %s", s.Opened, s.Scraped)
		}
		e.replyOf(greenapi.GetStateInstance).took = 10 * time.Second
		began := time.Now()
		gather(t, e.scrape(t.Context(), "state"))
		_, err := e.set.Scrape(t.Context(), []*Instance{e.instance}, []string{"queue"})
		if err == nil {
			t.Error("scraped a disabled collector")
		}
		time.Sleep(time.Hour)
		if got := e.instance.Status().Scraped; !got.Equal(began) {
			t.Errorf("Scraped is %s, want %s", got, began)
		}
	})
}
