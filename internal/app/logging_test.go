package app

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log/level"
)

// TestRateOfEqualMessagesIsLimited logs an outage of many instances in two minutes. The limit
// applies to each message and each minute, and not at all at level debug.
func TestRateOfEqualMessagesIsLimited(t *testing.T) {
	for minLevel, want := range map[string]int{"info": 2 * (maxPerMinute + 1), "debug": 2200} {
		synctest.Test(t, func(t *testing.T) {
			var text bytes.Buffer
			logger := newLogger(&text, minLevel, "logfmt")
			for range 2 {
				for n := range 1000 {
					level.Error(logger).Log("id_instance", fmt.Sprint(n), "msg", "call failed")
				}
				level.Info(logger).Log("msg", "another")
				for range 100 {
					level.Debug(logger).Log("msg", "called the API")
				}
				time.Sleep(time.Minute)
			}
			if n := strings.Count(text.String(), "\n"); n != want+2 {
				t.Errorf("%s: %d lines, want %d:\n%.2000s", minLevel, n, want+2, &text)
			}
			if n := strings.Count(text.String(), "msg=another"); n != 2 {
				t.Errorf("%s: %d lines of the other message, want 2", minLevel, n)
			}
			got := strings.Count(text.String(), "suppressing")
			if (got == 2) != (minLevel == "info") {
				t.Errorf("%s: the suppression is logged %d times", minLevel, got)
			}
		})
	}
}
