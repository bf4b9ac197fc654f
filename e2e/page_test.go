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

// screenshots is the directory of the screenshots, for manual review.
const screenshots = "../artifacts"

// startBrowser starts headless Chromium and returns the context of its first tab.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v; install the package chromium", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.DisableGPU)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // required to run as root
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

// screen is a configuration of the browser.
type screen struct {
	width    int64
	scheme   string // light or dark
	noScript bool
}

func screens() []screen {
	return []screen{
		{1280, "light", false}, {1280, "dark", false}, {360, "light", false}, {360, "dark", true},
	}
}

func (s screen) String() string { return fmt.Sprintf("%s-%d", s.scheme, s.width) }

// pageContent is a rendered page.
type pageContent struct {
	Text        string
	Title       string
	Background  string            // color
	ScrollWidth int64             // of the whole page
	Window      map[string]string // the cells of the table by "status/type"
	Links       []string
	Charts      []string // titles
	Missing     []string // URLs of pictures that do not load
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
		Text: document.body.innerText, Title: document.title,
		Background: getComputedStyle(document.body).backgroundColor,
		ScrollWidth: document.scrollingElement.scrollWidth, Window: cells,
		Links: [...document.querySelectorAll("a")].map(a => a.getAttribute("href")),
		Charts: texts(document, "svg title"),
		Missing: [...document.images].filter(i => i.naturalWidth === 0).map(i => i.src),
	};
})()`

// openPage opens url in a new tab, saves a screenshot and returns the page. The page must not
// request files other than pictures of the documentation, which must exist. It must not write to
// the console, or be wider than the screen.
func openPage(
	t *testing.T, browser context.Context, s screen, url, name string,
) pageContent {
	t.Helper()
	tab, cancel := chromedp.NewContext(browser)
	defer cancel()
	if err := chromedp.Do(tab); err != nil { // a tab exists until its first context ends
		t.Fatal(err)
	}
	tab, cancel = context.WithTimeout(tab, 30*time.Second)
	defer cancel()

	var mu sync.Mutex
	var requests, messages []string
	record := func(list *[]string, text string) {
		mu.Lock()
		defer mu.Unlock()
		*list = append(*list, text)
	}
	err := chromedp.Listen(tab, func(event any) {
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			record(&requests, e.Request.URL)
		case *browserlog.EventEntryAdded:
			record(&messages, e.Entry.Text)
		case *runtime.EventConsoleAPICalled:
			record(&messages, "console output")
		case *runtime.EventExceptionThrown:
			record(&messages, e.ExceptionDetails.Text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	feature := &emulation.MediaFeature{Name: "prefers-color-scheme", Value: s.scheme}
	scheme := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{feature}}
	if _, err := chromedp.Call(tab, emulation.SetEmulatedMedia, scheme); err != nil {
		t.Fatal(err)
	}
	script := emulation.SetScriptExecutionDisabledParams{Value: s.noScript}
	if _, err := chromedp.Call(tab, emulation.SetScriptExecutionDisabled, script); err != nil {
		t.Fatal(err)
	}
	err = chromedp.Do(tab, chromedp.EmulateViewport(s.width, 800), chromedp.Navigate(url))
	if err != nil {
		t.Fatal(err)
	}
	page, err := chromedp.Run(tab, chromedp.Evaluate[pageContent](pageScript))
	if err != nil {
		t.Fatal(err)
	}
	screenshot, err := chromedp.Run(tab, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(screenshots, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(screenshots, fmt.Sprintf("page-%s-%s.png", name, s))
	if err := os.WriteFile(file, screenshot, 0o644); err != nil {
		t.Fatal(err)
	}

	mu.Lock()
	defer mu.Unlock()
	pictures := strings.Join(strings.Split(url, "/")[:3], "/") + "/docs/pictures/"
	for _, request := range requests {
		if request != url && request != "data:," && !strings.HasPrefix(request, pictures) {
			t.Errorf("%s %s: the page requests %s", name, s, request)
		}
	}
	if len(requests) == 0 {
		t.Error("no request was recorded")
	}
	if len(messages) > 0 {
		t.Errorf("%s %s: browser messages %q", name, s, messages)
	}
	if len(page.Missing) > 0 {
		t.Errorf("%s %s: pictures %q are missing", name, s, page.Missing)
	}
	if page.ScrollWidth > s.width {
		t.Errorf("%s %s: the page is %d pixels wide", name, s, page.ScrollWidth)
	}
	return page
}

// mustContain checks that the page contains all texts.
func (p pageContent) mustContain(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(p.Text, text) {
			t.Errorf("the page does not contain %q:\n%s", text, p.Text)
		}
	}
}

// metricsOf scrapes an exporter.
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
	for started := time.Now(); time.Since(started) < 30*time.Second; {
		if text := metricsOf(t, exporter); line.MatchString(text) {
			return text
		}
	}
	t.Fatalf("no line of the metrics matches %s", pattern)
	return ""
}

var windowMessages = regexp.MustCompile(`(?m)^greenapi_outgoing_window_messages` +
	`\{id_instance="[0-9]+",status="(\w+)",type="(\w+)"\} ([0-9]+)$`)

// expectedTable returns the cells that the page must show for the metrics.
func expectedTable(metrics string) map[string]string {
	sums := make(map[string]int)
	for _, match := range windowMessages.FindAllStringSubmatch(metrics, -1) {
		status, kind := match[1], match[2]
		var n int
		_, _ = fmt.Sscan(match[3], &n)
		for _, cell := range []string{
			status + "/" + kind, status + "/all", "all/" + kind, "all/all",
		} {
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

// nonZeroCells returns the cells that are not 0, without thousands separators.
func nonZeroCells(cells map[string]string) map[string]string {
	result := make(map[string]string)
	for cell, text := range cells {
		if text = strings.ReplaceAll(text, ",", ""); text != "·" && text != "0" {
			result[cell] = text
		}
	}
	return result
}

// TestPageShowsTheMetrics compares the numbers with light and dark colors, on wide and narrow
// screens, and without JavaScript.
func TestPageShowsTheMetrics(t *testing.T) {
	useCore(t)
	a := startAccount(t, simulator.Config{
		IDInstance: "1101000001", MessagesPerHour: 400, IncomingPerHour: 200,
		Start: time.Now().Add(-24 * time.Hour),
	})
	exporter := startExporter(t, a.env, "--collector.webhooks", "--collector.settings",
		"--collector.account", "--collector.incoming")
	metrics := metricsUntil(t, exporter, `greenapi_api_requests_total`+
		`\{id_instance="1101000001",method="lastOutgoingMessages",result="ok"\} 2`)
	want := expectedTable(metrics)
	if len(want) < 30 {
		t.Fatalf("the metrics fill only %d cells", len(want))
	}
	browser := startBrowser(t)
	backgrounds := make(map[string]string)
	var links []string
	for _, s := range screens() {
		page := openPage(t, browser, s, exporter.url("/"), "demo")
		page.mustContain(t, "1101000001: ", " of the last hour's ", " arrived, ", "Journal read",
			"authorized", "unknown", "noAccount", "Documentation")
		got := nonZeroCells(page.Window)
		for cell, n := range want {
			if got[cell] != n {
				t.Errorf("%s: cell %s is %q, want %s", s, cell, got[cell], n)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d cells are not 0, want %d", s, len(got), len(want))
		}
		if !strings.Contains(strings.Join(page.Charts, "\n"), "noAccount") {
			t.Errorf("%s: no chart of the failures: %q", s, page.Charts)
		}
		backgrounds[s.scheme], links = page.Background, page.Links
	}
	if backgrounds["light"] == backgrounds["dark"] {
		t.Errorf("the light and the dark page have the background %s", backgrounds["light"])
	}
	for _, link := range links {
		response, err := http.Get(exporter.url(strings.TrimPrefix(link, ".")))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Errorf("link %s: %s", link, response.Status)
		}
	}
}

// TestPageExplainsFailuresWithoutCalls checks that the page describes a failure and what to do,
// before and after the first scrape.
func TestPageExplainsFailuresWithoutCalls(t *testing.T) {
	useCore(t)
	a := startAccount(t, simulator.Config{
		IDInstance: "1101000001", MessagesPerHour: 300, Start: time.Now().Add(-6 * time.Hour),
	})
	exporter := startExporter(t, a.env, "--collector.incoming", "--collector.account")
	browser := startBrowser(t)
	openWithoutCalls := func(name string, texts ...string) {
		t.Helper()
		before := a.Calls("")
		for _, s := range screens() {
			page := openPage(t, browser, s, exporter.url("/"), name)
			page.mustContain(t, texts...)
			if strings.Contains(page.Text, token) {
				t.Errorf("page %s contains the token", name)
			}
		}
		if calls := a.Calls("") - before; calls > 0 {
			t.Errorf("page %s caused %d calls", name, calls)
		}
	}
	openWithoutCalls("unread", "1101000001 has no readings yet", "/probe?target=1101000001")

	a.SetFault(simulator.FaultUnauthorized)
	metricsUntil(t, exporter, `greenapi_up\{id_instance="1101000001"\} 0`)
	openWithoutCalls("failure", "1101000001 is down", "unauthorized",
		"the token is wrong; copy apiTokenInstance", "No call has succeeded yet")

	a.SetFault(simulator.FaultNone)
	metricsUntil(t, exporter, `greenapi_up\{id_instance="1101000001"\} 1`)
	a.SetFault(simulator.FaultLoggedOut, "lastOutgoingMessages")
	metricsUntil(t, exporter, `greenapi_up\{id_instance="1101000001"\} 0`)
	openWithoutCalls("stale", "1101000001 is down", "instance_logged_out", "scan the QR code",
		"The latest reading failed", "Progress")
}
