package statuspage

import (
	"html/template"
	"slices"
	"time"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/greenapi"
)

// maxFullInstances is the maximum number of instances that the page shows in full. More instances
// are shown as a list.
const maxFullInstances = 3

// pageData is the data of the page's template.
type pageData struct {
	Options
	Snapshot
	Style    template.CSS
	Now      *relTime
	Severity severity // the worst severity of the instances and of the exporter's own issues
	Verdict  verdict
	Filtered bool // whether the query excludes instances
	Cards    []instanceView
	List     *list          // replaces Cards
	Missing  *unwatchedView // nil if the query excludes instances
}

// instanceView is an instance, in full or as a line of a list.
type instanceView struct {
	instanceSummary
	Alone    bool         // whether this is the only instance, which the heading describes
	Read     *relTime     // last success of the outgoing journal or, if disabled, of any collector
	Calling  *relTime     // start of the oldest call in progress; nil if there is none
	Outgoing *journalView // nil if its collector is disabled
	Verdict  verdict
	Summary  string // for the list
	Rows     []collectorRow
	Hint     string // see largeReadings
}

// collectorRow is a collector of an instance.
type collectorRow struct {
	collector.CollectorStatus
	Reading detail
	Read    *relTime // last success
	Next    *relTime // see nextCall
	Calling *relTime // start of the call in progress; nil if there is none
}

// severity is the condition of an instance. Lower values are worse.
type severity int

const (
	critical severity = iota // nothing is sent, or the outgoing journal cannot be read
	warning                  // any other issue
	unknown                  // no readings yet
	healthy                  // messages arrive
	idle                     // no messages in the last hour, or their journal is not read
)

// severities are the class of each severity in page.css and URLs, its mark, and a verb phrase for
// one instance and for several.
var severities = [...]struct{ class, mark, one, many string }{
	critical: {"critical", "✕", "is down", "are down"},
	warning:  {"warning", "!", "needs attention", "need attention"},
	unknown:  {"unknown", "…", "has no readings yet", "have no readings yet"},
	healthy:  {"ok", "✓", "is up", "are up"},
	idle:     {"idle", "–", "has no recent messages", "have no recent messages"},
}

func (s severity) Class() string { return severities[s].class }
func (s severity) Mark() string  { return severities[s].mark }

// Text returns a verb phrase for n instances, such as "are down".
func (s severity) Text(n int) string {
	if n == 1 {
		return severities[s].one
	}
	return severities[s].many
}

// severityOfClass returns -1 for an unknown class.
func severityOfClass(class string) severity {
	for s := critical; s <= idle; s++ {
		if s.Class() == class {
			return s
		}
	}
	return -1
}

func newPageData(o Options, s Snapshot, q query, now time.Time) pageData {
	instances := summarize(s.Instances, now)
	d := pageData{
		Options: o, Snapshot: s, Style: template.CSS(pageStyle), Now: newRelTime(now, now),
		Severity: idle, Filtered: q.ID != "" || q.hasFilter(),
	}
	if len(instances) == 1 {
		d.Verdict = newVerdict(instances[0], now)
	} else {
		d.Verdict = newFleetVerdict(instances)
	}
	if len(instances) > 0 {
		d.Severity = instances[0].Severity
	}
	if s.DiscoveryPending {
		d.Severity = critical
		if len(instances) == 0 {
			d.Verdict.Heading = "No instances are known yet"
		}
	}
	missing := newUnwatchedView(s.Unwatched)
	if s.StorageFailing || s.ReloadFailure != "" || s.HeldList != "" ||
		missing != nil && missing.IsFault() {
		d.Severity = min(d.Severity, warning)
	}
	if !d.Filtered && q.Page == 1 {
		d.Missing = missing
	}
	if len(instances) > maxFullInstances || q.hasFilter() || q.Page > 1 {
		d.List = newList(instances, q, now)
		return d
	}
	for _, i := range instances {
		view := newInstanceView(i, now)
		view.Alone = len(instances) == 1
		d.Cards = append(d.Cards, view)
	}
	return d
}

// Reload returns the seconds after which the page reloads, or 0 for never. A reload discards the
// text in the search field. Therefore a list reloads less often, and a search without a result,
// which is likely to be edited, does not reload.
func (d pageData) Reload() int {
	switch {
	case d.List == nil:
		return 30
	case d.List.Query.Search != "" && d.List.Empty != "":
		return 0
	default:
		return 60
	}
}

func countSeverities(instances []instanceSummary) (counts [idle + 1]int) {
	for _, i := range instances {
		counts[i.Severity]++
	}
	return counts
}

func newInstanceView(i instanceSummary, now time.Time) instanceView {
	v := instanceView{instanceSummary: i}
	for _, c := range i.Collectors {
		row := collectorRow{CollectorStatus: c, Next: nextCall(c, now)}
		if c.Result != "" { // without a result, the reading may be from other settings
			row.Reading = newDetail(c.Name, i.Status, now)
		}
		if !c.Success.IsZero() {
			row.Read = newRelTime(c.Success, now)
		}
		if !c.InFlight.IsZero() {
			row.Calling = newRelTime(c.InFlight, now)
			if v.Calling == nil || v.Calling.after(row.Calling) {
				v.Calling = row.Calling
			}
		}
		if c.Name == "outgoing" {
			v.Outgoing = newJournalView(c, i.Status, now)
		}
		v.Rows = append(v.Rows, row)
	}
	for _, row := range v.Rows {
		if row.Name == "outgoing" || v.Outgoing == nil && row.Read.after(v.Read) {
			v.Read = row.Read
		}
	}
	v.Verdict = newVerdict(i, now)
	v.Summary = summaryLine(i, now)
	v.Hint = sizeHint(i.Status)
	return v
}

// isPrimary reports whether an instance is down if the collector fails. The primary collector is
// the outgoing journal, as for greenapi_up. If it is disabled, all collectors are primary.
func isPrimary(c collector.CollectorStatus, s *collector.Status) bool {
	return c.Name == "outgoing" || outgoingOf(s) == nil
}

// outgoingOf returns the status of the outgoing journal, or nil if that is disabled.
func outgoingOf(s *collector.Status) *collector.CollectorStatus {
	isOutgoing := func(c collector.CollectorStatus) bool { return c.Name == "outgoing" }
	if at := slices.IndexFunc(s.Collectors, isOutgoing); at >= 0 {
		return &s.Collectors[at]
	}
	return nil
}

// maxUnscraped is how long an instance can be without a scrape. After that, Prometheus considers
// its series stale, so no alert can fire.
const maxUnscraped = 5 * time.Minute

// unscraped returns the time of the latest scrape of the instance, or of its start if there was
// none. It returns nil if that is at most maxUnscraped ago.
func unscraped(s *collector.Status, now time.Time) *relTime {
	since := s.Scraped
	if since.IsZero() {
		since = s.Opened
	}
	if now.Sub(since) <= maxUnscraped {
		return nil
	}
	return newRelTime(since, now)
}

// isStale reports whether a successful reading is too old for a regular scrape.
func isStale(c collector.CollectorStatus, s *collector.Status, now time.Time) bool {
	const (
		slowInterval = 5 * time.Minute  // of the slowest collectors, unless Interval is longer
		maxScrapeGap = 10 * time.Minute // twice Prometheus's default lookback
	)
	maxAge := max(s.Interval, slowInterval) + maxScrapeGap
	return c.Result == greenapi.OK && now.Sub(c.Success) > maxAge
}
