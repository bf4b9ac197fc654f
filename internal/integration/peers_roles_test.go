package integration

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"greenapi_exporter/internal/simulator"
)

// journalPath is where the journal is, behind the URL of the API.
const journalPath = "/waInstance" + testID + "/" + journalMethod + "/" + secret

// beAPeer lets the test binary be the recorded API, or one of those that read from it, until the process is killed.
func beAPeer(role string) {
	name, of, _ := strings.Cut(role, " ")
	var handler http.Handler
	var about string
	switch name {
	case "api":
		handler, about = recordedAPI(of)
	case "body":
		// Buffers of 64 to 256 KB are as fast as each other.
		handler = bodyReader(of, func(body io.Reader) (int64, error) {
			return io.CopyBuffer(justAWriter{}, body, make([]byte, 64<<10))
		})
	case "copy":
		handler = bodyReader(of, func(body io.Reader) (int64, error) { return io.Copy(io.Discard, body) })
	case "json":
		handler = jsonReader(of)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Printf("listening on %s %s\n", listener.Addr(), about)
	panic(http.Serve(listener, handler))
}

// recordedAPI answers every call with the journal that a simulated account has had at the start: a simulator makes
// its rows as it is asked for them, and what that takes, on the same processors, would be most of what is measured.
func recordedAPI(of string) (_ http.Handler, about string) {
	var rows int
	var kind string
	if _, err := fmt.Sscan(of, &rows, &kind); err != nil {
		panic(err)
	}
	// Ten hours of messages, the last of them hours ago: all are in the usual window and late for nothing.
	account := simulator.New(simulator.Config{
		IDInstance: testID, Token: secret, Seed: 1, Start: time.Now().Add(-20 * time.Hour), Messages: rows,
		MessagesPerHour: float64(rows) / 10, TextOnly: kind == "text",
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
	named, told := 0, 0
	for _, row := range all {
		if row.ID != "" {
			named++
		}
		if row.Status != "" {
			told++
		}
	}
	about = fmt.Sprint(len(all), named, told, len(body))
	account, all = nil, nil
	debug.FreeOSMemory()

	const piece = 64 << 10
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
		for rest := body; len(rest) > 0; rest = rest[min(piece, len(rest)):] {
			if _, err := w.Write(rest[:min(piece, len(rest))]); err != nil {
				return
			}
		}
	}), about
}

// bodyReader reads the journal at url and throws it away, by discard.
func bodyReader(url string, discard func(body io.Reader) (int64, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		response, err := http.Get(url)
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

// justAWriter is io.Discard without the buffer of its own, which has 8 KB.
type justAWriter struct{}

func (justAWriter) Write(p []byte) (int, error) { return len(p), nil }

// jsonReader is an exporter as one writes it in an afternoon.
func jsonReader(url string) http.Handler {
	registry := prometheus.NewRegistry()
	messages := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "messages", Help: "Messages by status and type."}, []string{"status", "type"})
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
