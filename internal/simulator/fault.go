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

func whole(name string, a answer) Fault { return newFault(Fault{name: name, answer: a}) }

func inBody(name string, m malformation) Fault {
	return newFault(Fault{name: name, malformation: m})
}

func newFault(f Fault) Fault {
	faults = append(faults, f)
	return f
}

// FaultNone is the absence of a fault.
var FaultNone = Fault{}

// Failures of the account and the service, as complete answers. FaultBadRequest, FaultNotFound and
// FaultServerError repeat the token.
var (
	FaultUnauthorized   = whole("wrong-token", unauthorized)
	FaultUnauthorizedOK = whole("wrong-token-200",
		jsonAnswer(200, `{"code":401,"description":"Unauthorized"}`))
	FaultLoggedOut = whole("logged-out",
		textAnswer(400, "Instance $instance is Not Authorized, scan its QR code first"))
	FaultLoggedOutOK = whole("logged-out-200",
		jsonAnswer(200, `{"status":false,"reason":"the account is not authorized"}`))
	FaultStartingOrLoggedOut = whole("starting-or-logged-out", // means logged out
		textAnswer(400, "Instance $instance is starting or not authorized"))
	FaultStarting = whole("starting",
		textAnswer(400, "Instance $instance is Starting, come back soon"))
	FaultStartingOK = whole("starting-200",
		jsonAnswer(200, `{"status":false,"reason":"the instance is starting"}`))
	FaultExpired        = whole("expired", textAnswer(400, "Instance $instance has EXPIRED"))
	FaultDeleted        = whole("deleted", textAnswer(400, "Instance $instance was Deleted"))
	FaultBadRequest     = whole("bad-request", badRequest)
	FaultForbidden      = whole("forbidden", forbidden)
	FaultNotFound       = whole("not-found", notFound)
	FaultRateLimited    = whole("rate-limited", rateLimited)
	FaultRetryAfter     = whole("retry-after", answer{429, "Retry-After: 90", ""})
	FaultQuota          = whole("quota", quotaExceeded)
	FaultClientClosed   = whole("status-499", nginx(499))
	FaultServerError    = whole("status-500", textAnswer(500, "unhandled exception at $uri"))
	FaultBadGateway     = whole("status-502", nginx(502))
	FaultUnavailable    = whole("status-503", nginx(503))
	FaultGatewayTimeout = whole("status-504", nginx(504))
	FaultNoContent      = whole("status-204", answer{204, "", ""})
	FaultRedirect       = whole("redirect", // see Followed
		answer{302, "Location: $prefix" + redirectPrefix + "$uri", ""})
	FaultHTML   = whole("html", answer{200, typeHTML, "<!doctype html><title>Maintenance</title>"})
	FaultNull   = whole("null", jsonAnswer(200, "null"))
	FaultObject = whole("object", jsonAnswer(200, `{"messages":[],"more":false}`)) // not an error
	FaultHang   = whole("hang", answer{})                                          // never ends
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
