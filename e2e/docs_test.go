package e2e

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestDocumentationInABrowser opens all pages of the documentation on a narrow screen. openPage
// checks them.
func TestDocumentationInABrowser(t *testing.T) {
	useCore(t)
	exporter := startExporter(t, nil, "--demo")
	files, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 5 {
		t.Fatalf("docs has only %d pages", len(files))
	}
	browser := startBrowser(t)
	narrow := screen{360, "dark", true}
	index := openPage(t, browser, narrow, exporter.url("/docs/"), "docs")
	openPage(t, browser, screen{1280, "light", false}, exporter.url("/README.md"), "README")
	for _, file := range append(files, "../README.md") {
		if !slices.Contains(index.Links, file) {
			t.Errorf("the index does not link to %s", file)
		}
		path := strings.TrimPrefix(file, "../")
		name := strings.ReplaceAll(strings.TrimSuffix(path, ".md"), "/", "-")
		openPage(t, browser, narrow, exporter.url("/"+path), name)
	}
}
