package app

import (
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	sloggokit "github.com/tjhop/slog-gokit"
)

// newLogger returns the logger of the program. Every line says when and where in the code it was written.
func newLogger(w io.Writer, least, format string) log.Logger {
	return log.With(baseLogger(w, least, format), "ts", log.DefaultTimestampUTC, "caller", log.DefaultCaller)
}

// newSlogLogger returns the same for exporter-toolkit, which wants a logger of the standard library. The bridge to
// it adds time and caller itself, so they must not be there already.
func newSlogLogger(w io.Writer, least, format string) *slog.Logger {
	bare := baseLogger(w, least, format)
	renamed := log.LoggerFunc(func(pairs ...any) error {
		for i := 0; i+1 < len(pairs); i += 2 {
			if t, ok := pairs[i+1].(time.Time); ok && pairs[i] == slog.TimeKey {
				pairs[i], pairs[i+1] = "ts", t.UTC()
			}
		}
		return bare.Log(pairs...)
	})
	all := new(slog.LevelVar)
	all.Set(slog.LevelDebug) // the level is bare's to judge
	return slog.New(sloggokit.NewGoKitHandler(renamed, all))
}

// baseLogger writes of lines that say the same, each of another instance, only so many in a minute, unless all is to be
// seen.
func baseLogger(w io.Writer, least, format string) log.Logger {
	var logger log.Logger
	if format == "json" {
		logger = log.NewJSONLogger(w)
	} else {
		logger = log.NewLogfmtLogger(w)
	}
	if least != "debug" {
		logger = &rateLimiter{next: logger, counts: make(map[any]int)}
	}
	return level.NewFilter(logger, level.Allow(level.ParseDefault(least, level.InfoValue())))
}

// maxPerMinute is how many lines of the same message are written in a minute: an outage of the API is one for each instance.
const maxPerMinute = 20

// rateLimiter is a logger that leaves out what it has said often enough. It is safe for concurrent use. The messages are the
// program's own, so that there are not many.
type rateLimiter struct {
	next log.Logger

	mu     sync.Mutex
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
	switch said := r.count(message); {
	case said > maxPerMinute:
		return nil
	case said == maxPerMinute:
		return errors.Join(r.next.Log(pairs...), level.Warn(r.next).Log("ts", time.Now().UTC(), "msg", "further lines like the last are left out for up to a minute",
			"advice", "the page at / and the metrics have every instance; --log.level=debug has every line"))
	default:
		return r.next.Log(pairs...)
	}
}

// count is how often the message has been said in this minute, this time with it.
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
