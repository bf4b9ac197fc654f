package config

import "slices"

// A Reason is why the exporter does not watch a listed instance. It can be the value of a label.
type Reason string

// The reasons. If several apply, the first of Excluded, Deleted, Expired and NoToken is used.
const (
	NoToken  Reason = "no_token" // or an invalid one
	BadID    Reason = "bad_id"
	Excluded Reason = "excluded" // by include
	Deleted  Reason = "deleted"
	Expired  Reason = "expired"
)

// reasons are all reasons in the order of the metric and the page.
var reasons = []Reason{NoToken, BadID, Excluded, Deleted, Expired}

var reasonAdvice = map[Reason]string{
	NoToken: "the list has no valid apiTokenInstance for them; configure them under instances, " +
		"with the tokens from the console, or report them to GREEN-API",
	BadID:    "these entries have no valid idInstance; report them to GREEN-API",
	Excluded: "include of partner does not match their ids; change it to watch them",
	Deleted:  "they are deleted; the list contains deleted instances for some months",
	Expired:  "their subscriptions have ended; pay for them in the console to watch them again",
}

// Advice returns a sentence that describes the reason and what to do about it.
func (r Reason) Advice() string { return reasonAdvice[r] }

// IsFault reports whether the list lacks the data to watch such instances.
func (r Reason) IsFault() bool { return r == NoToken || r == BadID }

// Unwatched describes the listed instances that are not watched for one reason.
type Unwatched struct {
	Reason Reason
	Count  int
	IDs    []string // sorted; nil for BadID
}

// newUnwatched returns an element for each reason.
func newUnwatched(ids map[Reason][]string, badIDs int) []Unwatched {
	all := make([]Unwatched, len(reasons))
	for n, reason := range reasons {
		slices.SortFunc(ids[reason], compareIDs)
		all[n] = Unwatched{reason, len(ids[reason]), ids[reason]}
		if reason == BadID {
			all[n].Count = badIDs
		}
	}
	return all
}
