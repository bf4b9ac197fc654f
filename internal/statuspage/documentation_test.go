package statuspage

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"greenapi_exporter/internal/docs"
	"greenapi_exporter/internal/greenapi"
)

// TestIssuesLinkToTheDocumentation checks the links of all issues, and those of the template.
func TestIssuesLinkToTheDocumentation(t *testing.T) {
	names := []string{issueUndelivered + "pending"}
	for name := range documentation {
		names = append(names, name)
	}
	for _, l := range failures {
		names = append(names, issueUndelivered+l.Word)
	}
	for _, r := range greenapi.Results() {
		names = append(names, string(r))
	}
	for _, s := range greenapi.States() {
		names = append(names, string(s))
	}
	targets := make(map[string]string) // to what links to them
	for _, name := range names {
		if isIssue(name) {
			targets[issue{Name: name}.Documentation()] = name
		} else if documentation[name] != "" {
			t.Errorf("no issue has the name %s", name)
		}
	}
	link := regexp.MustCompile(`"\./docs/([^"{]+)"`)
	for _, match := range link.FindAllStringSubmatch(pageText, -1) {
		targets[match[1]] = "page.html"
	}
	if len(targets) < 15 {
		t.Errorf("there are only %d links", len(targets))
	}
	for target, from := range targets {
		file, id, _ := strings.Cut(target, "#")
		text, err := os.ReadFile("../../docs/" + file)
		if err != nil {
			t.Fatal(err)
		}
		hasID := func(h docs.Heading) bool { return h.ID == id }
		if !slices.ContainsFunc(docs.Parse(text).Headings, hasID) {
			t.Errorf("%s links to %s, which does not exist", from, target)
		}
	}
	page := renderPage(t, query{}, loggedOutStatus("1"))
	want := "./docs/runbook-exporter.md#greenapitokenrejected"
	if got := page.links("More"); !slices.Contains(got, want) {
		t.Errorf("links of a logged-out instance: %q, want %s", got, want)
	}
}
