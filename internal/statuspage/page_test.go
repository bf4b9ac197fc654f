package statuspage

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"html/template"
	"math"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
)

// noon is when the pages of these tests are made.
var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// rows is the reading of a window with these rows, given as "type status number".
func rows(lines ...string) *ledger.Summary {
	r := &ledger.Summary{RequestedAt: noon.Add(-42 * time.Second), CountingSince: noon.Add(-26 * time.Hour)}
	for _, l := range lines {
		word := strings.Fields(l)
		n, err := strconv.Atoi(word[2])
		if err != nil {
			panic(err) // a slip of the test's
		}
		at := slices.IndexFunc(r.Types, func(t ledger.Type) bool { return t.Word == word[0] })
		if at < 0 {
			at = len(r.Types)
			r.Types = append(r.Types, ledger.Type{Word: word[0]})
		}
		kind := &r.Types[at]
		kind.Messages.Count += uint64(n / 2)
		kind.Statuses = append(kind.Statuses, ledger.Status{Word: word[1], Rows: n, Reached: ledger.Counter{Count: uint64(n / 2)}})
	}
	return r
}

// reads is the status of a collector that has been read 42 seconds before noon, or that has failed 5 seconds before.
func reads(name string, result greenapi.Result) collector.CollectorStatus {
	at := slices.IndexFunc(collector.All(), func(i collector.Info) bool { return i.Name == name })
	s := collector.CollectorStatus{Info: collector.All()[at], Result: result}
	if result != "" {
		s.Success, s.Called = noon.Add(-42*time.Second), noon.Add(-42*time.Second)
	}
	if s.Failing() {
		s.Called, s.Detail = noon.Add(-5*time.Second), "HTTP 401"
	}
	return s
}

// shop is an instance that is well.
func shop(id string) collector.Status {
	one, two := int64(12345), int64(1)
	s := collector.Status{
		ID: id, Window: 24 * time.Hour, State: greenapi.StateAuthorized, Queued: &one, Notifications: &two,
		Settings: &greenapi.Settings{Enabled: map[string]bool{"outgoingWebhook": true, "incomingWebhook": false, "keepOnlineStatus": false}},
		Account:  &greenapi.Account{State: greenapi.StateAuthorized},
		Incoming: rows("textMessage unknown 7"),
		Outgoing: rows(
			"textMessage pending 10", "textMessage sent 20", "textMessage delivered 30", "textMessage read 1900", "textMessage noAccount 40",
			"imageMessage failed 0", "imageMessage read 2", "videoMessage read 0", "brandNewMessage brandNew 3", "unknown unknown 5"),
	}
	s.Outgoing.OldestPending = ledger.Timestamp{Seconds: float64(noon.Add(-3*time.Hour).Unix()) + 0.5, Known: true}
	for _, c := range collector.All() {
		s.Collectors = append(s.Collectors, reads(c.Name, greenapi.OK))
	}
	return s
}

// loggedOut is one whose token is wrong as well.
func loggedOut(id string) collector.Status {
	s := shop(id)
	s.State = "notAuthorized"
	for i, c := range s.Collectors {
		s.Collectors[i] = reads(c.Name, greenapi.Unauthorized)
	}
	s.Collectors[6] = reads("incoming", greenapi.QuotaExceeded)
	return s
}

// suspended is one that is up.
func suspended(id string) collector.Status {
	s := shop(id)
	s.State = greenapi.StateSuspended
	s.Account = &greenapi.Account{State: greenapi.StateSuspended, SuspendedUntil: greenapi.UnixTime{Value: float64(noon.Add(5 * time.Hour).Unix()), Known: true}}
	return s
}

// newborn is one that has not been scraped.
func newborn(id string) collector.Status {
	s := collector.Status{ID: id, Window: 24 * time.Hour}
	for _, c := range collector.All()[:3] {
		s.Collectors = append(s.Collectors, reads(c.Name, ""))
	}
	return s
}

// at is the page of the instances at noon, or of the first of them that is picked, but for its style sheet.
func at(t *testing.T, picked bool, statuses ...collector.Status) string {
	t.Helper()
	a := query{Page: 1}
	if picked {
		a.ID = statuses[0].ID
	}
	return asked(t, a, statuses...)
}

// asked is the page of the instances at noon that was asked for, but for its style sheet.
func asked(t *testing.T, a query, statuses ...collector.Status) string {
	t.Helper()
	v := newPageData(Options{Version: "1.2.3", TelemetryPath: "/metrics"}, Snapshot{Instances: statuses}, a, noon)
	v.Style = ""
	var text bytes.Buffer
	if err := template.Must(template.New("page").Parse(pageText)).Execute(&text, v); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// pageOf is the handler of pages of the instances, as if now were noon.
func pageOf(t *testing.T, statuses ...collector.Status) http.Handler {
	for _, s := range statuses {
		for i := range s.Collectors {
			if success := &s.Collectors[i].Success; !success.IsZero() {
				*success = success.Add(time.Since(noon))
			}
		}
	}
	return handlerOf(Snapshot{Instances: statuses})
}

func handlerOf(s Snapshot) http.Handler {
	return New(Options{Version: "1.2.3", TelemetryPath: "/metrics", Logger: log.NewNopLogger(), Snapshot: func() Snapshot { return s }})
}

func get(handler http.Handler, path string) *httptest.ResponseRecorder {
	return request(handler, httptest.NewRequest(http.MethodGet, path, nil))
}

func request(handler http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

func TestWhatThePageSays(t *testing.T) {
	interrupted := newborn("1")
	interrupted.Collectors[0].Detail, interrupted.Collectors[0].Success, interrupted.Outgoing = "no call has been finished", noon.Add(-time.Hour), shop("1").Outgoing
	never := newborn("1")
	never.Collectors[0] = reads("outgoing", greenapi.Unauthorized)
	off := newborn("1")
	off.Collectors = nil
	for name, c := range map[string]struct {
		page string
		has  []string
		not  []string
	}{
		"up":          {at(t, false, shop("1")), []string{"1 is up", "42 s ago", `datetime="2026-07-01T11:59:18Z"`, "authorized", "12,345 messages wait", "1 notification waits", "off, so that the journals lack messages: incomingWebhook", "10 pending", "3 h ago", "2,010", "or further"}, []string{"videoMessage", "failed", `class="problems"`, "keepOnlineStatus"}},
		"failing":     {at(t, false, loggedOut("1")), []string{"1 is not up", "unauthorized", "outgoing, state, queue, webhooks, settings, account", greenapi.Unauthorized.Advice(), greenapi.QuotaExceeded.Advice(), "5 s ago", "HTTP 401", "notAuthorized", "scan the QR code", "This is what stood in the journal 42 s ago"}, []string{"the last 24 h"}},
		"suspended":   {at(t, false, suspended("1")), []string{"1 needs a look", "sending is suspended; that ends in 5 h", "it ends in 5 h", "2026-07-01 17:00:00 UTC"}, []string{"is not up"}},
		"unread":      {at(t, false, newborn("1")), []string{"1 is not read yet", "It is read when Prometheus scrapes", `or when you open <a href="/probe?target=1">/probe?target=1</a>`}, []string{`class="problems"`, "<svg", "window"}},
		"interrupted": {at(t, false, interrupted), []string{"1 is not read yet", "no call has been finished", "60 min ago"}, []string{`class="problems"`, "when Prometheus scrapes", "2,010"}},
		"never":       {at(t, false, never), []string{"1 is not up", "No call has succeeded so far"}, []string{"<svg"}},
		"off":         {at(t, false, off), []string{"No collector is switched on"}, []string{"Collectors"}},
		"none":        {at(t, false), []string{"No instance is configured"}, nil},
	} {
		for _, words := range c.has {
			if !strings.Contains(html.UnescapeString(c.page), words) {
				t.Errorf("%s: the page does not say %q", name, words)
			}
		}
		for _, words := range c.not {
			if strings.Contains(c.page, words) {
				t.Errorf("%s: the page says %q", name, words)
			}
		}
	}
}

// forgotten is one that nothing has asked for since the day before.
func forgotten(id string) collector.Status {
	s := shop(id)
	for i := range s.Collectors {
		s.Collectors[i].Success = noon.Add(-24 * time.Hour)
	}
	return s
}

// TestAReadingThatIsOldIsNotUp unless the interval lets it become so old.
func TestAReadingThatIsOldIsNotUp(t *testing.T) {
	for interval, want := range map[time.Duration]string{time.Second: "1 needs a look", 25 * time.Hour: "1 is up"} {
		s := forgotten("1")
		s.Interval = interval
		page := at(t, false, s)
		if !strings.Contains(page, want) || strings.Contains(page, "not read lately") != strings.Contains(want, "look") {
			t.Errorf("interval %s: the page does not say %q", interval, want)
		}
	}
}

func TestMoods(t *testing.T) {
	status := func(state greenapi.State, results ...string) collector.Status {
		s := collector.Status{State: state}
		for _, r := range results {
			name, result, _ := strings.Cut(r, " ")
			s.Collectors = append(s.Collectors, reads(name, greenapi.Result(result)))
		}
		return s
	}
	for _, c := range []struct {
		status collector.Status
		want   severity
	}{
		{status("authorized", "outgoing ok", "state ok"), healthy},
		{status("authorized", "outgoing ok", "state ok", "queue "), healthy},
		{status("authorized", "outgoing timeout", "state ok"), critical},
		{status("suspended", "outgoing timeout", "state ok"), critical},
		{status("authorized", "outgoing ok", "state ok", "queue forbidden"), warning},
		{status("suspended", "outgoing ok", "state ok"), warning},
		{status("authorized", "outgoing ", "state ok"), unknown},
		{status("notAuthorized", "outgoing ", "state ok"), warning},
		{status("", "outgoing ", "state network"), warning},
		{status("", "outgoing ", "state "), unknown},
		{status(""), unknown},
		{status("authorized", "state ok", "queue "), healthy},
		{status("authorized", "state ok", "queue network"), critical},
		{status("notAuthorized", "state ok"), warning},
		{status("", "state ", "queue "), unknown},
	} {
		if got := moodOf(c.status, noon); got != c.want {
			t.Errorf("%+v %s", c.status, got.Words())
		}
	}
}

// TestNumbersOfTheWindow: the funnel, the rest and the table are made of the same rows.
func TestNumbersOfTheWindow(t *testing.T) {
	c := newCard(newItem(new(shop("1")), noon), noon)
	var got []string
	for _, b := range slices.Concat(c.Outgoing.Funnel, c.Outgoing.Rest) {
		got = append(got, fmt.Sprintf("%s %s %s %s", b.Word, b.Count, b.Share, b.Width))
	}
	want := []string{
		"pending 2,005 > 99 % 99.75", "sent 1,952 97 % 97.11", "delivered 1,932 96 % 96.12", "read 1,902 95 % 94.63",
		"noAccount 40 2.0 % 1.99", "brandNew 3 0.1 % 0.15", "unknown 5 0.2 % 0.25",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
	var words []string
	for _, k := range c.Outgoing.Types {
		words = append(words, k.Head+k.Tail+" "+k.Count)
	}
	if want := []string{"textMessage 2,000", "unknown 5", "brandNewMessage 3", "imageMessage 2"}; !slices.Equal(words, want) {
		t.Errorf("types %q, want %q", words, want)
	}
	var table []string
	for _, l := range c.Outgoing.Table {
		table = append(table, l.Word+" "+strings.Join(l.Cells, "/")+" "+l.Count)
	}
	if want := []string{
		"pending 10/// 10", "sent 20/// 20", "delivered 30/// 30", "read 1,900///2 1,902", "noAccount 40/// 40", "brandNew //3/ 3", "unknown /5// 5",
	}; !slices.Equal(table, want) {
		t.Errorf("table %q, want %q", table, want)
	}
	if c.Outgoing.Rows != 2010 || c.Outgoing.Pending != 10 || c.Outgoing.Failed != 40 {
		t.Errorf("%d messages, %d pending, %d failed", c.Outgoing.Rows, c.Outgoing.Pending, c.Outgoing.Failed)
	}
}

// TestForeignWordsStayWords, whatever they are.
func TestForeignWordsStayWords(t *testing.T) {
	for _, hostile := range []string{`<script>alert(1)</script>`, `"><img/src=x/onerror=alert(1)>`, `'onmouseover='alert(1)`, `</title></svg><b>`, `{{.Version}}`, `javascript:alert(1)`} {
		s := loggedOut(hostile)
		s.Outgoing = rows(hostile+" "+hostile+" 3", "textMessage read 1")
		s.State = greenapi.State(hostile)
		s.Collectors[1].Result, s.Collectors[1].Detail, s.Collectors[1].Name = greenapi.Result(hostile), hostile, hostile
		for _, page := range []string{at(t, true, s), at(t, false, s, s, s, s)} {
			for _, bad := range []string{"<script", "<img", "onmouseover='", "</svg><b>", `href="javascript`} {
				if strings.Contains(page, bad) {
					t.Errorf("%s: the page has %s", hostile, bad)
				}
			}
			if !strings.Contains(page, template.HTMLEscapeString(hostile)) {
				t.Errorf("%s is not on the page", hostile)
			}
		}
	}
}

func TestPageHeaders(t *testing.T) {
	handler := pageOf(t, shop("1"))
	w := get(handler, "/")
	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	page := w.Body.String()
	_, style, _ := strings.Cut(page, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	csp := w.Header().Get("Content-Security-Policy")
	if want := "default-src 'none'; style-src 'sha256-" + digest(style) + "'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"; csp != want {
		t.Errorf("the policy is %s, want that of the style sheet, %s", csp, want)
	}
	for _, what := range []string{"unsafe", "*", "script-src", "http"} {
		if strings.Contains(csp, what) {
			t.Errorf("the policy has %s: %s", what, csp)
		}
	}
	for _, what := range []string{"<script", " style=", "onload", "//", "pprof"} {
		if strings.Contains(strings.Replace(page, style, "", 1), what) {
			t.Errorf("the page has %s", what)
		}
	}
}

func TestTheDiskThatFailsIsOnThePage(t *testing.T) {
	for _, failing := range []bool{true, false} {
		handler := handlerOf(Snapshot{StorageFailing: failing})
		if got := strings.Contains(get(handler, "/").Body.String(), "counters cannot be written"); got != failing {
			t.Errorf("failing: %t, and the page says so: %t", failing, got)
		}
	}
}

// TestAPageThatCannotBeMadeIsAnError, and no half of a page.
func TestAPageThatCannotBeMadeIsAnError(t *testing.T) {
	var logged bytes.Buffer
	broken := template.Must(template.New("page").Funcs(template.FuncMap{
		"fail": func() (string, error) { return "", errors.New("something private") },
	}).Parse("half a page {{fail}}"))
	p := &handler{Options{Logger: log.NewLogfmtLogger(&logged), Snapshot: func() Snapshot { return Snapshot{} }}, broken}
	w := get(p, "/")
	if body := w.Body.String(); w.Code != 500 || strings.Contains(body, "half") || strings.Contains(body, "private") || !strings.Contains(logged.String(), "something private") {
		t.Errorf("%d %s; logged %s", w.Code, body, &logged)
	}
}

func TestTimesAndNumbersInWords(t *testing.T) {
	const day = 24 * time.Hour
	for d, want := range map[time.Duration]string{
		0: "just now", 999 * time.Millisecond: "just now", time.Second: "1 s ago", 119 * time.Second: "119 s ago", 2 * time.Minute: "2 min ago",
		119 * time.Minute: "119 min ago", 2 * time.Hour: "2 h ago", 3*day - 1: "71 h ago", 3 * day: "3 days ago", -time.Second / 2: "just now", -time.Hour: "in 60 min",
	} {
		if got := formatAgo(d); got != want {
			t.Errorf("%s: got %s, want %s", d, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 123456: "123,456", 1234567: "1,234,567"} {
		if got := formatInt(n); got != want {
			t.Errorf("%d: got %s", n, got)
		}
	}
	for _, c := range []struct {
		part, whole int
		want        string
	}{{0, 0, "0 %"}, {0, 5, "0 %"}, {1, 100000, "< 0.1 %"}, {1, 1000, "0.1 %"}, {99, 1000, "9.9 %"}, {1, 2, "50 %"}, {994, 1000, "99 %"}, {99999, 100000, "> 99 %"}, {3, 3, "100 %"}} {
		if got := formatPercent(c.part, c.whole); got != c.want {
			t.Errorf("%d of %d: got %s, want %s", c.part, c.whole, got, c.want)
		}
	}
	for seconds, want := range map[float64]string{
		1782907200.9: "2026-07-01 12:00:00 UTC", -1: "1970-01-01 00:00:00 UTC", 1e300: "9999-12-31 23:59:59 UTC", math.Inf(1): "9999-12-31 23:59:59 UTC", math.Inf(-1): "1970-01-01 00:00:00 UTC",
	} {
		if got := momentAt(fromUnix(seconds), noon).Exact(); got != want {
			t.Errorf("%v: got %s, want %s", seconds, got, want)
		}
	}
	if got := fromUnix(math.NaN()).Unix(); got != 0 {
		t.Errorf("NaN is %d", got)
	}
}

// luminance is the relative luminance of a colour, by WCAG 2.
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	if len(colour) == 4 {
		colour = string([]byte{'#', colour[1], colour[1], colour[2], colour[2], colour[3], colour[3]})
	}
	value, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 24)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		c := float64(value>>(16-8*i)&0xff) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

// TestContrast: what is written can be read and what is drawn be seen, by day and by night (WCAG 2, level AA).
func TestContrast(t *testing.T) {
	day, night, ok := strings.Cut(pageStyle, "@media (prefers-color-scheme: dark)")
	if !ok {
		t.Fatal("there is no night")
	}
	pairs := map[string]float64{
		"ink card": 4.5, "ink ground": 4.5, "quiet card": 4.5, "quiet ground": 4.5, "link card": 4.5, "link ground": 4.5,
		"pending track": 1.5, "sent track": 1.5, "delivered track": 1.5, "read track": 1.5, "failure track": 1.5, "other track": 1.5,
		"pending card": 3, "sent card": 3, "delivered card": 3, "read card": 3, "failure card": 3, "other card": 3,
	}
	for _, m := range []severity{critical, warning, unknown, healthy} {
		c := m.Class()
		for _, on := range []string{"card", "ground", c + "-soft"} {
			pairs[c+" "+on] = 4.5
		}
		pairs["ink "+c+"-soft"], pairs["quiet "+c+"-soft"], pairs["link "+c+"-soft"] = 4.5, 4.5, 4.5
	}
	for name, sheet := range map[string]string{"day": day, "night": night} {
		colours := make(map[string]string)
		for _, match := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]+);`).FindAllStringSubmatch(sheet, -1) {
			colours[match[1]] = match[2]
		}
		for pair, least := range pairs {
			front, back, _ := strings.Cut(pair, " ")
			a, b := luminance(t, colours[front]), luminance(t, colours[back])
			if contrast := (max(a, b) + 0.05) / (min(a, b) + 0.05); contrast < least {
				t.Errorf("%s: the contrast of %s on %s is %.2f, less than %v", name, front, back, contrast, least)
			}
		}
	}
}
