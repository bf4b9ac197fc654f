package statuspage

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-kit/log"
	"golang.org/x/net/html"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/greenapi"
)

func TestPageHeaders(t *testing.T) {
	w := get(newHandler(healthyStatus("1")), "")
	if got := w.Header().Get("Content-Type"); got != "text/html; charset=utf-8" {
		t.Errorf("Content-Type: %s", got)
	}
	style := parsePage(t, w.Body.String()).find("style")[0].FirstChild.Data
	digest := sha256.Sum256([]byte(style))
	want := "default-src 'none'; style-src 'sha256-" +
		base64.StdEncoding.EncodeToString(digest[:]) +
		"'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
	if got := w.Header().Get("Content-Security-Policy"); got != want {
		t.Errorf("Content-Security-Policy: %s, want %s", got, want)
	}
}

// allPages returns pages that together use every part of the template.
func allPages(t *testing.T) map[string]page {
	mixed := []collector.Status{
		healthyStatus("4"), unreadStatus("3"), suspendedStatus("2"), loggedOutStatus("1"),
	}
	filter := query{Search: "11", Severity: "critical", Issue: "network", Page: 2}
	return map[string]page{
		"healthy":   renderPage(t, query{}, healthyStatus("1")),
		"loggedOut": renderPage(t, query{ID: "1"}, loggedOutStatus("1")),
		"stale":     renderPage(t, query{}, staleStatus("1")),
		"none":      renderPage(t, query{}),
		"cards":     renderPage(t, query{}, mixed[1:]...),
		"list":      renderPage(t, query{}, mixed...),
		"filtered":  renderPage(t, filter, outage(500)...),
		"empty":     renderPage(t, query{Search: "<script>"}, mixed...),
	}
}

// TestPageLoadsNothing checks that the page has no scripts and no style attributes. Its links must
// lead to the exporter, but not to the profiles, and work under a path prefix, too.
func TestPageLoadsNothing(t *testing.T) {
	elements := []string{"script", "img", "link", "iframe", "object", "embed", "base"}
	for name, p := range allPages(t) {
		for n := range p.Descendants() {
			isIcon := element(n).attr("href") == "data:,"
			if n.Type == html.ElementNode && slices.Contains(elements, n.Data) && !isIcon {
				t.Errorf("%s: the page has <%s>", name, n.Data)
			}
			for _, a := range n.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
					t.Errorf("%s: <%s> has the attribute %s", name, n.Data, a.Key)
				}
				local := strings.HasPrefix(a.Val, "./") && !strings.HasPrefix(a.Val, ".//") &&
					!strings.Contains(a.Val, "debug")
				if slices.Contains([]string{"href", "src", "action"}, a.Key) && !local && !isIcon {
					t.Errorf("%s: <%s> leads to %s", name, n.Data, a.Val)
				}
			}
		}
	}
}

// TestPageStructure checks that every page has one heading, labeled parts, unique ids and labels
// that refer to them.
func TestPageStructure(t *testing.T) {
	for name, p := range allPages(t) {
		if len(p.find("h1")) != 1 || len(p.find("main")) != 1 {
			t.Errorf("%s: the page does not have one heading and one main part", name)
		}
		if got := p.find("html")[0].attr("lang"); got != "en" {
			t.Errorf("%s: language %q", name, got)
		}
		title := p.find("title")[0].FirstChild.Data
		if heading := p.find("h1")[0].text(); title != heading+" – GREEN-API exporter" {
			t.Errorf("%s: the title %q differs from the heading %q", name, title, heading)
		}
		ids := make(map[string]int)
		for n := range p.Descendants() {
			if id := element(n).attr("id"); id != "" {
				ids[id]++
			}
		}
		for id, n := range ids {
			if n > 1 {
				t.Errorf("%s: %d elements have the id %s", name, n, id)
			}
		}
		for n := range p.Descendants() {
			e := element(n)
			if id := e.attr("aria-labelledby") + e.attr("for"); id != "" && ids[id] == 0 {
				t.Errorf("%s: no element has the id %s", name, id)
			}
			if n.Data == "nav" && e.attr("aria-label")+e.attr("aria-labelledby") == "" {
				t.Errorf("%s: a <nav> has no label", name)
			}
		}
		for _, table := range p.find("table.window") {
			columns := len(table.find("thead")[0].find("th"))
			for _, row := range table.find("tr") {
				if cells := len(row.find("th")) + len(row.find("td")); cells != columns {
					t.Errorf("%s: a row of %d cells in a table of %d columns", name, cells, columns)
				}
			}
		}
	}
}

func TestForeignTextIsEscaped(t *testing.T) {
	for _, hostile := range []string{
		`<script>alert(1)</script>`, `"><img/src=x/onerror=alert(1)>`, `'onmouseover='alert(1)`,
		`</title></svg><b>`, `{{.Version}}`, `javascript:alert(1)`,
	} {
		s := loggedOutStatus(hostile)
		s.Outgoing = window(hostile+" "+hostile+" 3", "textMessage read 1")
		s.State = greenapi.State(hostile)
		s.Collectors[1].Result = greenapi.Result(hostile)
		s.Collectors[1].Detail, s.Collectors[1].Name = hostile, hostile
		for name, p := range map[string]page{
			"card": renderPage(t, query{ID: hostile}, s),
			"list": renderPage(t, query{}, s, s, s, s),
		} {
			for n := range p.Descendants() {
				for _, a := range n.Attr {
					isScript := a.Key == "href" && strings.HasPrefix(a.Val, "javascript")
					if isScript || strings.HasPrefix(a.Key, "on") {
						t.Errorf("%s: %s results in the attribute %s", name, hostile, a.Key)
					}
				}
				injected := n.Data == "script" || n.Data == "img" ||
					n.Data == "b" && n.Parent.Data == "svg"
				if n.Type == html.ElementNode && injected {
					t.Errorf("%s: %s results in <%s>", name, hostile, n.Data)
				}
			}
			if !strings.Contains(p.text(), hostile) {
				t.Errorf("%s: the page lacks %s", name, hostile)
			}
		}
	}
}

func TestRenderingErrorReturnsStatus500(t *testing.T) {
	var logged bytes.Buffer
	broken := template.Must(template.New("page").Funcs(template.FuncMap{
		"fail": func() (string, error) { return "", errors.New("a private error") },
	}).Parse("half a page {{fail}}"))
	o := Options{Logger: log.NewLogfmtLogger(&logged), Snapshot: func() (s Snapshot) { return s }}
	w := get(&handler{o, broken}, "")
	body := w.Body.String()
	if w.Code != 500 || strings.Contains(body, "half") || strings.Contains(body, "private") {
		t.Errorf("%d: %s", w.Code, body)
	}
	if !strings.Contains(logged.String(), "a private error") {
		t.Errorf("logged %s", &logged)
	}
}

func TestPageOfOneInstance(t *testing.T) {
	handler := newHandler(outage(20)...)
	page := parsePage(t, get(handler, "id_instance=1101000005").Body.String())
	if got := page.find("h1")[0].text(); got != "✕ 1101000005 is down" {
		t.Errorf("heading %q", got)
	}
	if len(page.find("article")) != 1 || len(page.find("svg")) == 0 {
		t.Error("the page does not show one instance in full")
	}
	if got := page.links("All instances"); !slices.Equal(got, []string{"./"}) {
		t.Errorf("links to all instances: %q", got)
	}
	w := get(handler, "id_instance=1%3Cb%3E")
	if w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "<b>") {
		t.Errorf("an unknown instance: %d %s", w.Code, w.Body)
	}
}

func TestDiscoveryPendingIsShown(t *testing.T) {
	for _, pending := range []bool{true, false} {
		page := parsePage(t, get(handlerOf(Snapshot{DiscoveryPending: pending}), "").Body.String())
		heading := page.find("h1")[0].text()
		if pending != (heading == "✕ No instances are known yet") {
			t.Errorf("pending %t: heading %s", pending, heading)
		}
		if got := strings.Contains(page.text(), "Partner API"); got != pending {
			t.Errorf("pending %t: the page mentions the Partner API: %t", pending, got)
		}
	}
}

func TestStorageFailureIsShown(t *testing.T) {
	for _, failing := range []bool{true, false} {
		page := parsePage(t, get(handlerOf(Snapshot{StorageFailing: failing}), "").Body.String())
		if got := strings.Contains(page.text(), "cannot be written to the disk"); got != failing {
			t.Errorf("failing %t: the page mentions it: %t", failing, got)
		}
	}
}

// TestIssuesOfTheExporterAffectTheVerdict checks that the page is not green if it shows an issue.
func TestIssuesOfTheExporterAffectTheVerdict(t *testing.T) {
	lacking := []config.Unwatched{{Reason: config.NoToken, Count: 1}}
	excluded := []config.Unwatched{{Reason: config.Excluded, Count: 1}}
	for name, c := range map[string]struct {
		snapshot Snapshot
		want     severity
	}{
		"none":                 {Snapshot{}, healthy},
		"storage":              {Snapshot{StorageFailing: true}, warning},
		"reload":               {Snapshot{ReloadFailure: "The reload failed."}, warning},
		"held list":            {Snapshot{HeldList: "It lacks 7 of 10."}, warning},
		"discovery":            {Snapshot{DiscoveryPending: true}, critical},
		"unwatched":            {Snapshot{Unwatched: lacking}, warning},
		"unwatched on purpose": {Snapshot{Unwatched: excluded}, healthy},
	} {
		c.snapshot.Instances = []collector.Status{healthyStatus("1")}
		for _, q := range []query{{Page: 1}, {ID: "1", Page: 1}} {
			if got := newPageData(Options{}, c.snapshot, q, testNow).Severity; got != c.want {
				t.Errorf("%s: %s, want %s", name, got.Class(), c.want.Class())
			}
		}
	}
}

func TestHeldListIsShown(t *testing.T) {
	for _, held := range []string{"", "It lacks 7 of 10."} {
		text := parsePage(t, get(handlerOf(Snapshot{HeldList: held}), "").Body.String()).text()
		if got := strings.Contains(text, "confirms it"); got != (held != "") ||
			!strings.Contains(text, held) {
			t.Errorf("held list %q: the page shows a card: %t", held, got)
		}
	}
}

func TestReloadFailureIsShown(t *testing.T) {
	for _, failure := range []string{"", "The reload failed."} {
		body := get(handlerOf(Snapshot{ReloadFailure: failure}), "").Body.String()
		text := parsePage(t, body).text()
		if got := strings.Contains(text, "--config.file"); got != (failure != "") ||
			!strings.Contains(text, failure) {
			t.Errorf("failure %q: the page shows a card: %t", failure, got)
		}
	}
}

// TestInstancesLinkToTheirMetrics also checks that the page mentions the API calls of these links.
func TestInstancesLinkToTheirMetrics(t *testing.T) {
	healthy, unread, loggedOut := healthyStatus("1"), unreadStatus("3"), loggedOutStatus("4")
	for name, test := range map[string]struct {
		page page
		ids  []string
	}{
		"list": {
			renderPage(t, query{}, healthy, healthyStatus("2"), unread, loggedOut),
			[]string{"4", "3", "1", "2"},
		},
		"cards": {renderPage(t, query{}, unread, loggedOut, healthy), []string{"4", "3", "1"}},
		"card":  {renderPage(t, query{ID: "1"}, healthy), []string{"1"}},
	} {
		var got, want []string
		for _, p := range test.page.find("p.probe") {
			link := p.find("a")[0]
			got = append(got, link.attr("href")+" "+link.attr("aria-label"))
			if !strings.Contains(link.attr("title"), "API calls") {
				t.Errorf("%s: the link does not mention its API calls", name)
			}
		}
		for _, id := range test.ids {
			want = append(want, fmt.Sprintf("./probe?target=%s metrics of %s", id, id))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		if links := test.page.links("Metrics"); !slices.Equal(links, []string{"./metrics"}) {
			t.Errorf("%s: links to all metrics: %q", name, links)
		}
		if footer := test.page.find("footer")[0].text(); !strings.Contains(footer, "no API calls") {
			t.Errorf("%s: the footer does not mention API calls: %s", name, footer)
		}
	}
}
