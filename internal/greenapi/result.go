package greenapi

import (
	"context"
	"errors"
	"time"
)

// Result is how a call ended, from a closed set: it is fit to be a label value.
type Result string

// The results. What answers each stands for was gathered from GREEN-API's documentation and from answers of the live
// service; the API uses status 200 and 400 for several of them, told apart by the words of the body.
const (
	OK                Result = "ok"
	Timeout           Result = "timeout"             // no whole answer within the scrape's deadline or timeout (--greenapi.timeout)
	Canceled          Result = "canceled"            // the scraper went away
	Network           Result = "network"             // no answer at all: name, route, connection, TLS, proxy
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
	UnexpectedStatus  Result = "unexpected_status"   // any other status, redirects too
	InvalidResponse   Result = "invalid_response"    // 200 with a body that is no answer of the method
	TooLarge          Result = "too_large"           // a body over MaxBody, or over 1 MiB where the answer is an object; a list of instances beyond its bounds
)

// Results returns the closed set, in the order of the documentation.
func Results() []Result {
	return []Result{
		OK, Timeout, Canceled, Network, Unauthorized, Forbidden, RateLimited, QuotaExceeded, InstanceLoggedOut,
		InstanceStarting, InstanceExpired, InstanceDeleted, BadRequest, ServerError, UnexpectedStatus, InvalidResponse,
		TooLarge,
	}
}

// Advice says in one sentence what a person can do about a failure. It is empty for OK.
func (r Result) Advice() string {
	switch r {
	case Timeout:
		return "the API did not answer in full in time; if there was no connection, check url (--greenapi.url), firewall and HTTPS_PROXY; otherwise raise Prometheus's scrape_timeout and timeout (--greenapi.timeout), or lower minutes (--greenapi.minutes) if it is a journal"
	case Canceled:
		return "the scraper hung up; its scrape_timeout may be shorter than it says"
	case Network:
		return "there is no sound connection to the API host; check url (--greenapi.url), DNS, firewall, HTTPS_PROXY and CA certificates"
	case Unauthorized:
		return "the token is wrong; copy apiTokenInstance of this instance from the console again"
	case Forbidden:
		return "wrong host or instance id; compare url (--greenapi.url) with apiUrl and id_instance (--greenapi.id-instance) with idInstance in the console; if other methods work, switch this collector off"
	case RateLimited:
		return "more than one call of the method a second; does another program or a second exporter call it for this instance?"
	case QuotaExceeded:
		return "the plan's calls of this month are used up until the first of the next; raise min_interval (--greenapi.min-interval), which is for the journals (60m suits the Developer plan), or change the plan"
	case InstanceLoggedOut:
		return "WhatsApp has logged the account out and nothing is sent; scan the QR code in the console"
	case InstanceStarting:
		return "the instance is starting; wait some minutes, then reboot it from the console"
	case InstanceExpired:
		return "the instance's subscription has ended; pay for it in the console"
	case InstanceDeleted:
		return "the instance has been deleted; remove it here or make a new one in the console"
	case BadRequest:
		return "the API refuses the call; check id_instance (--greenapi.id-instance), and minutes (--greenapi.minutes) if it is a journal"
	case ServerError:
		return "GREEN-API has trouble of its own; wait, and look at its status page"
	case UnexpectedStatus:
		return "what answers is not GREEN-API, a proxy is in between, or the messenger of this instance has no such method; check url (--greenapi.url), or switch the collector off"
	case InvalidResponse:
		return "the answer was cut off or is not what the method answers; if it lasts, check url (--greenapi.url) and the proxies on the way"
	case TooLarge:
		return "the answer is too large; if it is a journal, lower minutes (--greenapi.minutes)"
	default:
		return ""
	}
}

// Error is how every failed call of this package ends. It is safe to log and to print by any verb: it holds no URL, no
// token and no byte of an answer.
type Error struct {
	Result Result
	// Detail says more in words of ours or of the operating system: the status, the offset, why a host did not answer.
	Detail string
	// NotSent is whether there was not even a connection for the request, so that the failure says nothing of what was asked.
	NotSent bool
	// RetryAfter is what the answer asked for, at most MaxRetryAfter; 0 if it did not.
	RetryAfter time.Duration
}

// Error implements error.
func (e *Error) Error() string { return string(e.Result) + ": " + e.Detail }

// ResultOf names the result that err stands for: OK for nil, an *Error's own, and for the errors of a context the one
// that a call ended by it would have.
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
