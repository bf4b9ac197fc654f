package web

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener of connections inside the process, which keep to the clock of a bubble.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

// dial connects to it.
func (p pipes) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	p <- server
	return client, nil
}

func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// TestSlowClientsAreCutOff: a client that does not get on with its request or with reading the answer loses its
// connection, so that it cannot hold one for ever.
func TestSlowClientsAreCutOff(t *testing.T) {
	for name, c := range map[string]struct {
		sends   string
		reads   bool
		longest time.Duration
	}{
		"a header that does not end":   {"GET /metrics HTTP/1.1\r\nHost: x\r\n", true, 11 * time.Second},
		"a body that does not come":    {"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n", true, 16 * time.Second},
		"an answer that is not read":   {"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", false, 61 * time.Second},
		"a connection that stays idle": {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", true, 301 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					_, _ = io.WriteString(w, strings.Repeat("x", 1<<20))
				})
				server := newServer(handler, slog.New(slog.DiscardHandler))
				listener := make(pipes)
				go func() {
					if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
						t.Error(err)
					}
				}()
				client, conn := net.Pipe()
				begin := time.Now()
				listener <- conn
				go func() { _, _ = io.WriteString(client, c.sends) }()
				if !c.reads {
					time.Sleep(c.longest)
				}
				_ = client.SetReadDeadline(begin.Add(c.longest)) // of the bubble's clock
				if _, err := io.Copy(io.Discard, client); err != nil {
					t.Errorf("the connection lived for longer than %s: %v", c.longest, err)
				}
				client.Close()
				if err := server.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
