package app

import (
	stdlog "log"
	"strings"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// libraryLog receives the lines that net/http and other libraries write to the standard logger. A
// line can contain bytes of a response, which can repeat the token. Therefore libraryLog logs a
// fixed message for each kind of line, at most once a minute, and nothing of the line itself.
type libraryLog struct {
	logger log.Logger

	mu     sync.Mutex           // guards logged
	logged map[string]time.Time // when each message was last logged
}

// redirectStandardLogger replaces the output of the standard logger, which is global, for the rest
// of the process.
func redirectStandardLogger(logger log.Logger) {
	stdlog.SetFlags(0)
	stdlog.SetPrefix("")
	stdlog.SetOutput(&libraryLog{logger: logger, logged: make(map[string]time.Time)})
}

// libraryLines are the known kinds of lines. The first match applies. The texts are those of
// net/http in Go 1.26.
var libraryLines = []struct {
	prefix, contains string
	level            func(log.Logger) log.Logger
	message, advice  string
}{
	{
		"http: Accept error: ", "too many open files", level.Warn,
		"cannot accept connections, because no file descriptors are left",
		"raise the limit on open files (LimitNOFILE in systemd, ulimit -n in a shell), and find " +
			"out which clients hold connections open",
	},
	{
		"http: Accept error: ", "", level.Warn,
		"cannot accept connections; trying again",
		"check the memory and the limits of the machine",
	},
	{
		"http: panic serving ", "", level.Error,
		"a request caused a panic, which is a fault of the exporter",
		"report the path of the request and the version of the exporter",
	},
	{
		"http: TLS handshake error ", "", level.Debug,
		"a client failed to open a TLS connection",
		"use https in the client, and check its CA and its certificate",
	},
	{
		"Unsolicited response received on idle HTTP channel", "", level.Warn,
		"a server or proxy sent bytes after its response, and the connection was closed",
		"report it to the operator of the API or of the proxy if it recurs",
	},
}

// Write implements io.Writer for the standard logger, which calls it once for each line.
func (l *libraryLog) Write(line []byte) (int, error) {
	text := string(line)
	for _, known := range libraryLines {
		if strings.HasPrefix(text, known.prefix) && strings.Contains(text, known.contains) {
			l.log(known.level, known.message, known.advice)
			return len(line), nil
		}
	}
	l.log(level.Debug, "a library wrote a line to the standard logger",
		"the line is not shown, because it can contain the token")
	return len(line), nil
}

func (l *libraryLog) log(at func(log.Logger) log.Logger, message, advice string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); now.Sub(l.logged[message]) >= time.Minute {
		l.logged[message] = now
		at(l.logger).Log("msg", message, "advice", advice)
	}
}
