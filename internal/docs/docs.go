// Package docs serves the documentation as HTML, so that it can be read where the exporter runs. A
// page has the same path as its file in the repository, so relative links work in both.
package docs

import (
	"bytes"
	_ "embed"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"

	"greenapi_exporter/internal/pagestyle"
)

const (
	readmePath = "README.md"
	indexPath  = "docs/"
)

var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	ownStyle string

	pageTemplate = template.Must(template.New("page").Parse(pageText))
	pageStyle    = pagestyle.Sheet(ownStyle)
	pagePolicy   = pagestyle.Policy(pageStyle, "'self' data:")

	pictureTypes = map[string]string{".png": "image/png", ".webp": "image/webp"}
)

type handler struct {
	files   fs.FS
	version string
	pages   map[string]func() ([]byte, error) // by path; each page is rendered once
}

// New returns the handler of /README.md, of the files in /docs/ and of /docs/, which lists them.
// files contains README.md and docs. version is the version of the program.
//
// A page is rendered when it is first requested, so the start takes no longer.
func New(files fs.FS, version string) http.Handler {
	h := &handler{files, version, make(map[string]func() ([]byte, error))}
	names, _ := fs.Glob(files, "docs/*.md") // the pattern is valid
	for _, name := range append(names, readmePath) {
		h.pages[name] = sync.OnceValues(func() ([]byte, error) { return h.page(name) })
	}
	h.pages[indexPath] = sync.OnceValues(h.index)
	return h
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	if name+"/" == indexPath {
		w.Header().Set("Location", indexPath) // relative, because of proxies with a path prefix
		w.WriteHeader(http.StatusMovedPermanently)
		return
	}
	if h.isPicture(name) {
		w.Header().Set("Content-Type", pictureTypes[path.Ext(name)])
		http.ServeFileFS(w, r, h.files, name)
		return
	}
	page, exists := h.pages[name]
	if !exists {
		http.Error(w, "no such page; open /docs/ for all pages", http.StatusNotFound)
		return
	}
	html, err := page()
	if err != nil {
		http.Error(w, "cannot render the page: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", pagePolicy)
	_, _ = w.Write(html)
}

func (h *handler) isPicture(name string) bool {
	if pictureTypes[path.Ext(name)] == "" {
		return false
	}
	info, err := fs.Stat(h.files, name)
	return err == nil && info.Mode().IsRegular()
}

// exists reports whether the handler serves the path.
func (h *handler) exists(name string) bool {
	return h.pages[name] != nil || h.isPicture(name)
}

// pageData is the data of the page's template.
type pageData struct {
	Title, Version, Root string
	Style                template.CSS
	Body                 template.HTML // a file
	List                 []entry       // replaces Body
}

// entry is a page in the list of pages.
type entry struct{ Path, Title, Summary string }

func (h *handler) page(name string) ([]byte, error) {
	document, err := h.parse(name)
	if err != nil {
		return nil, err
	}
	body, err := document.render(name, h.exists)
	if err != nil {
		return nil, err
	}
	return h.execute(name, pageData{Title: document.Title, Body: body})
}

// index lists the README, then the pages in the order of the README's section Documentation, then
// the pages that it mentions elsewhere, then the other pages.
func (h *handler) index() ([]byte, error) {
	readme, err := h.parse(readmePath)
	if err != nil {
		return nil, err
	}
	_, section, _ := bytes.Cut(readme.source, []byte("\n## Documentation\n"))
	var names []string
	others, _ := fs.Glob(h.files, "docs/*.md")
	for _, link := range slices.Concat(Parse(section).Links, readme.Links, others) {
		name, _, _ := strings.Cut(link, "#")
		if slices.Contains(others, name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	list := []entry{{readmePath, readme.Title, readme.Summary}}
	for _, name := range names {
		document, err := h.parse(name)
		if err != nil {
			return nil, err
		}
		list = append(list, entry{name, document.Title, document.Summary})
	}
	return h.execute(indexPath, pageData{Title: "Documentation", List: list})
}

func (h *handler) parse(name string) (*Document, error) {
	source, err := fs.ReadFile(h.files, name)
	if err != nil {
		return nil, err
	}
	return Parse(source), nil
}

func (h *handler) execute(name string, data pageData) ([]byte, error) {
	data.Version, data.Root, data.Style = h.version, root(name), template.CSS(pageStyle)
	var html bytes.Buffer
	err := pageTemplate.Execute(&html, data)
	return html.Bytes(), err
}
