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
	// maxErrorBody is the limit on what is read of an error's body, in bytes.
	maxErrorBody = 64 << 10
	// MaxRetryAfter is the limit on Retry-After, so that a header cannot stop the calls forever.
	MaxRetryAfter = 24 * time.Hour
)

// contextResult returns the result of a call whose context has ended.
func contextResult(ctx context.Context) Result { return ResultOf(context.Cause(ctx)) }

// networkError converts an error of the transport. Errors of net/http can quote the response, so
// networkError only includes the text of errors that do not.
func networkError(ctx context.Context, err error) *Error {
	var (
		op          *net.OpError
		dns         *net.DNSError
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
		timeout     net.Error
	)
	detail := ""
	switch {
	case ctx.Err() != nil:
		return &Error{Result: contextResult(ctx), Detail: "before the response"}
	case errors.As(err, &timeout) && timeout.Timeout():
		// This is a timeout of the transport or the operating system, not of the call.
		detail = "the connection timed out"
	case errors.As(err, &certificate):
		detail = certificateDetail(certificate)
	case errors.As(err, &record):
		detail = "the host does not speak TLS"
	case errors.As(err, &dns):
		detail = fmt.Sprintf("lookup %s: %s", dns.Name, dns.Err)
	case errors.As(err, &op):
		detail = op.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		detail = "the connection was closed before the end of the response"
	default:
		detail = "the connection failed, a proxy refused it, or the response was not HTTP"
	}
	return &Error{Result: Network, Detail: detail}
}

// certificateDetail returns the usual causes. It does not quote the certificate, which is untrusted.
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
		return "the certificate is for another host"
	default:
		return "the host's certificate cannot be verified"
	}
}

// statusError returns the error for a status other than 200. It reads the body of a 400 only. Other
// bodies say no more than their status, and a slow one would delay the scrape.
func (r *response) statusError(received *http.Response) error {
	failure := &Error{
		Result:     UnexpectedStatus,
		Detail:     fmt.Sprintf("HTTP %d", received.StatusCode),
		RetryAfter: retryAfter(received.Header.Get("Retry-After"), r.date),
	}
	switch status := received.StatusCode; {
	case status == http.StatusBadRequest:
		text, err := io.ReadAll(io.LimitReader(r, maxErrorBody))
		if err != nil && r.ctx.Err() != nil {
			return &Error{Result: contextResult(r.ctx), Detail: "while reading the body of HTTP 400"}
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

// classifyText returns the result for the text of a failure with status 400, or with status 200 and
// "status":false. "not authorized" has priority: an instance that "is starting or not authorized"
// is most often logged out.
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

// pathMember matches the member of an error's JSON that repeats the path of the request.
var pathMember = regexp.MustCompile(`"path"\s*:\s*"(\\.|[^"\\])*`)

// stripPath returns the text of an error without the path of the request, which can contain any
// words.
func stripPath(body []byte) string { return string(pathMember.ReplaceAll(body, nil)) }

// retryAfter parses the header Retry-After (RFC 9110, section 10.2.3): seconds, or a date.
func retryAfter(header string, now time.Time) time.Duration {
	wait := time.Duration(0)
	seconds, err := strconv.ParseUint(header, 10, 64) // the largest uint64 with ErrRange
	if err == nil || errors.Is(err, strconv.ErrRange) {
		wait = time.Duration(min(seconds, uint64(MaxRetryAfter/time.Second))) * time.Second
	} else if date, err := http.ParseTime(header); err == nil {
		wait = date.Sub(now)
	}
	return min(max(0, wait), MaxRetryAfter)
}
