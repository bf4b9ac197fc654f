package docs

import (
	"bytes"
	"fmt"
	"html/template"
	"net/url"
	"path"
	"strings"

	"github.com/yuin/goldmark/ast"
	tables "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/util"
)

// minContents is the number of sections from which a page has a table of contents.
const minContents = 3

// part is an element that a page has in addition to those of Markdown. It writes before, its
// children and after.
type part struct {
	ast.BaseBlock
	nodeType      ast.NodeType
	before, after string // HTML
}

var partKind = ast.NewNodeKind("Part")

func (p *part) Type() ast.NodeType        { return p.nodeType }
func (p *part) Kind() ast.NodeKind        { return partKind }
func (p *part) Dump(source []byte, n int) { ast.DumpHelper(p, source, n, nil, nil) }

type partRenderer struct{}

func (partRenderer) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(partKind, func(
		w util.BufWriter, _ []byte, n ast.Node, entering bool,
	) (ast.WalkStatus, error) {
		p := n.(*part)
		html := p.before
		if !entering {
			html = p.after
		}
		_, err := w.WriteString(html)
		return ast.WalkContinue, err
	})
}

// render returns the file as HTML for the page at name. exists reports whether the exporter serves
// a path: links to all other files of the repository become text. render changes the tree, so it
// must be called only once.
func (d *Document) render(name string, exists func(string) bool) (template.HTML, error) {
	var nodes []ast.Node
	d.walk(func(n ast.Node) { nodes = append(nodes, n) })
	for _, n := range nodes {
		switch n := n.(type) {
		case *ast.Link:
			if destination, ok := resolve(name, string(n.Destination), exists); ok {
				n.Destination = []byte(destination)
			} else {
				unlink(n, string(n.Destination))
			}
		case *ast.Image:
			if !exists(path.Join(path.Dir(name), string(n.Destination))) {
				unlink(n, string(n.Destination))
			}
		case *tables.Table:
			d.markColumns(n)
			scroll(n, "Table")
		case *ast.CodeSpan:
			d.markWord(n)
		case *ast.CodeBlock, *ast.FencedCodeBlock:
			scroll(n, "Code")
		}
	}
	d.addContents()
	var html bytes.Buffer
	err := markdown().Renderer().Render(&html, d.source, d.root)
	return template.HTML(html.String()), err
}

// resolve returns the destination of a link on the page at name, or false if the exporter does not
// serve it.
func resolve(name, destination string, exists func(string) bool) (string, bool) {
	u, err := url.Parse(destination)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Path == "" {
		return destination, err == nil
	}
	target := path.Join(path.Dir(name), u.Path)
	if target == "docs" {
		u.Path = root(name) + indexPath
		return u.String(), true
	}
	return destination, exists(target)
}

// root returns the relative path from the page at name to the status page.
func root(name string) string {
	if n := strings.Count(name, "/"); n > 0 {
		return strings.Repeat("../", n)
	}
	return "./"
}

// unlink replaces a link or an image with its text.
func unlink(n ast.Node, destination string) {
	p := &part{nodeType: ast.TypeInline, after: "</span>"}
	p.before = fmt.Sprintf(`<span title="%s">`, template.HTMLEscapeString(destination))
	for c := n.FirstChild(); c != nil; c = n.FirstChild() {
		p.AppendChild(p, c)
	}
	n.Parent().ReplaceChild(n.Parent(), n, p)
}

// scroll makes a wide element scrollable, also with the keyboard.
func scroll(n ast.Node, label string) {
	p := &part{nodeType: ast.TypeBlock, after: "</div>\n"}
	p.before = fmt.Sprintf(`<div class="scroll" tabindex="0" role="group" aria-label="%s">`, label)
	n.Parent().ReplaceChild(n.Parent(), n, p)
	p.AppendChild(p, n)
}

// markColumns adds the class long or longer to the cells of columns with much text. These columns
// then do not become too narrow on a small screen.
func (d *Document) markColumns(table *tables.Table) {
	columns := make(map[int][]ast.Node)
	lengths := make(map[int]int)
	for row := table.FirstChild(); row != nil; row = row.NextSibling() {
		column := 0
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			columns[column] = append(columns[column], cell)
			lengths[column] = max(lengths[column], len(d.textOf(cell)))
			column++
		}
	}
	for column, cells := range columns {
		class := ""
		switch length := lengths[column]; {
		case length > 100:
			class = "longer"
		case length > 30:
			class = "long"
		default:
			continue
		}
		for _, cell := range cells {
			cell.SetAttributeString("class", []byte(class))
		}
	}
}

// markWord adds a class to code without spaces: word if no line should break in it, for example
// after a hyphen, or name if it is too long for a phone. A name breaks on small screens.
func (d *Document) markWord(code *ast.CodeSpan) {
	const fitsAPhone = 30
	switch text := d.textOf(code); {
	case strings.Contains(text, " "):
	case len(text) <= fitsAPhone:
		code.SetAttributeString("class", []byte("word"))
	default:
		code.SetAttributeString("class", []byte("name"))
	}
}

// addContents adds the list of sections before the first section.
func (d *Document) addContents() {
	var contents strings.Builder
	sections := 0
	contents.WriteString(`<details class="contents"><summary>On this page</summary><ul>` + "\n")
	for _, h := range d.Headings {
		if h.Level == 2 {
			sections++
			fmt.Fprintf(&contents, `<li><a href="#%s">%s</a></li>`+"\n",
				h.ID, template.HTMLEscapeString(h.Text))
		}
	}
	contents.WriteString("</ul></details>\n")
	if sections < minContents {
		return
	}
	for n := d.root.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok && h.Level == 2 {
			p := &part{nodeType: ast.TypeBlock, before: contents.String()}
			d.root.InsertBefore(d.root, n, p)
			return
		}
	}
}
