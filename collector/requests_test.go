package collector

import (
	"context"
	"fmt"
	"net/http"
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

// TestOldResponsesAreLoggedPerMethod checks that a cache causes one log line when it begins to
// return old responses of a method, and one when it stops.
func TestOldResponsesAreLoggedPerMethod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, "outgoing", "state")
		for _, age := range []string{"60", "7200", "7300", "0", ""} {
			for _, reply := range e.api.replies {
				reply.header = http.Header{"Age": {age}}
			}
			gather(t, e.scrape(t.Context()))
			time.Sleep(2 * time.Minute)
		}
		for _, method := range []string{greenapi.LastOutgoingMessages, greenapi.GetStateInstance} {
			var logged []string
			for line := range strings.Lines(e.logged()) {
				if strings.Contains(line, "method="+method) && !strings.Contains(line, "debug") {
					logged = append(logged, line)
				}
			}
			assertLines(t, logged, [][]string{
				{"level=warn", "id_instance=" + id, "age=2h0m0s", "advice="}, {"level=info"},
			})
		}
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

// TestIntermittentFailuresAreLoggedRarely checks an API that fails every second call, and then an
// outage that begins less than 10 minutes after the latest line.
func TestIntermittentFailuresAreLoggedRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t)
		e.api.took = 0
		scrape := func(status int) {
			e.api.answer(status, "[]")
			gather(t, e.scrape(t.Context()))
			time.Sleep(time.Minute)
		}
		counts := func() (failures, recoveries int) {
			text := e.logged()
			return strings.Count(text, "level=error"), strings.Count(text, "level=info")
		}
		for range 60 {
			scrape(500)
			scrape(200)
		}
		if failures, recoveries := counts(); failures != 12 || recoveries != 12 {
			t.Errorf("%d failures and %d recoveries are logged in 2 hours", failures, recoveries)
		}
		for range 4 {
			scrape(500)
			scrape(200)
		}
		e.log.Reset()
		for range 30 {
			scrape(500)
		}
		if failures, recoveries := counts(); failures != 1 || recoveries != 0 {
			t.Errorf("an outage: %d failures and %d recoveries are logged", failures, recoveries)
		}
		scrape(200)
		if text := e.logged(); !strings.Contains(text, "failed_for=30m0s") {
			t.Errorf("the log does not have failed_for=30m0s:\n%s", text)
		}
	})
}

// TestCallOfACanceledScrapeContinues checks that the next scrape gets its response.
func TestCallOfACanceledScrapeContinues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t)
		e.flags.MinInterval = time.Hour
		e.start(t)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		gather(t, e.scrape(ctx))
		if text := e.logged(); text != "" {
			t.Errorf("logged:\n%s", text)
		}
		time.Sleep(time.Minute)
		families := gather(t, e.scrape(t.Context()))
		for result, want := range map[string]float64{"canceled": 0, "ok": 1} {
			n, _ := valueOf(families, "greenapi_api_requests_total", "result", result)
			if n != want {
				t.Errorf("%s: %v calls, want %v", result, n, want)
			}
		}
		if up, _ := valueOf(families, "greenapi_up"); up != 1 {
			t.Errorf("greenapi_up is %v", up)
		}
	})
}

// TestSlowAPIIsReadByShortScrapes checks an API that always responds after the scrape has ended.
// Only the first scrape fails. Each call gives a reading, and the log says once what is wrong.
func TestSlowAPIIsReadByShortScrapes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t)
		e.api.took = 4 * time.Second
		for n := range 100 {
			ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
			families := gather(t, e.scrape(ctx))
			cancel()
			up, _ := valueOf(families, "greenapi_up")
			window := families["greenapi_outgoing_window_messages"] != nil
			if want := n > 0; up != boolFloat(want) || window != want {
				t.Fatalf("scrape %d: greenapi_up is %v, window exported: %t", n, up, window)
			}
			if n == 0 {
				assertFailing(t, families, greenapi.Timeout)
			} else {
				assertFailing(t, families)
			}
			const name = "greenapi_collector_last_success_timestamp_seconds"
			success, _ := valueOf(families, name)
			if age := float64(time.Now().Unix()) - success; n > 0 && age > 20 {
				t.Fatalf("scrape %d: the reading is %v s old", n, age)
			}
			time.Sleep(5 * time.Second)
		}
		synctest.Wait()
		if calls := len(e.api.minutes); calls > 100 {
			t.Errorf("%d calls for 100 scrapes", calls)
		}
		warnings := 0
		for line := range strings.Lines(e.logged()) {
			if strings.Contains(line, "level=warn") &&
				strings.Contains(line, "the API takes longer to respond than the scrape allows") {
				warnings++
				if !strings.Contains(line, "if the call also fails with result=timeout") {
					t.Errorf("the advice is wrong if there is no connection: %s", line)
				}
			} else if !strings.Contains(line, "level=debug") {
				t.Errorf("logged %s", line)
			}
		}
		if warnings != 1 {
			t.Errorf("%d warnings", warnings)
		}
	})
}

// TestEndsOfScrapesWithTheCallAreNotLogged checks scrapes that are canceled, and that end with the
// timeout of the call, which is logged as its failure.
func TestEndsOfScrapesWithTheCallAreNotLogged(t *testing.T) {
	for name, end := range map[string]func(*exporter, context.Context) context.Context{
		"canceled": func(_ *exporter, ctx context.Context) context.Context {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Second, cancel)
			return ctx
		},
		"timed out with the call": func(e *exporter, ctx context.Context) context.Context {
			ctx, cancel := context.WithTimeout(ctx, e.flags.Timeout)
			context.AfterFunc(ctx, cancel)
			return ctx
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			e := newExporter(t)
			e.api.took = time.Minute
			families := gather(t, e.scrape(end(e, t.Context())))
			timeouts, _ := valueOf(families, "greenapi_api_requests_total", "result", "timeout")
			if want := boolFloat(name != "canceled"); timeouts != want {
				t.Errorf("%s: %v calls timed out, want %v", name, timeouts, want)
			}
			time.Sleep(time.Minute)
			if text := e.logged(); strings.Contains(text, "level=warn") {
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

// TestRetryAfterDelaysTheNextCall checks the limits for the results. The log and a metric have the
// time of the next call.
func TestRetryAfterDelaysTheNextCall(t *testing.T) {
	for _, c := range []struct {
		status       int
		header, want time.Duration
	}{
		{503, 2 * time.Minute, 2 * time.Minute},
		{503, 24 * time.Hour, time.Hour},
		{401, 24 * time.Hour, time.Hour},
		{466, 24 * time.Hour, 24 * time.Hour},
		{429, 48 * time.Hour, 24 * time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			e := newExporter(t)
			const metric = "greenapi_collector_next_call_timestamp_seconds"
			if families := gather(t, e.scrape(t.Context())); families[metric] != nil {
				t.Errorf("%s is exported after a success", metric)
			}
			time.Sleep(time.Minute)
			e.api.answer(c.status, "")
			e.api.header = map[string][]string{"Retry-After": {fmt.Sprint(int(c.header.Seconds()))}}
			families := gather(t, e.scrape(t.Context()))
			next := time.Now().Add(c.want)
			got, _ := valueOf(families, metric, "collector", "outgoing")
			if want := float64(next.UnixMilli()) / 1e3; got != want {
				t.Errorf("%d: %s is %v, want %v", c.status, metric, got, want)
			}
			word := "next_call=" + next.UTC().Format(time.RFC3339)
			if text := e.logged(); !strings.Contains(text, word) {
				t.Errorf("%d: the log does not have %s:\n%s", c.status, word, text)
			}
			for time.Now().Before(next) {
				gather(t, e.scrape(t.Context()))
				time.Sleep(c.want / 20)
			}
			if calls := len(e.api.minutes); calls != 2 {
				t.Errorf("%d: %d calls before %s", c.status, calls, c.want)
			}
			e.api.answer(200, "[]")
			if families := gather(t, e.scrape(t.Context())); families[metric] != nil {
				t.Errorf("%s is exported after the failure", metric)
			}
			if calls := len(e.api.minutes); calls != 3 {
				t.Errorf("%d: %d calls after %s", c.status, calls, c.want)
			}
		})
	}
}
