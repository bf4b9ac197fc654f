package greenapi

import (
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"
)

// MaxBody is how large a body may be, after decompression, in bytes.
const MaxBody = 1 << 30

// Backend is what the clients of all instances share: connections, places, identity, observation.
type Backend struct {
	// Transport makes the calls; NewTransport gives the one to use. Redirects are never followed: one would carry the
	// token to another host.
	Transport http.RoundTripper
	Limiter   *Limiter
	UserAgent string
	// OnResponse, if set, hears of every call that got a place: how long it took, and the bytes of its body as read, after
	// decompression. It must be safe for concurrent use.
	OnResponse func(method string, took time.Duration, bytes int64)
}

// idleTimeout is shorter than servers usually keep idle connections open (nginx: 75 s), since a request on a connection
// that the server is just closing would fail.
const idleTimeout = 55 * time.Second

// NewTransport returns a transport that keeps up to idle connections a host open between calls and honours
// HTTPS_PROXY, HTTP_PROXY and NO_PROXY. Deadlines are those of a call's context.
//
// It speaks HTTP/1.1 only: with HTTP/2, net/http sends a request again by itself, many times where a server keeps
// refusing it, and every request counts for the API's rate and quota.
func NewTransport(idle int) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns = 0
	t.MaxIdleConnsPerHost = idle
	t.IdleConnTimeout = idleTimeout
	t.MaxResponseHeaderBytes = 64 << 10
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	t.ForceAttemptHTTP2 = false
	return t
}

// Client calls the API for one instance. It is safe for concurrent use.
type Client struct{ transport }

// NewClient returns a client for the instance id at the API host base, whose path prefix is kept.
func NewClient(service *Backend, base *url.URL, id string, token TokenSource) *Client {
	return &Client{transport{backend: service, base: base, pathPrefix: "/waInstance" + id, token: token, maxBody: MaxBody}}
}

// The methods of the API that a Client calls, as their names stand in its URLs.
const (
	LastOutgoingMessages = "lastOutgoingMessages"
	LastIncomingMessages = "lastIncomingMessages"
	GetStateInstance     = "getStateInstance"
	GetMessagesCount     = "getMessagesCount"
	GetWebhooksCount     = "getWebhooksCount"
	GetSettings          = "getSettings"
	GetWaSettings        = "getWaSettings"
)

// OutgoingMessages reads the journal of the messages sent, of the last minutes. When the answer begins it calls begin with
// the API's time, to the second, or our clock's where it does not say; and then what that returns for each row, in the
// order of the journal: the rows count only if the error is nil, since an answer is known to be whole and sound only at
// its end. The error is an *Error. The call ends with ctx, whose cause says whether as Timeout or Canceled.
func (c *Client) OutgoingMessages(ctx context.Context, minutes int, begin func(date time.Time) func(*Row)) error {
	return c.journal(ctx, LastOutgoingMessages, minutes, begin)
}

// IncomingMessages reads the journal of the messages received, as OutgoingMessages does that of those sent. Its rows have
// no status.
func (c *Client) IncomingMessages(ctx context.Context, minutes int, begin func(date time.Time) func(*Row)) error {
	return c.journal(ctx, LastIncomingMessages, minutes, begin)
}

func (c *Client) journal(ctx context.Context, method string, minutes int, begin func(date time.Time) func(*Row)) error {
	query := url.Values{"minutes": {strconv.Itoa(minutes)}}
	return c.call(ctx, method, query, func(a answer) error {
		row, blot := begin(a.date), a.token.redactor()
		return readJournal(a.body, func(r *Row) {
			r.Type, r.Status = blot(r.Type), blot(r.Status)
			row(r)
		})
	})
}

// answer is one with status 200.
type answer struct {
	date  time.Time // the API's time, or ours where it does not say
	body  io.Reader
	token Token // with which it was asked for
}

// transport is what the clients have in common: it makes calls that are bounded, and whose errors hold no secret.
type transport struct {
	backend    *Backend
	base       *url.URL
	pathPrefix string // the path between that of base and the method: whose methods they are
	token      TokenSource
	maxBody    int64
}

// call makes one call and lets read have the answer.
func (c *transport) call(ctx context.Context, method string, query url.Values, read func(answer) error) error {
	leave, err := c.backend.Limiter.acquire(ctx, c.base.Host, method)
	if err != nil {
		return &Error{Result: contextResult(ctx), Detail: "no place was free for the call (--greenapi.max-calls)", NotSent: true}
	}
	defer leave()

	body := &countedBody{limit: c.maxBody}
	sent := time.Now()
	if c.backend.OnResponse != nil {
		defer func() { c.backend.OnResponse(method, time.Since(sent), body.read) }()
	}
	var connected atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	token := c.token.Token()
	response, err := c.backend.Transport.RoundTrip(c.request(traced, method, query, token.reveal()))
	switch {
	case err != nil && ctx.Err() != nil && !connected.Load():
		return &Error{Result: contextResult(ctx), Detail: "there was no connection to the host yet", NotSent: true}
	case err != nil:
		failure := networkError(ctx, err)
		failure.NotSent = !connected.Load()
		return failure
	}
	defer response.Body.Close()
	date := dateOf(response, time.Now())
	body.r = response.Body

	if response.StatusCode != http.StatusOK {
		return statusError(ctx, response, body, date)
	}
	if response.ContentLength > c.maxBody {
		return tooLarge(c.maxBody)
	}
	return bodyError(ctx, read(answer{date, body, token}), body.read)
}

// request builds the one thing that holds the token in the clear. The path is put together by hand: url.JoinPath would
// clean it.
func (c *transport) request(ctx context.Context, method string, query url.Values, token string) *http.Request {
	u := *c.base
	u.Path = c.base.Path + c.pathPrefix + "/" + method + "/" + token
	u.RawPath = c.base.EscapedPath() + c.pathPrefix + "/" + method + "/" + url.PathEscape(token)
	u.RawQuery = query.Encode()
	r := &http.Request{Method: http.MethodGet, URL: &u, Host: u.Host, Header: make(http.Header), Body: unrepeatable{}}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", c.backend.UserAgent)
	return r.WithContext(ctx)
}

// unrepeatable is an empty body. Without it net/http would take a GET for one that can be sent again, and do so when a
// connection it had used before is closed instead of answered: one call would be two requests.
type unrepeatable struct{}

func (unrepeatable) Read([]byte) (int, error) { return 0, io.EOF }
func (unrepeatable) Close() error             { return nil }

// dateOf is the API's time when it answered, or now where it does not say.
func dateOf(response *http.Response, now time.Time) time.Time {
	if date, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		return date
	}
	return now
}

func tooLarge(limit int64) *Error {
	return &Error{Result: TooLarge, Detail: fmt.Sprintf("the body has more than %d bytes", limit)}
}

// countedBody counts what is read and ends with tooLarge behind the limit.
type countedBody struct {
	r     io.Reader
	read  int64
	limit int64
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.read += int64(n)
	if b.read > b.limit {
		return 0, tooLarge(b.limit)
	}
	return n, err
}

// bodyError makes an *Error of what went wrong in reading a body, after so many bytes of it.
func bodyError(ctx context.Context, err error, read int64) error {
	var own *Error
	var syntax *SyntaxError
	var corrupt flate.CorruptInputError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &own):
		return own
	case errors.As(err, &syntax):
		return &Error{Result: InvalidResponse, Detail: syntax.Error()}
	case ctx.Err() != nil:
		return &Error{Result: contextResult(ctx), Detail: "while reading the body"}
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		if read == 0 {
			return &Error{Result: InvalidResponse, Detail: "the body is empty"}
		}
		return &Error{Result: InvalidResponse, Detail: fmt.Sprintf("the body is cut off at offset %d", read)}
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &corrupt):
		return &Error{Result: InvalidResponse, Detail: fmt.Sprintf("the body is no sound gzip behind offset %d", read)}
	default:
		return networkError(ctx, err)
	}
}
