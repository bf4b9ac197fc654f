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

// The simulated account of --demo: a shop that has been sending for a day, and has its troubles while it is watched.
const (
	demoID      = "1101000001"
	demoToken   = "demo-token-of-a-simulated-account"
	demoPerHour = 400
	demoDay     = 24 * time.Hour // of which there is a journal at the start

	// In each demoCycle the account is logged out once and suspended once, and in between all is well.
	demoCycle     = 15 * time.Minute
	demoLoggedOut = 3 * time.Minute
	demoSuspended = 8 * time.Minute
	demoTrouble   = 2 * time.Minute // how long either lasts
)

// demoStates are the states of the account for a week from the start of the demo.
func demoStates() []simulator.StateChange {
	var states []simulator.StateChange
	for at := demoDay; at < demoDay+7*24*time.Hour; at += demoCycle {
		states = append(states,
			simulator.StateChange{After: at + demoLoggedOut, State: "notAuthorized"},
			simulator.StateChange{After: at + demoLoggedOut + demoTrouble, State: "authorized"},
			simulator.StateChange{After: at + demoSuspended, State: "suspended"},
			simulator.StateChange{After: at + demoSuspended + demoTrouble, State: "authorized"})
	}
	return states
}

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
			Start:           now.Add(-demoDay),
			MessagesPerHour: demoPerHour,
			IncomingPerHour: demoPerHour / 2,
			SendDelay:       3 * time.Second,
			States:          demoStates(),
		}),
	}
	go func() { _ = server.Serve(listener) }()
	flags.URL, flags.IDInstance, flags.Token = "http://"+listener.Addr().String(), demoID, demoToken
	return server.Close, nil
}

// welcome says in some lines what to open and what will be seen.
func welcome(w io.Writer, address net.Addr, telemetryPath string) {
	host := address.String()
	if tcp, ok := address.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		host = fmt.Sprintf("localhost:%d", tcp.Port)
	}
	fmt.Fprintf(w, "Demo: open http://%s%s and reload it to watch a simulated shop send %d messages an hour; Ctrl-C ends it.\n",
		host, telemetryPath, demoPerHour)
	fmt.Fprintln(w, "Demo: greenapi_outgoing_window_messages is what stands in the journal, greenapi_outgoing_message_statuses_total what has happened since the first look.")
	fmt.Fprintf(w, "Demo: after %d minutes the account is logged out for %d, after %d it is suspended for %d, and so on every %d: see greenapi_instance_state, greenapi_queue_messages, greenapi_up.\n",
		demoLoggedOut/time.Minute, demoTrouble/time.Minute, demoSuspended/time.Minute, demoTrouble/time.Minute, demoCycle/time.Minute)
}
