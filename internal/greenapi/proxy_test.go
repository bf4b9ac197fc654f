package greenapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
)

// TestProxyRejectionsHaveTheirStatus checks that an error names the status of a proxy's response to
// CONNECT, and no text of the response.
func TestProxyRejectionsHaveTheirStatus(t *testing.T) {
	const rejected = "the proxy rejected the connection with HTTP "
	for status, want := range map[string]string{
		"403 Forbidden":   rejected + "403: it does not allow connections to the API host",
		"407 Proxy Auth":  rejected + "407: HTTPS_PROXY needs a valid user name and password",
		"502 Bad Gateway": rejected + "502: it cannot connect to the API host",
		"503 Unavailable": rejected + "503: it cannot connect to the API host",
		"504 Timeout":     rejected + "504: it cannot connect to the API host",
		"400 Bad":         rejected + "400: check HTTPS_PROXY",
		"302 Found":       rejected + "302: check HTTPS_PROXY",
		"204 No Content":  rejected + "204: check HTTPS_PROXY",
	} {
		const format = "HTTP/1.1 %s " + secret + "\r\nX: " + secret + "\r\n\r\n<html>" + secret
		proxy := serve(t, rawResponse(fmt.Sprintf(format, status)))
		client := newTestClient(t, "https://api.example")
		proxyURL, err := url.Parse(strings.Replace(proxy.URL, "//", "//user:"+secret+"@", 1))
		if err != nil {
			t.Fatal(err)
		}
		client.backend.Transport.(*http.Transport).Proxy = http.ProxyURL(proxyURL)
		_, _, err = readOutgoing(t.Context(), client)
		var failure *Error
		if !errors.As(err, &failure) || failure.Result != Network || failure.Detail != want ||
			!failure.NotSent {
			t.Errorf("%s: got %#v, want %q", status, err, want)
		}
		assertNoSecret(t, err)
	}
}

// TestFailuresOfAProxyAreNotThoseOfTheHost checks that an error says that the connection to the
// proxy failed, and why.
func TestFailuresOfAProxyAreNotThoseOfTheHost(t *testing.T) {
	untrusted := httptest.NewUnstartedServer(nil)
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	dial := func(err error) func(context.Context, string, string) (net.Conn, error) {
		return func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
		}
	}
	for _, c := range []struct {
		proxy string
		dial  func(context.Context, string, string) (net.Conn, error)
		want  string
	}{
		{"http://proxy.example:3128",
			dial(&net.DNSError{Err: "no such host", Name: "proxy.example", IsNotFound: true}),
			"lookup proxy.example: no such host"},
		{"http://proxy.example:3128", dial(os.ErrDeadlineExceeded), "the connection timed out"},
		{"http://proxy.example:3128", dial(io.EOF), "dial tcp: EOF"},
		{untrusted.URL, nil, "the host's certificate is signed by an unknown authority"},
	} {
		proxyURL, err := url.Parse(c.proxy)
		if err != nil {
			t.Fatal(err)
		}
		client := newTestClient(t, "https://api.example")
		transport := client.backend.Transport.(*http.Transport)
		transport.Proxy = http.ProxyURL(proxyURL)
		if c.dial != nil {
			transport.DialContext = c.dial
		}
		_, _, err = readOutgoing(t.Context(), client)
		want := "network: no connection to the proxy: " + c.want
		if fmt.Sprint(err) != want {
			t.Errorf("%s: got %v, want %s", c.proxy, err, want)
		}
	}
}

// TestTimeoutsWhileConnectingNameTheAddress uses addresses to which no connection can be made in
// time, of the host and of a proxy.
func TestTimeoutsWhileConnectingNameTheAddress(t *testing.T) {
	for proxy, want := range map[string]string{
		"": "api.example:443",
		"http://user:" + secret + "@proxy.example:3128": "proxy.example:3128",
	} {
		client := newTestClient(t, "https://api.example")
		transport := client.backend.Transport.(*http.Transport)
		transport.Proxy = nil
		if proxyURL, err := url.Parse(proxy); err == nil && proxy != "" {
			transport.Proxy = http.ProxyURL(proxyURL)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			cancel(context.DeadlineExceeded)
			<-t.Context().Done()
			return nil, t.Context().Err()
		}
		_, _, err := readOutgoing(ctx, client)
		want = "timeout: while connecting to " + want
		if fmt.Sprint(err) != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestUnreachableProxyIsNamed(t *testing.T) {
	proxy := serve(t, func(http.ResponseWriter, *http.Request) {})
	proxyURL, err := url.Parse(strings.Replace(proxy.URL, "//", "//user:"+secret+"@", 1))
	if err != nil {
		t.Fatal(err)
	}
	proxy.Close()
	client := newTestClient(t, "https://api.example")
	client.backend.Transport.(*http.Transport).Proxy = http.ProxyURL(proxyURL)
	_, _, err = readOutgoing(t.Context(), client)
	want := "no connection to the proxy: dial tcp " + proxyURL.Host
	var failure *Error
	if !errors.As(err, &failure) || failure.Result != Network || !failure.NotSent ||
		!strings.HasPrefix(failure.Detail, want) {
		t.Errorf("got %#v, want %q", err, want)
	}
	assertNoSecret(t, err)
}

// TestTokenAsTheHostOfAProxyIsSecret checks the error of the failed lookup.
func TestTokenAsTheHostOfAProxyIsSecret(t *testing.T) {
	client := newTestClient(t, "https://api.example")
	client.backend.Transport.(*http.Transport).Proxy = http.ProxyURL(
		&url.URL{Scheme: "http", Host: strings.ToUpper(secret) + ".invalid"})
	_, _, err := readOutgoing(t.Context(), client)
	if err == nil || strings.Contains(strings.ToLower(err.Error()), secret) {
		t.Errorf("got %v", err)
	}
}

func TestRedirectsNameTheirHost(t *testing.T) {
	for location, want := range map[string]string{
		"https://api.example/waInstance1/x/" + secret:         " to api.example",
		"http://7105.API.example.:8080/":                      " to 7105.api.example.:8080",
		"//10.0.0.1/x":                                        " to 10.0.0.1",
		"https://[2001:db8::1]:443/":                          " to [2001:db8::1]:443",
		"https://user:" + secret + "@api.example?x=" + secret: " to api.example",
		"/elsewhere/" + secret:                                " to SERVER",
		"?" + secret:                                          " to SERVER",
		"":                                                    " without a valid host",
		"::":                                                  " without a valid host",
		"https:///" + secret:                                  " without a valid host",
		"https://" + secret + ".example/":                     " without a valid host",
		"https://" + strings.ToUpper(secret) + "/":            " without a valid host",
		"https://a b/":                                        " without a valid host",
		"https://b\u00fccher.example/":                        " without a valid host",
		"https://<script>/":                                   " without a valid host",
		"https://" + strings.Repeat("a", 300) + "/":           " without a valid host",
		"https://api.example:123456/":                         " without a valid host",
		"javascript:alert(1)":                                 " without a valid host",
	} {
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if location != "" {
				w.Header()["Location"] = []string{location}
			}
			w.WriteHeader(http.StatusFound)
		})
		want = "unexpected_status: HTTP 302, a redirect" +
			strings.Replace(want, "SERVER", server.Listener.Addr().String(), 1)
		_, _, err := readOutgoing(t.Context(), newTestClient(t, server.URL))
		if fmt.Sprint(err) != want {
			t.Errorf("%s: got %v, want %s", location, err, want)
		}
		assertNoSecret(t, err)
	}
	for status, isRedirect := range map[int]bool{300: true, 304: false, 305: true} {
		for _, location := range []string{"", "https://api.example/" + secret} {
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if location != "" {
					w.Header().Set("Location", location)
				}
				w.WriteHeader(status)
			})
			want := fmt.Sprintf("unexpected_status: HTTP %d", status)
			if isRedirect && location != "" {
				want += ", a redirect to api.example"
			}
			_, _, err := readOutgoing(t.Context(), newTestClient(t, server.URL))
			if fmt.Sprint(err) != want {
				t.Errorf("Location %q: got %v, want %s", location, err, want)
			}
		}
	}
}

func TestWebPagesAreReported(t *testing.T) {
	want := "invalid_response: the body is a web page instead of JSON"
	for _, body := range []string{
		"<!doctype html><title>Maintenance</title>", "<html>" + secret, "\r\n <HTML>",
		"\ufeff<!-- x --><p>", "<?xml version='1.0'?>", string(gzipped("<html></html>")),
	} {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if strings.HasPrefix(body, "\x1F") {
				w.Header().Set("Content-Encoding", "gzip")
			}
			_, _ = io.WriteString(w, body)
		})
		client := newTestClient(t, server.URL)
		if _, _, err := readOutgoing(t.Context(), client); fmt.Sprint(err) != want {
			t.Errorf("%q as a journal: got %v, want %s", body, err, want)
		}
		if _, err := client.State(t.Context()); fmt.Sprint(err) != want {
			t.Errorf("%q as an object: got %v, want %s", body, err, want)
		}
	}
	// JSON is accepted even if its Content-Type is that of a web page.
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "[]")
	})
	if _, _, err := readOutgoing(t.Context(), newTestClient(t, server.URL)); err != nil {
		t.Errorf("JSON with the Content-Type of a web page: %v", err)
	}
}
