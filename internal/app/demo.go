package app

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"

	"greenapi_exporter/internal/fleet"
	"greenapi_exporter/internal/simulator"
)

// The simulated account of --demo is a shop that has been sending messages for a day when the demo
// starts.
const (
	demoID      = "1101000001"
	demoToken   = "demo-token-of-a-simulated-account"
	demoPerHour = 400
	demoHistory = 24 * time.Hour

	// demoSeed makes all demos alike, so the announced times are correct.
	demoSeed = 2
	// demoInterval is the time between two scrapes, so the page and the log follow the incidents.
	demoInterval = 10 * time.Second

	// Each cycle begins with messages that fail, until the page warns. Then the account is logged
	// out, and later suspended, each for long enough to fire the alerts. The suspension also
	// exceeds the 5 minutes between two calls for its end. Then messages stay pending for a minute.
	// The rest of the cycle limits the share of undelivered messages in an hour and in 6 hours.
	demoCycle          = time.Hour
	demoFailingEnd     = 3 * time.Minute
	demoWarning        = 2 * time.Minute // when the page begins to warn
	demoRecovery       = 17 * time.Minute
	demoLogoutStart    = 3 * time.Minute
	demoLogoutEnd      = 7 * time.Minute
	demoSuspendedStart = 10 * time.Minute
	demoSuspendedEnd   = 16 * time.Minute
	demoPendingStart   = 18 * time.Minute
	demoPendingEnd     = 19 * time.Minute
)

// demoAccount returns the configuration of an account whose incidents repeat for a week from now.
func demoAccount(now time.Time) simulator.Config {
	var states []simulator.StateChange
	var outcomes []simulator.OutcomeChange
	for cycle := demoHistory; cycle < 8*demoHistory; cycle += demoCycle {
		states = append(states,
			simulator.StateChange{After: cycle + demoLogoutStart, State: "notAuthorized"},
			simulator.StateChange{After: cycle + demoLogoutEnd, State: "authorized"},
			simulator.StateChange{After: cycle + demoSuspendedStart, State: "suspended"},
			simulator.StateChange{After: cycle + demoSuspendedEnd, State: "authorized"})
		outcomes = append(outcomes,
			simulator.OutcomeChange{After: cycle, Status: "failed"},
			simulator.OutcomeChange{After: cycle + demoFailingEnd},
			simulator.OutcomeChange{After: cycle + demoPendingStart, Status: "pending"},
			simulator.OutcomeChange{After: cycle + demoPendingEnd})
	}
	return simulator.Config{
		IDInstance:      demoID,
		Token:           demoToken,
		Seed:            demoSeed,
		Start:           now.Add(-demoHistory),
		MessagesPerHour: demoPerHour,
		IncomingPerHour: demoPerHour / 2,
		SendDelay:       2 * time.Second,
		States:          states,
		Outcomes:        outcomes,
		FewFailures:     true,
	}
}

// startDemo serves a simulated API on the loopback interface until stop is called, and configures
// its instance in o.
func startDemo(o *options, logger log.Logger) (stop func() error, _ error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the simulated API: %w", err)
	}
	server := &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		Handler:           simulator.New(demoAccount(time.Now())),
	}
	go func() { _ = server.Serve(listener) }()
	i := &o.instance
	i.URL, i.IDInstance, i.Token = "http://"+listener.Addr().String(), demoID, demoToken
	if o.storagePath != "" {
		level.Info(logger).Log("msg", "ignoring --storage.path, because the demo is in memory only")
		o.storagePath = ""
	}
	return server.Close, nil
}

// startScrapes scrapes all instances now and every demoInterval, until stop is called. It does not
// use HTTP, so other scrapes have all of --web.max-requests.
func startScrapes(manager *fleet.Manager) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var scraping sync.WaitGroup
	scraping.Go(func() {
		ticker := time.NewTicker(demoInterval)
		defer ticker.Stop()
		for ctx.Err() == nil {
			scrapeAll(ctx, manager)
			select {
			case <-ticker.C:
			case <-ctx.Done():
			}
		}
	})
	return func() {
		cancel()
		scraping.Wait()
	}
}

// scrapeAll scrapes all instances and discards the metrics.
func scrapeAll(ctx context.Context, manager *fleet.Manager) {
	ctx, cancel := context.WithTimeout(ctx, manager.Timeout(""))
	defer cancel()
	scrape, err := manager.Scrape(ctx, "", nil)
	if err != nil {
		return // cannot happen without names
	}
	metrics := make(chan prometheus.Metric)
	go func() {
		defer close(metrics)
		scrape.Collect(metrics)
	}()
	for range metrics {
	}
}

// printDemoHelp writes three lines: the addresses of the pages, the most important metrics, and the
// incidents.
func printDemoHelp(w io.Writer, address net.Addr, telemetryPath string) {
	host := address.String()
	if tcp, ok := address.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		host = fmt.Sprintf("localhost:%d", tcp.Port)
	}
	minutes := func(d time.Duration) int { return int(d.Minutes()) }
	fmt.Fprintf(w, "Demo: open http://%s/ and watch. A simulated shop sends %d messages an hour, "+
		"and the demo reads its journal every %s. The metrics are at http://%s%s. "+
		"Press Ctrl-C to stop.\n",
		host, demoPerHour, demoInterval, host, telemetryPath)
	fmt.Fprintln(w, "Demo: greenapi_outgoing_window_messages counts the messages in the journal, "+
		"greenapi_outgoing_message_statuses_total the statuses since the first scrape.")
	fmt.Fprintf(w, "Demo: messages sent until minute %d fail, and the page warns from minute %d "+
		"to %d. The account is logged out from minute %d to %d and suspended from %d to %d. "+
		"Messages sent from minute %d to %d stay pending. This repeats every %d minutes.\n",
		minutes(demoFailingEnd), minutes(demoWarning), minutes(demoRecovery),
		minutes(demoLogoutStart), minutes(demoLogoutEnd), minutes(demoSuspendedStart),
		minutes(demoSuspendedEnd), minutes(demoPendingStart), minutes(demoPendingEnd),
		minutes(demoCycle))
}
