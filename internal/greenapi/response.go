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
	"sync/atomic"
	"time"

	"greenapi_exporter/internal/jsonstream"
)

// response is a response with status 200, and reads its body. It occupies a slot of the Limiter
// until close is called.
type response struct {
	ctx      context.Context
	backend  *Backend
	method   string
	token    Token // of the request
	sent     time.Time
	received time.Time // when the header arrived
	date     time.Time // of the API's clock, or received if the response has no date

	body     io.ReadCloser
	read     int64 // number of bytes read from body
	limit    int64
	onHeader func(Header) // may be nil
	release  func()       // nil after close
}

// Header describes the header of a response.
type Header struct {
	Status   int
	Received time.Time // by the local clock
	// Date is the API's time. It is zero if the header lacks it or the response is old.
	Date time.Time
	// Age is how long a cache has stored the response.
	Age time.Duration
}

// old reports whether a cache returned the response, and it describes the past.
func (h Header) old() bool { return h.Age > freshAge }

// call makes a call. The caller must close the response. Errors are of type *Error.
func (t *transport) call(ctx context.Context, method string, query url.Values) (*response, error) {
	release, err := t.backend.Limiter.acquire(ctx, t.base.Host, method)
	if err != nil {
		return nil, &Error{
			Result: contextResult(ctx), NotSent: true,
			Detail: "too many other calls are in progress (limit: --greenapi.max-calls)",
		}
	}
	r := &response{
		ctx: ctx, backend: t.backend, method: method, token: t.token.Token(), sent: time.Now(),
		body: http.NoBody, limit: t.maxBody, onHeader: t.onHeader, release: release,
	}
	if err := r.send(t.request(method, query, r.token.reveal())); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// send sends the request and reads the header of the response.
func (r *response) send(request *http.Request) error {
	var connected atomic.Bool
	address := "the host"
	trace := &httptrace.ClientTrace{
		GetConn: func(hostPort string) { address = hostPort }, // of the API, or of the proxy
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	}
	request = request.WithContext(httptrace.WithClientTrace(r.ctx, trace))
	received, err := r.backend.Transport.RoundTrip(request)
	if err != nil {
		failure := networkError(r.ctx, err)
		failure.NotSent = !connected.Load()
		if failure.NotSent && r.ctx.Err() != nil {
			failure.Detail = "while connecting to " + address
		}
		if r.token.isIn(failure.Detail) { // misplaced in the host of a proxy
			failure.Detail = "the connection failed"
		}
		return failure
	}
	r.body = decompress(received)
	r.received = time.Now()
	date, err := http.ParseTime(received.Header.Get("Date"))
	if r.date = date; err != nil {
		r.date = r.received
	}
	if r.onHeader != nil {
		h := Header{
			Status: received.StatusCode, Received: r.received, Date: date,
			Age: responseAge(received.Header.Get("Age")),
		}
		if h.old() {
			h.Date = time.Time{} // the Date of an earlier response is not the API's time
		}
		r.onHeader(h)
	}
	if received.StatusCode != http.StatusOK {
		return r.statusError(received)
	}
	if received.ContentLength > r.limit {
		return tooLarge(r.limit)
	}
	return nil
}

// Read implements io.Reader. It fails with TooLarge if the body exceeds the limit.
func (r *response) Read(p []byte) (int, error) {
	n, err := r.body.Read(p)
	r.read += int64(n)
	if r.read > r.limit {
		return 0, tooLarge(r.limit)
	}
	return n, err
}

// close releases the connection and the slot. Calls after the first do nothing.
func (r *response) close() {
	if r.release == nil {
		return
	}
	_ = r.body.Close()
	if r.backend.OnResponse != nil {
		r.backend.OnResponse(r.method, time.Since(r.sent), r.read)
	}
	r.release()
	r.release = nil
}

// bodyError converts an error in the body to an *Error, and nil to nil.
func (r *response) bodyError(err error) error {
	var failure *Error
	var syntax *jsonstream.SyntaxError
	var corrupt flate.CorruptInputError
	detail := ""
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failure):
		return failure
	case errors.As(err, &syntax):
		detail = syntax.Error()
	case r.ctx.Err() != nil:
		return &Error{Result: contextResult(r.ctx), Detail: "while reading the body"}
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		detail = "the body is empty"
		if r.read > 0 {
			detail = fmt.Sprintf("the body is truncated at offset %d", r.read)
		}
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &corrupt):
		detail = fmt.Sprintf("invalid gzip after offset %d", r.read)
	default:
		return networkError(r.ctx, err)
	}
	return &Error{Result: InvalidResponse, Detail: detail}
}

func tooLarge(limit int64) *Error {
	return &Error{Result: TooLarge, Detail: fmt.Sprintf("the body exceeds %d bytes", limit)}
}
