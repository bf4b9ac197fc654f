package greenapi

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	// maxErrorBody is how much of an error's body is read, to find the words that name it.
	maxErrorBody = 64 << 10
	// MaxRetryAfter is the longest wait that an answer can ask for: a header cannot switch the exporter off for good.
	MaxRetryAfter = 24 * time.Hour
)

// contextResult is the result of a call that ended with its context.
func contextResult(ctx context.Context) Result { return ResultOf(context.Cause(ctx)) }

// networkError makes an *Error of what the transport says. Errors of net/http can quote what the other side sent, so
// only kinds that are known not to are repeated.
func networkError(ctx context.Context, err error) *Error {
	var (
		op          *net.OpError
		dns         *net.DNSError
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
		timeout     net.Error
	)
	switch {
	case ctx.Err() != nil:
		return &Error{Result: contextResult(ctx), Detail: "before the answer began"}
	case errors.As(err, &timeout) && timeout.Timeout():
		// Not the call's time: that of the transport for a connection, or of the operating system.
		return &Error{Result: Network, Detail: "the connection timed out"}
	case errors.As(err, &certificate):
		return &Error{Result: Network, Detail: certificateDetail(certificate)}
	case errors.As(err, &record):
		return &Error{Result: Network, Detail: "the host does not speak TLS"}
	case errors.As(err, &dns):
		return &Error{Result: Network, Detail: fmt.Sprintf("lookup %s: %s", dns.Name, dns.Err)}
	case errors.As(err, &op):
		return &Error{Result: Network, Detail: op.Error()}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{Result: Network, Detail: "the connection was closed before the answer was complete"}
	default:
		return &Error{Result: Network, Detail: "the connection broke, a proxy refused it, or what came was not HTTP"}
	}
}

// certificateDetail names the usual causes without repeating the certificate, which is foreign text.
func certificateDetail(err error) string {
	var (
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
		host    x509.HostnameError
	)
	switch {
	case errors.As(err, &unknown):
		return "the host's certificate is signed by an unknown authority"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the host's certificate has expired or is not yet valid; is the clock right?"
	case errors.As(err, &host):
		return "the certificate is for another host"
	default:
		return "the host's certificate cannot be verified"
	}
}

// statusError makes an *Error of an answer whose status is not 200. Only the body of a 400 is read, since no other
// says more than its status; who drips the rest cannot hold up the scrape.
func statusError(ctx context.Context, response *http.Response, body io.Reader, now time.Time) error {
	failure := &Error{
		Result:     UnexpectedStatus,
		Detail:     fmt.Sprintf("HTTP %d", response.StatusCode),
		RetryAfter: retryAfter(response.Header.Get("Retry-After"), now),
	}
	switch status := response.StatusCode; {
	case status == http.StatusBadRequest:
		text, err := io.ReadAll(io.LimitReader(body, maxErrorBody))
		if err != nil && ctx.Err() != nil {
			return &Error{Result: contextResult(ctx), Detail: "while reading the body of HTTP 400"}
		}
		failure.Result = classifyText(stripPath(text))
	case status == http.StatusUnauthorized:
		failure.Result = Unauthorized
	case status == http.StatusForbidden:
		failure.Result = Forbidden
	case status == http.StatusTooManyRequests:
		failure.Result = RateLimited
	case status == 466:
		failure.Result = QuotaExceeded
	case status == 499 || status >= 500 && status <= 599:
		failure.Result = ServerError
	}
	return failure
}

// classifyText tells apart what the API says with status 400, or 200 and "status":false. "not authorized" comes first:
// an instance that "is starting or not authorized" has most often been logged out.
func classifyText(text string) Result {
	text = strings.ToLower(text)
	for _, c := range []struct {
		words  string
		result Result
	}{
		{"not authorized", InstanceLoggedOut},
		{"starting", InstanceStarting},
		{"expired", InstanceExpired},
		{"deleted", InstanceDeleted},
	} {
		if strings.Contains(text, c.words) {
			return c.result
		}
	}
	return BadRequest
}

// pathMember is the member of an error's JSON that repeats the request's path: its words are no one's but the user's.
var pathMember = regexp.MustCompile(`"path"\s*:\s*"(\\.|[^"\\])*`)

// stripPath is the part of an error's body that is meant to be read.
func stripPath(body []byte) string { return string(pathMember.ReplaceAll(body, nil)) }

// retryAfter reads the header of that name (RFC 9110, section 10.2.3): seconds, or a date.
func retryAfter(header string, now time.Time) time.Duration {
	wait := time.Duration(0)
	seconds, err := strconv.ParseUint(header, 10, 64) // the largest where it is out of range
	if err == nil || errors.Is(err, strconv.ErrRange) {
		wait = time.Duration(min(seconds, uint64(MaxRetryAfter/time.Second))) * time.Second
	} else if date, err := http.ParseTime(header); err == nil {
		wait = date.Sub(now)
	}
	return min(max(0, wait), MaxRetryAfter)
}
