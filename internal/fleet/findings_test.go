package fleet

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// wantUnwatched checks the values of the metric, in the order of the reasons no_token, bad_id,
// excluded, deleted, expired. Without values, it must be absent.
func (s *testSyncer) wantUnwatched(t *testing.T, want ...float64) {
	t.Helper()
	synctest.Wait()
	metrics := collect(t, s)
	var got []float64
	for _, reason := range strings.Fields("no_token bad_id excluded deleted expired") {
		if value, ok := metrics["greenapi_exporter_partner_unwatched_instances "+reason]; ok {
			got = append(got, value)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("unwatched instances %v, want %v", got, want)
	}
}

// takeLines returns the log lines since the previous takeLines that contain the text.
func (s *testSyncer) takeLines(text string) (lines []string) {
	synctest.Wait()
	for line := range strings.Lines(s.log.take()) {
		if strings.Contains(line, text) {
			lines = append(lines, line)
		}
	}
	return lines
}

const unusualList = `[
	{"idInstance":1101000002,"apiTokenInstance":"token-2","expirationDate":"yesterday"},
	{"idInstance":1101000003},
	{"idInstance":1101000004,"apiTokenInstance":"to ken"},
	{"idInstance":"abc","apiTokenInstance":"token-5"},
	null,
	{"idInstance":1101000006,"apiTokenInstance":"token-6","deleted":true},
	{"idInstance":1101000007,"apiTokenInstance":"token-7","isExpired":true},
	{"idInstance":2201000008,"expirationDate":"yesterday"},
	{"idInstance":1101000009,"apiTokenInstance":"token-9"},
	{"idInstance":1101000009,"apiTokenInstance":"token-10"},
	{"idInstance":1101000001,"deleted":true}]`

func TestUnwatchedInstancesAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSyncer(t)
		s.api.fail(502)
		s.configure(t, partnerConfig)
		s.wantUnwatched(t)
		s.api.list("1101000002")
		time.Sleep(time.Minute)
		s.wantUnwatched(t, 0, 0, 0, 0, 0)
		s.api.respond(200, unusualList)
		time.Sleep(10 * time.Minute)
		s.wantTargets(t, true, "1101000001", "1101000002", "1101000009")
		s.wantUnwatched(t, 2, 2, 1, 1, 1)
		s.configure(t, strings.Replace(partnerConfig, "^11", "^22|3$", 1))
		s.wantUnwatched(t, 2, 2, 5, 0, 0)
		s.configure(t, "instances: [{id_instance: 1101000001, token: own}]\n")
		s.wantUnwatched(t)
	})
}

func TestUnusualInstancesAreLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSyncer(t)
		s.api.respond(200, unusualList)
		s.configure(t, partnerConfig)
		lines := s.takeLines("reason=")
		for _, want := range []string{
			"level=warn reason=no_token ids=1101000003,1101000004",
			"level=warn reason=bad_id entries=2",
			"level=info reason=excluded ids=2201000008",
			"level=info reason=deleted ids=1101000006",
			"level=info reason=expired ids=1101000007",
			"level=warn reason=bad_expiration_date ids=1101000002",
			"level=warn reason=two_tokens ids=1101000009",
		} {
			if n := countLines(lines, want); n != 1 {
				t.Errorf("%d lines with %s, want 1:\n%s", n, want, lines)
			}
		}
		if len(lines) != 7 {
			t.Errorf("%d lines, want 7:\n%s", len(lines), lines)
		}
		time.Sleep(time.Hour)
		if lines := s.takeLines(""); len(lines) > 0 {
			t.Errorf("the same list is logged again:\n%s", lines)
		}

		another := strings.Replace(unusualList, `"token-9"`, `"token-9","isExpired":true`, 1)
		another = strings.Replace(another, `"token-10"`, `""`, 1)
		another = strings.Replace(another, "null", `null,7,{"idInstance":1101000012}`, 1)
		s.api.respond(200, another)
		time.Sleep(20 * time.Minute)
		lines = s.takeLines("reason=")
		if len(lines) != 2 || countLines(lines, "reason=no_token ids=1101000009,1101000012") != 1 ||
			countLines(lines, "reason=bad_id entries=3") != 1 {
			t.Errorf("changes are logged as:\n%s", lines)
		}
	})
}

// countLines returns the number of lines that contain each of the words.
func countLines(lines []string, words string) (n int) {
	for _, line := range lines {
		missing := func(word string) bool { return !slices.Contains(strings.Fields(line), word) }
		if !slices.ContainsFunc(strings.Fields(words), missing) {
			n++
		}
	}
	return n
}

func TestLogLinesAboutInstancesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSyncer(t)
		var entries []string
		for n := range 1000 {
			entries = append(entries, fmt.Sprintf(`{"idInstance":%d}`, 1101000002+n))
		}
		s.api.respond(200, "["+strings.Join(entries, ",")+"]")
		s.configure(t, partnerConfig)
		lines := s.takeLines("reason=")
		if len(lines) != 1 || len(lines[0]) > 500 || !strings.Contains(lines[0], "990 more") {
			t.Errorf("1000 instances without a token are logged as:\n%s", lines)
		}
	})
}
