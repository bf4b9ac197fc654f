package greenapi

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const secret = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345"

func testToken(t testing.TB, text string) Token {
	t.Helper()
	token, err := NewToken(text)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// newTestClient returns a client for the API at base.
func newTestClient(t testing.TB, base string) *Client {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	transport := NewTransport(4)
	t.Cleanup(transport.CloseIdleConnections)
	backend := &Backend{Transport: transport, Limiter: NewLimiter(4), UserAgent: "test"}
	return NewClient(backend, u, "1101000001", testToken(t, secret))
}

// readOutgoing returns the rows and the date of a journal.
func readOutgoing(ctx context.Context, c *Client) ([]rowValues, time.Time, error) {
	journal, err := c.OutgoingMessages(ctx, 60)
	if err != nil {
		return nil, time.Time{}, err
	}
	var rows []rowValues
	for journal.Next() {
		rows = append(rows, valuesOf(journal.Row()))
	}
	return rows, journal.Date(), journal.Err()
}

// serve starts a server for the duration of the test.
func serve(t testing.TB, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

func respond(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// respondWithPath is respond, with each %s replaced by the path of the request.
func respondWithPath(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, strings.ReplaceAll(body, "%s", r.URL.Path))
	}
}

// rawResponse writes a response to the connection and closes it. Each %s is replaced by the target
// of the request.
func rawResponse(response string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, strings.ReplaceAll(response, "%s", r.RequestURI))
	}
}

func TestEveryResponseHasItsResult(t *testing.T) {
	for _, c := range []struct {
		name     string
		response http.HandlerFunc
		want     Result
	}{
		{"a journal", respond(200, `[{"idMessage":"1"}]`), OK},
		{"an empty journal", respond(200, `[]`), OK},
		{"code 401 in an object", respond(200, `{"code":401,"description":"Unauthorized"}`),
			Unauthorized},
		{"401", respond(401, ""), Unauthorized},
		{"403", respond(403, "<html>nginx</html>"), Forbidden},
		{"404", respondWithPath(404, `{"message":"Cannot GET %s"}`), UnexpectedStatus},
		{"429", respond(429, ""), RateLimited},
		{"466", respond(466, `{"invokeStatus":{"status":"QUOTE_EXCEEDED"}}`), QuotaExceeded},
		{"499", respond(499, ""), ServerError},
		{"500", respond(500, ""), ServerError},
		{"502", respond(502, ""), ServerError},
		{"504", respond(504, ""), ServerError},
		{"204", respond(204, ""), UnexpectedStatus},
		{"418", respond(418, ""), UnexpectedStatus},
		{"400, logged out", respond(400, "Instance in NOT Authorized state"), InstanceLoggedOut},
		{"400, starting or logged out", respond(400, "instance is starting or not authorized"),
			InstanceLoggedOut},
		{"400, starting", respond(400, `{"message":"Instance is Starting. Please wait"}`),
			InstanceStarting},
		{"400, expired", respond(400, `{"message":["The instance has expired"]}`), InstanceExpired},
		{"400, deleted", respond(400, "Instance is deleted"), InstanceDeleted},
		{"400, other",
			respondWithPath(400, `{"statusCode":400,"path":"%s","message":"Validation failed"}`),
			BadRequest},
		{"400, with keywords in its path only",
			respond(400, `{"path":"/expired/deleted/starting/not authorized","message":"no"}`),
			BadRequest},
		{"400, invalid JSON", respond(400, `{"path":"/expired/\"deleted","message":"no",}`),
			BadRequest},
		{"400, truncated JSON in its path",
			respond(400, `{"message":"no","path":"/expired/starting`), BadRequest},
		{"400, truncated",
			rawResponse("HTTP/1.1 400 Bad\r\nContent-Length: 99\r\n\r\ninstance is deleted"),
			InstanceDeleted},
		{"status false, logged out",
			respond(200, `{"status":false,"reason":"instance is starting or not authorized"}`),
			InstanceLoggedOut},
		{"status false, starting", respond(200, `{"status":false,"reason":"instance is starting"}`),
			InstanceStarting},
		{"status false, no reason", respond(200, `{"status":false}`), BadRequest},
		{"status true", respond(200, `{"status":true}`), InvalidResponse},
		{"another code", respond(200, `{"code":500}`), InvalidResponse},
		{"status false and a code", respond(200, `{"code":401,"status":false,"reason":"expired"}`),
			InstanceExpired},
		{"a truncated object", respond(200, `{"code":401`), InvalidResponse},
		{"an object without end",
			respond(200, `{"code":401,"description":"`+strings.Repeat("x", 2*maxErrorBody)+`"}`),
			InvalidResponse},
		{"null", respond(200, `null`), InvalidResponse},
		{"an empty body", respond(200, ``), InvalidResponse},
		{"a web page", respond(200, `<html>`), InvalidResponse},
		{"a row that is not an object", respond(200, `[1]`), OK},
		{"a truncated journal", respond(200, `[{"idMessage":"1"},`), InvalidResponse},
		{"a body shorter than its length",
			rawResponse("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[{}"), InvalidResponse},
		{"a truncated chunk",
			rawResponse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n[{}"),
			InvalidResponse},
		{"no last chunk",
			rawResponse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n"),
			InvalidResponse},
		{"no gzip",
			rawResponse("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n[]"),
			InvalidResponse},
		{"corrupt gzip", gzipResponse(corruptGzip(10)), InvalidResponse},
		{"gzip with a wrong checksum", gzipResponse(corruptGzip(-8)), InvalidResponse},
		{"truncated gzip", gzipResponse(gzipped("[]")[:20]), InvalidResponse},
		{"a length over the limit",
			rawResponse("HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n\r\n[{}"), TooLarge},
		{"a response that is not HTTP", rawResponse("GET %s HTTP/1.1\r\n\r\n"), Network},
		{"a status that is not a number", rawResponse("HTTP/1.1 %s\r\n\r\n"), Network},
		{"invalid headers", rawResponse("HTTP/1.1 200 OK\r\n%s\r\n\r\n"), Network},
		{"endless headers",
			rawResponse("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("%s", 5000) + "\r\n\r\n[]"),
			Network},
		{"no response", rawResponse(""), Network},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := serve(t, c.response)
			_, _, err := readOutgoing(t.Context(), newTestClient(t, server.URL))
			if got := ResultOf(err); got != c.want {
				t.Errorf("got %s (%v), want %s", got, err, c.want)
			}
			assertNoSecret(t, err)
		})
	}
}

// assertNoSecret checks that the error does not contain a token in any form.
func assertNoSecret(t *testing.T, err error) {
	t.Helper()
	for e := err; e != nil; e = errors.Unwrap(e) {
		for _, verb := range []string{"%s", "%v", "%+v", "%#v", "%q", "%x"} {
			text := fmt.Sprintf(verb, e)
			for _, token := range []string{
				secret, other, fmt.Sprintf("%x", secret), fmt.Sprintf("%x", other),
			} {
				if strings.Contains(text, token) {
					t.Errorf("%s leaks a token: %s", verb, text)
				}
			}
		}
	}
}

func TestMissingResponsesAreNetworkErrors(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	for name, base := range map[string]string{
		"connection refused": server.URL,
		"no such host":       "https://nowhere.invalid",
		"no such port":       "http://127.0.0.1:0",
	} {
		_, _, err := readOutgoing(t.Context(), newTestClient(t, base))
		if ResultOf(err) != Network {
			t.Errorf("%s: got %v, want %s", name, err, Network)
		}
		assertNoSecret(t, err)
	}
}

func TestTLSErrorsNameTheCause(t *testing.T) {
	server := httptest.NewTLSServer(respond(200, "[]"))
	defer server.Close()
	server.Config.ErrorLog = nil
	_, _, err := readOutgoing(t.Context(), newTestClient(t, server.URL))
	want := "network: the host's certificate is signed by an unknown authority"
	if fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
	withoutTLS := serve(t, respond(200, "[]"))
	_, _, err = readOutgoing(t.Context(),
		newTestClient(t, strings.Replace(withoutTLS.URL, "http:", "https:", 1)))
	want = "network: the host does not use TLS on this port"
	if fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestRequestMatchesTheDocumentation(t *testing.T) {
	var got *http.Request
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		_, _ = io.WriteString(w, "[]")
	})
	client := newTestClient(t, server.URL+"/v3")
	client.token = testToken(t, "a/b?c%d..")
	if _, _, err := readOutgoing(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	want := "/v3/waInstance1101000001/lastOutgoingMessages/a%2Fb%3Fc%25d..?minutes=60"
	if got.RequestURI != want {
		t.Errorf("requested %s, want %s", got.RequestURI, want)
	}
	if got.Method != http.MethodGet || got.UserAgent() != "test" {
		t.Errorf("method %s, user agent %q", got.Method, got.UserAgent())
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var followed atomic.Int32
	other := serve(t, func(http.ResponseWriter, *http.Request) { followed.Add(1) })
	for _, code := range []int{301, 302, 303, 307, 308} {
		for _, location := range []string{other.URL, "/elsewhere", "::", ""} {
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/elsewhere" {
					followed.Add(1)
				}
				w.Header().Set("Location", location)
				w.WriteHeader(code)
			})
			_, _, err := readOutgoing(t.Context(), newTestClient(t, server.URL))
			if ResultOf(err) != UnexpectedStatus {
				t.Errorf("%d to %q: got %v, want %s", code, location, err, UnexpectedStatus)
			}
		}
	}
	if n := followed.Load(); n != 0 {
		t.Errorf("followed %d redirects", n)
	}
}

func TestConnectionsAreReused(t *testing.T) {
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(respond(200, string(journal(t, 2000, false))))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	client := newTestClient(t, server.URL)
	for range 5 {
		if _, _, err := readOutgoing(t.Context(), client); err != nil {
			t.Fatal(err)
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("5 calls took %d connections", n)
	}
}

// TestCallsAreNotRepeated checks that net/http does not repeat a request if the server closes the
// connection.
func TestCallsAreNotRepeated(t *testing.T) {
	for name, end := range map[string]func(*net.TCPConn){
		"closed": func(c *net.TCPConn) { _ = c.Close() },
		"reset":  func(c *net.TCPConn) { _ = c.SetLinger(0); _ = c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int32
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if requests.Add(1)%2 == 1 {
					_, _ = io.WriteString(w, "[]")
					return
				}
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					panic(err)
				}
				end(conn.(*net.TCPConn))
			})
			client := newTestClient(t, server.URL)
			for i := range int32(10) {
				want := OK
				if i%2 == 1 {
					want = Network
				}
				if _, _, err := readOutgoing(t.Context(), client); ResultOf(err) != want {
					t.Errorf("call %d: got %v, want %s", i, err, want)
				}
				if n := requests.Load(); n != i+1 {
					t.Fatalf("%d requests for %d calls", n, i+1)
				}
			}
		})
	}
}

func TestHTTP2IsDisabled(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 1 {
			w.WriteHeader(http.StatusTeapot)
		}
		_, _ = io.WriteString(w, "[]")
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(handler))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	client := newTestClient(t, server.URL)
	trusted := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	client.backend.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: trusted}
	if _, _, err := readOutgoing(t.Context(), client); err != nil {
		t.Error(err)
	}
}

// hang writes the start of a response and then waits until the client disconnects.
func hang(start string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if start != "" {
			_, _ = io.WriteString(w, start)
			_ = http.NewResponseController(w).Flush()
		}
		<-r.Context().Done()
	}
}

func TestDeadlineAndCancellationEndACall(t *testing.T) {
	for name, start := range map[string]string{
		"before the response": "", "in its body": `[{"idMessage":"1"},`, "after its array": `[]`,
		"in an object": `{"co`,
	} {
		for want, end := range map[Result]func(context.Context) (context.Context, func()){
			Timeout: func(ctx context.Context) (context.Context, func()) {
				ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
				return ctx, cancel
			},
			Canceled: func(ctx context.Context) (context.Context, func()) {
				ctx, cancel := context.WithCancel(ctx)
				time.AfterFunc(20*time.Millisecond, cancel)
				return ctx, cancel
			},
		} {
			t.Run(name+", "+string(want), func(t *testing.T) {
				server := serve(t, hang(start))
				ctx, cancel := end(t.Context())
				defer cancel()
				_, _, err := readOutgoing(ctx, newTestClient(t, server.URL))
				if ResultOf(err) != want {
					t.Errorf("got %v, want %s", err, want)
				}
			})
		}
	}
}

func TestCancellationCauseIsTheResult(t *testing.T) {
	server := serve(t, hang(""))
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(10*time.Millisecond, func() { cancel(context.DeadlineExceeded) })
	if _, _, err := readOutgoing(ctx, newTestClient(t, server.URL)); ResultOf(err) != Timeout {
		t.Errorf("got %v, want %s", err, Timeout)
	}
}

func TestTimeoutsDistinguishMissingConnections(t *testing.T) {
	for _, connected := range []bool{false, true} {
		ctx, cancel := context.WithCancelCause(t.Context())
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			cancel(context.DeadlineExceeded)
			hang("")(w, r)
		})
		client := newTestClient(t, server.URL)
		if !connected {
			transport := client.backend.Transport.(*http.Transport)
			transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
				cancel(context.DeadlineExceeded)
				<-ctx.Done()
				return nil, ctx.Err()
			}
		}
		_, _, err := readOutgoing(ctx, client)
		var failure *Error
		if !errors.As(err, &failure) || failure.Result != Timeout || failure.NotSent == connected {
			t.Errorf("connected %t: got %#v", connected, err)
		}
	}
}

// TestFailuresBeforeTheRequestAreNotSent includes a host that accepts connections but does not
// respond to a TLS handshake.
func TestFailuresBeforeTheRequestAreNotSent(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	refused := httptest.NewServer(nil)
	refused.Close()
	for _, base := range []string{
		"https://" + silent.Addr().String(), refused.URL, "https://nowhere.invalid",
	} {
		client := newTestClient(t, base)
		client.backend.Transport.(*http.Transport).TLSHandshakeTimeout = 10 * time.Millisecond
		_, _, err = readOutgoing(t.Context(), client)
		var failure *Error
		if !errors.As(err, &failure) || failure.Result != Network || !failure.NotSent {
			t.Errorf("%s: got %#v, want %s without a request", base, err, Network)
		}
	}
	server := serve(t, rawResponse(""))
	_, _, err = readOutgoing(t.Context(), newTestClient(t, server.URL))
	var failure *Error
	if !errors.As(err, &failure) || failure.NotSent {
		t.Errorf("a request without a response: got %#v", err)
	}
}

func TestBodiesAreLimitedAfterDecompression(t *testing.T) {
	body := "[" + strings.Repeat(" ", 10_000) + "]"
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		limit   int64
		want    Result
	}{
		"plain, at the limit":   {respond(200, body), 10_002, OK},
		"plain, over the limit": {respond(200, body), 10_001, TooLarge},
		"gzip, at the limit":    {gzipResponse(gzipped(body)), 10_002, OK},
		"gzip, over the limit":  {gzipResponse(gzipped(body)), 10_001, TooLarge},
		"an endless body":       {endless, 1 << 20, TooLarge},
	} {
		server := serve(t, c.handler)
		client := newTestClient(t, server.URL)
		client.maxBody = c.limit
		if _, _, err := readOutgoing(t.Context(), client); ResultOf(err) != c.want {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}

func gzipped(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.Bytes()
}

// corrupt returns a compressed journal with an inverted byte. A negative index counts from the end.
func corruptGzip(at int) []byte {
	b := gzipped(`[{"idMessage":"1"}]`)
	if at < 0 {
		at += len(b)
	}
	b[at] ^= 0xFF
	return b
}

func gzipResponse(body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(body)
	}
}

func endless(w http.ResponseWriter, _ *http.Request) {
	_, err := io.WriteString(w, "[")
	for err == nil {
		_, err = io.WriteString(w, strings.Repeat(" ", 1000))
	}
}

func TestDateIsTheTimeOfTheAPI(t *testing.T) {
	date := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", date.Format(http.TimeFormat))
		_, _ = io.WriteString(w, "[]")
	})
	_, received, err := readOutgoing(t.Context(), newTestClient(t, server.URL))
	if err != nil || !received.Equal(date) {
		t.Errorf("got %+v, %v", received, err)
	}
	for name, header := range map[string][]string{
		"no date": nil, "an invalid date": {"yesterday"},
	} {
		undated := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Date"] = header
			_, _ = io.WriteString(w, "[]")
		})
		start := time.Now()
		_, date, err := readOutgoing(t.Context(), newTestClient(t, undated.URL))
		if err != nil || date.Before(start) || date.After(time.Now()) {
			t.Errorf("%s: got %+v, %v; want the local time", name, date, err)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": 0, "120": 2 * time.Minute, "-5": 0, "soon": 0, "1.5": 0,
		"99999999999999": maxRetryAfter, "-9223372036854775808": 0,
		"99999999999999999999":                        maxRetryAfter,
		now.Add(time.Minute).Format(http.TimeFormat):  time.Minute,
		now.Add(-time.Minute).Format(http.TimeFormat): 0,
		now.AddDate(10, 0, 0).Format(http.TimeFormat): maxRetryAfter,
	} {
		if got := retryAfter(header, now); got != want {
			t.Errorf("%q: got %s, want %s", header, got, want)
		}
	}
}

// TestRetryAfterIsLimitedByResult checks the limits: a day for the rate limit and the quota, and an
// hour for other results.
func TestRetryAfterIsLimitedByResult(t *testing.T) {
	for status, limit := range map[int]time.Duration{
		429: 24 * time.Hour, 466: 24 * time.Hour,
		301: time.Hour, 400: time.Hour, 401: time.Hour, 404: time.Hour, 500: time.Hour,
		503: time.Hour,
	} {
		for _, wait := range []time.Duration{7 * time.Second, 365 * 24 * time.Hour} {
			for _, header := range []string{
				fmt.Sprint(int(wait.Seconds())), time.Now().Add(wait).UTC().Format(http.TimeFormat),
			} {
				server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Retry-After", header)
					w.WriteHeader(status)
				})
				_, _, err := readOutgoing(t.Context(), newTestClient(t, server.URL))
				var failure *Error
				want := min(wait, limit)
				if !errors.As(err, &failure) || failure.RetryAfter > want ||
					failure.RetryAfter < want-2*time.Second {
					t.Errorf("status %d, Retry-After %s: got %#v", status, header, err)
				}
			}
		}
	}
}

func TestOnResponseIsCalled(t *testing.T) {
	server := serve(t, respond(200, "[{}, {}]"))
	client := newTestClient(t, server.URL)
	type observation struct {
		method string
		bytes  int64
	}
	var got []observation
	client.backend.OnResponse = func(method string, took time.Duration, bytes int64) {
		if took > 0 {
			got = append(got, observation{method, bytes})
		}
	}
	if _, _, err := readOutgoing(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	if want := (observation{"lastOutgoingMessages", 8}); len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestEveryFailureHasAdvice(t *testing.T) {
	known := make(map[Result]bool)
	for _, r := range Results() {
		if known[r] {
			t.Errorf("duplicate %s", r)
		}
		known[r] = true
		if (r.Advice() == "") != (r == OK) {
			t.Errorf("%s: advice %q", r, r.Advice())
		}
	}
	if len(known) != 17 {
		t.Errorf("%d results, want 17", len(known))
	}
	for err, want := range map[error]Result{
		context.Canceled: Canceled, context.DeadlineExceeded: Timeout, io.EOF: Network,
		fmt.Errorf("read: %w", &Error{Result: TooLarge}): TooLarge,
	} {
		if got := ResultOf(err); got != want {
			t.Errorf("%v: got %s, want %s", err, got, want)
		}
	}
}
