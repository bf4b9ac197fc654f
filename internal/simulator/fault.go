package simulator

import (
	"net/http"
	"slices"
)

// Fault is a failure that SetFault enables. It applies to calls with a valid instance, method and
// token, instead of the rate limit and of refusals by the account's state.
type Fault string

// Failures of the account or the service, as complete answers. The table below defines them.
const (
	FaultNone                Fault = ""
	FaultUnauthorized        Fault = "wrong-token"
	FaultUnauthorizedOK      Fault = "wrong-token-200"
	FaultLoggedOut           Fault = "logged-out"
	FaultLoggedOutOK         Fault = "logged-out-200"
	FaultStartingOrLoggedOut Fault = "starting-or-logged-out" // means logged out
	FaultStarting            Fault = "starting"
	FaultStartingOK          Fault = "starting-200"
	FaultExpired             Fault = "expired"
	FaultDeleted             Fault = "deleted"
	FaultBadRequest          Fault = "bad-request" // repeats the token
	FaultForbidden           Fault = "forbidden"
	FaultNotFound            Fault = "not-found" // repeats the token twice
	FaultRateLimited         Fault = "rate-limited"
	FaultRetryAfter          Fault = "retry-after"
	FaultQuota               Fault = "quota"
	FaultClientClosed        Fault = "status-499"
	FaultServerError         Fault = "status-500" // repeats the token
	FaultBadGateway          Fault = "status-502"
	FaultUnavailable         Fault = "status-503"
	FaultGatewayTimeout      Fault = "status-504"
	FaultNoContent           Fault = "status-204"
	FaultRedirect            Fault = "redirect" // to a path of this server that holds the token; see Followed
	FaultHTML                Fault = "html"
	FaultNull                Fault = "null"
	FaultObject              Fault = "object" // no known error
	FaultHang                Fault = "hang"   // no answer until the client or the server ends the request
)

// Failures in the body of a successful answer. Faults of rows do not change an object.
const (
	FaultHangInBody   Fault = "hang-in-body"  // half the body, then nothing until the request ends
	FaultDrip         Fault = "drip"          // a valid body, one byte per 100 ms
	FaultTruncated    Fault = "truncated"     // half the body, shorter than Content-Length
	FaultCutRow       Fault = "cut-row"       // half the body, as a complete answer
	FaultTrailing     Fault = "trailing"      // bytes after the array or object
	FaultRowNotObject Fault = "row-no-object" // the last row is a string
	FaultBadTimestamp Fault = "bad-timestamp" // the last row has a word as its timestamp
	FaultCommaStart   Fault = "comma-start"   // tolerated: a comma before the first row
	FaultCommaMiddle  Fault = "comma-middle"  // tolerated: two commas between two rows
	FaultCommaEnd     Fault = "comma-end"     // tolerated: a comma after the last row
	FaultCommaMembers Fault = "comma-members" // tolerated: a comma after the last member of each object
	FaultBOM          Fault = "bom"           // tolerated: a byte order mark before the body
	FaultGzip         Fault = "gzip"          // valid: compressed if the client accepts it
	FaultEndless      Fault = "endless"       // valid rows until the request ends; in an object a string
	FaultEndlessGzip  Fault = "endless-gzip"  // the same, compressed if the client accepts it
)

// failure is what a fault does: it sends a complete answer, or it changes the body.
type failure struct {
	name   Fault
	answer answer
	malformation
}

var failures = []failure{
	{name: FaultUnauthorized, answer: unauthorized},
	{name: FaultUnauthorizedOK, answer: answer{200, typeJSON, `{"code":401,"description":"Unauthorized"}`}},
	{name: FaultLoggedOut, answer: answer{400, typeText, "Instance $instance is Not Authorized, scan its QR code first"}},
	{name: FaultLoggedOutOK, answer: answer{200, typeJSON, `{"status":false,"reason":"the account is not authorized"}`}},
	{name: FaultStartingOrLoggedOut, answer: answer{400, typeText, "Instance $instance is starting or not authorized"}},
	{name: FaultStarting, answer: answer{400, typeText, "Instance $instance is Starting, come back soon"}},
	{name: FaultStartingOK, answer: answer{200, typeJSON, `{"status":false,"reason":"the instance is starting"}`}},
	{name: FaultExpired, answer: answer{400, typeText, "Instance $instance has EXPIRED"}},
	{name: FaultDeleted, answer: answer{400, typeText, "Instance $instance was Deleted"}},
	{name: FaultBadRequest, answer: badRequest},
	{name: FaultForbidden, answer: forbidden},
	{name: FaultNotFound, answer: notFound},
	{name: FaultRateLimited, answer: rateLimited},
	{name: FaultRetryAfter, answer: answer{429, "Retry-After: 90", ""}},
	{name: FaultQuota, answer: quotaExceeded},
	{name: FaultClientClosed, answer: nginx(499)},
	{name: FaultServerError, answer: answer{500, typeText, "unhandled exception at $uri"}},
	{name: FaultBadGateway, answer: nginx(502)},
	{name: FaultUnavailable, answer: nginx(503)},
	{name: FaultGatewayTimeout, answer: nginx(504)},
	{name: FaultNoContent, answer: answer{204, "", ""}},
	{name: FaultRedirect, answer: answer{302, "Location: $prefix" + redirectPrefix + "$uri", ""}},
	{name: FaultHTML, answer: answer{200, typeHTML, "<!doctype html><title>Maintenance</title><p>We are back in a minute."}},
	{name: FaultNull, answer: answer{200, typeJSON, "null"}},
	{name: FaultObject, answer: answer{200, typeJSON, `{"messages":[],"more":false}`}},
	{name: FaultHang},
	{FaultHangInBody, answer{}, malformation{cut: true, hang: true}},
	{FaultDrip, answer{}, malformation{drip: true}},
	{FaultTruncated, answer{}, malformation{cut: true, truncated: true}},
	{FaultCutRow, answer{}, malformation{cut: true}},
	{FaultTrailing, answer{}, malformation{after: "[]"}},
	{FaultRowNotObject, answer{}, malformation{extra: `"typeMessage"`}},
	{FaultBadTimestamp, answer{}, malformation{badTime: true}},
	{FaultCommaStart, answer{}, malformation{first: ","}},
	{FaultCommaMiddle, answer{}, malformation{middle: ","}},
	{FaultCommaEnd, answer{}, malformation{last: ","}},
	{FaultCommaMembers, answer{}, malformation{lastMember: ","}},
	{FaultBOM, answer{}, malformation{before: "\ufeff"}},
	{FaultGzip, answer{}, malformation{gzip: true}},
	{FaultEndless, answer{}, malformation{endless: true}},
	{FaultEndlessGzip, answer{}, malformation{endless: true, gzip: true}},
}

// Faults returns all faults but FaultNone, in the order of their declaration.
func Faults() []Fault {
	names := make([]Fault, len(failures))
	for i, f := range failures {
		names[i] = f.name
	}
	return names
}

func findFault(name Fault) (failure, bool) {
	i := slices.IndexFunc(failures, func(f failure) bool { return f.name == name })
	if i < 0 {
		return failure{}, false
	}
	return failures[i], true
}

// sendFault sends the answer of a fault that replaces the whole answer. It returns false if the
// fault is another one.
func sendFault(w http.ResponseWriter, r *http.Request, c call, name Fault) bool {
	if name == FaultHang {
		hang(r.Context())
	}
	f, _ := findFault(name)
	if f.answer.status == 0 {
		return false
	}
	f.answer.send(w, c)
	return true
}
