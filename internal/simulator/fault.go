package simulator

import (
	"net/http"
	"slices"
)

// Fault is a failure that SetFault enables. It applies to calls with a valid instance, method and
// token. It replaces the rate limit and refusals that depend on the account's state. Faults are
// comparable.
type Fault struct {
	name         string
	answer       answer       // replaces the successful answer, unless its status is 0
	malformation malformation // changes the body of the successful answer
}

// String returns a name that is unique among Faults.
func (f Fault) String() string { return f.name }

// faults contains the faults in the order in which the variables below are initialized.
var faults []Fault

func answerFault(name string, a answer) Fault { return registerFault(Fault{name: name, answer: a}) }

func bodyFault(name string, m malformation) Fault {
	return registerFault(Fault{name: name, malformation: m})
}

func registerFault(f Fault) Fault {
	faults = append(faults, f)
	return f
}

// FaultNone is the absence of a fault.
var FaultNone = Fault{}

// Failures of the account and the service, as complete answers. FaultBadRequest, FaultNotFound and
// FaultServerError repeat the token.
var (
	FaultUnauthorized   = answerFault("wrong-token", unauthorized)
	FaultUnauthorizedOK = answerFault("wrong-token-200",
		jsonAnswer(200, `{"code":401,"description":"Unauthorized"}`))
	FaultLoggedOut = answerFault("logged-out",
		textAnswer(400, "Instance $instance is Not Authorized, scan its QR code first"))
	FaultLoggedOutOK = answerFault("logged-out-200",
		jsonAnswer(200, `{"status":false,"reason":"the account is not authorized"}`))
	FaultStartingOrLoggedOut = answerFault("starting-or-logged-out", // means logged out
		textAnswer(400, "Instance $instance is starting or not authorized"))
	FaultStarting = answerFault("starting",
		textAnswer(400, "Instance $instance is Starting, come back soon"))
	FaultStartingOK = answerFault("starting-200",
		jsonAnswer(200, `{"status":false,"reason":"the instance is starting"}`))
	FaultExpired        = answerFault("expired", textAnswer(400, "Instance $instance has EXPIRED"))
	FaultDeleted        = answerFault("deleted", textAnswer(400, "Instance $instance was Deleted"))
	FaultBadRequest     = answerFault("bad-request", badRequest)
	FaultForbidden      = answerFault("forbidden", forbidden)
	FaultNotFound       = answerFault("not-found", notFound)
	FaultRateLimited    = answerFault("rate-limited", rateLimited)
	FaultRetryAfter     = answerFault("retry-after", answer{429, "Retry-After: 90", ""})
	FaultQuota          = answerFault("quota", quotaExceeded)
	FaultClientClosed   = answerFault("status-499", nginx(499))
	FaultServerError    = answerFault("status-500", textAnswer(500, "unhandled exception at $uri"))
	FaultBadGateway     = answerFault("status-502", nginx(502))
	FaultUnavailable    = answerFault("status-503", nginx(503))
	FaultGatewayTimeout = answerFault("status-504", nginx(504))
	FaultNoContent      = answerFault("status-204", answer{204, "", ""})
	FaultRedirect       = answerFault("redirect", // see Followed
		answer{302, "Location: $prefix" + redirectPrefix + "$uri", ""})
	FaultHTML = answerFault("html",
		answer{200, typeHTML, "<!doctype html><title>Maintenance</title>"})
	FaultNull   = answerFault("null", jsonAnswer(200, "null"))
	FaultObject = answerFault("object", jsonAnswer(200, `{"messages":[],"more":false}`))
	FaultHang   = answerFault("hang", answer{}) // no answer until the request ends
)

// Failures in the body of a successful answer. Faults of rows do not change an object.
var (
	FaultHangInBody   = bodyFault("hang-in-body", malformation{cut: true, hang: true})
	FaultDrip         = bodyFault("drip", malformation{drip: true})
	FaultTruncated    = bodyFault("truncated", malformation{cut: true, truncated: true})
	FaultCutRow       = bodyFault("cut-row", malformation{cut: true})
	FaultTrailing     = bodyFault("trailing", malformation{after: "[]"})
	FaultRowNotObject = bodyFault("row-no-object", malformation{extra: `"typeMessage"`})
	FaultNullRow      = bodyFault("null-row", malformation{extra: "null"})
	FaultBadTimestamp = bodyFault("bad-timestamp", malformation{badTime: true})
	FaultCommaStart   = bodyFault("comma-start", malformation{first: ","})
	FaultCommaMiddle  = bodyFault("comma-middle", malformation{middle: ","})
	FaultCommaEnd     = bodyFault("comma-end", malformation{last: ","})
	FaultCommaMembers = bodyFault("comma-members", malformation{lastMember: ","})
	FaultNaN          = bodyFault("nan", malformation{lastMember: `,"ratio":NaN`})
	FaultBOM          = bodyFault("bom", malformation{before: "\ufeff"})
	FaultCached       = bodyFault("cached", malformation{age: 7200})
	FaultGzip         = bodyFault("gzip", malformation{gzip: true})
	FaultGzipNewline  = bodyFault("gzip-newline", malformation{gzip: true, newline: true})
	FaultEndless      = bodyFault("endless", malformation{endless: true})
	FaultEndlessGzip  = bodyFault("endless-gzip", malformation{endless: true, gzip: true})
)

// Faults returns all faults except FaultNone, in the order of their declaration.
func Faults() []Fault { return slices.Clone(faults) }

// replaceAnswer sends the answer of the fault. It returns false if the fault has none.
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
