package docs

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// markdown returns the parser and renderer. They omit raw HTML, and links that could run scripts.
// The Content-Security-Policy forbids style attributes, so tables have the attribute align instead.
var markdown = sync.OnceValue(func() goldmark.Markdown {
	align := extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)
	return goldmark.New(
		goldmark.WithExtensions(extension.NewTable(align), extension.Strikethrough,
			extension.Linkify),
		goldmark.WithRendererOptions(
			renderer.WithNodeRenderers(util.Prioritized(partRenderer{}, 0))),
	)
})

// Document is a Markdown file.
type Document struct {
	Title    string    // the first heading of level 1
	Summary  string    // the first sentence; empty if the text begins with a list or a table
	Headings []Heading // all headings, in order
	Links    []string  // the destinations of all links and images, in order
	HasHTML  bool      // whether the file contains raw HTML

	source []byte
	root   ast.Node
}

// Heading is a heading of a Document.
type Heading struct {
	Level    int
	ID, Text string // a link to the heading ends with "#" and the ID
}

// Parse parses a file in GitHub's dialect of Markdown. The headings have the same IDs as on GitHub.
func Parse(source []byte) *Document {
	d := &Document{source: source, root: markdown().Parser().Parse(text.NewReader(source))}
	newID := newIDs()
	d.walk(func(n ast.Node) {
		switch n := n.(type) {
		case *ast.Heading:
			heading := Heading{n.Level, "", d.textOf(n)}
			heading.ID = newID(heading.Text)
			n.SetAttributeString("id", []byte(heading.ID))
			d.Headings = append(d.Headings, heading)
			if n.Level == 1 && d.Title == "" {
				d.Title = heading.Text
			}
		case *ast.Link:
			d.Links = append(d.Links, string(n.Destination))
		case *ast.Image:
			d.Links = append(d.Links, string(n.Destination))
		case *ast.AutoLink:
			if n.AutoLinkType == ast.AutoLinkURL {
				d.Links = append(d.Links, string(n.URL(source)))
			}
		case *ast.HTMLBlock, *ast.RawHTML:
			d.HasHTML = true
		}
	})
	d.Summary = d.summary()
	return d
}

// walk calls visit for each node, parents first. visit must not change the tree.
func (d *Document) walk(visit func(ast.Node)) {
	_ = ast.Walk(d.root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			visit(n)
		}
		return ast.WalkContinue, nil
	})
}

var sentence = regexp.MustCompile(`^.*?[.!?:](?: |$)`)

func (d *Document) summary() string {
	for n := d.root.FirstChild(); n != nil; n = n.NextSibling() {
		switch n.Kind() {
		case ast.KindHeading:
			continue
		case ast.KindParagraph:
			paragraph := d.textOf(n)
			if first := sentence.FindString(paragraph); first != "" {
				paragraph = strings.TrimSpace(first)
			}
			if list, ok := strings.CutSuffix(paragraph, ":"); ok {
				return list + "."
			}
			return paragraph
		}
		break
	}
	return ""
}

// textOf returns the text of a node as a browser shows it.
func (d *Document) textOf(n ast.Node) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			value := n.Segment.Value(d.source)
			if n.Parent().Kind() != ast.KindCodeSpan {
				value = util.UnescapePunctuations(value)
				value = util.ResolveEntityNames(util.ResolveNumericReferences(value))
			}
			b.Write(value)
			if n.SoftLineBreak() || n.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(n.Value)
		case *ast.AutoLink:
			b.Write(n.Label(d.source))
		case *ast.Image:
			return ast.WalkSkipChildren, nil
		}
		return ast.WalkContinue, nil
	})
	return strings.TrimSpace(b.String())
}

// newIDs returns a function that returns the ID of a heading in a file as GitHub does: in lower
// case, without punctuation, with hyphens instead of spaces, and with a number if the ID exists.
func newIDs() func(heading string) string {
	used := make(map[string]int)
	return func(heading string) string {
		base := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-', unicode.In(r, unicode.Letter, unicode.Mark, unicode.Nd, unicode.Pc):
				return unicode.ToLower(r)
			}
			return -1
		}, heading)
		id := base
		for {
			if _, exists := used[id]; !exists {
				break
			}
			used[base]++
			id = fmt.Sprintf("%s-%d", base, used[base])
		}
		used[id] = 0
		return id
	}
}
