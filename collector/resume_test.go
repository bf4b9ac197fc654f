package collector

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"greenapi_exporter/internal/greenapi"
)

// ofTheInstance is what an exposition says of the instance but for the calls, which each run counts for itself. The
// created timestamps are those of OpenMetrics, at the end of each line.
func ofTheInstance(t *testing.T, g prometheus.Gatherer) []string {
	t.Helper()
	var lines []string
	for line := range strings.Lines(exposition(t, g, openMetrics)) {
		if strings.Contains(line, "id_instance") && !strings.HasPrefix(line, "greenapi_api_requests") {
			lines = append(lines, line)
		}
	}
	for name, f := range gather(t, g) {
		for _, m := range f.Metric {
			if created := m.GetCounter().GetCreatedTimestamp(); created != nil && (strings.HasPrefix(name, "greenapi_outgoing") || strings.HasPrefix(name, "greenapi_incoming")) {
				lines = append(lines, name+created.AsTime().String())
			}
		}
	}
	slices.Sort(lines)
	return lines
}

// TestRestartsMakeNoCall: the latest reading and its age survive, and serve for as long as they would have.
func TestRestartsMakeNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t)
		e.flags.MinInterval = time.Hour
		e.kept(t)
		e.api.body = journalOf(row("A1", "textMessage", "sent", 1), row("A2", "extendedTextMessage", "pending", 2))
		gather(t, e.scrape(t.Context()))
		time.Sleep(time.Hour)
		e.api.body = journalOf(row("A3", "stickerMessage", "odd", 1), row("A1", "textMessage", "read", 61), row("A2", "extendedTextMessage", "pending", 62))
		want := ofTheInstance(t, e.scrape(t.Context()))
		if len(want) < 200 {
			t.Fatalf("%d lines", len(want))
		}
		e.api.body = "[]"
		for i := range 10 {
			time.Sleep(5 * time.Minute)
			e.restart(t)
			if got := ofTheInstance(t, e.scrape(t.Context())); !slices.Equal(got, want) {
				t.Fatalf("after restart %d: got\n%s\nwant\n%s", i+1, strings.Join(got, ""), strings.Join(want, ""))
			}
		}
		if len(e.api.minutes) != 2 {
			t.Errorf("%d calls", len(e.api.minutes))
		}
		if text := e.logged(); strings.Count(text, "using the stored reading until the next call") != 10 || strings.Contains(text, "level=error") {
			t.Errorf("logged:\n%s", text)
		}
		time.Sleep(10*time.Minute + time.Second)
		gather(t, e.scrape(t.Context()))
		if want := []int{60, 60 + 61 + 5, 60 + 61 + 5}; !slices.Equal(e.api.minutes, want) {
			t.Errorf("asked for %v minutes, want %v", e.api.minutes, want)
		}
	})
}

// TestACrashLoopUnder466DoesNotCall either, and the log says why nothing is read.
func TestACrashLoopUnder466DoesNotCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t).kept(t)
		e.api.body = journalOf(row("A1", "textMessage", "sent", 1))
		gather(t, e.scrape(t.Context()))
		time.Sleep(time.Minute)
		e.api.answer(466, "")
		want := ofTheInstance(t, e.scrape(t.Context()))
		for range 10 {
			time.Sleep(50 * time.Second)
			e.restart(t)
			if got := ofTheInstance(t, e.scrape(t.Context())); !slices.Equal(got, want) {
				t.Fatalf("got\n%s\nwant\n%s", strings.Join(got, ""), strings.Join(want, ""))
			}
		}
		if len(e.api.minutes) != 2 {
			t.Errorf("%d calls", len(e.api.minutes))
		}
		lines := strings.Split(e.logged(), "\n")
		said := slices.DeleteFunc(lines, func(line string) bool { return !strings.Contains(line, "API call failed before the restart") })
		if len(said) != 10 || !strings.Contains(said[0], "result=quota_exceeded") || !strings.Contains(said[0], "next_call=") || !strings.Contains(said[0], "advice=\"the plan's") {
			t.Errorf("%d lines: %s", len(said), said)
		}
		e.log.Reset()
		time.Sleep(2 * time.Minute)
		e.api.answer(200, "[]")
		gather(t, e.scrape(t.Context()))
		if text := e.logged(); len(e.api.minutes) != 3 || !strings.Contains(text, "API calls succeed again") || !strings.Contains(text, "failed_for=10m") {
			t.Errorf("%d calls, logged:\n%s", len(e.api.minutes), text)
		}
	})
}

// TestAnOutageThatGoesOnAfterARestartIsLoggedAgain: who reads the log of this run knows no other.
func TestAnOutageThatGoesOnAfterARestartIsLoggedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t).kept(t)
		e.api.answer(401, "")
		for _, pause := range []time.Duration{0, time.Hour} {
			gather(t, e.scrape(t.Context()))
			e.log.Reset()
			time.Sleep(pause)
			e.restart(t)
			gather(t, e.scrape(t.Context()))
			if text := e.logged(); strings.Count(text, "level=error") != 1 || !strings.Contains(text, "result=unauthorized") {
				t.Errorf("after %s: logged\n%s", pause, text)
			}
		}
	})
}

// TestOtherSettingsEndTheWaiting, since they may be what was to be mended.
func TestOtherSettingsEndTheWaiting(t *testing.T) {
	for name, change := range map[string]func(*exporter){
		"another token":    func(e *exporter) { e.flags.Token = "another" },
		"another URL":      func(e *exporter) { e.flags.URL = "https://another.example" },
		"other minutes":    func(e *exporter) { e.flags.Minutes = 30 },
		"another interval": func(e *exporter) { e.flags.MinInterval = 30 * time.Minute },
		"none":             func(*exporter) {},
	} {
		for _, status := range []int{200, 403} {
			synctest.Test(t, func(t *testing.T) {
				e := newExporter(t)
				e.flags.MinInterval = time.Hour
				e.kept(t)
				for range 10 {
					e.api.answer(status, "[]")
					gather(t, e.scrape(t.Context()))
					time.Sleep(time.Hour)
				}
				e.api.answer(status, "[]")
				gather(t, e.scrape(t.Context()))
				time.Sleep(time.Minute)
				before := len(e.api.minutes)
				change(e)
				e.restart(t)
				e.restart(t) // before any call: it is the call that counts
				gather(t, e.scrape(t.Context()))
				want := 1
				if name == "none" {
					want = 0
				}
				if calls := len(e.api.minutes) - before; calls != want {
					t.Errorf("%s, status %d: %d calls, want %d", name, status, calls, want)
				}
			})
		}
	}
}

// TestAWindowOfOtherMinutesIsNotShown: it is not what the settings ask for, however the first call ends.
func TestAWindowOfOtherMinutesIsNotShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t).kept(t)
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
		e.restart(t) // killed in the call
		if got := gather(t, e.scrape(t.Context())); got["greenapi_outgoing_window_messages"] != nil || len(e.api.minutes) != calls+1 {
			t.Errorf("%d calls, the window is %v", len(e.api.minutes)-calls, got["greenapi_outgoing_window_messages"])
		}
		if text := e.logged(); !strings.Contains(text, "no reading before the next call") {
			t.Errorf("logged:\n%s", text)
		}
		time.Sleep(time.Minute)
		for _, patience := range []time.Duration{time.Second, 0, time.Second} { // gives up, comes while the spacing lasts, gives up again
			ctx, cancel := context.WithTimeout(t.Context(), patience+time.Millisecond)
			got := gather(t, e.scrape(ctx))
			cancel()
			if got["greenapi_up"].Metric[0].Gauge.GetValue() != 0 || got["greenapi_outgoing_window_messages"] != nil || got["greenapi_outgoing_messages_total"] == nil {
				t.Errorf("up is %v, window %v", got["greenapi_up"], got["greenapi_outgoing_window_messages"])
			}
		}
		time.Sleep(time.Minute)
	})
}

// TestOtherSettingsBeginTheWaitingAnew.
func TestOtherSettingsBeginTheWaitingAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t).kept(t)
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
			t.Errorf("%d calls, want another one a second after the first with the new URL", calls-10)
		}
	})
}

// TestAnEndInACallEndsTheCallFirst: what it may still have to say is on file with the rest.
func TestAnEndInACallEndsTheCallFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t)
		e.flags.MinInterval = time.Hour
		e.kept(t)
		e.api.took = 20 * time.Second
		scraped := make(chan struct{})
		go func() { _, _ = e.scrape(t.Context()).Gather(); close(scraped) }()
		time.Sleep(time.Second)
		synctest.Wait()
		e.instance.Close()
		<-scraped
		e.api.took = 0
		e.restart(t)
		time.Sleep(time.Second)
		gather(t, e.scrape(t.Context()))
		if calls := len(e.api.minutes); calls != 2 {
			t.Errorf("%d calls, want the one that was canceled and another", calls)
		}
	})
}

// TestAFirstCallThatWasKilledIsSaid: there is no reading yet, and why none is made is in the log.
func TestAFirstCallThatWasKilledIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t)
		e.flags.MinInterval = time.Hour
		e.kept(t)
		e.api.took = time.Minute
		go func() { _, _ = e.scrape(t.Context()).Gather() }()
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		e.log.Reset()
		e.restart(t)
		families := gather(t, e.scrape(t.Context()))
		if failing := families["greenapi_collector_failing"]; failing != nil {
			t.Errorf("a call whose end is not known is shown as failing: %v", failing)
		}
		up := families["greenapi_up"].Metric[0].Gauge.GetValue()
		if text := e.logged(); up != 0 || !strings.Contains(text, "level=warn") || !strings.Contains(text, "no reading before the next call") || strings.Contains(text, "serves") || strings.Contains(text, "since=0001") {
			t.Errorf("up is %v, logged:\n%s", up, text)
		}
		time.Sleep(2 * time.Minute)
	})
}

// TestTheTokenIsNotOnFile, nor anything private of the messages.
func TestTheTokenIsNotOnFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, everything()...).kept(t)
		e.directory = filepath.Join(e.directory, "made", "by", "it")
		e.restart(t)
		e.api.body = journalOf(row("BAE5793F61411D0", "textMessage", "sent", 1))
		e.api.others[greenapi.LastIncomingMessages].body = journalOf(incoming("BAE5793F61411D0", "imageMessage", 1))
		gather(t, e.scrape(t.Context()))
		time.Sleep(time.Minute)
		e.api.answer(400, `{"message":"Instance is not authorized","path":"/waInstance1/x/`+secret+`"}`)
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
				t.Errorf("%s is of mode %v", path, info.Mode())
			}
			if info.IsDir() {
				continue
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, private := range []string{secret, webhookToken, "BAE5793F61411D0", "11001234567", "11005550100", "Ann"} {
				if strings.Contains(string(data), private) {
					t.Errorf("%s is in %s", private, path)
				}
			}
		}
	})
}

// TestAProperEndPutsEverythingOnFile: a snapshot takes the place of what was appended.
func TestAProperEndPutsEverythingOnFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t).kept(t)
		for i := range 20 {
			e.api.body = journalOf(row("A1", "textMessage", []string{"sent", "read"}[i/19], 1))
			gather(t, e.scrape(t.Context()))
			time.Sleep(time.Minute)
		}
		want := ofTheInstance(t, e.scrape(t.Context()))
		before, err := os.Stat(filepath.Join(e.directory, id+".ledger"))
		if err != nil {
			t.Fatal(err)
		}
		e.instance.Close()
		after, err := os.Stat(filepath.Join(e.directory, id+".ledger"))
		if err != nil || after.Size() > before.Size()/5 {
			t.Errorf("%d bytes, and %d at the end, %v", before.Size(), after.Size(), err)
		}
		e.restart(t)
		if got := ofTheInstance(t, e.scrape(t.Context())); !slices.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, ""), strings.Join(want, ""))
		}
	})
}
