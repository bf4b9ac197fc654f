package statuspage

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/greenapi"
)

// issue is what is not well with an instance, and what to do about it.
type issue struct {
	What    string   // a result, a state or silence
	Mood    severity // that of an instance with this problem alone
	Where   []string // it shows
	All     bool     // whether every collector has it
	Advice  string
	Details []string // each once
	Ends    *relTime // by itself
	Tried   *relTime
}

// issueNotScraped is the problem of collectors that nothing asks for.
const issueNotScraped = "not read lately"

// issueExpiring is the problem of a subscription that ends soon, or has ended.
const issueExpiring = "subscription ends"

// endsSoon reports whether it is time to pay.
func endsSoon(s collector.Status, now time.Time) bool {
	const notice = 7 * 24 * time.Hour // as the alert of deploy/prometheus gives
	return !s.Expires.IsZero() && s.Expires.Sub(now) < notice
}

// resultOf is the result that calls have in a state, where it says the same.
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

// Places says where the problem shows.
func (p issue) Places() string { return places(p.Where, p.All) }

func places(where []string, all bool) string {
	if all && len(where) > 1 {
		return "all collectors"
	}
	return strings.Join(where, ", ")
}

// Detail says more of it.
func (p issue) Detail() string { return strings.Join(p.Details, "; ") }

// problems are those of the calls, each once for all collectors that share it, and that of the account's state.
func problems(s collector.Status, now time.Time) []issue {
	var all []issue
	journal := hasJournal(s)
	for _, c := range s.Collectors {
		if !c.Failing() {
			continue
		}
		at := slices.IndexFunc(all, func(p issue) bool { return p.What == string(c.Result) })
		if at < 0 {
			at = len(all)
			all = append(all, issue{What: string(c.Result), Mood: warning, Advice: c.Result.Advice()})
		}
		p := &all[at]
		p.Where = append(p.Where, c.Name)
		if decides(c, journal) {
			p.Mood = critical
		}
		if c.Detail != "" && !slices.Contains(p.Details, c.Detail) {
			p.Details = append(p.Details, c.Detail)
		}
		if p.Tried == nil || c.Called.After(p.Tried.Time) {
			tried := momentAt(c.Called, now)
			p.Tried = &tried
		}
	}
	var silent []string
	for _, c := range s.Collectors {
		if isStale(c, s, now) {
			silent = append(silent, c.Name)
		}
	}
	if len(silent) > 0 {
		all = append(all, issue{What: issueNotScraped, Mood: warning, Where: silent,
			Advice: "nothing has asked for it; see on Prometheus's page of targets whether it scrapes this exporter"})
	}
	for i := range all {
		all[i].All = len(all[i].Where) == len(s.Collectors)
	}
	if endsSoon(s, now) {
		ends := momentAt(s.Expires, now)
		all = append(all, issue{What: issueExpiring, Mood: warning, Where: []string{"the Partner API"}, Ends: &ends,
			Advice: "pay for the instance in the console; without that nothing is sent any more, and it is not watched either"})
	}
	said := slices.ContainsFunc(all, func(p issue) bool { return p.What == string(resultOf(s.State)) })
	if s.State != "" && s.State.Advice() != "" && !said {
		p := issue{What: string(s.State), Mood: warning, Where: []string{"the state of the account"}, Advice: s.State.Advice()}
		if s.Account != nil && s.Account.SuspendedUntil.Known {
			ends := momentAt(fromUnix(s.Account.SuspendedUntil.Value), now)
			p.Ends = &ends
		}
		all = append(all, p)
	}
	return all
}

// issueGroup is a problem of one or more instances: an outage of the API is one thing to be read, not four hundred.
type issueGroup struct {
	What, Places, Advice string
	Mood                 severity // the worst
	Count, Of            string   // instances
	IDs                  []string // of the first, as the list goes
	All                  string   // leads to all, where there are more
	Detail               string
	Often                bool // whether that is but the most frequent one
	Ends                 *relTime
	First                bool // whether that is the first of several to end
	Tried                *relTime
}

// maxListedIDs is how many instances a cause names.
const maxListedIDs = 5

// issueGroupBuilder is a cause while it is gathered.
type issueGroupBuilder struct {
	issueGroup
	count   int // of instances
	where   []string
	all     bool // whether it is at all collectors of all its instances
	details map[string]int
	ends    int // how many do
}

// causes are the problems of the items, which are those that are asked for: the worst and most frequent first.
func causes(items []instanceSummary, a query) []issueGroup {
	var order []*issueGroupBuilder
	byWord := make(map[string]*issueGroupBuilder)
	for _, i := range items {
		for _, p := range i.problems {
			g := byWord[p.What]
			if g == nil {
				g = &issueGroupBuilder{issueGroup: issueGroup{What: p.What, Advice: p.Advice, Mood: p.Mood}, all: true, details: make(map[string]int)}
				byWord[p.What], order = g, append(order, g)
			}
			g.add(i.status.ID, p)
		}
	}
	slices.SortFunc(order, func(a, b *issueGroupBuilder) int {
		return cmp.Or(cmp.Compare(a.Mood, b.Mood), cmp.Compare(b.count, a.count), cmp.Compare(a.What, b.What))
	})
	all := make([]issueGroup, len(order))
	for i, g := range order {
		all[i] = g.build()
		all[i].Of = plural(len(items), "instance")
		if a.narrows() {
			all[i].Of = "these " + formatInt(len(items))
		}
		if g.count > len(g.IDs) {
			all[i].All = a.withProblem(g.What).Href()
		}
	}
	return all
}

// add takes in the problem of one more instance.
func (g *issueGroupBuilder) add(id string, p issue) {
	g.count++
	g.Mood = min(g.Mood, p.Mood)
	g.all = g.all && p.All
	if len(g.IDs) < maxListedIDs {
		g.IDs = append(g.IDs, id)
	}
	for _, name := range p.Where {
		if !slices.Contains(g.where, name) {
			g.where = append(g.where, name)
		}
	}
	for _, d := range p.Details {
		g.details[d]++
	}
	if p.Tried != nil && (g.Tried == nil || p.Tried.After(g.Tried.Time)) {
		g.Tried = p.Tried
	}
	if p.Ends != nil {
		g.ends++
		if g.Ends == nil || p.Ends.Before(g.Ends.Time) {
			g.Ends = p.Ends
		}
	}
}

// build is the cause once all have been added.
func (g *issueGroupBuilder) build() issueGroup {
	c := g.issueGroup
	c.Count, c.Places = formatInt(g.count), places(g.where, g.all)
	c.Often, c.First = len(g.details) > 1, g.ends > 1
	for d, n := range g.details {
		if most := g.details[c.Detail]; n > most || n == most && d < c.Detail {
			c.Detail = d
		}
	}
	return c
}
