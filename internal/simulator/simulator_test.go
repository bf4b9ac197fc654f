package simulator_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"greenapi_exporter/internal/simulator"
)

const (
	instance = "1100000042"
	token    = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345"
)

const (
	outgoing = "lastOutgoingMessages"
	incoming = "lastIncomingMessages"
)

var (
	journals = []string{outgoing, incoming}
	objects  = []string{
		"getStateInstance", "getMessagesCount", "getWebhooksCount", "getSettings", "getWaSettings",
	}
	methods = slices.Concat(journals, objects)
)

var start = time.Date(2026, 3, 1, 8, 0, 0, 500_000_000, time.UTC)

// clock is a fake clock.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

func (c *clock) Advance(d time.Duration) { c.Set(c.Now().Add(d)) }

// newAccount returns a simulator of the default instance, and its clock, which is set to the given
// time after the start.
func newAccount(cfg simulator.Config, elapsed time.Duration) (*simulator.Simulator, *clock) {
	c := &clock{now: start.Add(elapsed)}
	cfg.IDInstance, cfg.Token, cfg.Now, cfg.Start = instance, token, c.Now, start
	return simulator.New(cfg), c
}

// busy returns the Config of an account with a few hundred rows per day and no rate limit.
func busy() simulator.Config {
	return simulator.Config{Seed: 7, MessagesPerHour: 20, NoRateLimit: true}
}

func pathOf(method string) string { return "/waInstance" + instance + "/" + method + "/" + token }

func journalPath(minutes int) string {
	return pathOf(outgoing) + "?minutes=" + strconv.Itoa(minutes)
}

func incomingPath(minutes int) string {
	return pathOf(incoming) + "?minutes=" + strconv.Itoa(minutes)
}

func get(s http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

// row is a row of a journal, with the members that tests compare.
type row struct {
	Type   string `json:"type"`
	ID     string `json:"idMessage"`
	Time   int64  `json:"timestamp"`
	Kind   string `json:"typeMessage"`
	Status string `json:"statusMessage"`
	Chat   string `json:"chatId"`
}

func decode(t testing.TB, body []byte) []row {
	t.Helper()
	var rows []row
	if err := json.Unmarshal(body, &rows); err != nil {
		t.Fatalf("invalid journal: %v", err)
	}
	return rows
}

func journal(t testing.TB, s http.Handler, minutes int) []row {
	t.Helper()
	w := get(s, journalPath(minutes))
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("status %d, type %q", w.Code, w.Header().Get("Content-Type"))
	}
	return decode(t, w.Body.Bytes())
}

func TestEqualConfigsGiveEqualAnswers(t *testing.T) {
	cfg := busy()
	cfg.IncomingPerHour = 20
	cfg.SendDelay = time.Minute
	cfg.States = states("suspended", 20, "authorized", 29)
	a, _ := newAccount(cfg, 30*time.Hour)
	b, clockB := newAccount(cfg, time.Minute)
	for _, method := range methods {
		get(b, pathOf(method)) // earlier calls must not have an effect
	}
	clockB.Set(start.Add(30 * time.Hour))
	cfg.Seed++
	c, _ := newAccount(cfg, 30*time.Hour)
	for _, method := range methods {
		answer := func(s http.Handler) string { return get(s, pathOf(method)).Body.String() }
		if answer(a) != answer(b) {
			t.Errorf("%s: accounts with equal Configs answer differently", method)
		}
		if slices.Contains(journals, method) && answer(a) == answer(c) {
			t.Errorf("%s: accounts with different seeds answer equally", method)
		}
	}
}

// TestSeedDeterminesTheJournal uses hashes, so a new feature cannot change the messages of accounts
// without it.
func TestSeedDeterminesTheJournal(t *testing.T) {
	for lastAction, want := range map[bool]string{
		false: "2e6e6eed5ce9c24e5d9737b5ab5687aa6cf754289b0e72d3caeba35281d112bd",
		true:  "31389bd54d00b580720cba02140a52e68da1362d40b3c564048b2bcd91c66020",
	} {
		cfg := busy()
		cfg.MovingTimestamps, cfg.FilterByLastAction = lastAction, lastAction
		cfg.IncomingPerHour = 10 // must not affect sent messages
		s, _ := newAccount(cfg, 30*time.Hour)
		sum := sha256.Sum256(get(s, journalPath(1440)).Body.Bytes())
		if got := hex.EncodeToString(sum[:]); got != want {
			t.Errorf("by last action %v: hash %s, want %s", lastAction, got, want)
		}
	}
}

func TestDateHeaderIsTheClock(t *testing.T) {
	s, c := newAccount(busy(), 0)
	c.Set(time.Date(2026, 5, 6, 7, 8, 9, 0, time.FixedZone("", 3600)))
	for _, path := range []string{journalPath(1), "/", "/waInstance1/x/y"} {
		if got := get(s, path).Header().Get("Date"); got != "Wed, 06 May 2026 06:08:09 GMT" {
			t.Errorf("%s: Date %q", path, got)
		}
	}
}

func TestRequests(t *testing.T) {
	good, settings, unknown := pathOf(outgoing), pathOf("getSettings"), pathOf("getNothing")
	withToken := func(path, wrong string) string { return strings.TrimSuffix(path, token) + wrong }
	for _, test := range []struct {
		name, verb, path string
		status           int
		contains         string // no body if empty
	}{
		{"minutes of an object", "GET", settings + "?minutes=x", 200, `"wid"`},
		{"prefix of an object", "GET", "/v3" + settings, 200, `"wid"`},
		{"minutes of the incoming journal", "GET", pathOf(incoming) + "?minutes=x", 400,
			`"path":"` + pathOf(incoming)},
		{"wrong token of an object", "GET", withToken(settings, "x"), 401, ""},
		{"post of an object", "POST", settings, 404, "Cannot POST"},
		{"default minutes", "GET", good, 200, `"idMessage"`},
		{"prefix", "GET", "/v3/of/max" + good, 200, `"idMessage"`},
		{"huge minutes", "GET", good + "?minutes=9000000000000000000", 200, `"idMessage"`},
		{"minutes not an integer", "GET", good + "?minutes=1.5", 400,
			`"path":"` + good + `?minutes=1.5","message":`},
		{"minutes empty", "GET", good + "?minutes=", 400, `"path":"` + good},
		{"minutes zero", "GET", "/v3" + good + "?minutes=0", 400, `"path":"` + good},
		{"wrong token", "GET", withToken(good, "x"), 401, ""},
		{"wrong instance", "GET", "/waInstance1/" + outgoing + "/" + token, 403, "403 Forbidden"},
		{"unknown method", "GET", unknown, 404, `"Cannot GET ` + unknown},
		{"another path", "GET", "/favicon.ico", 404, "Cannot GET /favicon.ico"},
		{"no token", "GET", strings.TrimSuffix(good, "/"+token), 404, "Cannot GET"},
		{"post", "POST", good, 404, "Cannot POST " + good},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, _ := newAccount(busy(), 10*time.Hour)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, httptest.NewRequest(test.verb, test.path, nil))
			contentType := "application/json"
			if test.status == 403 {
				contentType = "text/html"
			}
			if got := w.Header().Get("Content-Type"); w.Code != test.status || got != contentType {
				t.Errorf("status %d, type %q, want %d, %q", w.Code, got, test.status, contentType)
			}
			body := w.Body.String()
			if !strings.Contains(body, test.contains) || test.contains == "" && body != "" {
				t.Errorf("the body is %.300s, want it to contain %q", body, test.contains)
			}
		})
	}
}

func TestRateLimitAllowsOneCallPerSecond(t *testing.T) {
	cfg := busy()
	cfg.NoRateLimit = false
	s, c := newAccount(cfg, time.Hour)
	for n, step := range []struct {
		after time.Duration
		want  int
	}{
		{0, 200}, {0, 429}, {999 * time.Millisecond, 429}, {999 * time.Millisecond, 429},
		{time.Second, 200}, {-time.Hour, 200}, // the clock was set back
	} {
		c.Advance(step.after)
		w := get(s, journalPath(5))
		if w.Code != step.want {
			t.Errorf("call %d: %d, want %d", n, w.Code, step.want)
		}
		if w.Code == 429 && (w.Body.Len() > 0 || w.Header().Get("Retry-After") != "") {
			t.Errorf("call %d: 429 with a body or Retry-After", n)
		}
	}
	if got := s.Calls(outgoing); got != 6 {
		t.Errorf("%d calls, want 6", got)
	}
}

func TestMethodsHaveSeparateRateLimits(t *testing.T) {
	s, c := newAccount(simulator.Config{}, time.Hour)
	for round := range 2 {
		for _, want := range []int{200, 429} {
			for _, method := range methods {
				if code := get(s, pathOf(method)).Code; code != want {
					t.Errorf("round %d: %s: %d, want %d", round, method, code, want)
				}
			}
		}
		c.Advance(time.Second)
	}
	get(s, pathOf("getNothing"))
	for _, method := range methods {
		if got := s.Calls(method); got != 4 {
			t.Errorf("%d calls of %s, want 4", got, method)
		}
	}
	if all, none := s.Calls(""), s.Calls("getNothing"); all != 4*len(methods) || none != 0 {
		t.Errorf("%d calls of all methods, %d of an unknown method", all, none)
	}
}

// invokeStatus is a part of the answer of FaultQuota.
type invokeStatus struct {
	Method      string
	Used, Total int
}

func quotaOf(t *testing.T, text []byte) invokeStatus {
	t.Helper()
	var body struct{ InvokeStatus invokeStatus }
	if err := json.Unmarshal(text, &body); err != nil {
		t.Fatal(err)
	}
	return body.InvokeStatus
}

func TestRefusalsByStateAreRateLimited(t *testing.T) {
	cfg := busy()
	cfg.NoRateLimit = false
	cfg.States = states("notAuthorized", 1, "authorized", 2)
	s, c := newAccount(cfg, time.Hour)
	for n, want := range []int{400, 429} {
		if code := get(s, journalPath(5)).Code; code != want {
			t.Errorf("call %d while logged out: status %d, want %d", n, code, want)
		}
	}
	c.Advance(time.Hour)
	if code := get(s, journalPath(5)).Code; code != 200 {
		t.Errorf("after login: status %d", code)
	}
}

func TestSimulatorIsSafeForConcurrentUse(t *testing.T) {
	cfg := busy()
	cfg.IncomingPerHour = 20
	cfg.States = states("notAuthorized", 3, "suspended", 5, "authorized", 10)
	s, c := newAccount(cfg, time.Hour)
	var group sync.WaitGroup
	for n := range 8 {
		group.Go(func() {
			for range 10 {
				c.Advance(time.Minute)
				for _, method := range methods {
					get(s, pathOf(method))
				}
				at := c.Now().Add(time.Duration(n) * time.Hour)
				s.Messages(at)
				s.IncomingMessages(at)
				s.Queued(at)
				s.Webhooks(at)
				s.SetFault(simulator.FaultBOM, methods[n%len(methods)])
				s.SetFault(simulator.FaultNone)
				_ = s.Followed()
			}
		})
	}
	group.Wait()
	if got := s.Calls(""); got != 80*len(methods) {
		t.Errorf("%d calls, want %d", got, 80*len(methods))
	}
}
