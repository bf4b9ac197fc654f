package statuspage

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"greenapi_exporter/internal/greenapi"
)

// query holds the parameters of the page: either ID, or those that filter and page the list.
type query struct {
	ID       string
	Search   string // part of an id
	Severity string // the class of a severity
	Issue    string // the name of an issue
	Page     int    // from 1; it may be beyond the last page
}

// newQuery parses the parameters. Its errors do not repeat them.
func newQuery(values url.Values) (query, error) {
	if id := values.Get("id_instance"); id != "" {
		return query{ID: id, Page: 1}, nil
	}
	q := query{
		Search: truncateSearch(values.Get("search")), Severity: values.Get("severity"),
		Issue: values.Get("issue"), Page: 1,
	}
	if q.Severity != "" && severityOfClass(q.Severity) < 0 {
		return query{}, errors.New("unknown severity; use critical, warning, unknown or ok")
	}
	if q.Issue != "" && !isIssue(q.Issue) {
		return query{}, errors.New("unknown issue; / lists the current issues")
	}
	if page := values.Get("page"); page != "" {
		n, err := strconv.Atoi(page)
		if err != nil || n < 1 {
			return query{}, errors.New("invalid page; use a number from 1, or / for the first page")
		}
		q.Page = n
	}
	return q, nil
}

// truncateSearch limits the text to the length of an id. The mark of a truncated text matches no
// id, and neither would the whole text.
func truncateSearch(text string) string {
	text = strings.ToValidUTF8(strings.TrimSpace(text), "\uFFFD")
	if runes := []rune(text); len(runes) > greenapi.MaxIDLength {
		return string(runes[:greenapi.MaxIDLength-1]) + "…"
	}
	return text
}

// hasFilter reports whether the query selects a part of the list.
func (q query) hasFilter() bool { return q.Search != "" || q.Severity != "" || q.Issue != "" }

func (q query) matchesSearch(i instanceSummary) bool { return strings.Contains(i.ID, q.Search) }

func (q query) matches(i instanceSummary) bool {
	hasIssue := func(i issue) bool { return i.Name == q.Issue }
	return q.matchesSearch(i) && (q.Severity == "" || q.Severity == i.Severity.Class()) &&
		(q.Issue == "" || slices.ContainsFunc(i.Issues, hasIssue))
}

// Href returns the address of the page for the query.
func (q query) Href() string {
	values := make(url.Values)
	filters := map[string]string{"search": q.Search, "severity": q.Severity, "issue": q.Issue}
	for name, value := range filters {
		if value != "" {
			values.Set(name, value)
		}
	}
	if q.Page > 1 {
		values.Set("page", strconv.Itoa(q.Page))
	}
	if len(values) == 0 {
		return "/"
	}
	return "/?" + values.Encode()
}

func (q query) withPage(n int) query { q.Page = n; return q }

// withSeverity and withIssue replace a filter and go to the first page.
func (q query) withSeverity(class string) query { q.Severity, q.Page = class, 1; return q }
func (q query) withIssue(name string) query     { q.Issue, q.Page = name, 1; return q }

// Description describes the filter, to follow the word "instances".
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

// emptyMessage says that no instances match.
func (q query) emptyMessage() string {
	if strings.Trim(q.Search, "0123456789") != "" {
		const format = "No id contains “%s”: ids consist of at most %d digits."
		return fmt.Sprintf(format, q.Search, greenapi.MaxIDLength)
	}
	return "No instances " + q.Description() + "."
}
