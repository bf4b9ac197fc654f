package docs

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"golang.org/x/net/html"

	"greenapi_exporter/internal/pagestyle"
)

func get(handler http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

var testFiles = fstest.MapFS{
	"README.md": {Data: []byte("# A\n\n[b](docs/b.md) [c](docs/c.md#d)\n\n" +
		"## Documentation\n\n[c](docs/c.md#d) [d](docs/)")},
	"docs/a.md":               {Data: []byte("# Page A\n\nAbout a. More.\n")},
	"docs/b.md":               {Data: []byte("# Page B\n")},
	"docs/c.md":               {Data: []byte("# Page C\n\n## D\n")},
	"docs/pictures/page.webp": {Data: []byte("a picture")},
	"docs/pictures/page.png":  {Data: []byte("another picture")},
	"docs/notes.txt":          {Data: []byte("notes")},
}

func TestPaths(t *testing.T) {
	handler := New(testFiles, "1.2.3")
	const page, text = "text/html; charset=utf-8", "text/plain; charset=utf-8"
	for _, c := range []struct {
		path        string
		status      int
		contentType string
		contains    string
	}{
		{"/README.md", 200, page, "<title>A – GREEN-API exporter</title>"},
		{"/docs/a.md", 200, page, `<h1 id="page-a">Page A</h1>`},
		{"/docs/a.md", 200, page, "1.2.3"},
		{"/docs/", 200, page, "<h1>Documentation</h1>"},
		{"/docs/pictures/page.webp", 200, "image/webp", "a picture"},
		{"/docs/pictures/page.png", 200, "image/png", "another picture"},
		{"/docs/pictures/none.png", 404, text, "/docs/"},
		{"/docs/pictures/", 404, text, "/docs/"},
		{"/docs/notes.txt", 404, text, "/docs/"},
		{"/docs/a", 404, text, "/docs/"},
		{"/docs/a.md/", 404, text, "/docs/"},
		{"/docs/../docs/pictures/page.png", 404, text, "/docs/"},
	} {
		w := get(handler, c.path)
		contentType := w.Header().Get("Content-Type")
		if w.Code != c.status || contentType != c.contentType ||
			!strings.Contains(w.Body.String(), c.contains) {
			t.Errorf("%s: %d %s, want %d %s with %q in:\n%.2000s", c.path, w.Code, contentType,
				c.status, c.contentType, c.contains, w.Body)
		}
	}
	w := get(handler, "/docs")
	if location := w.Header().Get("Location"); w.Code != 301 || location != "docs/" {
		t.Errorf("/docs: %d, Location %s, which must work with a path prefix", w.Code, location)
	}
}

// TestWithoutFiles checks that an exporter without documentation responds.
func TestWithoutFiles(t *testing.T) {
	for _, path := range []string{"/docs/", "/README.md"} {
		if w := get(New(fstest.MapFS{}, ""), path); w.Code != 500 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestConcurrentRequestsGetTheSamePage(t *testing.T) {
	handler := New(testFiles, "")
	var wg sync.WaitGroup
	bodies := make([]string, 20)
	for i := range bodies {
		wg.Go(func() {
			bodies[i] = get(handler, []string{"/docs/a.md", "/docs/"}[i%2]).Body.String()
		})
	}
	wg.Wait()
	for i, body := range bodies {
		if body == "" || body != bodies[i%2] {
			t.Errorf("response %d differs", i)
		}
	}
}

// elements parses a response and returns its elements with the name, or all if name is "".
func elements(t *testing.T, w *httptest.ResponseRecorder, name string) (found []*html.Node) {
	t.Helper()
	root, err := html.Parse(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && (name == "" || n.Data == name) {
			found = append(found, n)
		}
	}
	return found
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func TestIndexHasTheOrderOfTheReadme(t *testing.T) {
	var links []string
	w := get(New(testFiles, ""), "/docs/")
	if !strings.Contains(w.Body.String(), "<p>About a.</p>") {
		t.Error("the index has no summary")
	}
	for _, a := range elements(t, w, "a") {
		links = append(links, attribute(a, "href"))
	}
	want := []string{
		"../", "../docs/", // the header
		"../README.md", "../docs/c.md", "../docs/b.md", "../docs/a.md",
	}
	if !slices.Equal(links, want) {
		t.Errorf("links %q, want %q", links, want)
	}
}

func TestLinks(t *testing.T) {
	files := fstest.MapFS{
		"README.md":       {},
		"docs/b.md":       {},
		"docs/pictures/p": {},
		"docs/p.png":      {},
	}
	for _, c := range []struct{ name, markdown, want string }{
		{"docs/a.md", "[b](b.md#c)", `<a href="b.md#c">b</a>`},
		{"docs/a.md", "[b](./b.md)", `<a href="./b.md">b</a>`},
		{"docs/a.md", "[b](#c)", `<a href="#c">b</a>`},
		{"docs/a.md", "[b](../README.md#c)", `<a href="../README.md#c">b</a>`},
		{"README.md", "[b](docs/b.md#c)", `<a href="docs/b.md#c">b</a>`},
		{"README.md", "[b](docs)", `<a href="./docs/">b</a>`},
		{"docs/a.md", "[b](./)", `<a href="../docs/">b</a>`},
		{"README.md", "[b](LICENSE)", `<span title="LICENSE">b</span>`},
		{"docs/a.md", "[*b* c](../x.md#d)", `<span title="../x.md#d"><em>b</em> c</span>`},
		{"docs/a.md", "[b](none.md)", `<span title="none.md">b</span>`},
		{"docs/a.md", "[b](../../x)", `<span title="../../x">b</span>`},
		{"docs/a.md", "![b](p.png)", `<img src="p.png" alt="b">`},
		{"README.md", "![b](docs/p.png)", `<img src="docs/p.png" alt="b">`},
		{"docs/a.md", "[![b](p.png)](p.png)", `<a href="p.png"><img src="p.png" alt="b"></a>`},
		{"docs/a.md", "![b](none.png)", `<span title="none.png">b</span>`},
		{"docs/a.md", "![b](https://x.example/p)", `<span title="https://x.example/p">b</span>`},
		{"docs/a.md", "[b](https://x.example/)", `<a href="https://x.example/">b</a>`},
		{"docs/a.md", `[b](x"y)`, `<span title="x&#34;y">b</span>`},
		{"docs/a.md", "[b](javascript:alert)", `<a href="">b</a>`},
		{"docs/a.md", "a <script>", "a <!-- raw HTML omitted -->"},
	} {
		h := New(files, "").(*handler)
		got, err := Parse([]byte(c.markdown)).render(c.name, h.exists)
		if want := "<p>" + c.want + "</p>\n"; err != nil || string(got) != want {
			t.Errorf("%s: %s: %s, want %s (%v)", c.name, c.markdown, got, want, err)
		}
	}
}

func TestLayoutOfTablesAndCode(t *testing.T) {
	text := strings.Repeat("a ", 40)
	word := strings.Repeat("a", 40)
	markdown := "| h | i |\n|---|--:|\n| " + text + " | `" + word + "` |\n\n`" + word + "` `b`\n"
	got, err := Parse([]byte(markdown)).render("docs/a.md", func(string) bool { return false })
	for _, want := range []string{
		`<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>`,
		`<th class="long">h</th>`, `align="right"`, `<code class="name">` + word + "</code></td>",
		`<p><code class="name">` + word + `</code> <code class="word">b</code></p>`,
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("the page lacks %s:\n%s", want, got)
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// TestPagesOfTheRepository checks the structure and the headers of all pages. They must have no
// scripts and no style attributes, and load only pictures of the exporter.
func TestPagesOfTheRepository(t *testing.T) {
	files := os.DirFS("../..")
	handler := New(files, "").(*handler)
	if len(handler.pages) < 5 {
		t.Fatalf("there are only %d pages", len(handler.pages))
	}
	const images = "'self' data:"
	forbidden := []string{"script", "iframe", "object", "embed", "base", "form", "input"}
	for name := range handler.pages {
		w := get(handler, "/"+name)
		policy := w.Header().Get("Content-Security-Policy")
		if w.Code != 200 || policy != pagePolicy {
			t.Errorf("%s: status %d, policy %s", name, w.Code, policy)
		}
		headings, ids := 0, make(map[string]bool)
		for _, n := range elements(t, w, "") {
			if slices.Contains(forbidden, n.Data) {
				t.Errorf("%s: the page has <%s>", name, n.Data)
			}
			if n.Data == "h1" {
				headings++
			}
			if n.Data == "style" && pagestyle.Policy(n.FirstChild.Data, images) != policy {
				t.Errorf("%s: the policy forbids the style sheet", name)
			}
			if parent := n.Parent; (n.Data == "table" || n.Data == "pre") &&
				(attribute(parent, "class") != "scroll" || attribute(parent, "tabindex") != "0") {
				t.Errorf("%s: a <%s> does not scroll", name, n.Data)
			}
			for _, a := range n.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
					t.Errorf("%s: <%s> has the attribute %s", name, n.Data, a.Key)
				}
				if a.Key == "id" && ids[a.Val] {
					t.Errorf("%s: two elements have the id %s", name, a.Val)
				}
				if a.Key == "id" {
					ids[a.Val] = true
				}
			}
		}
		if headings != 1 {
			t.Errorf("%s: %d headings of level 1", name, headings)
		}
	}
}

// TestOnlyDocumentationIsEmbedded checks the files in docs, because main.go embeds all except those
// whose names begin with a dot or an underscore.
func TestOnlyDocumentationIsEmbedded(t *testing.T) {
	const maxPicture = 300_000
	root := os.DirFS("../../docs")
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		extension := path.Ext(name)
		isPage := path.Dir(name) == "." && extension == ".md"
		isPicture := path.Dir(name) == "pictures" && pictureTypes[extension] != ""
		switch {
		case !isPage && !isPicture:
			t.Errorf("docs/%s is neither a page nor a picture, but main.go embeds it", name)
		case isPicture && info.Size() > maxPicture:
			t.Errorf("docs/%s has %d bytes, more than %d", name, info.Size(), maxPicture)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
