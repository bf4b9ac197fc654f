package collector

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
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

var update = flag.Bool("update", false, "update the golden files")

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
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range min(len(gotLines), len(wantLines)) {
		if gotLines[i] != wantLines[i] {
			t.Fatalf("%s:%d: got\n%s\nwant\n%s\nTo update: go test ./collector -update",
				path, i+1, gotLines[i], wantLines[i])
		}
	}
	if got != string(want) {
		t.Fatalf("%s: got %d lines, want %d", path, len(gotLines), len(wantLines))
	}
}

// live returns a scrape in which everything has changed since the first.
func (e *exporter) live(t *testing.T) prometheus.Gatherer {
	e.api.body = journalOf(
		row("A1", "textMessage", "sent", 1),
		row("A2", "extendedTextMessage", "pending", 2),
		row("A3", "stickerMessage", "read", 3),
		`{"type":"outgoing","typeMessage":""}`)
	e.replyOf(greenapi.LastIncomingMessages).body = journalOf(incoming("B1", "textMessage", 1))
	gather(t, e.scrape(t.Context()))
	time.Sleep(6 * time.Minute)
	e.replyOf(greenapi.LastIncomingMessages).body = journalOf(
		incoming("B3", "textMessage", 1),
		incoming("B2", "pollUpdateMessage", 2),
		incoming("B1", "textMessage", 7))
	e.replyOf(greenapi.GetStateInstance).body = `{"stateInstance":"suspended"}`
	e.replyOf(greenapi.GetMessagesCount).body = `{"сount":17}`
	e.replyOf(greenapi.GetWebhooksCount).body = `{"count":3}`
	e.replyOf(greenapi.GetWaSettings).body = fmt.Sprintf(
		`{"phone":"11005550100","stateInstance":"suspended","suspendedUntil":%d}`,
		time.Now().Add(time.Hour).Unix())
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
			for _, r := range e.api.replies {
				r.answer(500, "")
			}
			e.api.answer(400, "Instance is not authorized")
			return e.scrape(t.Context())
		},
		"failing-from-the-start.prom": func(t *testing.T, e *exporter) prometheus.Gatherer {
			for _, r := range e.api.replies {
				r.answer(401, "")
			}
			return e.scrape(t.Context())
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := scrape(t, newExporter(t, allNames()...))
				assertGolden(t, name, exposition(t, g, plainText))
				problems, err := testutil.GatherAndLint(g)
				if err != nil || len(problems) > 0 {
					t.Errorf("lint: %v, %v", problems, err)
				}
			})
		})
	}
}

// TestOpenMetricsExposition compares the file that make promtool checks with Prometheus's parser.
func TestOpenMetricsExposition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newExporter(t, allNames()...).live(t)
		assertGolden(t, "live.openmetrics", exposition(t, g, openMetrics))
	})
}

// TestOpenMetricsDeclaresNoFamilyTwice checks names without the suffix _total, which the names of
// counter families do not have in OpenMetrics.
func TestOpenMetricsDeclaresNoFamilyTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		families, err := newExporter(t, allNames()...).live(t).Gather()
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
				t.Errorf("created timestamp as a sample: %s", line)
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
				age := time.Since(created.AsTime())
				if created == nil || age < 0 || age > time.Since(start) {
					t.Errorf("%s %v: created %v", name, m.Label, created)
				}
			}
		}
	})
}

// TestIncomingCountersHaveCreatedTimestamps checks that a new type is created at the latest reading
// without it.
func TestIncomingCountersHaveCreatedTimestamps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, "incoming")
		first := time.Now()
		gather(t, e.scrape(t.Context()))
		time.Sleep(time.Minute)
		before := time.Now()
		gather(t, e.scrape(t.Context()))
		time.Sleep(time.Minute)
		in := e.replyOf(greenapi.LastIncomingMessages)
		in.body = journalOf(incoming("B1", "pollMessage", 0))
		created := make(map[string]time.Time)
		families := gather(t, e.scrape(t.Context()))
		for _, m := range families["greenapi_incoming_messages_total"].Metric {
			created[label(m, "type")] = m.Counter.CreatedTimestamp.AsTime()
		}
		if !created["pollMessage"].Equal(before) || !created["textMessage"].Equal(first) {
			t.Errorf("created %v, want %v and %v", created, before, first)
		}
	})
}

func TestUnknownValuesAreAbsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, allNames()...)
		e.replyOf(greenapi.GetSettings).body = `{"outgoingWebhook":"yes"}`
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		families := gather(t, e.scrape(canceled))
		for _, name := range []string{
			"greenapi_collector_duration_seconds",
			"greenapi_collector_last_success_timestamp_seconds",
			"greenapi_queue_messages", "greenapi_instance_state",
		} {
			if families[name] != nil {
				t.Errorf("%s is exported before the first call", name)
			}
		}
		families = gather(t, e.scrape(t.Context()))
		for _, name := range []string{
			"greenapi_instance_send_delay_seconds", metricOf["account"],
			"greenapi_incoming_last_message_timestamp_seconds",
			"greenapi_outgoing_last_message_timestamp_seconds",
		} {
			if families[name] != nil {
				t.Errorf("%s is exported, but the API did not return it", name)
			}
		}
		if families[metricOf["settings"]] == nil || families[metricOf["incoming"]] == nil {
			t.Error("known values are not exported")
		}
	})
}

func TestLabelsHaveNoPrivateData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t)
		e.api.body = journalOf(
			row("BAE5793F61411D0", "79001234567@c.us", "+7 900 123-45-67", 0),
			row("X", secret, secret, 0))
		text := exposition(t, e.scrape(t.Context()), plainText)
		for _, private := range []string{
			"BAE5793F61411D0", "79001234567", "900 123", "11001234567",
		} {
			if strings.Contains(text, private) {
				t.Errorf("%s is exported", private)
			}
		}
		for _, value := range strings.FieldsFunc(text, func(r rune) bool { return r == '"' }) {
			if !model.LabelValue(value).IsValid() {
				t.Errorf("invalid label value %q", value)
			}
		}
	})
}

// TestPrivateDataIsNotExported checks that tokens, phone numbers and names are neither exported nor
// logged.
func TestPrivateDataIsNotExported(t *testing.T) {
	for _, code := range []int{200, 400, 500} {
		synctest.Test(t, func(t *testing.T) {
			e := newExporter(t, allNames()...)
			in := e.replyOf(greenapi.LastIncomingMessages)
			in.body = journalOf(incoming("B1", "textMessage", 1))
			for _, c := range All() {
				e.replyOf(c.Method).status = code
			}
			text := exposition(t, e.scrape(t.Context()), plainText) + e.logged()
			for _, private := range []string{
				secret, webhookToken, "11005550100", "11001234567", "Ann",
			} {
				if strings.Contains(text, private) {
					t.Errorf("status %d: %s is exported or logged", code, private)
				}
			}
			if code == 200 && !strings.Contains(text, `setting="outgoingWebhook"`) {
				t.Error("the settings are not exported")
			}
		})
	}
}
