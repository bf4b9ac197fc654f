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
	// maxErrorBody is the limit on the body of an error, in bytes. The rest is not read.
	maxErrorBody = 32 << 10
	// maxRetryAfter is the limit on Retry-After in responses about the rate limit or the quota, and
	// maxOtherRetryAfter in all others. Without them, a header could stop calls for days.
	maxRetryAfter      = 24 * time.Hour
	maxOtherRetryAfter = time.Hour
)

// contextResult returns the result of a call whose context is done.
func contextResult(ctx context.Context) Result { return ResultOf(context.Cause(ctx)) }

// networkError converts an error of the transport.
func networkError(ctx context.Context, err error) *Error {
	var (
		failure *Error
		op      *net.OpError
	)
	switch {
	case ctx.Err() != nil:
		return &Error{Result: contextResult(ctx), Detail: "while waiting for the response"}
	case errors.As(err, &failure): // of checkProxyResponse
		return &Error{Result: failure.Result, Detail: failure.Detail}
	case errors.As(err, &op) && op.Op == "proxyconnect":
		detail := "no connection to the proxy: " + networkDetail(op.Err)
		return &Error{Result: Network, Detail: detail}
	default:
		return &Error{Result: Network, Detail: networkDetail(err)}
	}
}

// networkDetail describes why a connection failed. Errors of net/http can quote the response.
// Therefore networkDetail includes the text of an error only if errors of its type cannot quote it.
func networkDetail(err error) string {
	var (
		op          *net.OpError
		dns         *net.DNSError
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
		timeout     net.Error
	)
	switch {
	case errors.As(err, &timeout) && timeout.Timeout(): // of the transport or the operating system
		return "the connection timed out"
	case errors.As(err, &certificate):
		return certificateDetail(certificate)
	case errors.As(err, &record):
		return "the host does not use TLS on this port"
	case errors.As(err, &dns):
		return fmt.Sprintf("lookup %s: %s", dns.Name, dns.Err)
	case errors.As(err, &op):
		return op.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed before the response was complete"
	default:
		return "the connection failed, or the response was not HTTP"
	}
}

// certificateDetail describes why a certificate is invalid. It does not quote the certificate,
// which is untrusted.
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
		return "the host's certificate has expired or is not yet valid; check the clock"
	case errors.As(err, &host):
		return "the host's certificate is for another host name"
	default:
		return "the host's certificate is invalid"
	}
}

// statusError returns the error for a status other than 200. It reads the body only for status 400.
// For others, the body adds nothing to the status, and a slow one would delay the scrape.
func (r *response) statusError(received *http.Response) error {
	failure := &Error{
		Result: UnexpectedStatus,
		Detail: fmt.Sprintf("HTTP %d", received.StatusCode),
	}
	switch status := received.StatusCode; {
	case isRedirect(received):
		failure.Detail = redirectDetail(received, r.token)
	case status == http.StatusProxyAuthRequired:
		failure.Detail += ", a proxy requires a user name and password"
	case status == http.StatusBadRequest:
		body, err := io.ReadAll(io.LimitReader(r, maxErrorBody))
		if err != nil && r.ctx.Err() != nil {
			return &Error{Result: contextResult(r.ctx), Detail: "in the body of HTTP 400"}
		}
		failure.Result = classifyBody(body)
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
	wait := retryAfter(received.Header.Get("Retry-After"), r.date)
	failure.RetryAfter = min(wait, failure.Result.MaxRetryAfter())
	return failure
}

// pathMember matches the JSON member of an error that repeats the path of the request.
var pathMember = regexp.MustCompile(`"path"\s*:\s*"(\\.|[^"\\])*`)

// classifyBody returns the result for the body of a failure with status 400, or with status 200 and
// "status":false. It ignores the path of the request, which can contain any words. The words "not
// authorized" have priority, because an instance that "is starting or not authorized" is usually
// logged out.
func classifyBody(body []byte) Result {
	text := strings.ToLower(string(pathMember.ReplaceAll(body, nil)))
	switch {
	case strings.Contains(text, "not authorized"):
		return InstanceLoggedOut
	case strings.Contains(text, "starting"):
		return InstanceStarting
	case strings.Contains(text, "expired"):
		return InstanceExpired
	case strings.Contains(text, "deleted"):
		return InstanceDeleted
	default:
		return BadRequest
	}
}

// MaxRetryAfter returns the longest wait that a response with this result can demand: a day for the
// rate limit and the quota, otherwise an hour.
func (r Result) MaxRetryAfter() time.Duration {
	if r == RateLimited || r == QuotaExceeded {
		return maxRetryAfter
	}
	return maxOtherRetryAfter
}

// retryAfter parses a Retry-After header (RFC 9110, section 10.2.3): seconds, or a date.
func retryAfter(header string, now time.Time) time.Duration {
	seconds, err := strconv.ParseUint(header, 10, 64)
	if err == nil || errors.Is(err, strconv.ErrRange) { // then seconds is the largest uint64
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	date, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return min(max(0, date.Sub(now)), maxRetryAfter)
}
