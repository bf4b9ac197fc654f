package docs

import (
	"slices"
	"testing"
)

// TestHeadingsHaveTheIDsOfGitHub also checks that the IDs are unique.
func TestHeadingsHaveTheIDsOfGitHub(t *testing.T) {
	d := Parse([]byte(`# The developer plan's quota
## What survives what?
## ` + "`greenapi_up` and `--storage.path`" + `
## Results
### Results
## Results-1
## Results
## A [link](b.md#c) and *emphasis*, **bold_text**
## 1,000 rows: CPU & memory
## Überblick – Обзор
## snake_case __init__ \_x
## "Quoted" (in brackets) / slash
##  trailing  spaces
## A &amp; B &lt;c&gt;
`))
	want := []string{
		"the-developer-plans-quota", "what-survives-what", "greenapi_up-and---storagepath",
		"results", "results-1", "results-1-1", "results-2", "a-link-and-emphasis-bold_text",
		"1000-rows-cpu--memory", "überblick--обзор", "snake_case-init-_x",
		"quoted-in-brackets--slash", "trailing--spaces", "a--b-c",
	}
	var got []string
	for _, h := range d.Headings {
		got = append(got, h.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if d.Title != "The developer plan's quota" {
		t.Errorf("title %q", d.Title)
	}
}

func TestSummaryIsTheFirstSentence(t *testing.T) {
	for source, want := range map[string]string{
		"# A\n\nOne `--x.y`\n[sentence](b.md). Two.": "One --x.y sentence.",
		"# A\n\nNo end":                "No end",
		"# A\n\nA list:\n\n- x\n":      "A list.",
		"# A\n\n| a |\n|---|\n\nText.": "",
		"# A\n\n- x\n\nText.":          "",
		"":                             "",
	} {
		if got := Parse([]byte(source)).Summary; got != want {
			t.Errorf("%q: %q, want %q", source, got, want)
		}
	}
}

func TestLinksAreFound(t *testing.T) {
	d := Parse([]byte("[a](a.md) [![b](b.webp)](c.md#d) [e][f] <https://g.example> " +
		"www.h.example `[no](no.md)`\n\n    [no](no.md)\n\n| a |\n|---|\n| [i](i.md) |\n\n" +
		"[f]: f.md\n"))
	want := []string{
		"a.md", "c.md#d", "b.webp", "f.md", "https://g.example", "http://www.h.example", "i.md",
	}
	if !slices.Equal(d.Links, want) {
		t.Errorf("got %q, want %q", d.Links, want)
	}
	for source, want := range map[string]bool{
		"a <b>c</b>": true, "<div>\n": true, "<!-- a -->\n": true, "`<b>`": false, "a < b": false,
	} {
		if got := Parse([]byte(source)).HasHTML; got != want {
			t.Errorf("%q: has HTML: %t", source, got)
		}
	}
}
