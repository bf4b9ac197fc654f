package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	toolkit "github.com/prometheus/exporter-toolkit/web"
)

const (
	// shutdownGrace is how long scrapes in flight may go on after the exporter was told to stop.
	shutdownGrace = 5 * time.Second
	// cancelGrace is how long they then have to answer with what they have.
	cancelGrace = 2 * time.Second
)

// Serve serves handler as the toolkit's flags say until ctx ends, and returns nil when it has ended for that reason.
// Scrapes in flight then have 5 seconds to end by themselves, before their contexts are canceled. Serve calls listening
// once, with the first address it serves.
func Serve(ctx context.Context, handler http.Handler, flags *toolkit.FlagConfig, logger *slog.Logger, listening func(net.Addr)) error {
	scrapes, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	server := newServer(handler, logger)
	var first sync.Once
	server.BaseContext = func(l net.Listener) context.Context {
		first.Do(func() { listening(l.Addr()) })
		return scrapes
	}
	failed := make(chan error, 1)
	go func() { failed <- toolkit.ListenAndServe(server, flags, logger) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	logger.Info("stopping once the scrapes in flight have ended", "within", shutdownGrace)
	return shutdown(server, cancel)
}

// newServer has timeouts against clients that are slow, in sending a request or in reading the answer, for which scrapes
// set a time of their own.
func newServer(handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       5 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
}

func shutdown(server *http.Server, cancelScrapes func()) error {
	// Not from the context that has just ended.
	patient, done := context.WithTimeout(context.Background(), shutdownGrace)
	defer done()
	err := server.Shutdown(patient)
	if err == nil {
		return nil
	}
	cancelScrapes()
	short, done := context.WithTimeout(context.Background(), cancelGrace)
	defer done()
	if err = server.Shutdown(short); errors.Is(err, context.DeadlineExceeded) {
		return server.Close() // a client that does not read: it was given its time
	}
	return err
}
