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

// TestAnOutageIsNotAFlood of lines, of which each has its own instance: what is left out is said, other messages go on,
// and a minute later they are heard again. At debug all of them are.
func TestAnOutageIsNotAFlood(t *testing.T) {
	for least, want := range map[string]int{"info": 2 * (maxPerMinute + 1), "debug": 2200} {
		synctest.Test(t, func(t *testing.T) {
			var text bytes.Buffer
			logger := newLogger(&text, least, "logfmt")
			for range 2 {
				for n := range 1000 {
					level.Error(logger).Log("id_instance", fmt.Sprint(n), "msg", "reading the API fails")
				}
				level.Info(logger).Log("msg", "another")
				for range 100 {
					level.Debug(logger).Log("msg", "called the API")
				}
				time.Sleep(time.Minute)
			}
			if n := strings.Count(text.String(), "\n"); n != want+2 || strings.Count(text.String(), "msg=another") != 2 {
				t.Errorf("%s: %d lines, want %d:\n%.2000s", least, n, want+2, &text)
			}
			if got := strings.Count(text.String(), "left out"); (got == 2) != (least == "info") {
				t.Errorf("%s: %d times it says that lines are left out", least, got)
			}
		})
	}
}
