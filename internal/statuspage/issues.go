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
	issueNotScraped   = "not scraped lately"
	issueNotRead      = "not read lately"
	issueNotDelivered = "sent but not delivered"
	issueNoID         = "messages without an id"
	issueExpiring     = "subscription expires"
	issueClocks       = "clocks differ"
	// issueUndelivered is a prefix of the most frequent status of undelivered messages.
	issueUndelivered = "undelivered: "
)

// issue is a problem of an instance.
type issue struct {
	Name       string // a greenapi.Result, a greenapi.State or one of the names above
	Severity   severity
	Where      []string // the affected collectors, or another source of the issue
	Everywhere bool     // whether all collectors are affected
	Advice     string   // what to do
	Details    []string // causes, without duplicates
	Ends       *relTime // when the suspension or the subscription ends
	Since      *relTime // when the issue began
	Tried      *relTime // the latest call
	Next       *relTime // earliest time of the next call; nil if that is within a second
}

// isIssue reports whether an issue can have the name.
func isIssue(name string) bool {
	state := greenapi.State(name)
	if status, ok := strings.CutPrefix(name, issueUndelivered); ok {
		return status == "pending" || slices.ContainsFunc(failures, hasWord(status))
	}
	others := []string{
		issueNotScraped, issueNotRead, issueNotDelivered, issueNoID, issueExpiring, issueClocks,
	}
	return slices.Contains(others, name) || greenapi.Result(name).Advice() != "" ||
		slices.Contains(greenapi.States(), state) && state.Advice() != ""
}

// Source returns a list of the affected collectors.
func (i issue) Source() string {
	if i.Everywhere && len(i.Where) > 1 {
		return "all collectors"
	}
	return strings.Join(i.Where, ", ")
}

func (i issue) Detail() string { return strings.Join(i.Details, "; ") }

// merge adds the same issue of another collector or instance, except for its details and its end.
func (i *issue) merge(other issue) {
	i.Severity = min(i.Severity, other.Severity)
	i.Where = appendNew(i.Where, other.Where...)
	if other.Since.after(i.Since) {
		i.Since = other.Since
	}
	if other.Tried.after(i.Tried) {
		i.Tried = other.Tried
	}
	if other.Next.after(i.Next) {
		i.Next = other.Next
	}
}

// appendNew appends the elements that are not yet in the list.
func appendNew(list []string, elements ...string) []string {
	for _, e := range elements {
		if !slices.Contains(list, e) {
			list = append(list, e)
		}
	}
	return list
}

// findIssues returns the issues of an instance: those of its messages, its collectors, its
// subscription, its clock and its state.
func findIssues(s *collector.Status, arrival *collector.Arrival, now time.Time) []issue {
	all := append(messageIssues(s, arrival, now), collectorIssues(s, now)...)
	const notice = 7 * 24 * time.Hour // as in the alert in deploy/prometheus
	if !s.Expires.IsZero() && s.Expires.Sub(now) < notice {
		all = append(all, issue{
			Name: issueExpiring, Severity: warning, Where: []string{"Partner API"},
			Ends: newRelTime(s.Expires, now),
			Advice: "pay for the instance in the console; " +
				"otherwise it stops sending and is no longer monitored",
		})
	}
	if s.Skew != 0 {
		difference := formatDuration(s.Skew.Abs()) + " ahead"
		if s.Skew < 0 {
			difference = formatDuration(s.Skew.Abs()) + " behind"
		}
		all = append(all, issue{
			Name: issueClocks, Severity: warning, Where: []string{"time of responses"},
			Advice:  "synchronize the clock of the exporter's machine, for example by NTP",
			Details: []string{"the API's clock is " + difference},
		})
	}
	state := s.State
	if state == "" && s.Account != nil {
		state = s.Account.State
	}
	implied := func(i issue) bool { return i.Name == string(resultOfState[state]) }
	if state != "" && state.Advice() != "" && !slices.ContainsFunc(all, implied) {
		i := issue{
			Name: string(state), Severity: warning, Where: []string{"account state"},
			Advice: state.Advice(),
		}
		if state == "notAuthorized" || state == "blocked" {
			i.Severity = critical // nothing is sent until the account is authorized again
		}
		if s.Account != nil && s.Account.SuspendedUntil.Known {
			i.Ends = relUnix(s.Account.SuspendedUntil.Value, now)
		}
		all = append(all, i)
	}
	return all
}

// messageIssues returns the issues of recent messages. It returns nil if a is nil.
func messageIssues(s *collector.Status, a *collector.Arrival, now time.Time) []issue {
	if a == nil {
		return nil
	}
	var all []issue
	pending := collector.Reason{Word: "pending"}
	w := collector.WindowOf(s.Outgoing)
	if w.PendingHigh {
		all = append(all, issue{
			Name: issueUndelivered + pending.Word, Severity: warning, Where: []string{"outgoing"},
			Advice: pending.Advice(), Details: []string{pendingText(w)},
			Since: newRelTime(w.PendingSince, now),
		})
	}
	if a.High && (len(all) == 0 || a.Reasons[0].Word != pending.Word) {
		all = append(all, issue{
			Name: issueUndelivered + a.Reasons[0].Word, Severity: warning,
			Where: []string{"outgoing"}, Advice: a.Reasons[0].Advice(),
		})
	}
	if w.NoIDHigh {
		all = append(all, issue{
			Name: issueNoID, Severity: warning, Where: []string{"outgoing"},
			Advice: "often the numbers have no WhatsApp account; check their format and where " +
				"they come from",
			Details: []string{noIDText(w.NoID)},
		})
	}
	if collector.DeliveryOf(s.Outgoing).High {
		all = append(all, issue{
			Name: issueNotDelivered, Severity: warning, Where: []string{"outgoing"},
			Advice: collector.NotDeliveredAdvice,
		})
	}
	return all
}

// collectorIssues returns an issue for each result of failing collectors, and one for collectors
// with stale readings.
func collectorIssues(s *collector.Status, now time.Time) []issue {
	var all []issue
	since := unscraped(s, now)
	if since != nil {
		all = append(all, issue{
			Name: issueNotScraped, Severity: warning, Where: []string{"Prometheus"}, Since: since,
			Advice: "Prometheus has not scraped this instance since then, so its readings are " +
				"old and no alert can fire; check that Prometheus is running, and that its " +
				"targets page shows this exporter without an error",
		})
	}
	for _, c := range s.Collectors {
		found := issue{Severity: warning, Where: []string{c.Name}}
		switch {
		case c.Failing():
			found.Name, found.Advice = string(c.Result), c.Result.Advice()
			found.Tried = newRelTime(c.Called, now)
			found.Next = nextCall(c, now)
			if isPrimary(c, s) {
				found.Severity = critical
			}
		case since == nil && isStale(c, s, now):
			found.Name, found.Since = issueNotRead, newRelTime(c.Success, now)
			found.Advice = "no scrape has read this since then; if the exporter has just " +
				"started, wait a minute; otherwise, check collect[] in the scrape jobs"
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

// nextCall returns the earliest time of the next call, or nil if that is within a second.
func nextCall(c collector.CollectorStatus, now time.Time) *relTime {
	if c.Next.Sub(now) < time.Second {
		return nil
	}
	return newRelTime(c.Next, now)
}

// resultOfState maps states to the results of calls in these states. An instance with such a result
// does not get another issue for its state.
var resultOfState = map[greenapi.State]greenapi.Result{
	"notAuthorized": greenapi.InstanceLoggedOut, "starting": greenapi.InstanceStarting,
}

// maxListedIDs is the maximum number of instances that an issueGroup lists.
const maxListedIDs = 5

// issueGroup is an issue that instances share. An outage of the API is one group, not 400 issues.
type issueGroup struct {
	issue                       // Ends is the earliest end; Everywhere applies to all instances
	Of           string         // the number of all instances
	IDs          []string       // the first affected instances
	All          string         // URL of the list of affected instances, if IDs is incomplete
	DetailCounts map[string]int // affected instances by detail
	Ending       int            // affected instances with an end
	count        int            // affected instances
}

func (g *issueGroup) Count() string { return formatInt(g.count) }

// Detail returns the most frequent detail.
func (g *issueGroup) Detail() (detail string) {
	for d, n := range g.DetailCounts {
		if most := g.DetailCounts[detail]; n > most || n == most && d < detail {
			detail = d
		}
	}
	return detail
}

// groupIssues groups the issues of the instances that q selects. The worst are first, and among
// these the most frequent.
func groupIssues(instances []instanceSummary, q query) []*issueGroup {
	var groups []*issueGroup
	byName := make(map[string]*issueGroup)
	for _, instance := range instances {
		for _, i := range instance.Issues {
			g := byName[i.Name]
			if g == nil {
				g = &issueGroup{issue: i, DetailCounts: make(map[string]int)}
				g.Of, g.Where = plural(len(instances), "instance"), slices.Clone(i.Where)
				byName[i.Name], groups = g, append(groups, g)
			}
			g.add(instance.ID, i)
			if g.count == maxListedIDs+1 {
				g.All = q.withIssue(i.Name).Href()
			}
		}
	}
	slices.SortFunc(groups, func(a, b *issueGroup) int {
		bySeverity, byCount := cmp.Compare(a.Severity, b.Severity), cmp.Compare(b.count, a.count)
		return cmp.Or(bySeverity, byCount, cmp.Compare(a.Name, b.Name))
	})
	return groups
}

func (g *issueGroup) add(id string, i issue) {
	g.merge(i)
	g.Everywhere = g.Everywhere && i.Everywhere
	if g.count++; g.count <= maxListedIDs {
		g.IDs = append(g.IDs, id)
	}
	for _, d := range i.Details {
		g.DetailCounts[d]++
	}
	if i.Ends != nil {
		g.Ending++
		if g.Ends == nil || g.Ends.after(i.Ends) {
			g.Ends = i.Ends
		}
	}
}
