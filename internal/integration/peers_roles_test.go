package integration

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"greenapi_exporter/internal/simulator"
)

// journalPath is the path of the journal of testID.
const journalPath = "/waInstance" + testID + "/" + journalMethod + "/" + secret

// peerReady matches the line that serve writes, and those of other programs.
var peerReady = regexp.MustCompile(
	`(?i)(?:listening on.*?|started greenapi_exporter.* address=)(127\.0\.0\.1:[0-9]+)`)

// serve serves on a free port until the process is killed. It writes the address and the note to
// stdout.
func serve(server *http.Server, note string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("listening on %s %s\n", listener.Addr(), note)
	return server.Serve(listener)
}

// servePeer serves a role of BenchmarkPeers or BenchmarkTiers: an API, or a program that reads from
// it. The text is the role and its argument.
func servePeer(text string) error {
	role, argument, _ := strings.Cut(text, " ")
	var handler http.Handler
	var note string
	switch role {
	case "api":
		handler, note = recordedAPI(argument)
	case "day":
		handler, note = dayAPI(argument)
	case "body":
		// Buffers from 64 to 256 KB are equally fast.
		handler = bodyReader(argument, func(body io.Reader) (int64, error) {
			return io.CopyBuffer(plainWriter{}, body, make([]byte, 64<<10))
		})
	case "copy":
		handler = bodyReader(argument, func(body io.Reader) (int64, error) {
			return io.Copy(io.Discard, body)
		})
	case "json":
		handler = jsonReader(argument)
	}
	return serve(&http.Server{Handler: handler}, note)
}

// recordedAPI answers every call with the same recorded journal. A simulator generates its rows
// during the call, which would take most of the measured CPU time. The size contains the number of
// rows, the kind of the messages, and the speed of the responses in Mbit/s, or 0 for no limit. The
// note has the number of rows, of rows with an id and of rows with a status, and the size in bytes.
func recordedAPI(size string) (_ http.Handler, note string) {
	var rows, mbit int
	var kind string
	if _, err := fmt.Sscan(size, &rows, &kind, &mbit); err != nil {
		panic(err)
	}
	// The messages are from 20 to 10 hours old, so all are in the default window.
	account := simulator.New(simulator.Config{
		IDInstance: testID, Token: secret, Seed: 1, Start: time.Now().Add(-20 * time.Hour),
		Messages: rows, MessagesPerHour: float64(rows) / 10, TextOnly: kind == "text",
	})
	answer := httptest.NewRecorder()
	account.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, journalPath, nil))
	body := answer.Body.Bytes()
	var all []struct {
		ID     string `json:"idMessage"`
		Status string `json:"statusMessage"`
	}
	if err := json.Unmarshal(body, &all); err != nil {
		panic(err)
	}
	withID, withStatus := 0, 0
	for _, row := range all {
		if row.ID != "" {
			withID++
		}
		if row.Status != "" {
			withStatus++
		}
	}
	note = fmt.Sprint(len(all), withID, withStatus, len(body))
	account, all = nil, nil
	debug.FreeOSMemory()

	const chunk = 64 << 10
	var calls atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		default:
			http.NotFound(w, r)
			return
		case "/calls":
			fmt.Fprintln(w, calls.Load())
			return
		case journalPath:
			calls.Add(1)
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		begin := time.Now()
		for sent := 0; sent < len(body); {
			n, err := w.Write(body[sent:min(sent+chunk, len(body))])
			if err != nil {
				return
			}
			if sent += n; mbit > 0 {
				due := time.Duration(sent*8/mbit) * time.Microsecond
				time.Sleep(time.Until(begin.Add(due)))
			}
		}
	}), note
}

// bodyReader returns a handler that calls discard with the journal at url. It passes the query of
// the scrape on.
func bodyReader(url string, discard func(body io.Reader) (int64, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		response, err := http.Get(url + "?" + r.URL.RawQuery)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer response.Body.Close()
		n, err := discard(response.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		fmt.Fprintf(w, "up 1\nread_bytes %d\n", n)
	})
}

// plainWriter is io.Discard without ReadFrom, which has its own buffer of 8 KB.
type plainWriter struct{}

func (plainWriter) Write(p []byte) (int, error) { return len(p), nil }

// jsonReader is a minimal exporter made of encoding/json and client_golang.
func jsonReader(url string) http.Handler {
	registry := prometheus.NewRegistry()
	messages := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "messages", Help: "Messages by status and type.",
	}, []string{"status", "type"})
	registry.MustRegister(messages)
	page := promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		response, err := http.Get(url)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer response.Body.Close()
		var rows []struct {
			Type   string `json:"typeMessage"`
			Status string `json:"statusMessage"`
		}
		if err := json.NewDecoder(response.Body).Decode(&rows); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		messages.Reset()
		for _, row := range rows {
			messages.WithLabelValues(row.Status, row.Type).Inc()
		}
		page.ServeHTTP(w, r)
	})
}
