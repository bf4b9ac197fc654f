package statuspage

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"greenapi_exporter/internal/greenapi"
)

// query holds the parameters of the page. ID selects one instance; the others select a part of the
// list and are ignored if ID is set.
type query struct {
	ID       string
	Search   string // part of an id
	Severity string // the class of a severity
	Issue    string // the name of an issue
	Page     int    // from 1; may be beyond the last page
}

// newQuery parses the parameters. Its errors do not contain their values.
func newQuery(values url.Values) (query, error) {
	if id := values.Get("id_instance"); id != "" {
		return query{ID: id, Page: 1}, nil
	}
	q := query{
		Search: truncateSearch(values.Get("search")), Severity: values.Get("severity"),
		Issue: values.Get("issue"), Page: 1,
	}
	if q.Severity != "" && severityOfClass(q.Severity) < 0 {
		return query{}, errors.New("unknown severity; use critical, warning, unknown, ok or idle")
	}
	if q.Issue != "" && !isIssue(q.Issue) {
		return query{}, errors.New("unknown issue; open / for the current issues")
	}
	if page := values.Get("page"); page != "" {
		n, err := strconv.Atoi(page)
		if err != nil || n < 1 {
			return query{}, errors.New("invalid page; use a positive number")
		}
		q.Page = n
	}
	return q, nil
}

// truncateSearch limits the text to the length of an id. A longer text matches no id, and neither
// does a truncated text, because it ends with "…".
func truncateSearch(text string) string {
	text = strings.ToValidUTF8(strings.TrimSpace(text), "\uFFFD")
	if runes := []rune(text); len(runes) > greenapi.MaxIDLength {
		return string(runes[:greenapi.MaxIDLength-1]) + "…"
	}
	return text
}

func (q query) hasFilter() bool { return q.Search != "" || q.Severity != "" || q.Issue != "" }

func (q query) matchesSearch(i instanceSummary) bool { return strings.Contains(i.ID, q.Search) }

func (q query) matches(i instanceSummary) bool {
	hasIssue := func(i issue) bool { return i.Name == q.Issue }
	return q.matchesSearch(i) && (q.Severity == "" || q.Severity == i.Severity.Class()) &&
		(q.Issue == "" || slices.ContainsFunc(i.Issues, hasIssue))
}

// Href returns the address of the page for the query, relative to the page, because a proxy can
// serve the page under a path prefix.
func (q query) Href() string {
	values := url.Values{"search": {q.Search}, "severity": {q.Severity}, "issue": {q.Issue}}
	if q.Page > 1 {
		values.Set("page", strconv.Itoa(q.Page))
	}
	maps.DeleteFunc(values, func(_ string, value []string) bool { return value[0] == "" })
	if len(values) == 0 {
		return "./"
	}
	return "./?" + values.Encode()
}

// withSeverity and withIssue also return to the first page.
func (q query) withPage(n int) query            { q.Page = n; return q }
func (q query) withSeverity(class string) query { q.Severity, q.Page = class, 1; return q }
func (q query) withIssue(name string) query     { q.Issue, q.Page = name, 1; return q }

// Description describes the filter. It follows the word "instances" in a sentence.
func (q query) Description() string {
	var parts []string
	if q.Search != "" {
		parts = append(parts, "with "+q.Search+" in the id")
	}
	if q.Issue != "" {
		parts = append(parts, "with the issue "+q.Issue)
	}
	if q.Severity != "" {
		parts = append(parts, "that "+severityOfClass(q.Severity).Text(2))
	}
	return strings.Join(parts, " and ")
}

// emptyMessage explains why no instance matches.
func (q query) emptyMessage() string {
	if strings.Trim(q.Search, "0123456789") != "" {
		return fmt.Sprintf("No id contains “%s”. Ids consist of at most %d digits.",
			q.Search, greenapi.MaxIDLength)
	}
	return "No instances " + q.Description() + "."
}
