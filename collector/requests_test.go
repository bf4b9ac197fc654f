package collector

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	dto "github.com/prometheus/client_model/go"

	"greenapi_exporter/internal/greenapi"
)

func TestFailuresAreExportedByResult(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   greenapi.Result
	}{
		{401, "", greenapi.Unauthorized},
		{429, "", greenapi.RateLimited},
		{466, "", greenapi.QuotaExceeded},
		{400, "expired", greenapi.InstanceExpired},
		{200, "null", greenapi.InvalidResponse},
	} {
		synctest.Test(t, func(t *testing.T) {
			e := newExporter(t)
			e.api.answer(c.status, c.body)
			families := gather(t, e.scrape(t.Context()))
			for _, m := range families["greenapi_api_requests_total"].Metric {
				want := 0.0
				if label(m, "result") == string(c.want) {
					want = 1
				}
				if got := m.Counter.GetValue(); got != want {
					t.Errorf("%s: %v calls, want %v", label(m, "result"), got, want)
				}
			}
			if up := families["greenapi_up"].Metric[0].Gauge.GetValue(); up != 0 {
				t.Errorf("%s: greenapi_up is %v", c.want, up)
			}
			assertFailing(t, families, c.want)
			e.api.answer(200, "[]")
			time.Sleep(time.Hour)
			assertFailing(t, gather(t, e.scrape(t.Context())))
			if families["greenapi_outgoing_window_messages"] != nil {
				t.Errorf("%s: the window is exported", c.want)
			}
		})
	}
}

// assertFailing checks the results in greenapi_collector_failing of the outgoing collector.
func assertFailing(t *testing.T, families map[string]*dto.MetricFamily, want ...greenapi.Result) {
	t.Helper()
	var got []greenapi.Result
	for _, m := range families["greenapi_collector_failing"].GetMetric() {
		if label(m, "collector") == "outgoing" && m.Gauge.GetValue() == 1 {
			got = append(got, greenapi.Result(label(m, "result")))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("outgoing fails with %v, want %v", got, want)
	}
}

func TestFailuresAreLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t)
		scrapeFor := func(minutes int) {
			for range minutes {
				gather(t, e.scrape(t.Context()))
				time.Sleep(time.Minute + time.Second)
			}
		}
		scrapeFor(2)
		e.api.answer(466, "")
		scrapeFor(12) // two calls, because of the quota pause
		e.api.answer(401, "")
		scrapeFor(20)
		e.api.answer(200, "[]")
		scrapeFor(3)
		var logged []string
		for line := range strings.Lines(e.logged()) {
			if !strings.Contains(line, "level=debug") {
				logged = append(logged, line)
			}
			if strings.Contains(line, secret) {
				t.Errorf("the token is logged: %s", line)
			}
		}
		want := [][]string{
			{
				"level=error", "id_instance=" + id, "collector=outgoing",
				"method=lastOutgoingMessages", "result=quota_exceeded", "advice=", "HTTP 466",
			},
			{"level=error", "result=unauthorized", "advice=", "HTTP 401"},
			{"level=info", "result=ok", "API calls succeed again", "failed_for="},
		}
		assertLines(t, logged, want)
	})
}

func TestEachResultIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t)
		for i := range 60 {
			e.api.answer([]int{500, 429, 401}[i%3], "")
			gather(t, e.scrape(t.Context()))
			time.Sleep(2 * time.Minute)
		}
		e.api.answer(200, "[]")
		gather(t, e.scrape(t.Context()))
		time.Sleep(time.Minute)
		e.api.answer(500, "")
		gather(t, e.scrape(t.Context()))
		text := e.logged()
		if strings.Count(text, "level=error") != 4 || strings.Count(text, "level=info") != 1 {
			t.Errorf("logged:\n%s", text)
		}
	})
}

func TestCanceledScrapeIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t)
		gather(t, e.scrape(t.Context()))
		time.Sleep(time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		gather(t, e.scrape(ctx))
		if text := e.logged(); strings.Contains(text, "level=error") {
			t.Errorf("logged:\n%s", text)
		}
		time.Sleep(time.Minute)
		families := gather(t, e.scrape(t.Context()))
		for result, want := range map[string]float64{"canceled": 1, "ok": 2} {
			n, _ := valueOf(families, "greenapi_api_requests_total", "result", result)
			if n != want {
				t.Errorf("%s: %v calls, want %v", result, n, want)
			}
		}
	})
}

// TestScrapeTimeoutIsLogged checks scrapes that time out while another waits for the same call.
func TestScrapeTimeoutIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t)
		e.api.took = 2 * time.Second
		for range 5 {
			go func() { _, _ = e.scrape(t.Context()).Gather() }()
			time.Sleep(time.Millisecond)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			families := gather(t, e.scrape(ctx))
			if up := families["greenapi_up"].Metric[0].Gauge.GetValue(); up != 0 {
				t.Errorf("greenapi_up is %v", up)
			}
			assertFailing(t, families, greenapi.Timeout)
			cancel()
			time.Sleep(time.Minute)
		}
		text := e.logged()
		if strings.Count(text, "level=warn") != 1 || !strings.Contains(text, "scrape timed out") {
			t.Errorf("logged:\n%s", text)
		}
	})
}

// TestOtherEndsOfScrapesAreNotLogged checks a scrape that is canceled, and one whose timeout ends
// the call.
func TestOtherEndsOfScrapesAreNotLogged(t *testing.T) {
	cancel := func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		time.AfterFunc(time.Second, cancel)
		return ctx, cancel
	}
	timeOut := func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, time.Second)
	}
	for name, c := range map[string]struct {
		others bool // whether another scrape waits for the call
		end    func(context.Context) (context.Context, context.CancelFunc)
	}{
		"canceled while another scrape waits": {true, cancel},
		"timed out alone":                     {false, timeOut},
	} {
		synctest.Test(t, func(t *testing.T) {
			e := newExporter(t)
			e.api.took = 2 * time.Second
			if c.others {
				go func() { _, _ = e.scrape(t.Context()).Gather() }()
				time.Sleep(time.Millisecond)
			}
			ctx, cancel := c.end(t.Context())
			defer cancel()
			gather(t, e.scrape(ctx))
			time.Sleep(time.Minute)
			if text := e.logged(); strings.Contains(text, "scrape timed out") {
				t.Errorf("%s: logged:\n%s", name, text)
			}
		})
	}
}

func TestQuotaPausesForTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t)
		e.api.answer(466, "")
		for range 60 {
			gather(t, e.scrape(t.Context()))
			time.Sleep(10 * time.Second)
		}
		if calls := len(e.api.minutes); calls != 1 {
			t.Errorf("%d calls within 10 minutes", calls)
		}
		gather(t, e.scrape(t.Context()))
		if calls := len(e.api.minutes); calls != 2 {
			t.Errorf("%d calls after 10 minutes", calls)
		}
	})
}

func TestRetryAfterDelaysTheNextCall(t *testing.T) {
	for status, wait := range map[int]time.Duration{503: 2 * time.Minute, 466: time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			e := newExporter(t)
			e.api.answer(status, "")
			e.api.header = map[string][]string{"Retry-After": {fmt.Sprint(wait.Seconds())}}
			for end := time.Now().Add(wait); time.Now().Before(end); time.Sleep(5 * time.Second) {
				gather(t, e.scrape(t.Context()))
			}
			if calls := len(e.api.minutes); calls != 1 {
				t.Errorf("%d: %d calls within %s", status, calls, wait)
			}
			gather(t, e.scrape(t.Context()))
			if calls := len(e.api.minutes); calls != 2 {
				t.Errorf("%d: %d calls after %s", status, calls, wait)
			}
		})
	}
}
