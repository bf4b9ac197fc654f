package greenapi

import (
	"context"
	"errors"
	"time"
)

// Result is the result of a call, from a closed set. It can be the value of a label.
type Result string

// The results, after GREEN-API's documentation and observed responses. The API uses statuses 200
// and 400 for several failures, which differ only in the text of the body.
const (
	OK                Result = "ok"
	Timeout           Result = "timeout"             // --greenapi.timeout has passed
	Canceled          Result = "canceled"            // the exporter or the instance stopped
	Network           Result = "network"             // no response: DNS, connection, TLS, proxy
	Unauthorized      Result = "unauthorized"        // 401, or 200 with "code":401
	Forbidden         Result = "forbidden"           // 403
	RateLimited       Result = "rate_limited"        // 429
	QuotaExceeded     Result = "quota_exceeded"      // 466
	InstanceLoggedOut Result = "instance_logged_out" // 400, or 200 with "status":false
	InstanceStarting  Result = "instance_starting"   // likewise
	InstanceExpired   Result = "instance_expired"    // likewise
	InstanceDeleted   Result = "instance_deleted"    // likewise
	BadRequest        Result = "bad_request"         // any other 400
	ServerError       Result = "server_error"        // 5xx, and nginx's 499
	UnexpectedStatus  Result = "unexpected_status"   // any other status, such as a redirect
	InvalidResponse   Result = "invalid_response"    // 200 with an invalid body
	TooLarge          Result = "too_large"           // 200 with a body over the limit
)

// Results returns the closed set, in the order of the constants.
func Results() []Result {
	return []Result{
		OK, Timeout, Canceled, Network, Unauthorized, Forbidden, RateLimited, QuotaExceeded,
		InstanceLoggedOut, InstanceStarting, InstanceExpired, InstanceDeleted, BadRequest,
		ServerError, UnexpectedStatus, InvalidResponse, TooLarge,
	}
}

var advice = map[Result]string{
	Timeout: "the response did not arrive in time; if there was no connection, check url " +
		"(--greenapi.url), the firewall and HTTPS_PROXY; otherwise raise timeout " +
		"(--greenapi.timeout) and Prometheus's scrape_timeout, or lower minutes " +
		"(--greenapi.minutes) for a journal",
	Canceled: "the exporter stopped, or the instance or collector was removed during the call; " +
		"this is not a failure of the API",
	Network: "the connection to the API host failed; check url (--greenapi.url), DNS, the " +
		"firewall, HTTPS_PROXY and the CA certificates",
	Unauthorized: "the token is wrong; copy apiTokenInstance of this instance from the console " +
		"again",
	Forbidden: "wrong host or instance id; compare url (--greenapi.url) with apiUrl and " +
		"id_instance (--greenapi.id-instance) with idInstance in the console; if other methods " +
		"work, disable this collector",
	RateLimited: "more than one call of the method per second; check whether another program or " +
		"exporter calls it for this instance",
	QuotaExceeded: "the plan's monthly quota is used up until the first of the next month; raise " +
		"min_interval (--greenapi.min-interval), which applies to the journals (60m suits the " +
		"Developer plan), or change the plan",
	InstanceLoggedOut: "the account is logged out and nothing is sent; scan the QR code in the " +
		"console",
	InstanceStarting: "the instance is starting; wait some minutes, then reboot it in the console",
	InstanceExpired:  "the subscription of the instance has ended; renew it in the console",
	InstanceDeleted:  "the instance was deleted; remove it here or create a new one in the console",
	BadRequest: "the API rejects the call; check id_instance (--greenapi.id-instance), and " +
		"minutes (--greenapi.minutes) for a journal",
	ServerError: "GREEN-API has a problem; wait, and check its status page",
	UnexpectedStatus: "the host that responded is not GREEN-API, a proxy is in between, or the " +
		"messenger of this instance lacks the method; check url (--greenapi.url), or disable the " +
		"collector",
	InvalidResponse: "the response is truncated or not that of the method; if this persists, " +
		"check url (--greenapi.url) and the proxies",
	TooLarge: "the response is too large; for a journal, lower minutes (--greenapi.minutes)",
}

// Advice returns a sentence that describes a failure and how to fix it. It is empty for OK.
func (r Result) Advice() string { return advice[r] }

// Error is the error of a failed call. It is safe to log and to print with any verb. It contains no
// URL, no token and no part of a response.
type Error struct {
	Result Result
	// Detail is the cause, such as the status, an offset, or an error of the operating system.
	Detail string
	// NotSent reports that there was no connection for the request. Then the failure does not
	// depend on the request.
	NotSent bool
	// RetryAfter is the wait that the response demands, at most Result.MaxRetryAfter, or 0.
	RetryAfter time.Duration
}

// Error implements error.
func (e *Error) Error() string { return string(e.Result) + ": " + e.Detail }

// ResultOf returns the result of a call that returned err: OK for nil, the Result of an *Error,
// Timeout or Canceled for an error of a context, and Network for any other error.
func ResultOf(err error) Result {
	var e *Error
	switch {
	case err == nil:
		return OK
	case errors.As(err, &e):
		return e.Result
	case errors.Is(err, context.DeadlineExceeded):
		return Timeout
	case errors.Is(err, context.Canceled):
		return Canceled
	default:
		return Network
	}
}
