package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	browserlog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"greenapi_exporter/internal/simulator"
)

// screenshots is where the tests of the page leave what they have seen, for people to look at.
const screenshots = "../artifacts"

// startBrowser starts Chromium without a window and returns the context of its first tab.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v; Debian's package chromium has it", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.DisableGPU)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // it refuses to run as root with it
	}
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// screen is how somebody looks at a page.
type screen struct {
	width    int64
	scheme   string // light or dark
	noScript bool
}

func screens() []screen {
	return []screen{{1280, "light", false}, {1280, "dark", false}, {360, "light", false}, {360, "dark", true}}
}

func (s screen) String() string { return fmt.Sprintf("%s-%d", s.scheme, s.width) }

// seen is what a browser has made of a page.
type seen struct {
	Text        string
	Title       string
	Ground      string            // the colour of its background
	ScrollWidth int64             // of all of it
	Window      map[string]string // the cells of the table, by "status/type"
	Links       []string
	Pictures    []string // the titles of the drawings
}

const pageScript = `(() => {
	const texts = (of, what) => [...of.querySelectorAll(what)].map(e => e.textContent.trim());
	const cells = {};
	for (const table of document.querySelectorAll("table.window")) {
		const types = texts(table, "thead th").slice(1);
		for (const row of table.querySelectorAll("tbody tr, tfoot tr")) {
			const status = row.querySelector("th").textContent;
			texts(row, "td").forEach((text, i) => { cells[status + "/" + types[i]] = text; });
		}
	}
	return {
		Text: document.body.innerText, Title: document.title, Ground: getComputedStyle(document.body).backgroundColor,
		ScrollWidth: document.scrollingElement.scrollWidth, Window: cells,
		Links: [...document.querySelectorAll("a")].map(a => a.getAttribute("href")), Pictures: texts(document, "svg title"),
	};
})()`

// openPage opens url in a tab of its own, leaves a screenshot of that name and returns what is to be seen. It is an error if
// the page asks for anything but itself, complains, or has to be moved sideways to be read.
func openPage(t *testing.T, browser context.Context, s screen, url, name string) seen {
	t.Helper()
	tab, cancel := chromedp.NewContext(browser)
	defer cancel()
	if err := chromedp.Do(tab); err != nil { // the tab lives as long as the context with which it began
		t.Fatal(err)
	}
	tab, cancel = context.WithTimeout(tab, 30*time.Second)
	defer cancel()

	var mu sync.Mutex
	var requests, complaints []string
	note := func(list *[]string, what string) {
		mu.Lock()
		defer mu.Unlock()
		*list = append(*list, what)
	}
	err := chromedp.Listen(tab, func(event any) {
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			note(&requests, e.Request.URL)
		case *browserlog.EventEntryAdded:
			note(&complaints, e.Entry.Text)
		case *runtime.EventConsoleAPICalled:
			note(&complaints, "the console was written to")
		case *runtime.EventExceptionThrown:
			note(&complaints, e.ExceptionDetails.Text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	scheme := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: s.scheme}}}
	if _, err := chromedp.Call(tab, emulation.SetEmulatedMedia, scheme); err != nil {
		t.Fatal(err)
	}
	script := emulation.SetScriptExecutionDisabledParams{Value: s.noScript}
	if _, err := chromedp.Call(tab, emulation.SetScriptExecutionDisabled, script); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(tab, chromedp.EmulateViewport(s.width, 800), chromedp.Navigate(url)); err != nil {
		t.Fatal(err)
	}
	page, err := chromedp.Run(tab, chromedp.Evaluate[seen](pageScript))
	if err != nil {
		t.Fatal(err)
	}
	picture, err := chromedp.Run(tab, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(screenshots, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(screenshots, fmt.Sprintf("page-%s-%s.png", name, s)), picture, 0o644); err != nil {
		t.Fatal(err)
	}

	mu.Lock()
	defer mu.Unlock()
	for _, request := range requests {
		if request != url && request != "data:," {
			t.Errorf("%s %s: the page asks for %s", name, s, request)
		}
	}
	if len(requests) == 0 {
		t.Error("no request was seen, not even that of the page")
	}
	if len(complaints) > 0 {
		t.Errorf("%s %s: the browser says %q", name, s, complaints)
	}
	if page.ScrollWidth > s.width {
		t.Errorf("%s %s: the page is %d wide", name, s, page.ScrollWidth)
	}
	return page
}

// has checks that all the words are in the text of the page.
func (s seen) has(t *testing.T, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(s.Text, w) {
			t.Errorf("the page does not say %q:\n%s", w, s.Text)
		}
	}
}

// metricsOf scrapes and returns the metrics of an exporter.
func metricsOf(t *testing.T, exporter *program) string {
	t.Helper()
	response, err := http.Get(exporter.url("/metrics"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// metricsUntil scrapes until a line of the metrics matches the pattern, and returns the metrics.
func metricsUntil(t *testing.T, exporter *program, pattern string) string {
	t.Helper()
	line := regexp.MustCompile("(?m)^" + pattern + "$")
	for begin := time.Now(); time.Since(begin) < 30*time.Second; {
		if text := metricsOf(t, exporter); line.MatchString(text) {
			return text
		}
	}
	t.Fatalf("no line of the metrics has become %s", pattern)
	return ""
}

var windowMessages = regexp.MustCompile(`(?m)^greenapi_outgoing_window_messages\{id_instance="[0-9]+",status="(\w+)",type="(\w+)"\} ([0-9]+)$`)

// tableOf is what the page's table is to show of these metrics.
func tableOf(metrics string) map[string]string {
	sums := make(map[string]int)
	for _, match := range windowMessages.FindAllStringSubmatch(metrics, -1) {
		status, kind := match[1], match[2]
		var n int
		_, _ = fmt.Sscan(match[3], &n)
		for _, cell := range []string{status + "/" + kind, status + "/all", "all/" + kind, "all/all"} {
			sums[cell] += n
		}
	}
	cells := make(map[string]string)
	for cell, n := range sums {
		if n > 0 {
			cells[cell] = fmt.Sprint(n)
		}
	}
	return cells
}

// filled is the cells that are not 0, without the signs that help to read them.
func filled(cells map[string]string) map[string]string {
	all := make(map[string]string)
	for cell, text := range cells {
		if text = strings.ReplaceAll(text, ",", ""); text != "·" && text != "0" {
			all[cell] = text
		}
	}
	return all
}

// TestPageOfTheDemo looks at the page with the eyes of a browser: its numbers are those of the metrics, by day and night,
// at a desk and on a phone, and without JavaScript.
func TestPageOfTheDemo(t *testing.T) {
	exporter := startExporter(t, nil, "--demo")
	metrics := metricsUntil(t, exporter, `greenapi_api_requests_total\{id_instance="1101000001",method="lastOutgoingMessages",result="ok"\} 2`)
	want := tableOf(metrics)
	if len(want) < 30 {
		t.Fatalf("the metrics have %d cells of a window", len(want))
	}
	browser := startBrowser(t)
	grounds := make(map[string]string)
	var links []string
	for _, s := range screens() {
		page := openPage(t, browser, s, exporter.url("/"), "demo")
		page.has(t, "1101000001 is up", "Journal read", "authorized", "unknown", "noAccount", "README")
		got := filled(page.Window)
		for cell, n := range want {
			if got[cell] != n {
				t.Errorf("%s: the table has %q for %s, the metrics %s", s, got[cell], cell, n)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: the table has %d cells that are not 0, the metrics %d", s, len(got), len(want))
		}
		if !strings.Contains(strings.Join(page.Pictures, "\n"), "noAccount") {
			t.Errorf("%s: the failures are not drawn: %q", s, page.Pictures)
		}
		grounds[s.scheme], links = page.Ground, page.Links
	}
	if grounds["light"] == grounds["dark"] {
		t.Errorf("by day and by night the page is %s", grounds["light"])
	}
	for _, link := range links {
		response, err := http.Get(exporter.url(link))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Errorf("the link %s leads to %s", link, response.Status)
		}
	}
}

// TestPageInFailure: it says what is wrong and what to do, and costs no call, before the first scrape and after, however
// often it is opened.
func TestPageInFailure(t *testing.T) {
	a := startAccount(t, simulator.Config{IDInstance: "1101000001", MessagesPerHour: 300, Start: time.Now().Add(-6 * time.Hour)})
	exporter := startExporter(t, a.env, "--collector.incoming", "--collector.account")
	browser := startBrowser(t)
	free := func(name string, words ...string) {
		t.Helper()
		before := a.Calls("")
		for _, s := range screens() {
			page := openPage(t, browser, s, exporter.url("/"), name)
			page.has(t, words...)
			if strings.Contains(page.Text, token) {
				t.Errorf("the token is on the page %s", name)
			}
		}
		if calls := a.Calls("") - before; calls > 0 {
			t.Errorf("the page %s has cost %d calls", name, calls)
		}
	}
	free("unread", "1101000001 has no readings yet", "Prometheus reads it on its next scrape, or you can open /probe?target=1101000001")

	a.SetFault(simulator.FaultUnauthorized)
	metricsUntil(t, exporter, `greenapi_up\{id_instance="1101000001"\} 0`)
	free("failure", "1101000001 is down", "unauthorized", "the token is wrong; copy apiTokenInstance", "No call has succeeded yet")

	a.SetFault(simulator.FaultNone)
	metricsUntil(t, exporter, `greenapi_up\{id_instance="1101000001"\} 1`)
	a.SetFault(simulator.FaultLoggedOut, "lastOutgoingMessages")
	metricsUntil(t, exporter, `greenapi_up\{id_instance="1101000001"\} 0`)
	free("stale", "1101000001 is down", "instance_logged_out", "scan the QR code", "The latest reading failed", "Progress")
}
