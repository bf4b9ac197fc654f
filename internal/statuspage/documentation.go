package statuspage

import (
	"strings"

	"greenapi_exporter/internal/greenapi"
)

// documentation maps the names of issues to files and headings in docs. Undelivered messages have
// the status as their name. See issue.Documentation for the other results and states.
var documentation = map[string]string{
	issueNotScraped:   "runbook-exporter.md#greenapiinstancesnotscraped",
	issueNotRead:      "runbook-exporter.md#greenapijournalnotscraped",
	issueNotDelivered: "runbook-messages.md#greenapinotdelivered",
	issueNoID:         "green-api.md#rows-without-id",
	issueExpiring:     "runbook-messages.md#greenapisubscriptionends",
	issueClocks:       "metrics.md#how-the-exporter-counts",

	issueUndelivered + "pending":   "runbook-messages.md#greenapipendinghigh",
	issueUndelivered + "noAccount": "runbook-messages.md#greenapinoaccounthigh",

	"unauthorized":        "runbook-exporter.md#greenapitokenrejected",
	"rate_limited":        "runbook-exporter.md#greenapiratelimited",
	"quota_exceeded":      "runbook-exporter.md#greenapiquotaexceeded",
	"instance_logged_out": "runbook-messages.md#greenapiloggedout",
	"instance_expired":    "runbook-messages.md#greenapiinstanceexpired",
	"instance_deleted":    "runbook-messages.md#greenapiinstanceexpired",

	"suspended":  "runbook-messages.md#greenapisuspended",
	"yellowCard": "runbook-messages.md#greenapisuspended",
}

// Documentation returns the file and heading in docs that explain the issue.
func (i issue) Documentation() string {
	target := documentation[i.Name]
	switch {
	case target != "":
		return target
	case strings.HasPrefix(i.Name, issueUndelivered):
		return "runbook-messages.md#greenapiundelivered"
	case greenapi.Result(i.Name).Advice() != "":
		return "metrics.md#results"
	default: // a state
		return "runbook-messages.md#greenapiaccountnotauthorized"
	}
}
