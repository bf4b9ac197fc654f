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
	// shutdownGrace is how long a shutdown waits for scrapes in flight before it cancels them.
	shutdownGrace = 5 * time.Second
	// cancelGrace is how long a shutdown waits for the responses of canceled scrapes.
	cancelGrace = 2 * time.Second
)

// Serve serves handler as flags specify. When ctx ends, it waits for the scrapes in flight, cancels
// those that take too long and returns nil. Serve calls listening once, with the first address.
func Serve(
	ctx context.Context, handler http.Handler, flags *toolkit.FlagConfig,
	logger *slog.Logger, listening func(net.Addr),
) error {
	scrapes, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	server := newServer(handler)
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
	logger.Info("stopping after the scrapes in flight", "within", shutdownGrace)
	return shutdown(server, cancel)
}

// newServer returns a server that disconnects slow clients. Scrapes extend the write timeout. The
// server writes its errors to the standard logger.
func newServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       5 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
}

func shutdown(server *http.Server, cancelScrapes func()) error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownGrace)
	defer cancel()
	if err := server.Shutdown(ctx); err == nil {
		return nil
	}
	cancelScrapes()
	ctx, cancel = context.WithTimeout(context.Background(), cancelGrace)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return server.Close() // the remaining clients do not read their responses
	}
	return err
}
