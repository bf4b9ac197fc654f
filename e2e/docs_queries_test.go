package e2e

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	// exampleQuery matches an example that is a query.
	exampleQuery = regexp.MustCompile("(?ms)^```promql\n(.*?)^```$")
	// rowQuery matches a row of a table with a question, which can contain code, and a query.
	rowQuery = regexp.MustCompile("(?m)^\\| [^|]+ \\| `([^`]+)` \\|$")
)

// documentedQueries returns the queries of docs/metrics.md.
func documentedQueries(t *testing.T) []query {
	t.Helper()
	text, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Queries by question\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var queries []query
	for _, pattern := range []*regexp.Regexp{exampleQuery, rowQuery} {
		for _, match := range pattern.FindAllStringSubmatch(section, -1) {
			queries = append(queries, query{name: match[1], expr: match[1]})
		}
	}
	examples, rows := strings.Count(section, "```promql"), strings.Count(section, "\n| ")-1
	if len(queries) != examples+rows || examples == 0 || rows == 0 {
		t.Fatalf("found %d queries in %d examples and %d rows", len(queries), examples, rows)
	}
	return queries
}

// TestDocumentedQueriesFindData runs each query of docs/metrics.md on metrics whose values change
// with each scrape.
func TestDocumentedQueriesFindData(t *testing.T) {
	useCore(t)
	prometheus := connect(t, startPrometheus(t, toYAML(t, scraping(serveExpositions(t, 1)))))
	missing := documentedQueries(t)
	eventually(t, func() (bool, string) {
		var still []query
		for _, q := range missing {
			if len(run(t, prometheus, q, "")) == 0 {
				still = append(still, q)
			}
		}
		missing = still
		return len(missing) == 0, fmt.Sprintf("no data for %v", missing)
	})
}
