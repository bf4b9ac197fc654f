package web

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipeListener accepts in-memory connections. Their deadlines follow the clock of synctest.
type pipeListener chan net.Conn

func (l pipeListener) Accept() (net.Conn, error) {
	if c, ok := <-l; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (l pipeListener) Close() error   { close(l); return nil }
func (l pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

func (l pipeListener) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	l <- server
	return client, nil
}

// TestSlowClientsAreDisconnected checks clients that send a request or read a response slowly.
func TestSlowClientsAreDisconnected(t *testing.T) {
	const header = "GET /metrics HTTP/1.1\r\nHost: x\r\n"
	for name, c := range map[string]struct {
		sends string
		reads bool
		limit time.Duration
	}{
		"incomplete header": {header, true, 11 * time.Second},
		"missing body":      {header + "Content-Length: 5\r\n\r\n", true, 16 * time.Second},
		"unread response":   {header + "\r\n", false, 61 * time.Second},
		"idle connection":   {header + "\r\n", true, 301 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					_, _ = io.WriteString(w, strings.Repeat("x", 1<<20))
				})
				server := newServer(handler)
				listener := make(pipeListener)
				go func() {
					if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
						t.Error(err)
					}
				}()
				start := time.Now()
				client, _ := listener.dial(t.Context(), "", "")
				go func() { _, _ = io.WriteString(client, c.sends) }()
				if !c.reads {
					time.Sleep(c.limit)
				}
				_ = client.SetReadDeadline(start.Add(c.limit))
				if _, err := io.Copy(io.Discard, client); err != nil {
					t.Errorf("the connection is still open after %s: %v", c.limit, err)
				}
				client.Close()
				if err := server.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
