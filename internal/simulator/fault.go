package simulator

import "net/http"

// Fault is a failure that SetFault enables. It applies to calls with a valid instance, method and
// token, instead of the rate limit and of refusals by the account's state. Faults are comparable.
type Fault struct {
	name         string
	answer       answer       // the complete answer, if its status is not 0
	malformation malformation // otherwise, what is wrong with the body
}

// String returns a name that is unique among Faults.
func (f Fault) String() string { return f.name }

func whole(name string, a answer) Fault { return Fault{name: name, answer: a} }

func inBody(name string, m malformation) Fault { return Fault{name: name, malformation: m} }

// Failures of the account and the service, as complete answers.
var (
	FaultNone                = Fault{}
	FaultUnauthorized        = whole("wrong-token", unauthorized)
	FaultUnauthorizedOK      = whole("wrong-token-200", answer{200, typeJSON, `{"code":401,"description":"Unauthorized"}`})
	FaultLoggedOut           = whole("logged-out", answer{400, typeText, "Instance $instance is Not Authorized, scan its QR code first"})
	FaultLoggedOutOK         = whole("logged-out-200", answer{200, typeJSON, `{"status":false,"reason":"the account is not authorized"}`})
	FaultStartingOrLoggedOut = whole("starting-or-logged-out", answer{400, typeText, "Instance $instance is starting or not authorized"}) // means logged out
	FaultStarting            = whole("starting", answer{400, typeText, "Instance $instance is Starting, come back soon"})
	FaultStartingOK          = whole("starting-200", answer{200, typeJSON, `{"status":false,"reason":"the instance is starting"}`})
	FaultExpired             = whole("expired", answer{400, typeText, "Instance $instance has EXPIRED"})
	FaultDeleted             = whole("deleted", answer{400, typeText, "Instance $instance was Deleted"})
	FaultBadRequest          = whole("bad-request", badRequest)
	FaultForbidden           = whole("forbidden", forbidden)
	FaultNotFound            = whole("not-found", notFound)
	FaultRateLimited         = whole("rate-limited", rateLimited)
	FaultRetryAfter          = whole("retry-after", answer{429, "Retry-After: 90", ""})
	FaultQuota               = whole("quota", quotaExceeded)
	FaultClientClosed        = whole("status-499", nginx(499))
	FaultServerError         = whole("status-500", answer{500, typeText, "unhandled exception at $uri"}) // holds the token
	FaultBadGateway          = whole("status-502", nginx(502))
	FaultUnavailable         = whole("status-503", nginx(503))
	FaultGatewayTimeout      = whole("status-504", nginx(504))
	FaultNoContent           = whole("status-204", answer{204, "", ""})
	FaultRedirect            = whole("redirect", answer{302, "Location: $prefix" + redirectPrefix + "$uri", ""}) // see Followed
	FaultHTML                = whole("html", answer{200, typeHTML, "<!doctype html><title>Maintenance</title><p>We are back in a minute."})
	FaultNull                = whole("null", answer{200, typeJSON, "null"})
	FaultObject              = whole("object", answer{200, typeJSON, `{"messages":[],"more":false}`}) // no known error
	FaultHang                = Fault{name: "hang"}                                                    // no answer until the request ends
)

// Failures in the body of a successful answer. Faults of rows do not change an object.
var (
	FaultHangInBody   = inBody("hang-in-body", malformation{cut: true, hang: true})
	FaultDrip         = inBody("drip", malformation{drip: true})
	FaultTruncated    = inBody("truncated", malformation{cut: true, truncated: true})
	FaultCutRow       = inBody("cut-row", malformation{cut: true})
	FaultTrailing     = inBody("trailing", malformation{after: "[]"})
	FaultRowNotObject = inBody("row-no-object", malformation{extra: `"typeMessage"`})
	FaultBadTimestamp = inBody("bad-timestamp", malformation{badTime: true})
	FaultCommaStart   = inBody("comma-start", malformation{first: ","})
	FaultCommaMiddle  = inBody("comma-middle", malformation{middle: ","})
	FaultCommaEnd     = inBody("comma-end", malformation{last: ","})
	FaultCommaMembers = inBody("comma-members", malformation{lastMember: ","})
	FaultBOM          = inBody("bom", malformation{before: "\ufeff"})
	FaultGzip         = inBody("gzip", malformation{gzip: true})
	FaultEndless      = inBody("endless", malformation{endless: true})
	FaultEndlessGzip  = inBody("endless-gzip", malformation{endless: true, gzip: true})
)

// Faults returns all faults but FaultNone, in the order of their declaration.
func Faults() []Fault {
	return []Fault{
		FaultUnauthorized, FaultUnauthorizedOK, FaultLoggedOut, FaultLoggedOutOK, FaultStartingOrLoggedOut,
		FaultStarting, FaultStartingOK, FaultExpired, FaultDeleted, FaultBadRequest, FaultForbidden, FaultNotFound,
		FaultRateLimited, FaultRetryAfter, FaultQuota, FaultClientClosed, FaultServerError, FaultBadGateway,
		FaultUnavailable, FaultGatewayTimeout, FaultNoContent, FaultRedirect, FaultHTML, FaultNull, FaultObject,
		FaultHang, FaultHangInBody, FaultDrip, FaultTruncated, FaultCutRow, FaultTrailing, FaultRowNotObject,
		FaultBadTimestamp, FaultCommaStart, FaultCommaMiddle, FaultCommaEnd, FaultCommaMembers, FaultBOM,
		FaultGzip, FaultEndless, FaultEndlessGzip,
	}
}

// replaceAnswer sends the complete answer of a fault. It returns false if the fault has none.
func (f Fault) replaceAnswer(w http.ResponseWriter, r *http.Request, c call) bool {
	if f == FaultHang {
		hang(r.Context())
	}
	if f.answer.status == 0 {
		return false
	}
	f.answer.send(w, c)
	return true
}
