package web

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"time"

	"github.com/go-kit/log/level"

	"greenapi_exporter/collector"
)

var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	pageStyle string
)

// pageHandler serves the page for people. It shows the latest readings and costs the API no call, however often it is
// opened.
func pageHandler(o Options) (http.Handler, error) {
	parsed, err := template.New("page").Parse(pageText)
	if err != nil {
		return nil, fmt.Errorf("parse the page: %w", err)
	}
	return &page{o, parsed}, nil
}

type page struct {
	Options
	template *template.Template
}

// ServeHTTP writes the page once it is whole, so that an error is a status and not half a page.
func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil { // rather than to show something else than was asked for
		http.Error(w, "the address is malformed behind its question mark; / lists all instances", http.StatusBadRequest)
		return
	}
	asked, err := newQuery(query)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	statuses := p.Statuses()
	if asked.ID != "" {
		if statuses = only(statuses, asked.ID); len(statuses) == 0 {
			http.Error(w, "there is no such instance; / lists those that there are", http.StatusNotFound)
			return
		}
	}
	var body bytes.Buffer
	if err := p.template.Execute(&body, newPageData(p.Options, statuses, asked, time.Now())); err != nil {
		level.Error(p.Logger).Log("msg", "the page for people cannot be made", "err", err)
		http.Error(w, "the page cannot be made; the log says why", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	setSecurityHeaders(header)
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", contentSecurityPolicy)
	_, _ = w.Write(body.Bytes())
}

func only(statuses []collector.Status, id string) []collector.Status {
	for _, s := range statuses {
		if s.ID == id {
			return []collector.Status{s}
		}
	}
	return nil
}

// contentSecurityPolicy lets the page have its own style sheet and the empty icon that is in it, and nothing else: no script, no
// request, no frame around it; and its form asks nobody but the exporter.
var contentSecurityPolicy = "default-src 'none'; style-src 'sha256-" + digest(pageStyle) + "'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// setSecurityHeaders sets what every page for people has: it is kept nowhere, tells nobody where the reader comes from and is taken
// for what it says it is.
func setSecurityHeaders(header http.Header) {
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
}

// readme serves the README as text: Markdown is made to be read as it is, and browsers save what they are told is
// Markdown.
func readme(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		setSecurityHeaders(w.Header())
		textHandler(text)(w, nil)
	}
}
