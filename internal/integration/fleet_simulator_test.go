package integration

import (
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"greenapi_exporter/internal/simulator"
)

// fleetSimulator is a process that serves simulated accounts.
type fleetSimulator struct{ url string }

// served counts the calls, the connections and the most concurrent calls of a fleetSimulator.
type served struct{ calls, connections, most int }

func startFleetSimulator(b *testing.B, s fleetSize) *fleetSimulator {
	b.Helper()
	role := fmt.Sprintf("simulator %d %d %t %d", s.instances, s.messages, s.text, s.latency)
	p, _ := start(b, testBinary(role), peerReady)
	return &fleetSimulator{p.url}
}

func (f *fleetSimulator) sample(b *testing.B) served {
	b.Helper()
	response, err := http.Get(f.url + "/served")
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	var s served
	if _, err := fmt.Fscan(response.Body, &s.calls, &s.connections, &s.most); err != nil {
		b.Fatal(err)
	}
	return s
}

// serveFleetSimulator serves a fleet of the size in text until the process is killed.
func serveFleetSimulator(text string) error {
	var s fleetSize
	if _, err := fmt.Sscan(text, &s.instances, &s.messages, &s.text, &s.latency); err != nil {
		return err
	}
	// All messages stay in the window for the next hours.
	start := time.Now().Add(-20 * time.Hour)
	var cfg simulator.FleetConfig
	for n := range s.instances {
		cfg.Accounts = append(cfg.Accounts, simulator.Config{
			IDInstance: fleetID(n), Token: tokenOf(fleetID(n)), Seed: 1, Start: start,
			Messages: s.messages, MessagesPerHour: float64(s.messages) / 10, TextOnly: s.text,
		})
	}
	fleet := simulator.NewFleet(cfg)
	var calls, connections, now, most atomic.Int64
	server := &http.Server{
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				connections.Add(1)
			}
		},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/served" {
				fmt.Fprintln(w, calls.Load(), connections.Load(), most.Load())
				return
			}
			calls.Add(1)
			n := now.Add(1)
			defer now.Add(-1)
			for before := most.Load(); n > before; before = most.Load() {
				if most.CompareAndSwap(before, n) {
					break
				}
			}
			time.Sleep(s.latency)
			fleet.ServeHTTP(w, r)
		}),
	}
	return serve(server, "")
}
