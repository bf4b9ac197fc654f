package app

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/simulator"
)

// The simulated account of --demo: a shop that has been sending for a day, and has its troubles while it is watched.
const (
	demoID      = "1101000001"
	demoToken   = "demo-token-of-a-simulated-account"
	demoPerHour = 400
	demoDay     = 24 * time.Hour // of which there is a journal at the start

	// In each cycle the account is logged out once and suspended once, both for long enough to set off the alerts. The
	// suspension lasts for longer than the 5 minutes after which the account is asked for its end. Then, for a minute,
	// messages hang.
	demoCycle        = 20 * time.Minute
	demoLoggedOut    = 3 * time.Minute
	demoLoggedIn     = 7 * time.Minute
	demoSuspended    = 10 * time.Minute
	demoNotSuspended = 16 * time.Minute
	demoHanging      = 18 * time.Minute
	demoNotHanging   = 19 * time.Minute
)

// demoAccount is the account at the start of the demo; its troubles last for a week.
func demoAccount(now time.Time) simulator.Config {
	var states []simulator.StateChange
	var fates []simulator.OutcomeChange
	for at := demoDay; at < 8*demoDay; at += demoCycle {
		states = append(states,
			simulator.StateChange{After: at + demoLoggedOut, State: "notAuthorized"},
			simulator.StateChange{After: at + demoLoggedIn, State: "authorized"},
			simulator.StateChange{After: at + demoSuspended, State: "suspended"},
			simulator.StateChange{After: at + demoNotSuspended, State: "authorized"})
		fates = append(fates,
			simulator.OutcomeChange{After: at + demoHanging, Status: "pending"},
			simulator.OutcomeChange{After: at + demoNotHanging})
	}
	return simulator.Config{
		IDInstance:      demoID,
		Token:           demoToken,
		Seed:            uint64(now.UnixNano()),
		Start:           now.Add(-demoDay),
		MessagesPerHour: demoPerHour,
		IncomingPerHour: demoPerHour / 2,
		SendDelay:       2 * time.Second,
		States:          states,
		Outcomes:        fates,
	}
}

// startDemo serves a simulated API on loopback until stop is called, and fills in the flags of its instance.
func startDemo(flags *config.Flags) (stop func() error, _ error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the simulated API: %w", err)
	}
	server := &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		Handler:           simulator.New(demoAccount(time.Now())),
	}
	go func() { _ = server.Serve(listener) }()
	flags.URL, flags.IDInstance, flags.Token = "http://"+listener.Addr().String(), demoID, demoToken
	return server.Close, nil
}

// printDemoHelp says in three lines what to open and what will be seen.
func printDemoHelp(w io.Writer, address net.Addr, telemetryPath string) {
	host := address.String()
	if tcp, ok := address.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		host = fmt.Sprintf("localhost:%d", tcp.Port)
	}
	fmt.Fprintf(w, "Demo: open http://%s%s and reload it to watch a simulated shop send %d messages an hour, then http://%s/ to see how it stands; Ctrl-C ends it.\n",
		host, telemetryPath, demoPerHour, host)
	fmt.Fprintln(w, "Demo: greenapi_outgoing_window_messages is what stands in the journal, greenapi_outgoing_message_statuses_total what has happened since the first look.")
	minute := func(d time.Duration) time.Duration { return d / time.Minute }
	fmt.Fprintf(w, "Demo: from minute %d to %d the account is logged out, from %d to %d it is suspended, what is sent from %d to %d hangs in pending, and so on every %d minutes.\n",
		minute(demoLoggedOut), minute(demoLoggedIn), minute(demoSuspended), minute(demoNotSuspended),
		minute(demoHanging), minute(demoNotHanging), minute(demoCycle))
}
