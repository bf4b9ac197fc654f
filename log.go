package main

import (
	"io"
	"log/slog"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	sloggokit "github.com/tjhop/slog-gokit"
)

// newLogger returns the logger of the program. Every line says when and where in the code it was written.
func newLogger(w io.Writer, least, format string) log.Logger {
	return log.With(bareLogger(w, least, format), "ts", log.DefaultTimestampUTC, "caller", log.DefaultCaller)
}

// newToolkitLogger returns the same for exporter-toolkit, which wants a logger of the standard library. The bridge to
// it adds time and caller itself, so they must not be there already.
func newToolkitLogger(w io.Writer, least, format string) *slog.Logger {
	bare := bareLogger(w, least, format)
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

func bareLogger(w io.Writer, least, format string) log.Logger {
	var logger log.Logger
	if format == "json" {
		logger = log.NewJSONLogger(w)
	} else {
		logger = log.NewLogfmtLogger(w)
	}
	return level.NewFilter(logger, level.Allow(level.ParseDefault(least, level.InfoValue())))
}
