package simulator_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"greenapi_exporter/internal/simulator"
)

func TestFaultsReplaceTheWholeAnswer(t *testing.T) {
	const ok, bad = http.StatusOK, http.StatusBadRequest
	path := strings.ToLower(pathOf(outgoing))
	for _, test := range []struct {
		fault    simulator.Fault
		status   int
		contains string // in lower case; if empty, there is no body
		absent   string
	}{
		{simulator.FaultUnauthorized, 401, "", ""},
		{simulator.FaultUnauthorizedOK, ok, `{"code":401,`, ""},
		{simulator.FaultLoggedOut, bad, "not authorized", "starting"},
		{simulator.FaultLoggedOutOK, ok, "not authorized", "starting"},
		{simulator.FaultStartingOrLoggedOut, bad, "is starting or not authorized", ""},
		{simulator.FaultStarting, bad, "starting", "authorized"},
		{
			simulator.FaultStartingOK, ok, `"status":false,"reason":"the instance is starting"`,
			"authorized",
		},
		{simulator.FaultExpired, bad, "expired", ""},
		{simulator.FaultDeleted, bad, "deleted", ""},
		{simulator.FaultBadRequest, bad, `"path":"` + path, ""},
		{simulator.FaultForbidden, 403, "nginx", token},
		{simulator.FaultNotFound, 404, `"cannot get ` + path, ""},
		{simulator.FaultRateLimited, 429, "", ""},
		{simulator.FaultRetryAfter, 429, "", ""},
		{
			simulator.FaultQuota, 466,
			`{"invokestatus":{"method":"lastoutgoingmessages","used":1000,"total":1000,`, "",
		},
		{simulator.FaultClientClosed, 499, "nginx", token},
		{simulator.FaultServerError, 500, token, ""},
		{simulator.FaultBadGateway, 502, "bad gateway", token},
		{simulator.FaultUnavailable, 503, "nginx", token},
		{simulator.FaultGatewayTimeout, 504, "nginx", token},
		{simulator.FaultNoContent, 204, "", ""},
		{simulator.FaultHTML, ok, "<title>", ""},
		{simulator.FaultNull, ok, "null", ""},
		{simulator.FaultObject, ok, `{"messages":[]`, ""},
	} {
		t.Run(test.fault.String(), func(t *testing.T) {
			// Faults replace the rate limit, so the second call has the same answer.
			s, _ := newAccount(simulator.Config{MessagesPerHour: 10}, 10*time.Hour)
			s.SetFault(test.fault)
			get(s, journalPath(60))
			w := get(s, journalPath(60))
			body := strings.ToLower(w.Body.String())
			if w.Code != test.status {
				t.Errorf("status %d, want %d", w.Code, test.status)
			}
			if !strings.Contains(body, test.contains) || test.contains == "" && body != "" {
				t.Errorf("body %q, want it to contain %q", body, test.contains)
			}
			if test.absent != "" && strings.Contains(body, test.absent) {
				t.Errorf("body %q contains %q", body, test.absent)
			}
			after := w.Header().Get("Retry-After")
			if (after == "90") != (test.fault == simulator.FaultRetryAfter) {
				t.Errorf("Retry-After %q", after)
			}
			if n := s.Calls(outgoing); n != 2 {
				t.Errorf("%d calls, want 2", n)
			}
		})
	}
}

func TestFaultNoneEndsAFault(t *testing.T) {
	s, _ := newAccount(busy(), 10*time.Hour)
	s.SetFault(simulator.FaultBadGateway)
	s.SetFault(simulator.FaultNone)
	if len(journal(t, s, 600)) == 0 {
		t.Error("no rows")
	}
}

func TestInvalidArgumentsPanic(t *testing.T) {
	s, _ := newAccount(busy(), 0)
	for name, call := range map[string]func(){
		"method": func() { s.SetFault(simulator.FaultBOM, outgoing, "getNothing") },
		"unordered states": func() {
			simulator.New(simulator.Config{States: states("suspended", 2, "authorized", 1)})
		},
		"simultaneous states": func() {
			simulator.New(simulator.Config{States: states("suspended", 2, "authorized", 2)})
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			call()
		}()
	}
	if w := get(s, journalPath(5)); strings.HasPrefix(w.Body.String(), "\ufeff") {
		t.Error("a call that panicked set a fault")
	}
}

func TestFaultsAreUnique(t *testing.T) {
	faults, names := map[simulator.Fault]bool{}, map[string]bool{}
	for _, fault := range simulator.Faults() {
		faults[fault], names[fault.String()] = true, true
	}
	if len(simulator.Faults()) != 45 || len(faults) != 45 || len(names) != 45 {
		t.Errorf("%d faults: %d different ones with %d names",
			len(simulator.Faults()), len(faults), len(names))
	}
}

func TestFaultsChangeTheBody(t *testing.T) {
	valid, _ := newAccount(busy(), 10*time.Hour)
	good := get(valid, journalPath(600)).Body.String()
	rows := good[1 : len(good)-1]
	n := len(decode(t, []byte(good)))
	for fault, isExpected := range map[simulator.Fault]func(body string) bool{
		simulator.FaultCommaStart: func(b string) bool { return b == "[,"+rows+"]" },
		simulator.FaultCommaEnd:   func(b string) bool { return b == "["+rows+",]" },
		simulator.FaultCommaMiddle: func(b string) bool {
			return strings.Count(b, "},,{") == 1 && strings.Replace(b, "},,{", "},{", 1) == good
		},
		simulator.FaultCommaMembers: func(b string) bool {
			return strings.Count(b, ",}") == n && strings.ReplaceAll(b, ",}", "}") == good
		},
		simulator.FaultNaN: func(b string) bool {
			return strings.Count(b, "NaN") == n && strings.ReplaceAll(b, `,"ratio":NaN`, "") == good
		},
		simulator.FaultNullRow:  func(b string) bool { return b == "["+rows+",null]" },
		simulator.FaultCached:   func(b string) bool { return b == good },
		simulator.FaultBOM:      func(b string) bool { return b == "\xef\xbb\xbf"+good },
		simulator.FaultTrailing: func(b string) bool { return b == good+"[]" },
		simulator.FaultCutRow: func(b string) bool {
			return len(b) < len(good) && strings.HasPrefix(good, b) && !strings.HasSuffix(b, "}")
		},
		simulator.FaultGzip: func(b string) bool { return b == good }, // not accepted by the client
		simulator.FaultRowNotObject: func(b string) bool {
			var rows []any
			return json.Unmarshal([]byte(b), &rows) == nil &&
				len(rows) == n+1 && rows[n] == "typeMessage"
		},
		simulator.FaultBadTimestamp: func(b string) bool {
			var rows []map[string]any
			return json.Unmarshal([]byte(b), &rows) == nil &&
				len(rows) == n+1 && rows[n]["timestamp"] == "yesterday"
		},
	} {
		t.Run(fault.String(), func(t *testing.T) {
			s, _ := newAccount(busy(), 10*time.Hour)
			s.SetFault(fault)
			w := get(s, journalPath(600))
			if w.Code != http.StatusOK || !isExpected(w.Body.String()) {
				t.Errorf("status %d, unexpected body %.200s", w.Code, w.Body)
			}
		})
	}
}

func TestFaultsChangeAnEmptyJournal(t *testing.T) {
	for fault, want := range map[simulator.Fault]string{
		simulator.FaultCommaStart:   "[]",
		simulator.FaultCommaMiddle:  "[]",
		simulator.FaultCommaEnd:     "[]",
		simulator.FaultCutRow:       `[{"type":"outgoing"`,
		simulator.FaultRowNotObject: `["typeMessage"]`,
	} {
		s, _ := newAccount(simulator.Config{}, time.Hour)
		s.SetFault(fault)
		got := get(s, journalPath(60)).Body.String()
		if !strings.HasPrefix(want, got) || len(got) < 2 {
			t.Errorf("%s: %s, want %s", fault, got, want)
		}
	}
}

func TestFaultGzipCompressesTheBody(t *testing.T) {
	s, _ := newAccount(busy(), 10*time.Hour)
	good := get(s, journalPath(600)).Body.Bytes()
	for fault, wantRest := range map[simulator.Fault]string{
		simulator.FaultGzip: "", simulator.FaultGzipNewline: "\n",
	} {
		s.SetFault(fault)
		r := httptest.NewRequest(http.MethodGet, journalPath(600), nil)
		r.Header.Set("Accept-Encoding", "gzip")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Header().Get("Content-Encoding") != "gzip" {
			t.Fatalf("Content-Encoding %q", w.Header().Get("Content-Encoding"))
		}
		reader, err := gzip.NewReader(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		reader.Multistream(false)
		if got, err := io.ReadAll(reader); err != nil || !bytes.Equal(got, good) {
			t.Errorf("the decompressed body differs; error %v", err)
		}
		if rest := w.Body.String(); rest != wantRest {
			t.Errorf("%s: %q follows the compressed body", fault, rest)
		}
	}
}

func TestFaultCachedSetsTheAge(t *testing.T) {
	s, _ := newAccount(busy(), time.Hour)
	s.SetFault(simulator.FaultCached)
	if age := get(s, journalPath(60)).Header().Get("Age"); age != "7200" {
		t.Errorf("Age %q", age)
	}
}

// serve starts an HTTP server, for tests of connections.
func serve(t *testing.T, s *simulator.Simulator) *httptest.Server {
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return server
}

// request sends a request for the outgoing journal.
func request(ctx context.Context, t *testing.T, server *httptest.Server) (*http.Response, error) {
	t.Helper()
	return requestPath(ctx, t, server, journalPath(600))
}

func requestPath(
	ctx context.Context, t *testing.T, server *httptest.Server, path string,
) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return server.Client().Do(r)
}

func TestFaultTruncatedEndsTheBodyEarly(t *testing.T) {
	for _, rate := range []float64{0, 20} {
		s, _ := newAccount(simulator.Config{MessagesPerHour: rate}, 10*time.Hour)
		s.SetFault(simulator.FaultTruncated)
		response, err := request(t.Context(), t, serve(t, s))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if !errors.Is(err, io.ErrUnexpectedEOF) || len(body) == 0 ||
			int64(len(body)) >= response.ContentLength {
			t.Errorf("%d of %d bytes, error %v", len(body), response.ContentLength, err)
		}
	}
}

func TestFollowedRecordsRedirectedRequests(t *testing.T) {
	s, _ := newAccount(busy(), 10*time.Hour)
	server := serve(t, s)
	s.SetFault(simulator.FaultRedirect)

	w := get(s, "/v3"+journalPath(600))
	location := w.Header().Get("Location")
	if w.Code != http.StatusFound || location != "/v3/moved"+journalPath(600) {
		t.Errorf("status %d, Location %q", w.Code, location)
	}
	if followed := s.Followed(); len(followed) != 0 {
		t.Errorf("followed %v before the first redirect", followed)
	}
	response, err := request(t.Context(), t, server) // follows the redirect
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if followed := s.Followed(); !slices.Equal(followed, []string{server.URL + journalPath(600)}) {
		t.Errorf("followed %v", followed)
	}
	if n := s.Calls(outgoing); n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
}

func TestFaultHangEndsWithTheRequest(t *testing.T) {
	s, _ := newAccount(busy(), 10*time.Hour)
	s.SetFault(simulator.FaultHang)
	started := make(chan struct{})
	done := make(chan any)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { done <- recover() }()
		close(started)
		s.ServeHTTP(w, r)
	}))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-started
		cancel()
	}()
	if _, err := request(ctx, t, server); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if got := <-done; got != http.ErrAbortHandler {
		t.Errorf("the handler panicked with %v", got)
	}
}

func TestFaultHangInBodyEndsWithTheConnection(t *testing.T) {
	s, _ := newAccount(busy(), 10*time.Hour)
	good := get(s, journalPath(600)).Body.String()
	s.SetFault(simulator.FaultHangInBody)
	server := serve(t, s)
	response, err := request(t.Context(), t, server)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	prefix := make([]byte, 1000)
	_, err = io.ReadFull(response.Body, prefix)
	if err != nil || !strings.HasPrefix(good, string(prefix)) {
		t.Fatalf("the body is not the start of a valid one; error %v", err)
	}
	server.CloseClientConnections()
	if _, err := io.ReadAll(response.Body); err == nil {
		t.Error("the body ended without an error")
	}
}

func TestFaultEndlessRepeatsRows(t *testing.T) {
	for _, fault := range []simulator.Fault{simulator.FaultEndless, simulator.FaultEndlessGzip} {
		for _, rate := range []float64{0, 20} {
			s, _ := newAccount(simulator.Config{MessagesPerHour: rate}, 10*time.Hour)
			s.SetFault(fault)
			server := serve(t, s)
			ctx, cancel := context.WithCancel(t.Context())
			response, err := request(ctx, t, server)
			if err != nil {
				t.Fatal(err)
			}
			if response.Uncompressed != (fault == simulator.FaultEndlessGzip) {
				t.Errorf("%s: compressed %v", fault, response.Uncompressed)
			}
			rows := json.NewDecoder(response.Body)
			if _, err := rows.Token(); err != nil {
				t.Fatal(err)
			}
			for n := range 1000 { // the journal has about 200 rows
				var r row
				if err := rows.Decode(&r); err != nil {
					t.Fatalf("%s: row %d: %v", fault, n, err)
				}
			}
			cancel()
			_ = response.Body.Close()
		}
	}
}

func TestFaultDripSendsTenBytesPerSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newAccount(simulator.Config{Seed: 1, MessagesPerHour: 20}, 10*time.Hour)
		s.SetFault(simulator.FaultDrip)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second+time.Millisecond)
		defer cancel()
		w := httptest.NewRecorder()
		defer func() {
			if got := recover(); got != http.ErrAbortHandler {
				t.Errorf("the handler panicked with %v", got)
			}
			if n := w.Body.Len(); n != 101 || !w.Flushed {
				t.Errorf("%d bytes in ten seconds", n)
			}
		}()
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, journalPath(600), nil)
		s.ServeHTTP(w, r)
	})
}

func TestFaultDripSendsAValidJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := simulator.Config{Seed: 1, MessagesPerHour: 20, Messages: 3}
		s, _ := newAccount(cfg, 10*time.Hour)
		s.SetFault(simulator.FaultDrip)
		if rows := journal(t, s, 600); len(rows) != 3 {
			t.Errorf("%d rows", len(rows))
		}
	})
}
