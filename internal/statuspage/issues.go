package statuspage

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/greenapi"
)

// Names of issues that are neither a result nor a state.
const (
	issueNotScraped = "not scraped lately"
	issueExpiring   = "subscription expires"
)

// issue is a problem of an instance, with advice to the operator.
type issue struct {
	Name       string // a greenapi.Result, a greenapi.State, issueNotScraped or issueExpiring
	Severity   severity
	Where      []string // the collectors, or the source of the issue
	Everywhere bool     // whether all collectors have it
	Advice     string
	Details    []string // without duplicates
	Ends       *relTime // when the condition ends or begins by itself
	Tried      *relTime // the latest call
}

// isIssue reports whether an issue can have the name.
func isIssue(name string) bool {
	return name == issueNotScraped || name == issueExpiring || greenapi.Result(name).Advice() != "" ||
		slices.Contains(greenapi.States(), greenapi.State(name)) && greenapi.State(name).Advice() != ""
}

// Places says where the issue occurs.
func (i issue) Places() string {
	if i.Everywhere && len(i.Where) > 1 {
		return "all collectors"
	}
	return strings.Join(i.Where, ", ")
}

// Detail joins the details.
func (i issue) Detail() string { return strings.Join(i.Details, "; ") }

// merge adds the same issue of another collector or instance, without its details.
func (i *issue) merge(other issue) {
	i.Severity = min(i.Severity, other.Severity)
	i.Where = appendNew(i.Where, other.Where...)
	if other.Tried.after(i.Tried) {
		i.Tried = other.Tried
	}
}

// appendNew appends the elements that the list does not have.
func appendNew(list []string, elements ...string) []string {
	for _, e := range elements {
		if !slices.Contains(list, e) {
			list = append(list, e)
		}
	}
	return list
}

// findIssues returns the issues of an instance: those of its collectors, each once, then those of its
// subscription and state.
func findIssues(s *collector.Status, now time.Time) []issue {
	all := collectorIssues(s, now)
	const notice = 7 * 24 * time.Hour // as the alert in deploy/prometheus
	if !s.Expires.IsZero() && s.Expires.Sub(now) < notice {
		all = append(all, issue{
			Name: issueExpiring, Severity: warning, Where: []string{"Partner API"}, Ends: newRelTime(s.Expires, now),
			Advice: "pay for the instance in the console; after that time it sends nothing and is not monitored",
		})
	}
	sameAsState := func(i issue) bool { return i.Name == string(resultOf(s.State)) }
	if s.State != "" && s.State.Advice() != "" && !slices.ContainsFunc(all, sameAsState) {
		i := issue{Name: string(s.State), Severity: warning, Where: []string{"account state"}, Advice: s.State.Advice()}
		if s.Account != nil && s.Account.SuspendedUntil.Known {
			i.Ends = newRelTime(fromUnix(s.Account.SuspendedUntil.Value), now)
		}
		all = append(all, i)
	}
	return all
}

// collectorIssues returns one issue for all collectors that fail alike, and one for those that are stale.
func collectorIssues(s *collector.Status, now time.Time) []issue {
	var all []issue
	for _, c := range s.Collectors {
		found := issue{Severity: warning, Where: []string{c.Name}}
		switch {
		case c.Failing():
			found.Name, found.Advice, found.Tried = string(c.Result), c.Result.Advice(), newRelTime(c.Called, now)
			if isPrimary(c, s) {
				found.Severity = critical
			}
		case isStale(c, s, now):
			found.Name = issueNotScraped
			found.Advice = "nothing has scraped it; check this exporter on the Targets page of Prometheus"
		default:
			continue
		}
		at := slices.IndexFunc(all, func(i issue) bool { return i.Name == found.Name })
		if at < 0 {
			at = len(all)
			all = append(all, found)
		}
		all[at].merge(found)
		all[at].Everywhere = len(all[at].Where) == len(s.Collectors)
		if c.Failing() && c.Detail != "" {
			all[at].Details = appendNew(all[at].Details, c.Detail)
		}
	}
	return all
}

// resultOf returns the result of calls for an instance in the state, if that result implies the state.
func resultOf(s greenapi.State) greenapi.Result {
	switch s {
	case "notAuthorized":
		return greenapi.InstanceLoggedOut
	case "starting":
		return greenapi.InstanceStarting
	default:
		return ""
	}
}

// maxListedIDs is the maximum number of instances that an issueGroup names.
const maxListedIDs = 5

// issueGroup is an issue that instances share. An outage of the API is one group, not 400 issues.
type issueGroup struct {
	issue              // Ends is the earliest end, Everywhere applies to all instances
	Count, Of string   // numbers of instances
	IDs       []string // the first ones
	All       string   // address of the list of all, if IDs lacks some
	Detail    string   // the most frequent
	Varies    bool     // whether there are other details
	FirstEnd  bool     // whether several instances have an end

	count, ends int
	details     map[string]int // instances by detail
}

// groupIssues groups the issues of the instances that q selects, the worst and most frequent first.
func groupIssues(instances []instanceSummary, q query) []issueGroup {
	var groups []*issueGroup
	byName := make(map[string]*issueGroup)
	for _, instance := range instances {
		for _, i := range instance.issues {
			g := byName[i.Name]
			if g == nil {
				g = &issueGroup{issue: i, details: make(map[string]int)}
				g.Where = slices.Clone(i.Where)
				byName[i.Name], groups = g, append(groups, g)
			}
			g.add(instance.ID, i)
		}
	}
	slices.SortFunc(groups, func(a, b *issueGroup) int {
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), cmp.Compare(b.count, a.count), cmp.Compare(a.Name, b.Name))
	})
	sorted := make([]issueGroup, len(groups))
	for n, g := range groups {
		g.build()
		g.Of = plural(len(instances), "instance")
		if g.count > len(g.IDs) {
			g.All = q.withIssue(g.Name).Href()
		}
		sorted[n] = *g
	}
	return sorted
}

// add adds the issue of an instance.
func (g *issueGroup) add(id string, i issue) {
	g.merge(i)
	g.Everywhere = g.Everywhere && i.Everywhere
	g.count++
	if len(g.IDs) < maxListedIDs {
		g.IDs = append(g.IDs, id)
	}
	for _, d := range i.Details {
		g.details[d]++
	}
	if i.Ends != nil {
		g.ends++
		if g.Ends == nil || g.Ends.after(i.Ends) {
			g.Ends = i.Ends
		}
	}
}

// build sets the fields that depend on all instances.
func (g *issueGroup) build() {
	g.Count, g.Varies, g.FirstEnd = formatInt(g.count), len(g.details) > 1, g.ends > 1
	for d, n := range g.details {
		if most := g.details[g.Detail]; n > most || n == most && d < g.Detail {
			g.Detail = d
		}
	}
}
