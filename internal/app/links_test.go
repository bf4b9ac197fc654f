package app

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/go-kit/log"
	"golang.org/x/net/html"

	"greenapi_exporter/internal/docs"
)

// linkChecker checks the relative links between the files of a repository.
type linkChecker struct {
	files     fs.FS
	documents map[string]*docs.Document // by path
}

// newLinkChecker reads all Markdown files, except those that tools create.
func newLinkChecker(files fs.FS) (*linkChecker, error) {
	created := []string{".git", ".tools", "artifacts", "dist", "node_modules"}
	c := &linkChecker{files, make(map[string]*docs.Document)}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains(created, entry.Name()):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".md":
			return nil
		}
		text, err := fs.ReadFile(files, name)
		c.documents[name] = docs.Parse(text)
		return err
	})
	return c, err
}

// checkAll returns a text for each broken link, and for each page that contains raw HTML.
func (c *linkChecker) checkAll() (faults []string) {
	for name, d := range c.documents {
		for _, link := range d.Links {
			if err := c.check(name, link); err != nil {
				faults = append(faults, fmt.Sprintf("%s: the link to %s: %v", name, link, err))
			}
		}
		if d.HasHTML && (name == "README.md" || path.Dir(name) == "docs") {
			faults = append(faults, name+": contains HTML, which the exporter does not show")
		}
	}
	slices.Sort(faults)
	return faults
}

// check checks a link of the file at name. It does not check links to other sites.
func (c *linkChecker) check(name, link string) error {
	u, err := url.Parse(link)
	switch {
	case err != nil:
		return err
	case u.Scheme != "" || u.Host != "":
		return nil
	case path.IsAbs(u.Path):
		return errors.New("the link is not relative")
	}
	target := name
	if u.Path != "" {
		target = path.Join(path.Dir(name), u.Path)
	}
	if _, err := fs.Stat(c.files, target); err != nil {
		return err
	}
	if u.Fragment == "" {
		return nil
	}
	d := c.documents[target]
	hasID := func(h docs.Heading) bool { return h.ID == u.Fragment }
	if d == nil || !slices.ContainsFunc(d.Headings, hasID) {
		return fmt.Errorf("%s has no heading with the anchor %s", target, u.Fragment)
	}
	return nil
}

// TestLinksLeadToFilesAndHeadings checks all Markdown files and the links of the alerts.
func TestLinksLeadToFilesAndHeadings(t *testing.T) {
	c, err := newLinkChecker(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	links := 0
	for _, d := range c.documents {
		links += len(d.Links)
	}
	if len(c.documents) < 15 || links < 50 {
		t.Errorf("only %d links in %d files were found", links, len(c.documents))
	}
	for _, fault := range c.checkAll() {
		t.Error(fault)
	}
	for _, r := range readRules(t) {
		if r.Alert == "" {
			continue
		}
		_, link, _ := strings.Cut(r.Annotations["runbook_url"], "{{ end }}") // after the address
		if err := c.check("", link); err != nil || !strings.Contains(link, "#") {
			t.Errorf("%s: runbook_url is %q: %v", r.Alert, link, err)
		}
	}
}

func TestBrokenLinksAreFound(t *testing.T) {
	for markdown, broken := range map[string]bool{
		"[b](b.md)":                         false,
		"[b](b.md#the-heading-1)":           false,
		"[b](../README.md#readme)":          false,
		"[here](#here)":                     false,
		"[b][b]\n\n[b]: b.md#the-heading":   false,
		"![p](pictures/p.webp)":             false,
		"[pictures](pictures/)":             false,
		"[a site](https://example.com/a#b)": false,
		"`[b](none.md)`":                    false,
		"[b](none.md)":                      true,
		"[b](b.md#none)":                    true,
		"[b](b.md#The-Heading)":             true,
		"[b](b.md#the-heading-2)":           true,
		"[b](../b.md)":                      true,
		"[b](../../b.md)":                   true,
		"[b](/docs/b.md)":                   true,
		"[here](#none)":                     true,
		"[b][b]\n\n[b]: b.md#none":          true,
		"![p](pictures/none.webp)":          true,
		"[![p](none.png)](b.md)":            true,
		"[p](pictures/p.webp#p)":            true,
		"| a |\n|---|\n| [b](none.md) |":    true,
		"<img src=\"pictures/p.webp\">":     true,
	} {
		c, err := newLinkChecker(fstest.MapFS{
			"README.md":            {Data: []byte("# README\n")},
			"docs/a.md":            {Data: []byte("# Here\n\n" + markdown + "\n")},
			"docs/b.md":            {Data: []byte("# B\n\n## The heading\n\n## The heading\n")},
			"docs/pictures/p.webp": {},
		})
		if err != nil {
			t.Fatal(err)
		}
		if faults := c.checkAll(); len(faults) > 0 != broken {
			t.Errorf("%s: %q", markdown, faults)
		}
	}
}

// newTestApp returns an exporter with one instance whose calls fail, and its options.
func newTestApp(t *testing.T, args ...string) (*app, *options) {
	t.Helper()
	t.Setenv("GREENAPI_ID_INSTANCE", "1101000001")
	t.Setenv("GREENAPI_URL", "http://127.0.0.1:1")
	t.Setenv(tokenVariable, "token")
	o, _, err := parse(args, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	o.docs = os.DirFS("../..")
	logger := log.NewNopLogger()
	cfg, err := o.load(logger)
	if err != nil {
		t.Fatal(err)
	}
	a, err := build(o, cfg, logger, func() uint64 { return 0 })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.close)
	return a, o
}

// TestDocumentedAddressesExist requests the addresses in the tables of docs/configuration.md and
// docs/status-page.md.
func TestDocumentedAddressesExist(t *testing.T) {
	a, _ := newTestApp(t)
	address := regexp.MustCompile("`(/[^`]*)`")
	found := 0
	for _, page := range []string{"configuration.md", "status-page.md"} {
		for line := range strings.Lines(readText(t, "../../docs/"+page)) {
			cell, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
			if !ok || !strings.HasPrefix(cell, "`/") {
				continue
			}
			for _, match := range address.FindAllStringSubmatch(cell, -1) {
				found++
				path := strings.ReplaceAll(match[1], "=ID", "=1101000001")
				w := httptest.NewRecorder()
				a.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
				want := http.StatusOK
				if path == "/-/reload" {
					want = http.StatusMethodNotAllowed
				}
				if w.Code != want {
					t.Errorf("%s: %s: status %d, want %d", page, path, w.Code, want)
				}
			}
		}
	}
	if found < 14 {
		t.Errorf("found only %d addresses", found)
	}
}

// TestServedDocumentationIsComplete follows the links of the status page and of the documentation,
// with a path prefix as behind a proxy. Each link must lead to a page and to an existing element.
func TestServedDocumentationIsComplete(t *testing.T) {
	const prefix = "/prefix"
	a, o := newTestApp(t)
	handler := http.StripPrefix(prefix, a.handler)
	makesCalls := func(path string) bool {
		return path == prefix+o.telemetryPath || path == prefix+"/probe"
	}

	ids := make(map[string][]string) // by path, of the pages that were requested
	type link struct{ from, path, fragment string }
	for queue := []link{{"", prefix + "/", ""}}; len(queue) > 0; queue = queue[1:] {
		l := queue[0]
		if _, done := ids[l.path]; !done {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, l.path, nil))
			if w.Code != http.StatusOK {
				t.Errorf("%s links to %s: status %d", l.from, l.path, w.Code)
			}
			ids[l.path] = []string{}
			root, err := html.Parse(w.Body)
			if err != nil {
				t.Fatal(err)
			}
			base := &url.URL{Path: l.path}
			for n := range root.Descendants() {
				for _, attribute := range n.Attr {
					switch attribute.Key {
					case "id":
						ids[l.path] = append(ids[l.path], attribute.Val)
					case "href", "src":
						u, err := base.Parse(attribute.Val)
						if err != nil {
							t.Fatal(err)
						}
						if u.Scheme == "" && !makesCalls(u.Path) {
							queue = append(queue, link{l.path, u.Path, u.Fragment})
						}
					}
				}
			}
		}
		if l.fragment != "" && !slices.Contains(ids[l.path], l.fragment) {
			t.Errorf("%s links to %s, which has no element %s", l.from, l.path, l.fragment)
		}
	}
	for _, pattern := range []string{"README.md", "docs/*.md", "docs/pictures/*"} {
		files, err := fs.Glob(o.docs, pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if _, found := ids[prefix+"/"+file]; !found {
				t.Errorf("no link leads to %s", file)
			}
		}
	}
}
