package simulator

import (
	"fmt"
	"net/http"
	"slices"
)

// Fault is a way to fail that SetFault switches on. It meets calls whose instance, method and token are right, and
// takes the place of the rate limit, the quota and the refusals that come of the account's state.
type Fault string

// Faults of the account and of the service, as whole answers.
const (
	FaultNone                Fault = ""                       // all is well
	FaultUnauthorized        Fault = "wrong-token"            // 401 with an empty body
	FaultUnauthorizedOK      Fault = "wrong-token-200"        // 200 with code 401 in the body
	FaultLoggedOut           Fault = "logged-out"             // 400, plain text
	FaultLoggedOutOK         Fault = "logged-out-200"         // 200 with status false
	FaultStartingOrLoggedOut Fault = "starting-or-logged-out" // 400, plain text with both words: it means logged out
	FaultStarting            Fault = "starting"               // 400, plain text
	FaultStartingOK          Fault = "starting-200"           // 200 with status false
	FaultExpired             Fault = "expired"                // 400, plain text
	FaultDeleted             Fault = "deleted"                // 400, plain text
	FaultBadRequest          Fault = "bad-request"            // 400, JSON whose path repeats the token
	FaultForbidden           Fault = "forbidden"              // 403 from nginx
	FaultNotFound            Fault = "not-found"              // 404, JSON that repeats the token twice
	FaultRateLimited         Fault = "rate-limited"           // 429, empty
	FaultRetryAfter          Fault = "retry-after"            // 429, empty, with Retry-After: 90
	FaultQuota               Fault = "quota"                  // 466
	FaultClientClosed        Fault = "status-499"             // 499 from nginx
	FaultServerError         Fault = "status-500"             // 500 whose text holds the token
	FaultBadGateway          Fault = "status-502"             // 502 from nginx
	FaultUnavailable         Fault = "status-503"             // 503 from nginx
	FaultGatewayTimeout      Fault = "status-504"             // 504 from nginx
	FaultNoContent           Fault = "status-204"             // 204: a success without a body
	FaultRedirect            Fault = "redirect"               // 302 to a path of this server that holds the token; see Followed
	FaultHTML                Fault = "html"                   // 200 with a page
	FaultNull                Fault = "null"                   // 200 with null
	FaultObject              Fault = "object"                 // 200 with an object that is no known error
	FaultHang                Fault = "hang"                   // no answer until the client or the server ends the request
)

// Faults in the body of a journal, a list of accounts or the object that another method answers. Half of an object is half its bytes.
// A fault that speaks of rows or of commas between them leaves an object alone, unless it says what becomes of it.
const (
	FaultHangInBody   Fault = "hang-in-body"  // half the rows and half of one more, then nothing until the request ends
	FaultDrip         Fault = "drip"          // the right body, a byte each 100 ms
	FaultTruncated    Fault = "truncated"     // half the rows and half of one more, less than Content-Length, then cut off
	FaultCutRow       Fault = "cut-row"       // the same body as a complete answer
	FaultTrailing     Fault = "trailing"      // bytes behind the array or object
	FaultRowNotObject Fault = "row-no-object" // the last row is a string
	FaultBadTimestamp Fault = "bad-timestamp" // one more row, the last, with a timestamp in words
	FaultCommaStart   Fault = "comma-start"   // legal: a comma before the first row, if there is one
	FaultCommaMiddle  Fault = "comma-middle"  // legal: two commas in the middle of at least two rows
	FaultCommaEnd     Fault = "comma-end"     // legal: a comma behind the last row, if there is one
	FaultCommaMembers Fault = "comma-members" // legal: a comma behind the last member of every row, or of the object
	FaultBOM          Fault = "bom"           // legal: a byte order mark before the array or object
	FaultGzip         Fault = "gzip"          // legal: compressed, for clients that accept it
	FaultEndless      Fault = "endless"       // legal rows, over and over, until the request ends; in an object a string
	FaultEndlessGzip  Fault = "endless-gzip"  // the same, compressed for clients that accept it: a bomb
)

// Faults lists every fault but FaultNone, in the order of their declaration. The slice is the caller's.
func Faults() []Fault {
	return []Fault{
		FaultUnauthorized, FaultUnauthorizedOK, FaultLoggedOut, FaultLoggedOutOK, FaultStartingOrLoggedOut,
		FaultStarting, FaultStartingOK, FaultExpired, FaultDeleted, FaultBadRequest, FaultForbidden, FaultNotFound,
		FaultRateLimited, FaultRetryAfter, FaultQuota, FaultClientClosed, FaultServerError, FaultBadGateway,
		FaultUnavailable, FaultGatewayTimeout, FaultNoContent, FaultRedirect, FaultHTML, FaultNull, FaultObject,
		FaultHang,
		FaultHangInBody, FaultDrip, FaultTruncated, FaultCutRow, FaultTrailing, FaultRowNotObject, FaultBadTimestamp,
		FaultCommaStart, FaultCommaMiddle, FaultCommaEnd, FaultCommaMembers, FaultBOM, FaultGzip, FaultEndless,
		FaultEndlessGzip,
	}
}

// mustBeFault panics on a fault that there is not.
func mustBeFault(f Fault) {
	if f != FaultNone && !slices.Contains(Faults(), f) {
		panic(fmt.Sprintf("simulator: no such fault: %q", string(f)))
	}
}

// cannedAnswer is the answer of a fault that needs no body.
func cannedAnswer(f Fault, c call) (answer, bool) {
	if a, ok := accountAnswer(f, c); ok {
		return a, true
	}
	return serviceAnswer(f, c)
}

// accountAnswer says, in the API's words, what is wrong with the account or the request. Upper and lower case are mixed
// on purpose: readers must not depend on it.
func accountAnswer(f Fault, c call) (answer, bool) {
	const bad, ok = http.StatusBadRequest, http.StatusOK
	switch f {
	case FaultUnauthorized:
		return unauthorized(), true
	case FaultUnauthorizedOK:
		return answer{ok, jsonType(), `{"code":401,"description":"Unauthorized"}`}, true
	case FaultLoggedOut:
		return plain(bad, "Instance "+c.instance+" is Not Authorized, scan its QR code first"), true
	case FaultLoggedOutOK:
		return answer{ok, jsonType(), `{"status":false,"reason":"the account is not authorized"}`}, true
	case FaultStartingOrLoggedOut:
		return plain(bad, "Instance "+c.instance+" is starting or not authorized"), true
	case FaultStarting:
		return plain(bad, "Instance "+c.instance+" is Starting, come back soon"), true
	case FaultStartingOK:
		return answer{ok, jsonType(), `{"status":false,"reason":"the instance is starting"}`}, true
	case FaultExpired:
		return plain(bad, "Instance "+c.instance+" has EXPIRED"), true
	case FaultDeleted:
		return plain(bad, "Instance "+c.instance+" was Deleted"), true
	case FaultBadRequest:
		return badRequest(c, "Validation of the request was not passed"), true
	case FaultForbidden:
		return forbidden(), true
	case FaultNotFound:
		return notFound(c), true
	case FaultRateLimited:
		return rateLimited(), true
	case FaultRetryAfter:
		return answer{status: http.StatusTooManyRequests, headers: map[string]string{"Retry-After": "90"}}, true
	case FaultQuota:
		return quotaExceeded(c, 1000), true
	}
	return answer{}, false
}

// serviceAnswer says what comes back when the account is fine and the service is not.
func serviceAnswer(f Fault, c call) (answer, bool) {
	switch f {
	case FaultClientClosed:
		return nginx(499), true
	case FaultServerError:
		return plain(http.StatusInternalServerError, "unhandled exception at "+c.echo), true
	case FaultBadGateway:
		return nginx(http.StatusBadGateway), true
	case FaultUnavailable:
		return nginx(http.StatusServiceUnavailable), true
	case FaultGatewayTimeout:
		return nginx(http.StatusGatewayTimeout), true
	case FaultNoContent:
		return answer{status: http.StatusNoContent}, true
	case FaultRedirect:
		target := c.prefix + redirectPrefix + c.echo
		return answer{status: http.StatusFound, headers: map[string]string{"Location": target}}, true
	case FaultHTML:
		return html(http.StatusOK, "<!doctype html><title>Maintenance</title><p>We are back in a minute."), true
	case FaultNull:
		return answer{http.StatusOK, jsonType(), "null"}, true
	case FaultObject:
		return answer{http.StatusOK, jsonType(), `{"messages":[],"more":false}`}, true
	}
	return answer{}, false
}
