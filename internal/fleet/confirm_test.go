package fleet

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	refresh = 10 * time.Minute // of partnerConfig
	warning = "level=warn"
)

// ids returns the ids of instances by their numbers, such as "1-4 7".
func ids(t *testing.T, numbers string) (ids []string) {
	t.Helper()
	for _, r := range strings.Fields(numbers) {
		first, last, ok := strings.Cut(r, "-")
		if !ok {
			last = first
		}
		n, err := strconv.Atoi(first)
		end, endErr := strconv.Atoi(last)
		if err != nil || endErr != nil {
			t.Fatalf("not a range: %s", r)
		}
		for ; n <= end; n++ {
			ids = append(ids, fmt.Sprint(1101000100+n))
		}
	}
	return ids
}

// TestListsThatLackInstancesAreConfirmed checks the targets after each list. A list is confirmed
// before it closes more than a fifth of the instances of the list before it.
func TestListsThatLackInstancesAreConfirmed(t *testing.T) {
	type step struct{ list, want string } // of instances in addition to the configured one
	for name, steps := range map[string][]step{
		"a fifth":                   {{"1-10", "1-10"}, {"3-10", "3-10"}},
		"more than a fifth":         {{"1-10", "1-10"}, {"4-10", "1-10"}, {"4-10", "4-10"}},
		"one of a few":              {{"1-4", "1-4"}, {"1-3", "1-4"}, {"1-3", "1-3"}},
		"empty":                     {{"1-4", "1-4"}, {"", "1-4"}, {"", ""}, {"1-4", "1-4"}},
		"the only instance":         {{"1", "1"}, {"", "1"}, {"", ""}},
		"the first list":            {{"1", "1"}, {"1-9", "1-9"}},
		"an error of one list":      {{"1-10", "1-10"}, {"1-2", "1-10"}, {"1-11", "1-11"}},
		"errors of two single ones": {{"1-4", "1-4"}, {"1", "1-4"}, {"1-4", "1-4"}, {"1", "1-4"}},
		"some come back":            {{"1-10", "1-10"}, {"6-10", "1-10"}, {"3-10", "3-10"}},
		"others":                    {{"1-10", "1-10"}, {"11-20", "1-10"}, {"11-20", "11-20"}},

		"a list that lacks different instances": {
			{"1-10", "1-10"}, {"1-5", "1-10"}, {"6-10", "1-10"}, {"1-5", "1-10"}, {"1-5", "1-5"},
		},
		"a list that lacks a few more": {{"1-10", "1-10"}, {"4-10", "1-10"}, {"5-10", "5-10"}},
		"a list that lacks many more": {
			{"1-10", "1-10"}, {"4-10", "1-10"}, {"8-10", "1-10"}, {"8-10", "8-10"},
		},
		"a list that lacks a few more of few": {
			{"1-10", "1-10"}, {"7-10", "1-10"}, {"8-10", "1-10"}, {"8-10", "8-10"},
		},
		"empty, then a part": {{"1-10", "1-10"}, {"", "1-10"}, {"1-5", "1-5"}},
		"a part, then empty": {{"1-10", "1-10"}, {"1-5", "1-10"}, {"", "1-10"}, {"", ""}},
		"instances that come back": {
			{"1-10", "1-10"}, {"1-5", "1-10"}, {"1-5", "1-5"}, {"1-10", "1-10"},
			{"1-5", "1-10"}, {"1-5", "1-5"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newTestSyncer(t)
				s.api.list(ids(t, steps[0].list)...)
				s.configure(t, partnerConfig)
				for n, step := range steps {
					if n > 0 {
						s.api.list(ids(t, step.list)...)
						time.Sleep(refresh)
					}
					s.wantTargets(t, true, append([]string{"1101000001"}, ids(t, step.want)...)...)
					held := step.list != step.want
					if lines := s.takeLines(warning); (len(lines) == 1) != held || len(lines) > 1 {
						t.Errorf("list %s is logged as %s", step.list, lines)
					}
					if got := s.HeldList(); (got != "") != held {
						t.Errorf("list %s: the held list is %q", step.list, got)
					}
				}
			})
		})
	}
}

// TestUnusableInstancesCountAsLacking checks that a list must be confirmed, whatever the reason
// why it would close instances.
func TestUnusableInstancesCountAsLacking(t *testing.T) {
	for name, members := range map[string]string{
		"no token": `"deleted":false`, "deleted": `"apiTokenInstance":"token","deleted":true`,
		"expired": `"apiTokenInstance":"token","isExpired":true`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newTestSyncer(t)
				s.api.list(ids(t, "1-3")...)
				s.configure(t, partnerConfig)
				s.wantTargets(t, true, "1101000001", "1101000101", "1101000102", "1101000103")
				var entries []string
				for _, id := range ids(t, "1-3") {
					entries = append(entries, fmt.Sprintf(`{"idInstance":%s,%s}`, id, members))
				}
				s.api.respond(200, "["+strings.Join(entries, ",")+"]")
				time.Sleep(refresh)
				s.wantTargets(t, true, "1101000001", "1101000101", "1101000102", "1101000103")
				s.wantUnwatched(t, 0, 0, 0, 0, 0)
				time.Sleep(refresh)
				s.wantTargets(t, true, "1101000001")
			})
		})
	}
}

// TestOnlyInstancesThatWouldCloseAreLacking checks that instances do not count as lacking if they
// are excluded, or remain in the file.
func TestOnlyInstancesThatWouldCloseAreLacking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSyncer(t)
		s.api.list("1101000001", "1101000101", "2201000001", "2201000002")
		s.configure(t, partnerConfig)
		s.wantTargets(t, true, "1101000001", "1101000101")
		s.api.list("1101000101")
		time.Sleep(refresh)
		s.wantUnwatched(t, 0, 0, 0, 0, 0)
		if lines := s.takeLines(warning); len(lines) > 0 {
			t.Errorf("the log has warnings: %s", lines)
		}
	})
}

func TestUnconfirmedListIsLoggedWithItsNumbers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSyncer(t)
		s.api.list(ids(t, "1-50")...)
		s.configure(t, partnerConfig)
		s.takeLines("")
		lastSuccess := collect(t, s)[lastSuccessMetric]
		s.api.list(ids(t, "1-20")...)
		time.Sleep(refresh)
		lines := s.takeLines("")
		if len(lines) != 1 ||
			countLines(lines, "level=warn watched=50 lacking=30 listed=20") != 1 ||
			!strings.Contains(lines[0], "1101000121,") || !strings.Contains(lines[0], "20 more") {
			t.Errorf("the list is logged as %s", lines)
		}
		if got := collect(t, s)[lastSuccessMetric]; got != lastSuccess {
			t.Errorf("the last success is %v, want that of the list in use, %v", got, lastSuccess)
		}
		s.api.list(ids(t, "1-50")...)
		time.Sleep(refresh)
		if lines := s.takeLines("applied the list"); len(lines) != 1 {
			t.Errorf("the log does not report the end: %s", lines)
		}
	})
}

// TestFailedCallsDoNotConfirmAList checks that only a list confirms a list.
func TestFailedCallsDoNotConfirmAList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSyncer(t)
		s.api.list(ids(t, "1-3")...)
		s.configure(t, partnerConfig)
		s.wantTargets(t, true, "1101000001", "1101000101", "1101000102", "1101000103")
		s.api.list()
		time.Sleep(refresh)
		synctest.Wait()
		s.api.fail(502)
		time.Sleep(refresh)
		s.wantTargets(t, true, "1101000001", "1101000101", "1101000102", "1101000103")
		s.api.list()
		time.Sleep(time.Minute)
		s.wantTargets(t, true, "1101000001")
	})
}

// TestEmptyFirstListIsConfirmed checks that after a start, an empty list does not count as complete
// before the next one confirms it. Until then, Prometheus keeps its targets.
func TestEmptyFirstListIsConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSyncer(t)
		s.api.list()
		s.configure(t, partnerConfig)
		s.wantTargets(t, false, "1101000001")
		s.wantUnwatched(t)
		s.api.list("1101000101")
		time.Sleep(time.Minute)
		s.wantTargets(t, true, "1101000001", "1101000101")

		s.configure(t, "instances: [{id_instance: 1101000001, token: own}]\n")
		s.api.list()
		s.configure(t, partnerConfig)
		time.Sleep(time.Second)
		s.wantTargets(t, false, "1101000001")
		time.Sleep(time.Minute)
		s.wantTargets(t, true, "1101000001")
		s.wantUnwatched(t, 0, 0, 0, 0, 0)
		if lines := s.takeLines(warning); len(lines) != 2 {
			t.Errorf("the log has %d warnings, want 2: %s", len(lines), lines)
		}
	})
}

// TestFirstListWithoutInstancesToWatchIsApplied checks that a list with entries is not empty.
func TestFirstListWithoutInstancesToWatchIsApplied(t *testing.T) {
	for _, entry := range []string{`{"idInstance":2201000001}`, "null"} {
		synctest.Test(t, func(t *testing.T) {
			s := newTestSyncer(t)
			s.api.respond(200, "["+entry+"]")
			s.configure(t, partnerConfig)
			s.wantTargets(t, true, "1101000001")
		})
	}
}
