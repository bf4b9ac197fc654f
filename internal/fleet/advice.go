package fleet

import "greenapi_exporter/internal/greenapi"

// tokenAdvice is for the usual cause of a rejected call.
const tokenAdvice = "the Partner API rejects the call, most often because the partner token is " +
	"wrong or has been replaced; copy it again from the partner's console, and check that url " +
	"under partner names the partner's API host"

// partnerAdvice is what to do about each failure of the Partner API. Result.Advice is about a call
// for an instance. The Partner API has no results about instances.
var partnerAdvice = map[greenapi.Result]string{
	greenapi.Timeout: "the list did not arrive in time; if there was no connection, check url of " +
		"partner, the firewall and HTTPS_PROXY; otherwise raise timeout (--greenapi.timeout)",
	greenapi.Canceled: "the exporter stopped or its configuration changed during the call; " +
		"this is not a failure of the API",
	greenapi.Network: "the connection to the API host failed; check url of partner, DNS, the " +
		"firewall, HTTPS_PROXY and the CA certificates",
	greenapi.Unauthorized: tokenAdvice,
	greenapi.Forbidden:    tokenAdvice,
	greenapi.BadRequest:   tokenAdvice,
	greenapi.RateLimited: "the Partner API was called too often; check whether another program " +
		"or exporter calls it with this token, or raise refresh of partner",
	greenapi.QuotaExceeded: "the partner's quota of calls is used up; raise refresh of partner, " +
		"or ask GREEN-API for the quota of getInstances",
	greenapi.ServerError: "GREEN-API has a problem; wait, and check its status page",
	greenapi.UnexpectedStatus: "the host that responded is not GREEN-API, a proxy is in between, " +
		"or it has no Partner API; check url of partner",
	greenapi.InvalidResponse: "the response is truncated or not a list of instances; if this " +
		"persists, check url of partner and the proxies",
	greenapi.TooLarge: "the list exceeds the limits of the exporter, so none of it is used; " +
		"ask GREEN-API to remove deleted instances from it",
}
