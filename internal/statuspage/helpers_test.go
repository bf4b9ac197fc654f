package statuspage

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"golang.org/x/net/html"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
)

// testNow is the current time of the pages in tests, unless a handler renders them.
var testNow = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// window returns a reading with the given rows, each as "type status number". The counters are half
// of the rows.
func window(rows ...string) *ledger.Summary {
	s := &ledger.Summary{
		RequestedAt: testNow.Add(-42 * time.Second), CountingSince: testNow.Add(-26 * time.Hour),
	}
	for _, row := range rows {
		words := strings.Fields(row)
		n, err := strconv.Atoi(words[2])
		if err != nil {
			panic(err)
		}
		at := slices.IndexFunc(s.Types, func(t ledger.Type) bool { return t.Word == words[0] })
		if at < 0 {
			at = len(s.Types)
			s.Types = append(s.Types, ledger.Type{Word: words[0]})
		}
		typ, half := &s.Types[at], ledger.Counter{Count: uint64(n / 2)}
		typ.Messages.Count += half.Count
		typ.Statuses = append(typ.Statuses, ledger.Status{Word: words[1], Rows: n, Reached: half})
	}
	return s
}

// collectorStatus returns the status of a collector that succeeded 42 seconds ago. If result is a
// failure, the latest call was 5 seconds ago.
func collectorStatus(name string, result greenapi.Result) collector.CollectorStatus {
	at := slices.IndexFunc(collector.All(), func(i collector.Info) bool { return i.Name == name })
	s := collector.CollectorStatus{Info: collector.All()[at], Result: result}
	if result != "" {
		s.Success, s.Called = testNow.Add(-42*time.Second), testNow.Add(-42*time.Second)
	}
	if s.Failing() {
		s.Called, s.Detail = testNow.Add(-5*time.Second), "HTTP 401"
		s.Next = testNow.Add(9 * time.Minute)
	}
	return s
}

// healthyStatus returns an instance without issues.
func healthyStatus(id string) collector.Status {
	settings := map[string]bool{
		"outgoingWebhook": true, "incomingWebhook": false, "keepOnlineStatus": false,
	}
	s := collector.Status{
		ID: id, Window: 24 * time.Hour, State: greenapi.StateAuthorized,
		Opened: testNow.Add(-time.Hour), Scraped: testNow.Add(-42 * time.Second),
		Queued: new(int64(12345)), Notifications: new(int64(1)),
		Settings: &greenapi.Settings{Enabled: settings},
		Account:  &greenapi.Account{State: greenapi.StateAuthorized},
		Incoming: window("textMessage unknown 7"),
		Outgoing: window(
			"textMessage pending 10", "textMessage sent 20", "textMessage delivered 30",
			"textMessage read 1900", "textMessage noAccount 40", "imageMessage failed 0",
			"imageMessage read 2", "videoMessage read 0", "brandNewMessage brandNew 3",
			"unknown unknown 5"),
	}
	s.Outgoing.Recent = []ledger.RecentStatus{
		{Word: "pending", Rows: [3]int{5}},
		{Word: "sent", Rows: [3]int{3, 4, 5}},
		{Word: "delivered", Rows: [3]int{10, 20, 30}},
		{Word: "read", Rows: [3]int{20, 30, 400}},
		{Word: "noAccount", Rows: [3]int{0, 2, 10}},
	}
	oldest := float64(testNow.Add(-3*time.Hour).Unix()) + 0.5
	s.Outgoing.OldestPending = ledger.Timestamp{Seconds: oldest, Known: true}
	for _, c := range collector.All() {
		s.Collectors = append(s.Collectors, collectorStatus(c.Name, greenapi.OK))
	}
	return s
}

// loggedOutStatus returns a logged-out instance whose token is wrong as well.
func loggedOutStatus(id string) collector.Status {
	s := healthyStatus(id)
	s.State = "notAuthorized"
	for i, c := range s.Collectors {
		s.Collectors[i] = collectorStatus(c.Name, greenapi.Unauthorized)
	}
	s.Collectors[6] = collectorStatus("incoming", greenapi.QuotaExceeded)
	return s
}

// suspendedStatus returns an instance whose sending is suspended for five hours.
func suspendedStatus(id string) collector.Status {
	s := healthyStatus(id)
	until := greenapi.UnixTime{Value: float64(testNow.Add(5 * time.Hour).Unix()), Known: true}
	s.State = greenapi.StateSuspended
	s.Account = &greenapi.Account{State: greenapi.StateSuspended, SuspendedUntil: until}
	return s
}

// unreadStatus returns an instance that nothing has scraped yet.
func unreadStatus(id string) collector.Status {
	s := collector.Status{ID: id, Window: 24 * time.Hour, Opened: testNow.Add(-time.Minute)}
	for _, c := range collector.All()[:3] {
		s.Collectors = append(s.Collectors, collectorStatus(c.Name, ""))
	}
	return s
}

// staleStatus returns an instance that nothing has scraped for a day.
func staleStatus(id string) collector.Status {
	s := healthyStatus(id)
	s.Opened, s.Scraped = testNow.Add(-48*time.Hour), testNow.Add(-24*time.Hour)
	for i := range s.Collectors {
		s.Collectors[i].Success = testNow.Add(-24 * time.Hour)
	}
	return s
}

// unreachableStatus returns an instance whose API host cannot be resolved.
func unreachableStatus(id string) collector.Status {
	s := healthyStatus(id)
	for i, c := range s.Collectors {
		s.Collectors[i] = collectorStatus(c.Name, greenapi.Network)
		s.Collectors[i].Detail = "lookup api.green-api.com: no such host"
	}
	return s
}

// outage returns n instances. Most cannot reach the API, and some of the others have other issues.
func outage(n int) []collector.Status {
	unreachable, loggedOut := unreachableStatus(""), loggedOutStatus("")
	suspended, unread, healthy := suspendedStatus(""), unreadStatus(""), healthyStatus("")
	statuses := make([]collector.Status, n)
	for i := range statuses {
		s := healthy
		switch {
		case i%5 < 4:
			s = unreachable
		case i%50 == 4:
			s = loggedOut
		case i%50 == 9:
			s = suspended
		case i%50 == 14:
			s = unread
		}
		s.ID, s.Collectors = fmt.Sprint(1101000001+i), slices.Clone(s.Collectors)
		if i%20 == 0 { // the same issue with a different detail
			const format = "read tcp 10.0.0.1:%d->10.0.0.2:443: connection reset by peer"
			for k := range s.Collectors {
				s.Collectors[k].Detail = fmt.Sprintf(format, 40000+i)
			}
		}
		statuses[i] = s
	}
	return statuses
}

// newPage returns the data of the page at testNow.
func newPage(q query, statuses ...collector.Status) pageData {
	q.Page = max(q.Page, 1)
	o := Options{Version: "1.2.3", TelemetryPath: "/metrics"}
	return newPageData(o, Snapshot{Instances: statuses}, q, testNow)
}

// page is a parsed page.
type page struct{ *html.Node }

func element(n *html.Node) page { return page{n} }

// renderPage renders the page at testNow.
func renderPage(t *testing.T, q query, statuses ...collector.Status) page {
	t.Helper()
	var body bytes.Buffer
	if err := pageTemplate.Execute(&body, newPage(q, statuses...)); err != nil {
		t.Fatal(err)
	}
	return parsePage(t, body.String())
}

func parsePage(t *testing.T, text string) page {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return page{root}
}

// find returns the elements that match a selector "tag", ".class" or "tag.class".
func (p page) find(selector string) []page {
	tag, class, _ := strings.Cut(selector, ".")
	var found []page
	for n := range p.Descendants() {
		classes := strings.Fields(element(n).attr("class"))
		if n.Type == html.ElementNode && (tag == "" || n.Data == tag) &&
			(class == "" || slices.Contains(classes, class)) {
			found = append(found, element(n))
		}
	}
	return found
}

// texts returns the texts of the elements that match the selector.
func (p page) texts(selector string) []string {
	var texts []string
	for _, e := range p.find(selector) {
		texts = append(texts, e.text())
	}
	return texts
}

// text returns the visible text with single spaces.
func (p page) text() string {
	var text strings.Builder
	for n := range p.Descendants() {
		if n.Type == html.TextNode && n.Parent.Data != "style" && n.Parent.Data != "title" {
			text.WriteString(n.Data)
		}
	}
	return strings.Join(strings.Fields(text.String()), " ")
}

func (p page) attr(name string) string {
	for _, a := range p.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// links returns the addresses of the links whose text contains the words.
func (p page) links(words string) []string {
	var links []string
	for _, a := range p.find("a") {
		if strings.Contains(a.text(), words) {
			links = append(links, a.attr("href"))
		}
	}
	return links
}

// lines returns the ids in the list.
func (p page) lines() []string {
	var ids []string
	for _, list := range p.find("ol.list") {
		for _, heading := range list.find("h3") {
			ids = append(ids, heading.texts("a")...)
		}
	}
	return ids
}

// newHandler returns a handler that uses the real time. It moves the readings from testNow to the
// present.
func newHandler(statuses ...collector.Status) http.Handler {
	for n := range statuses {
		s := &statuses[n]
		times := []*time.Time{&s.Opened, &s.Scraped}
		for i := range s.Collectors {
			times = append(times, &s.Collectors[i].Success)
		}
		for _, t := range times {
			if !t.IsZero() {
				*t = t.Add(time.Since(testNow))
			}
		}
	}
	return handlerOf(Snapshot{Instances: statuses})
}

func handlerOf(s Snapshot) http.Handler {
	return New(Options{
		Version: "1.2.3", TelemetryPath: "/metrics", Logger: log.NewNopLogger(),
		Snapshot: func() Snapshot { return s },
	})
}

func get(handler http.Handler, query string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.URL.RawQuery = query
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}
