// Package greenapi calls GREEN-API, an HTTP API for accounts of WhatsApp and other messengers.
//
// A Client calls the methods of one instance. A Partner lists the instances of a partner. Every
// error is an *Error with a Result from a closed set. No error contains a token, a URL or a part of
// a response, except the status and the host of a redirect.
package greenapi

import (
	"io"
	"net/http"
	"net/url"
	"time"
)

// maxJournal is the limit on a response to a Client, in bytes after decompression.
const maxJournal = 1 << 30

// Backend contains the configuration that the clients of all instances share.
type Backend struct {
	// Transport makes the calls; see NewTransport. A redirect is an error and not followed, because
	// it would send the token to another host.
	Transport http.RoundTripper
	Limiter   *Limiter
	UserAgent string
	// OnResponse, if set, is called after every call that acquired a slot of the Limiter. bytes is
	// the length of the body after decompression. OnResponse must be safe for concurrent use.
	OnResponse func(method string, took time.Duration, bytes int64)
}

// idleTimeout is shorter than the usual timeout of servers (nginx: 75 s). Otherwise a request fails
// if the server closes the idle connection at the same time.
const idleTimeout = 55 * time.Second

// NewTransport returns a transport that keeps up to idle connections per host open between calls.
// It uses the proxy in HTTPS_PROXY, HTTP_PROXY and NO_PROXY. It has no timeout for responses; the
// context of a call limits them.
//
// It uses HTTP/1.1 only. With HTTP/2, net/http can repeat a request that the server refuses, and
// every request counts toward the API's rate limit and quota.
func NewTransport(idle int) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns = 0
	t.MaxIdleConnsPerHost = idle
	t.IdleConnTimeout = idleTimeout
	t.MaxResponseHeaderBytes = 64 << 10
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	t.ForceAttemptHTTP2 = false
	t.OnProxyConnectResponse = checkProxyResponse
	return t
}

// The methods of the API that a Client calls, as in URLs.
const (
	LastOutgoingMessages = "lastOutgoingMessages"
	LastIncomingMessages = "lastIncomingMessages"
	GetStateInstance     = "getStateInstance"
	GetMessagesCount     = "getMessagesCount"
	GetWebhooksCount     = "getWebhooksCount"
	GetSettings          = "getSettings"
	GetWaSettings        = "getWaSettings"
)

// A Client calls the API for one instance. It is safe for concurrent use.
type Client struct{ transport }

// NewClient returns a Client for the instance id. The base URL can have a path prefix.
func NewClient(backend *Backend, base *url.URL, id string, token TokenSource) *Client {
	return &Client{transport{
		backend: backend, base: base, pathPrefix: "/waInstance" + id, token: token,
		maxBody: maxJournal,
	}}
}

// transport makes the calls of a Client or Partner.
type transport struct {
	backend    *Backend
	base       *url.URL
	pathPrefix string // between the path of base and the method
	token      TokenSource
	maxBody    int64
	onHeader   func(Header) // may be nil
}

// OnHeader makes a Client or Partner call f for the header of each response, before the call
// returns. If there are concurrent calls, f must be safe for concurrent use.
func (t *transport) OnHeader(f func(Header)) { t.onHeader = f }

// request returns a request with the token in its path. It does not use url.JoinPath, which
// cleans the path.
func (t *transport) request(method string, query url.Values, token string) *http.Request {
	u := *t.base
	u.Path = t.base.Path + t.pathPrefix + "/" + method + "/" + token
	u.RawPath = t.base.EscapedPath() + t.pathPrefix + "/" + method + "/" + url.PathEscape(token)
	u.RawQuery = query.Encode()
	return &http.Request{
		Method: http.MethodGet, URL: &u, Host: u.Host, Body: unrepeatable{},
		Header: http.Header{
			"Accept": {"application/json"}, "Accept-Encoding": {"gzip"},
			"Cache-Control": {"no-cache"}, "User-Agent": {t.backend.UserAgent},
		},
	}
}

// unrepeatable is an empty body that prevents net/http from repeating a request. Without a body,
// net/http repeats a GET if the server closes a reused connection before it responds.
type unrepeatable struct{}

func (unrepeatable) Read([]byte) (int, error) { return 0, io.EOF }
func (unrepeatable) Close() error             { return nil }
