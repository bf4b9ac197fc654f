package collector

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"greenapi_exporter/internal/greenapi"
)

var (
	plainText   = expfmt.NewFormat(expfmt.TypeTextPlain)
	openMetrics = expfmt.NewFormat(expfmt.TypeOpenMetrics)
)

var update = flag.Bool("update", false, "write the golden files anew")

// row is a row of the journal; its message was sent so many minutes ago.
func row(id, kind, status string, ago int) string {
	return fmt.Sprintf(`{"type":"outgoing","idMessage":%q,"timestamp":%d,"typeMessage":%q,"chatId":"11001234567@c.us","statusMessage":%q}`,
		id, time.Now().Unix()-int64(ago*60), kind, status)
}

// incoming is a row of the journal of messages received.
func incoming(id, kind string, ago int) string {
	return fmt.Sprintf(`{"type":"incoming","idMessage":%q,"timestamp":%d,"typeMessage":%q,"chatId":"11001234567@c.us","senderId":"11001234567@c.us","senderName":"Ann"}`,
		id, time.Now().Unix()-int64(ago*60), kind)
}

func journalOf(rows ...string) string { return "[" + strings.Join(rows, ",") + "]" }

// gather returns the families by name.
func gather(t *testing.T, g prometheus.Gatherer) map[string]*dto.MetricFamily {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	byName := make(map[string]*dto.MetricFamily)
	for _, f := range families {
		byName[f.GetName()] = f
	}
	return byName
}

// exposition is what g gathers in that format, but for what differs from machine to machine.
func exposition(t *testing.T, g prometheus.Gatherer, format expfmt.Format) string {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	encoder := expfmt.NewEncoder(&text, format)
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "greenapi_") && f.GetName() != "greenapi_exporter_build_info" {
			if err := encoder.Encode(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	if closer, ok := encoder.(io.Closer); ok {
		if err := closer.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return text.String()
}

func assertGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is out of date; go test ./collector -update writes it anew. Got:\n%s", path, got)
	}
}

// live scrapes once for the baseline and once when everything has moved on.
func (e *exporter) live(t *testing.T) prometheus.Gatherer {
	e.api.body = journalOf(
		row("A1", "textMessage", "sent", 1),
		row("A2", "extendedTextMessage", "pending", 2),
		row("A3", "stickerMessage", "read", 3),
		`{"type":"outgoing","typeMessage":""}`)
	e.api.others[greenapi.LastIncomingMessages].body = journalOf(incoming("B1", "textMessage", 1))
	gather(t, e.scrape(t.Context()))
	time.Sleep(6 * time.Minute)
	e.api.others[greenapi.LastIncomingMessages].body = journalOf(incoming("B3", "textMessage", 1), incoming("B2", "pollUpdateMessage", 2), incoming("B1", "textMessage", 7))
	e.api.others[greenapi.GetStateInstance].body = `{"stateInstance":"suspended"}`
	e.api.others[greenapi.GetMessagesCount].body = `{"сount":17}`
	e.api.others[greenapi.GetWebhooksCount].body = `{"count":3}`
	e.api.others[greenapi.GetWaSettings].body = fmt.Sprintf(`{"phone":"11005550100","stateInstance":"suspended","suspendedUntil":%d}`, time.Now().Add(time.Hour).Unix())
	e.api.body = journalOf(
		row("A5", "textMessage", "noAccount", 0),
		row("A4", "extendedTextMessage", "delivered", 0),
		row("A6", "brandNewMessage", "brandNew", 0),
		row("A1", "textMessage", "read", 7),
		row("A2", "extendedTextMessage", "pending", 8),
		row("A3", "stickerMessage", "read", 9),
		`{"type":"outgoing","typeMessage":""}`)
	return e.scrape(t.Context())
}

func TestExposition(t *testing.T) {
	for name, scrape := range map[string]func(*testing.T, *exporter) prometheus.Gatherer{
		"live.prom": func(t *testing.T, e *exporter) prometheus.Gatherer { return e.live(t) },
		"failing.prom": func(t *testing.T, e *exporter) prometheus.Gatherer {
			gather(t, e.live(t))
			time.Sleep(10 * time.Minute)
			e.api.answer(400, "Instance is not authorized")
			for _, other := range e.api.others {
				other.answer(500, "")
			}
			return e.scrape(t.Context())
		},
		"failing-from-the-start.prom": func(t *testing.T, e *exporter) prometheus.Gatherer {
			e.api.answer(401, "")
			for _, other := range e.api.others {
				other.answer(401, "")
			}
			return e.scrape(t.Context())
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := scrape(t, newExporter(t, everything()...))
				assertGolden(t, name, exposition(t, g, plainText))
				problems, err := testutil.GatherAndLint(g)
				if err != nil || len(problems) > 0 {
					t.Errorf("lint: %v, %v", problems, err)
				}
			})
		})
	}
}

// TestOpenMetricsExposition writes what make promtool reads with Prometheus's own parser.
func TestOpenMetricsExposition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		assertGolden(t, "live.openmetrics", exposition(t, newExporter(t, everything()...).live(t), openMetrics))
	})
}

// TestOpenMetricsDeclaresNoFamilyTwice: the specification forbids it, and a counter's family has no _total.
func TestOpenMetricsDeclaresNoFamilyTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		families, err := newExporter(t, everything()...).live(t).Gather()
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		for _, f := range families {
			if _, err := expfmt.MetricFamilyToOpenMetrics(&text, f); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := expfmt.FinalizeOpenMetrics(&text); err != nil {
			t.Fatal(err)
		}
		declared := make(map[string]bool)
		for line := range strings.Lines(text.String()) {
			if words := strings.Fields(line); len(words) > 3 && words[1] == "TYPE" {
				if declared[words[2]] {
					t.Errorf("%s is declared twice", words[2])
				}
				declared[words[2]] = true
			}
			if strings.Contains(line, "_created") {
				t.Errorf("a created timestamp as a sample: %s", line)
			}
		}
		if !declared["greenapi_outgoing_messages"] || !declared["go_memstats_alloc_bytes"] {
			t.Error("families are missing")
		}
	})
}

func TestCountersCarryCreatedTimestamps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t)
		start := time.Now()
		for name, family := range gather(t, e.live(t)) {
			if family.GetType() != dto.MetricType_COUNTER || !strings.HasPrefix(name, "greenapi_") {
				continue
			}
			for _, m := range family.Metric {
				created := m.Counter.CreatedTimestamp
				if created == nil || created.AsTime().Before(start) || created.AsTime().After(time.Now()) {
					t.Errorf("%s %v: created %v", name, m.Label, created)
				}
			}
		}
	})
}

func TestReadingsFailByName(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   greenapi.Result
	}{
		{401, "", greenapi.Unauthorized}, {429, "", greenapi.RateLimited}, {466, "", greenapi.QuotaExceeded},
		{400, "expired", greenapi.InstanceExpired}, {200, "null", greenapi.InvalidResponse},
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
					t.Errorf("%s counts %v, want %v", label(m, "result"), got, want)
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
				t.Errorf("%s: the window is shown", c.want)
			}
		})
	}
}

// assertFailing checks by which result the outgoing collector is shown as failing; by none if it is not given.
func assertFailing(t *testing.T, families map[string]*dto.MetricFamily, want ...greenapi.Result) {
	t.Helper()
	var got []greenapi.Result
	for _, m := range families["greenapi_collector_failing"].GetMetric() {
		if label(m, "collector") == "outgoing" && m.Gauge.GetValue() == 1 {
			got = append(got, greenapi.Result(label(m, "result")))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("it is failing by %v, want %v", got, want)
	}
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.Label {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

func TestLabelsHoldNothingPrivate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t)
		e.api.body = journalOf(row("BAE5793F61411D0", "79001234567@c.us", "+7 900 123-45-67", 0), row("X", secret, secret, 0))
		text := exposition(t, e.scrape(t.Context()), plainText)
		for _, private := range []string{"BAE5793F61411D0", "79001234567", "900 123", "11001234567"} {
			if strings.Contains(text, private) {
				t.Errorf("%s is exposed", private)
			}
		}
		for _, value := range strings.FieldsFunc(text, func(r rune) bool { return r == '"' }) {
			if !model.LabelValue(value).IsValid() {
				t.Errorf("label value %q", value)
			}
		}
	})
}

func TestTheLogSaysWhenItBeginsAndWhenItEnds(t *testing.T) {
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
		scrapeFor(12) // ten minutes are one call
		e.api.answer(401, "")
		scrapeFor(20)
		e.api.answer(200, "[]")
		scrapeFor(3)
		var said []string
		for line := range strings.Lines(e.logged()) {
			if !strings.Contains(line, "level=debug") {
				said = append(said, line)
			}
			if strings.Contains(line, secret) {
				t.Errorf("the log has the token: %s", line)
			}
		}
		want := [][]string{
			{"level=error", "id_instance=" + id, "collector=outgoing", "method=lastOutgoingMessages", "result=quota_exceeded", "advice=", "HTTP 466"},
			{"level=error", "result=unauthorized", "advice=", "HTTP 401"},
			{"level=info", "result=ok", "API calls succeed again", "failed_for="},
		}
		assertLines(t, said, want)
	})
}

// assertLines compares the lines of a log with the words that each must have.
func assertLines(t *testing.T, said []string, want [][]string) {
	t.Helper()
	if len(said) != len(want) {
		t.Fatalf("got %d lines, want %d:\n%s", len(said), len(want), strings.Join(said, ""))
	}
	for i, words := range want {
		for _, word := range words {
			if !strings.Contains(said[i], word) {
				t.Errorf("line %d lacks %s: %s", i, word, said[i])
			}
		}
	}
}

func TestAScraperThatHangsUpIsNoOutage(t *testing.T) {
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
		for _, m := range gather(t, e.scrape(t.Context()))["greenapi_api_requests_total"].Metric {
			if result := label(m, "result"); result == "canceled" && m.Counter.GetValue() != 1 || result == "ok" && m.Counter.GetValue() != 2 {
				t.Errorf("%s counts %v", result, m.Counter.GetValue())
			}
		}
	})
}

func TestAnOutageOfManyResultsIsLoggedOnceForEach(t *testing.T) {
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
		if text := e.logged(); strings.Count(text, "level=error") != 4 || strings.Count(text, "level=info") != 1 {
			t.Errorf("logged:\n%s", text)
		}
	})
}

func TestAScrapeThatGivesUpWhileOthersWaitIsLogged(t *testing.T) {
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
		if text := e.logged(); strings.Count(text, "level=warn") != 1 || !strings.Contains(text, "scrape_timeout") {
			t.Errorf("logged:\n%s", text)
		}
	})
}

// TestOtherScrapesThatEndEarlyAreNotLoggedSo: the scraper that hangs up, and the one whose time ends the call.
func TestOtherScrapesThatEndEarlyAreNotLoggedSo(t *testing.T) {
	for name, c := range map[string]struct {
		others bool
		end    func(context.Context) (context.Context, context.CancelFunc)
	}{
		"it hangs up while others wait": {true, func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Second, cancel)
			return ctx, cancel
		}},
		"its time is up, and nobody else waits": {false, func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		}},
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
			if text := e.logged(); strings.Contains(text, "could not wait") {
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

func TestRetryAfterIsHeeded(t *testing.T) {
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

// TestAPauseThatTakesTooLongIsNarrowed: a call that ran out of time may have asked for too much, unless the program was
// stopped meanwhile.
func TestAPauseThatTakesTooLongIsNarrowed(t *testing.T) {
	for name, c := range map[string]struct {
		took time.Duration
		deaf bool
		want int
	}{
		"its time is up":                    {time.Hour, false, 60 + 20},
		"it ends a little late":             {32 * time.Second, true, 60 + 20},
		"the program stood still meanwhile": {time.Hour, true, 60 + 95 + 1 + 5},
	} {
		synctest.Test(t, func(t *testing.T) {
			e := newExporter(t)
			gather(t, e.scrape(t.Context()))
			time.Sleep(35 * time.Minute)
			e.api.took, e.api.deaf = c.took, c.deaf
			gather(t, e.scrape(t.Context()))
			e.api.took, e.api.deaf = 0, false
			time.Sleep(2 * time.Second)
			gather(t, e.scrape(t.Context()))
			if want := []int{60, 60 + 35 + 1 + 5, c.want}; !slices.Equal(e.api.minutes, want) {
				t.Errorf("%s: asked for %v, want %v", name, e.api.minutes, want)
			}
		})
	}
}

func TestAPauseIsAskedForAndAFailureOfItNarrowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t)
		gather(t, e.scrape(t.Context()))
		time.Sleep(35 * time.Minute)
		e.api.answer(400, "minutes is too large")
		gather(t, e.scrape(t.Context()))
		time.Sleep(2 * time.Second)
		gather(t, e.scrape(t.Context()))
		time.Sleep(4 * time.Second)
		e.api.answer(200, "[]")
		gather(t, e.scrape(t.Context()))
		if want := []int{60, 60 + 35 + 1 + 5, 60 + 20, 60 + 10}; !slices.Equal(e.api.minutes, want) {
			t.Errorf("asked for %v, want %v", e.api.minutes, want)
		}
	})
}

func TestSwitchedOffCollectorsShowNothing(t *testing.T) {
	set, e := NewSet(), newExporter(t)
	registry := prometheus.NewPedanticRegistry()
	e.flags.Collectors = nil
	instance, err := set.NewInstance(e.config(t), e.resources())
	if err != nil {
		t.Fatal(err)
	}
	scrape, err := set.Scrape(t.Context(), []*Instance{instance}, nil)
	if err != nil {
		t.Fatal(err)
	}
	registry.MustRegister(scrape)
	if families := gather(t, registry); len(families) != 0 {
		t.Errorf("got %v", families)
	}
}
