package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"greenapi_exporter/config"
	"greenapi_exporter/simulator"
)

// The simulated account of --demo: a shop that has been sending for a day, an hour of which can be watched.
const (
	demoID      = "1101000001"
	demoToken   = "demo-token-of-a-simulated-account"
	demoPerHour = 400
)

// startDemo serves a simulated API on loopback until stop is called, and fills in the flags of its instance.
func startDemo(flags *config.Flags) (stop func() error, _ error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the simulated API: %w", err)
	}
	now := time.Now()
	server := &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		Handler: simulator.New(simulator.Config{
			IDInstance:      demoID,
			Token:           demoToken,
			Seed:            uint64(now.UnixNano()),
			Start:           now.Add(-24 * time.Hour),
			MessagesPerHour: demoPerHour,
		}),
	}
	go func() { _ = server.Serve(listener) }()
	flags.URL, flags.IDInstance, flags.Token = "http://"+listener.Addr().String(), demoID, demoToken
	return server.Close, nil
}

// welcome says in two lines what to open.
func welcome(w io.Writer, address net.Addr, telemetryPath string) {
	host := address.String()
	if tcp, ok := address.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		host = fmt.Sprintf("localhost:%d", tcp.Port)
	}
	fmt.Fprintf(w, "Demo: open http://%s%s and reload it to watch a simulated shop send %d messages an hour; Ctrl-C ends it.\n",
		host, telemetryPath, demoPerHour)
	fmt.Fprintln(w, "Demo: greenapi_outgoing_window_messages is what stands in the journal, greenapi_outgoing_message_statuses_total what has happened since the first look.")
}
