package app

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	sloggokit "github.com/tjhop/slog-gokit"
)

// newLogger returns the logger of the program. Each line has the time and the caller.
func newLogger(w io.Writer, minLevel, format string) log.Logger {
	base := baseLogger(w, minLevel, format)
	return log.With(base, "ts", log.DefaultTimestampUTC, "caller", log.DefaultCaller)
}

// newSlogLogger returns a logger for exporter-toolkit that writes the same format. The adapter adds
// the time and the caller itself. The errors that exporter-toolkit logs are about its web
// configuration, and can contain passwords.
func newSlogLogger(w io.Writer, minLevel, format string) *slog.Logger {
	base := baseLogger(w, minLevel, format)
	renamed := log.LoggerFunc(func(pairs ...any) error {
		for i := 0; i+1 < len(pairs); i += 2 {
			if t, ok := pairs[i+1].(time.Time); ok && pairs[i] == slog.TimeKey {
				pairs[i], pairs[i+1] = "ts", t.UTC()
			}
			if pairs[i] == "err" {
				pairs[i+1] = explainWebConfig(fmt.Sprint(pairs[i+1]))
			}
		}
		return base.Log(pairs...)
	})
	all := new(slog.LevelVar)
	all.Set(slog.LevelDebug) // base filters by level
	return slog.New(sloggokit.NewGoKitHandler(renamed, all))
}

// baseLogger filters lines by level and, unless minLevel is debug, limits the rate of each message.
func baseLogger(w io.Writer, minLevel, format string) log.Logger {
	logger := log.NewLogfmtLogger(w)
	if format == "json" {
		logger = log.NewJSONLogger(w)
	}
	if minLevel != "debug" {
		logger = &rateLimiter{next: logger, counts: make(map[any]int)}
	}
	return level.NewFilter(logger, level.Allow(level.ParseDefault(minLevel, level.InfoValue())))
}

// maxPerMinute is the number of lines with the same message that are logged in a minute. An outage
// of the API causes one line for each instance.
const maxPerMinute = 20

// rateLimiter is a logger that drops lines whose message occurs too often. It is safe for
// concurrent use. Messages are constants of the program, so counts has few entries.
type rateLimiter struct {
	next log.Logger

	mu     sync.Mutex // guards the fields below
	since  time.Time
	counts map[any]int // lines since then, by message
}

// Log implements log.Logger.
func (r *rateLimiter) Log(pairs ...any) error {
	var message any
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] == "msg" {
			message = pairs[i+1]
		}
	}
	n := r.count(message)
	if n > maxPerMinute {
		return nil
	}
	err := r.next.Log(pairs...)
	if n == maxPerMinute {
		err = errors.Join(err, level.Warn(r.next).Log("ts", time.Now().UTC(),
			"msg", "suppressing lines with the same message for up to a minute",
			"advice", "see the status page and the metrics, or set --log.level=debug"))
	}
	return err
}

// count counts the message and returns how often it has occurred in the current minute.
func (r *rateLimiter) count(message any) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); now.Sub(r.since) >= time.Minute {
		r.since = now
		clear(r.counts)
	}
	r.counts[message]++
	return r.counts[message]
}
