package collector

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
)

// instanceMetrics returns the series of the instance and the created timestamps of journals. It
// omits the numbers of calls, because each run counts its own. It also omits the skew of the API's
// clock, which is unknown before the first response of a run.
func instanceMetrics(t *testing.T, g prometheus.Gatherer) []string {
	t.Helper()
	journals := regexp.MustCompile("^greenapi_(outgoing|incoming)_")
	var lines []string
	for line := range strings.Lines(exposition(t, g, openMetrics)) {
		if strings.Contains(line, "id_instance") &&
			!strings.HasPrefix(line, "greenapi_api_") {
			lines = append(lines, line)
		}
	}
	for name, f := range gather(t, g) {
		for _, m := range f.Metric {
			created := m.GetCounter().GetCreatedTimestamp()
			if created != nil && journals.MatchString(name) {
				lines = append(lines, name+created.AsTime().String())
			}
		}
	}
	slices.Sort(lines)
	return lines
}

// TestRestartsMakeNoCall checks that the latest reading and its age survive restarts, and that the
// next call is due at the same time.
func TestRestartsMakeNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t)
		e.flags.MinInterval = time.Hour
		e.persistent(t)
		e.api.body = journalOf(
			row("A1", "textMessage", "sent", 1), row("A2", "extendedTextMessage", "pending", 2))
		gather(t, e.scrape(t.Context()))
		time.Sleep(time.Hour)
		e.api.body = journalOf(
			row("A3", "stickerMessage", "odd", 1), row("A1", "textMessage", "read", 61),
			row("A2", "extendedTextMessage", "pending", 62))
		want := instanceMetrics(t, e.scrape(t.Context()))
		if len(want) < 200 {
			t.Fatalf("%d lines", len(want))
		}
		e.api.body = "[]"
		for i := range 10 {
			time.Sleep(5 * time.Minute)
			e.restart(t)
			if got := instanceMetrics(t, e.scrape(t.Context())); !slices.Equal(got, want) {
				t.Fatalf("after restart %d: got\n%s\nwant\n%s", i+1, got, want)
			}
		}
		if len(e.api.minutes) != 2 {
			t.Errorf("%d calls", len(e.api.minutes))
		}
		text := e.logged()
		if strings.Count(text, "using the stored reading until the next call") != 10 ||
			strings.Contains(text, "level=error") {
			t.Errorf("logged:\n%s", text)
		}
		time.Sleep(10*time.Minute + time.Second)
		gather(t, e.scrape(t.Context()))
		if want := []int{60, 60 + 61 + 5, 60 + 61 + 5}; !slices.Equal(e.api.minutes, want) {
			t.Errorf("requested %v minutes, want %v", e.api.minutes, want)
		}
	})
}

// TestRestartsDoNotReadJournals checks restarts within the interval. A call would count toward the
// quota.
func TestRestartsDoNotReadJournals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, allNames()...)
		e.flags.MinInterval = time.Hour
		e.persistent(t)
		var want []string
		for i := range 5 {
			lines := instanceMetrics(t, e.scrape(t.Context()))
			lines = slices.DeleteFunc(lines, func(line string) bool {
				return !strings.Contains(line, "greenapi_incoming")
			})
			if i == 0 {
				want = lines
			}
			if len(lines) < 20 || !slices.Equal(lines, want) {
				t.Errorf("start %d: got %s, want %s", i, lines, want)
			}
			time.Sleep(5 * time.Minute)
			e.restart(t)
		}
		for method, want := range map[string]int{
			greenapi.LastOutgoingMessages: 1, greenapi.LastIncomingMessages: 1,
			greenapi.GetStateInstance: 5,
		} {
			if n := e.api.calls[method]; n != want {
				t.Errorf("%d calls of %s, want %d", n, method, want)
			}
		}
	})
}

// TestCrashLoopDuringTheQuotaPauseMakesNoCall also checks that each run logs the reason.
func TestCrashLoopDuringTheQuotaPauseMakesNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t).persistent(t)
		e.api.body = journalOf(row("A1", "textMessage", "sent", 1))
		gather(t, e.scrape(t.Context()))
		time.Sleep(time.Minute)
		e.api.answer(466, "")
		want := instanceMetrics(t, e.scrape(t.Context()))
		for range 10 {
			time.Sleep(50 * time.Second)
			e.restart(t)
			if got := instanceMetrics(t, e.scrape(t.Context())); !slices.Equal(got, want) {
				t.Fatalf("got\n%s\nwant\n%s", got, want)
			}
		}
		if len(e.api.minutes) != 2 {
			t.Errorf("%d calls", len(e.api.minutes))
		}
		var logged []string
		for line := range strings.Lines(e.logged()) {
			if strings.Contains(line, "API call failed before the restart") {
				logged = append(logged, line)
			}
		}
		words := []string{"result=quota_exceeded", "next_call=", "advice="}
		assertLines(t, logged, slices.Repeat([][]string{words}, 10))
		e.log.Reset()
		time.Sleep(2 * time.Minute)
		e.api.answer(200, "[]")
		gather(t, e.scrape(t.Context()))
		if calls, text := len(e.api.minutes), e.logged(); calls != 3 ||
			!strings.Contains(text, "API calls succeed again") ||
			!strings.Contains(text, "failed_for=10m") {
			t.Errorf("%d calls, logged:\n%s", calls, text)
		}
	})
}

// TestStoredWaitIsLimited checks waits of a day, which earlier releases stored after any failure.
func TestStoredWaitIsLimited(t *testing.T) {
	for result, want := range map[greenapi.Result]time.Duration{
		greenapi.ServerError: time.Hour, greenapi.Forbidden: time.Hour,
		greenapi.QuotaExceeded: 24 * time.Hour, greenapi.RateLimited: 24 * time.Hour,
		resultInterrupted: time.Hour,
	} {
		synctest.Test(t, func(t *testing.T) {
			e := newExporter(t).persistent(t)
			begin := time.Now()
			gather(t, e.scrape(t.Context()))
			e.instance.Close()
			options := ledger.Options{Minutes: 60, MaxMinutes: 60, Retention: 360 * time.Hour}
			l, err := e.storage.Ledger(id, options, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			state := l.LastPollState()
			state.Next, state.Failures, state.Took = begin.Add(24*time.Hour), 1, 0
			state.Result = string(result)
			l.Persist(state)
			l.Close()
			for _, at := range []time.Duration{time.Second, want / 2, want - time.Second} {
				time.Sleep(time.Until(begin.Add(at)))
				e.restart(t)
				gather(t, e.scrape(t.Context()))
				if calls := len(e.api.minutes); calls != 1 {
					t.Errorf("%s: %d calls after %s, want 1", result, calls, at)
				}
			}
			next := begin.Add(want).UTC().Format(time.RFC3339)
			if text := e.logged(); !strings.Contains(text, "next_call="+next) {
				t.Errorf("%s: the log does not have %s:\n%s", result, next, text)
			}
			time.Sleep(2 * time.Second)
			gather(t, e.scrape(t.Context()))
			if calls := len(e.api.minutes); calls != 2 {
				t.Errorf("%s: %d calls after %s, want 2", result, calls, want)
			}
		})
	}
}

func TestOutageIsLoggedAgainAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t).persistent(t)
		e.api.answer(401, "")
		for _, pause := range []time.Duration{0, time.Hour} {
			gather(t, e.scrape(t.Context()))
			e.log.Reset()
			time.Sleep(pause)
			e.restart(t)
			gather(t, e.scrape(t.Context()))
			text := e.logged()
			if strings.Count(text, "level=error") != 1 ||
				!strings.Contains(text, "result=unauthorized") {
				t.Errorf("after %s: logged\n%s", pause, text)
			}
		}
	})
}

// TestChangedSettingsEndTheBackoff checks that a call follows a change of the token or URL without
// a wait, and a change of the minutes if the latest call succeeded, or failed because of them. No
// other change ends a wait.
func TestChangedSettingsEndTheBackoff(t *testing.T) {
	all := []int{200, 400, 403, 466}
	for name, c := range map[string]struct {
		change func(*exporter)
		calls  []int // the statuses of the latest call after which a call follows
	}{
		"another token":      {func(e *exporter) { e.flags.Token = "another" }, all},
		"another URL":        {func(e *exporter) { e.flags.URL = "https://another.example" }, all},
		"other minutes":      {func(e *exporter) { e.flags.Minutes = 30 }, []int{200, 400}},
		"a shorter interval": {func(e *exporter) { e.flags.MinInterval = 30 * time.Minute }, nil},
		"none":               {func(*exporter) {}, nil},
	} {
		for _, status := range all {
			synctest.Test(t, func(t *testing.T) {
				e := newExporter(t)
				e.flags.MinInterval = time.Hour
				e.persistent(t)
				for range 10 {
					e.api.answer(status, "[]")
					gather(t, e.scrape(t.Context()))
					time.Sleep(time.Hour)
				}
				e.api.answer(status, "[]")
				gather(t, e.scrape(t.Context()))
				time.Sleep(time.Minute)
				before := len(e.api.minutes)
				c.change(e)
				e.restart(t)
				e.restart(t) // before any call with the new settings
				gather(t, e.scrape(t.Context()))
				want := 0
				if slices.Contains(c.calls, status) {
					want = 1
				}
				if calls := len(e.api.minutes) - before; calls != want {
					t.Errorf("%s, status %d: %d calls, want %d", name, status, calls, want)
				}
			})
		}
	}
}

// TestShorterIntervalAppliesToTheStoredReading checks that a restart does not prolong its use.
func TestShorterIntervalAppliesToTheStoredReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t)
		e.flags.MinInterval = time.Hour
		e.persistent(t)
		gather(t, e.scrape(t.Context()))
		e.flags.MinInterval = 30 * time.Minute
		for _, want := range []int{1, 1, 1, 2} {
			e.restart(t)
			gather(t, e.scrape(t.Context()))
			if calls := len(e.api.minutes); calls != want {
				t.Errorf("%d calls, want %d", calls, want)
			}
			time.Sleep(10 * time.Minute)
		}
	})
}

// TestRestartsWithOtherMinutesKeepThePause checks waits that the API demands. Neither a restart nor
// a reload with other minutes or another interval ends them.
func TestRestartsWithOtherMinutesKeepThePause(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		header http.Header
	}{
		"quota":           {466, nil},
		"rate limit":      {429, http.Header{"Retry-After": {"600"}}},
		"retry after":     {503, http.Header{"Retry-After": {"600"}}},
		"bad request":     {400, http.Header{"Retry-After": {"600"}}},
		"gateway timeout": {504, http.Header{"Retry-After": {"600"}}},
		"unauthorized":    {401, http.Header{"Retry-After": {"600"}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newExporter(t).persistent(t)
				e.api.status, e.api.header = c.status, c.header
				gather(t, e.scrape(t.Context()))
				for n := range 10 {
					time.Sleep(50 * time.Second)
					e.flags.Minutes = []int{60, 120}[n%2]
					e.flags.MinInterval = []time.Duration{time.Second, time.Minute}[n%2]
					e.restart(t)
					gather(t, e.scrape(t.Context()))
					e.flags.Minutes++
					if err := e.instance.ApplyConfig(e.config(t)); err != nil {
						t.Fatal(err)
					}
					gather(t, e.scrape(t.Context()))
				}
				if calls := len(e.api.minutes); calls != 1 {
					t.Errorf("%d calls, want 1", calls)
				}
			})
		})
	}
}

func TestChangedSettingsRestartTheBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t).persistent(t)
		e.api.answer(403, "")
		for range 10 {
			gather(t, e.scrape(t.Context()))
			time.Sleep(time.Hour)
		}
		e.flags.URL = "https://another.example"
		e.restart(t)
		gather(t, e.scrape(t.Context()))
		time.Sleep(1100 * time.Millisecond)
		gather(t, e.scrape(t.Context()))
		if calls := len(e.api.minutes); calls != 12 {
			t.Errorf("%d calls with the new URL, want 2", calls-10)
		}
	})
}

// TestWindowOfOtherMinutesIsNotExported checks that the window is absent until a call with the new
// settings succeeds.
func TestWindowOfOtherMinutesIsNotExported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t).persistent(t)
		e.api.body = journalOf(row("A1", "textMessage", "sent", 1))
		gather(t, e.scrape(t.Context()))
		time.Sleep(time.Minute)
		e.flags.Minutes = 120
		e.restart(t)
		e.api.took = 10 * time.Second
		calls := len(e.api.minutes)
		go func() { _, _ = e.scrape(t.Context()).Gather() }()
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		e.restart(t) // during the call
		window := gather(t, e.scrape(t.Context()))["greenapi_outgoing_window_messages"]
		if n := len(e.api.minutes) - calls; n != 1 || window != nil {
			t.Errorf("%d calls, the window is %v", n, window)
		}
		if text := e.logged(); !strings.Contains(text, "no reading before the next call") {
			t.Errorf("logged:\n%s", text)
		}
		time.Sleep(time.Minute)
		// The second scrape ends before another call may begin.
		for _, timeout := range []time.Duration{time.Second, 0, time.Second} {
			ctx, cancel := context.WithTimeout(t.Context(), timeout+time.Millisecond)
			families := gather(t, e.scrape(ctx))
			cancel()
			up, _ := valueOf(families, "greenapi_up")
			window := families["greenapi_outgoing_window_messages"]
			totals := families["greenapi_outgoing_messages_total"]
			if up != 0 || window != nil || totals == nil {
				t.Errorf("up is %v, window %v, totals %v", up, window, totals)
			}
		}
		time.Sleep(time.Minute)
	})
}

// TestInterruptedFirstCallIsLogged checks the log of the next run, which has no reading until the
// next call.
func TestInterruptedFirstCallIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t)
		e.flags.MinInterval = time.Hour
		e.persistent(t)
		e.api.took = time.Minute
		go func() { _, _ = e.scrape(t.Context()).Gather() }()
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		e.log.Reset()
		e.restart(t)
		families := gather(t, e.scrape(t.Context()))
		if failing := families["greenapi_collector_failing"]; failing != nil {
			t.Errorf("an interrupted call is exported as failing: %v", failing)
		}
		up, _ := valueOf(families, "greenapi_up")
		text := e.logged()
		if up != 0 || !strings.Contains(text, "level=warn") ||
			!strings.Contains(text, "no reading before the next call") ||
			strings.Contains(text, "using the stored reading") {
			t.Errorf("up is %v, logged:\n%s", up, text)
		}
		time.Sleep(2 * time.Minute)
	})
}

// TestLedgerFilesHaveNoPrivateData also checks that only their owner can read them.
func TestLedgerFilesHaveNoPrivateData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, allNames()...).persistent(t)
		e.directory = filepath.Join(e.directory, "new", "directory")
		e.restart(t)
		e.api.body = journalOf(row("BAE5793F61411D0", "textMessage", "sent", 1))
		in := e.replyOf(greenapi.LastIncomingMessages)
		in.body = journalOf(incoming("BAE5793F61411D0", "imageMessage", 1))
		gather(t, e.scrape(t.Context()))
		time.Sleep(time.Minute)
		e.api.answer(400,
			`{"message":"Instance is not authorized","path":"/waInstance1/x/`+secret+`"}`)
		gather(t, e.scrape(t.Context()))
		files, err := filepath.Glob(filepath.Join(e.directory, "*"))
		if err != nil || len(files) != 3 {
			t.Fatalf("files %v, %v", files, err)
		}
		for _, path := range append(files, e.directory) {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if others := info.Mode().Perm() & 0o077; others != 0 {
				t.Errorf("%s has mode %v", path, info.Mode())
			}
			if info.IsDir() {
				continue
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, private := range []string{
				secret, webhookToken, "BAE5793F61411D0", "11001234567", "11005550100", "Ann",
			} {
				if strings.Contains(string(data), private) {
					t.Errorf("%s is in %s", private, path)
				}
			}
		}
	})
}
