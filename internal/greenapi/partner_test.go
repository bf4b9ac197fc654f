package greenapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"greenapi_exporter/internal/jsonstream"
)

// other is the token of an instance.
const other = "1f2485e80f474293b935f77d78c64e76fa4bdceb417a498765"

// newTestPartner returns a Partner for the API at base, with secret as its token.
func newTestPartner(t testing.TB, base string) *Partner {
	t.Helper()
	c := newTestClient(t, base)
	return NewPartner(c.backend, c.base, c.token)
}

// plainInstance is a PartnerInstance with a readable token.
type plainInstance struct {
	ID, Token        string
	Deleted, Expired bool
	Expires          string // "invalid" if it is
}

func plain(instances []PartnerInstance) []plainInstance {
	list := make([]plainInstance, 0, len(instances))
	for _, i := range instances {
		l := plainInstance{i.ID, i.Token.reveal(), i.Deleted, i.Expired, ""}
		if i.BadExpires {
			l.Expires = "invalid"
		}
		if !i.Expires.IsZero() {
			l.Expires = i.Expires.Format(time.RFC3339Nano)
		}
		list = append(list, l)
	}
	return list
}

// documented is a list from the API's documentation.
const documented = `[
	{"idInstance": 1101728004, "name": "Instance 1101728004", "typeInstance": "whatsapp",
	 "typeAccount": "", "partnerUserUiid": "", "timeCreated": "2022-06-03T18:39:44",
	 "timeDeleted": "0001-01-01T00:00:00", "apiTokenInstance": "` + other + `",
	 "deleted": false, "tariff": "PARTNER_23", "isFree": false, "isPartner": true,
	 "expirationDate": "2022-06-09T18:39:44", "isExpired": false},
	{"idInstance": 1101728204, "timeDeleted": "2022-06-07T10:37:00", "apiTokenInstance": "x",
	 "deleted": true, "expirationDate": "2022-06-13T10:36:48", "isExpired": true}
]`

func TestReadInstances(t *testing.T) {
	seven := []plainInstance{
		{ID: "1"}, {ID: "2"}, {ID: "3"}, {ID: "4"}, {ID: "5"}, {ID: "6"}, {ID: "7"},
	}
	for _, c := range []struct {
		name, body string
		want       []plainInstance
	}{
		{"as documented", documented, []plainInstance{
			{"1101728004", other, false, false, "2022-06-09T18:39:44Z"},
			{"1101728204", "x", true, true, "2022-06-13T10:36:48Z"},
		}},
		{"none", `[]`, nil},
		{"stray commas and a byte order mark", "\ufeff[,{\"idInstance\":1,},,{\"idInstance\":2},]",
			[]plainInstance{{ID: "1"}, {ID: "2"}}},
		{"only members of the row itself",
			`[{"idInstance":1,"settings":{"idInstance":2,"deleted":true},` +
				`"more":[{"apiTokenInstance":"x"}]}]`,
			[]plainInstance{{ID: "1"}}},
		{"the last of a member given twice",
			`[{"idInstance":1,"idInstance":2,"deleted":true,"deleted":false}]`,
			[]plainInstance{{ID: "2"}}},
		{"no members of the previous row",
			`[{"idInstance":1,"apiTokenInstance":"x","deleted":true,"isExpired":true,` +
				`"expirationDate":1},{"idInstance":2}]`,
			[]plainInstance{{"1", "x", true, true, "1970-01-01T00:00:01Z"}, {ID: "2"}}},

		{"an id that is a string", `[{"idInstance":"0012"}]`, []plainInstance{{ID: "0012"}}},
		{"an id of many digits", `[{"idInstance":12345678901234567890123456789012}]`,
			[]plainInstance{{ID: "12345678901234567890123456789012"}}},

		{"invalid tokens", `[
			{"idInstance":1,"apiTokenInstance":""}, {"idInstance":2,"apiTokenInstance":null},
			{"idInstance":3,"apiTokenInstance":7}, {"idInstance":4,"apiTokenInstance":"a b"},
			{"idInstance":5,"apiTokenInstance":"ä"}, {"idInstance":6,"apiTokenInstance":{"a":"b"}},
			{"idInstance":7,"apiTokenInstance":"` + strings.Repeat("x", 1000) + `"}]`,
			seven},
		{"a token with escapes", `[{"idInstance":1,"apiTokenInstance":"\u0061\/b"}]`,
			[]plainInstance{{ID: "1", Token: "a/b"}}},
		{"white space around a token", `[{"idInstance":1,"apiTokenInstance":" \tab\n"}]`,
			[]plainInstance{{ID: "1", Token: "ab"}}},

		{"true", `[
			{"idInstance":1,"deleted":"true"}, {"idInstance":2,"deleted":"True"},
			{"idInstance":3,"deleted":1}, {"idInstance":4,"isExpired":"1"},
			{"idInstance":5,"isExpired":"yes"}]`,
			[]plainInstance{{ID: "1", Deleted: true}, {ID: "2", Deleted: true},
				{ID: "3", Deleted: true}, {ID: "4", Expired: true}, {ID: "5", Expired: true}}},
		{"false", `[
			{"idInstance":1,"deleted":"false"}, {"idInstance":2,"deleted":0},
			{"idInstance":3,"deleted":null}, {"idInstance":4,"deleted":""},
			{"idInstance":5,"isExpired":[true]}, {"idInstance":6,"isExpired":{"true":true}},
			{"idInstance":7,"isExpired":"two"}]`,
			seven},

		{"NaN and Infinity", `[
			{"idInstance":1,"price":NaN,"more":[Infinity,{"x":-Infinity}],"apiTokenInstance":"x"},
			{"idInstance":2,"apiTokenInstance":NaN,"deleted":-Infinity,"isExpired":Infinity,
			"expirationDate":-Infinity}]`,
			[]plainInstance{{ID: "1", Token: "x"}, {ID: "2", Expires: "invalid"}}},

		{"an id twice, the first deleted",
			`[{"idInstance":1,"deleted":true},{"idInstance":2},` +
				`{"idInstance":1,"apiTokenInstance":"b"}]`,
			[]plainInstance{{ID: "1", Token: "b"}, {ID: "2"}}},
		{"an id twice, the second deleted",
			`[{"idInstance":1,"apiTokenInstance":"a"},{"idInstance":"1","deleted":true}]`,
			[]plainInstance{{ID: "1", Token: "a"}}},
		{"an id twice, none deleted",
			`[{"idInstance":1,"apiTokenInstance":"a"},{"idInstance":1,"apiTokenInstance":"b"}]`,
			[]plainInstance{{ID: "1", Token: "b"}}},
		{"an id twice, the second without a token",
			`[{"idInstance":1,"apiTokenInstance":"a"},{"idInstance":1,"apiTokenInstance":" "}]`,
			[]plainInstance{{ID: "1", Token: "a"}}},
		{"an id twice, the second expired",
			`[{"idInstance":1,"apiTokenInstance":"a"},` +
				`{"idInstance":1,"apiTokenInstance":"b","isExpired":true}]`,
			[]plainInstance{{ID: "1", Token: "a"}}},
		{"an id twice, the first deleted, the second without a token",
			`[{"idInstance":1,"apiTokenInstance":"a","deleted":true},{"idInstance":1}]`,
			[]plainInstance{{ID: "1"}}},
		{"an id twice, both deleted",
			`[{"idInstance":1,"deleted":true,"apiTokenInstance":"a"},` +
				`{"idInstance":1,"deleted":true,"apiTokenInstance":"b"}]`,
			[]plainInstance{{ID: "1", Token: "b", Deleted: true}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := serve(t, respond(200, c.body))
			list, err := newTestPartner(t, server.URL).List(t.Context())
			got := plain(list.Instances)
			if fmt.Sprint(got) != fmt.Sprint(c.want) || list.BadIDs != 0 || err != nil {
				t.Errorf("got  %+v, %d bad ids, %v\nwant %+v", got, list.BadIDs, err, c.want)
			}
		})
	}
}

// TestEntriesWithoutAnIDAreSkippedAndCounted also checks that no anomaly in an entry makes the list
// invalid.
func TestEntriesWithoutAnIDAreSkippedAndCounted(t *testing.T) {
	entries := strings.Split(`{}|{"idInstance":null}|{"idInstance":""}|{"idInstance":-1}|`+
		`{"idInstance":1.0}|{"idInstance":1e3}|{"idInstance":1.101e9}|`+
		`{"idInstance":123456789012345678901234567890123}|{"idInstance":"1a"}|{"idInstance":" 1"}|`+
		`{"idInstance":"+1"}|{"idInstance":"1e3"}|{"idInstance":{"idInstance":1}}|`+
		`{"idInstance":[1]}|{"idInstance":true}|{"apiTokenInstance":"x"}|`+
		`null|true|7|-1.5e3|"1101000001"|[]|[{"idInstance":1}]|NaN|-Infinity|`+
		`{"idInstance":NaN}|{"idInstance":Infinity}|{"idInstance":-Infinity}`, "|")
	for _, entry := range append(entries, strings.Join(entries, ",")) {
		body := fmt.Sprintf(`[{"idInstance":7},%s,{"idInstance":8}]`, entry)
		want := 1
		if strings.HasPrefix(entry, "{},") {
			want = len(entries)
		}
		list, err := readInstances(strings.NewReader(body), 2)
		got := fmt.Sprint(plain(list.Instances))
		if got != fmt.Sprint([]plainInstance{{ID: "7"}, {ID: "8"}}) || list.BadIDs != want ||
			err != nil {
			t.Errorf("%s: got %s and %d, %v", entry, got, list.BadIDs, err)
		}
	}
}

func TestTwoTokensOfAnInstanceAreReported(t *testing.T) {
	const format = `[{"idInstance":1,"apiTokenInstance":"a"},{"idInstance":1,%s},` +
		`{"idInstance":2,"apiTokenInstance":"c"},{"idInstance":1,"apiTokenInstance":"a"},` +
		`{"idInstance":1,"apiTokenInstance":"a"}]`
	for second, want := range map[string]bool{
		`"apiTokenInstance":"a"`: false, `"apiTokenInstance":""`: false,
		`"apiTokenInstance":"b"`: true, `"apiTokenInstance":"b","deleted":true`: false,
	} {
		list, err := readInstances(strings.NewReader(fmt.Sprintf(format, second)), 2)
		if err != nil || len(list.Instances) != 2 {
			t.Fatalf("%s: got %v, %v", second, list, err)
		}
		got := list.Instances
		if got[0].TwoTokens != want || got[1].TwoTokens || got[0].Token.reveal() != "a" {
			t.Errorf("%s: got %v, want %t", second, got[0].TwoTokens, want)
		}
	}
}

func TestExpirationDates(t *testing.T) {
	for written, want := range map[string]string{
		`"2026-08-09T18:39:44"`:           "2026-08-09T18:39:44Z",
		`"2026-08-09T18:39:44.123"`:       "2026-08-09T18:39:44.123Z",
		`"2026-08-09T18:39:44Z"`:          "2026-08-09T18:39:44Z",
		`"2026-08-09T18:39:44.5Z"`:        "2026-08-09T18:39:44.5Z",
		`"2026-08-09T18:39:44+03:00"`:     "2026-08-09T15:39:44Z",
		`"2026-08-09 18:39:44"`:           "2026-08-09T18:39:44Z",
		`"2026-08-09"`:                    "2026-08-09T00:00:00Z",
		`1786300784`:                      "2026-08-09T18:39:44Z",
		`1786300784.75`:                   "2026-08-09T18:39:44Z",
		`1.786300784e9`:                   "2026-08-09T18:39:44Z",
		`"1786300784"`:                    "2026-08-09T18:39:44Z",
		`253402300799`:                    "9999-12-31T23:59:59Z",
		`253402300800`:                    "invalid",
		`1e999`:                           "invalid",
		`0`:                               "invalid",
		`-5`:                              "invalid",
		`"0"`:                             "invalid",
		`"0001-01-01T00:00:00"`:           "",
		`"0001-01-01T00:00:00+03:00"`:     "",
		`"1969-12-31T23:59:59Z"`:          "invalid",
		`""`:                              "invalid",
		`null`:                            "",
		`1786300784000`:                   "invalid", // milliseconds
		`"09.08.2026"`:                    "invalid",
		`true`:                            "invalid",
		`{"date":"2026-08-09T18:39:44Z"}`: "invalid",
		`"tomorrow"`:                      "invalid",
		`"0x7fffffff"`:                    "invalid",
		`"inf"`:                           "invalid",
		`"2026-13-09T18:39:44"`:           "invalid",
	} {
		body := `[{"idInstance":1,"expirationDate":` + written + `}]`
		list, err := readInstances(strings.NewReader(body), 1)
		if err != nil {
			t.Errorf("%s: %v", written, err)
		} else if got := plain(list.Instances)[0].Expires; got != want {
			t.Errorf("%s: got %q, want %q", written, got, want)
		}
	}
}

func TestEveryPartnerResponseHasItsResult(t *testing.T) {
	withToken := func(code int, body string) http.HandlerFunc {
		return respondWithPath(code, strings.ReplaceAll(body, "TOKEN", other))
	}
	for _, c := range []struct {
		name     string
		response http.HandlerFunc
		want     Result
	}{
		{"a list", withToken(200, `[{"idInstance":1,"apiTokenInstance":"TOKEN","name":"%s"}]`), OK},
		{"code 401 in an object", withToken(200, `{"code":401,"description":"%s TOKEN"}`),
			Unauthorized},
		{"status false", withToken(200, `{"status":false,"reason":"%s TOKEN has expired"}`),
			BadRequest},
		{"status false, in other words", withToken(200, `{"status":false,"reason":"%s TOKEN"}`),
			BadRequest},
		{"an instance without a list",
			withToken(200, `{"idInstance":1,"apiTokenInstance":"TOKEN","path":"%s"}`),
			InvalidResponse},
		{"invalid JSON", withToken(200, `[{"idInstance":1,"apiTokenInstance":"TOKEN" "%s"}]`),
			InvalidResponse},
		{"an invalid key", withToken(200, `[{"idInstance":1,"apiTokenInstance":"TOKEN",%s:1}]`),
			InvalidResponse},
		{"an entry that is not an object",
			withToken(200, `[{"idInstance":1,"apiTokenInstance":"TOKEN"},"%s"]`), OK},
		{"a list inside an object",
			withToken(200, `{"instances":[{"idInstance":1,"apiTokenInstance":"TOKEN"}],"at":"%s"}`),
			InvalidResponse},
		{"words", withToken(200, `[TOKEN %s]`), InvalidResponse},
		{"a truncated list",
			withToken(200, `[{"idInstance":1,"apiTokenInstance":"TOKEN"},{"name":"%s`),
			InvalidResponse},
		{"data after the list", withToken(200, `[{"idInstance":1,"apiTokenInstance":"TOKEN"}] %s`),
			InvalidResponse},
		{"null", respond(200, `null`), InvalidResponse},
		{"an empty body", respond(200, ``), InvalidResponse},
		{"corrupt gzip", gzipResponse(corruptGzip(10)), InvalidResponse},
		{"a length over the limit",
			rawResponse("HTTP/1.1 200 OK\r\nContent-Length: 67108865\r\n\r\n[{}"), TooLarge},
		{"400 with the path",
			withToken(400, `{"statusCode":400,"path":"%s","message":"TOKEN is invalid"}`),
			BadRequest},
		{"400, not authorized", withToken(400, `Partner %s TOKEN is not authorized`), BadRequest},
		{"400, expired", withToken(400, `{"message":"%s TOKEN has expired"}`), BadRequest},
		{"401", respond(401, ""), Unauthorized},
		{"403", respond(403, "<html>nginx</html>"), Forbidden},
		{"404", withToken(404, `{"message":"Cannot GET %s TOKEN"}`), UnexpectedStatus},
		{"429", respond(429, ""), RateLimited},
		{"466", respond(466, ""), QuotaExceeded},
		{"500", withToken(500, "%s TOKEN"), ServerError},
		{"a response that is not HTTP", rawResponse("GET %s HTTP/1.1\r\n\r\n"), Network},
		{"a status that is not a number", rawResponse("HTTP/1.1 %s\r\n\r\n"), Network},
		{"no response", rawResponse(""), Network},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := serve(t, c.response)
			list, err := newTestPartner(t, server.URL).List(t.Context())
			if got := ResultOf(err); got != c.want {
				t.Errorf("got %s (%v), want %s", got, err, c.want)
			}
			if err != nil && !list.Empty() {
				t.Error("instances are returned with an error")
			}
			assertNoSecret(t, err)
		})
	}
}

func TestRefusedPartnerConnectionIsANetworkError(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	_, err := newTestPartner(t, server.URL).List(t.Context())
	if ResultOf(err) != Network || !strings.Contains(err.Error(), "refused") {
		t.Errorf("got %v", err)
	}
	assertNoSecret(t, err)
}

func TestPartnerRequestMatchesTheDocumentation(t *testing.T) {
	var target string
	var observed []string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		target = r.Method + " " + r.RequestURI + " " + r.UserAgent()
		_, _ = io.WriteString(w, "[]")
	})
	partner := newTestPartner(t, server.URL+"/v3")
	partner.token = testToken(t, "gac.a/b?c%d..")
	partner.backend.OnResponse = func(method string, _ time.Duration, bytes int64) {
		observed = append(observed, fmt.Sprint(method, bytes))
	}
	list, err := partner.List(t.Context())
	if err != nil || !list.Empty() {
		t.Errorf("an empty list: got %v, %v", list, err)
	}
	if want := "GET /v3/partner/getInstances/gac.a%2Fb%3Fc%25d.. test"; target != want {
		t.Errorf("requested %s, want %s", target, want)
	}
	if fmt.Sprint(observed) != "[getInstances2]" {
		t.Errorf("OnResponse: got %v", observed)
	}
}

func TestPartnerCallsAreNotRepeated(t *testing.T) {
	var requests, moved atomic.Int32
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			moved.Add(1)
			return
		}
		switch requests.Add(1) {
		case 1:
			_, _ = io.WriteString(w, "[]") // so the next request reuses the connection
		case 2:
			panic(http.ErrAbortHandler)
		default:
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		}
	})
	partner := newTestPartner(t, server.URL)
	for i, want := range []Result{OK, Network, UnexpectedStatus} {
		if _, err := partner.List(t.Context()); ResultOf(err) != want {
			t.Errorf("call %d: got %v, want %s", i, err, want)
		}
	}
	if requests.Load() != 3 || moved.Load() != 0 {
		t.Errorf("3 calls made %d requests and followed %d redirects", requests.Load(),
			moved.Load())
	}
}

func TestPartnerCallNeedsASlotAndEndsWithItsContext(t *testing.T) {
	server := serve(t, hang(""))
	partner := newTestPartner(t, server.URL)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := partner.List(ctx); ResultOf(err) != Timeout {
		t.Errorf("got %v, want %s", err, Timeout)
	}
	release, err := partner.backend.Limiter.acquire(t.Context(), partner.base.Host, GetInstances)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = partner.List(canceled)
	var failure *Error
	if !errors.As(err, &failure) || failure.Result != Canceled || !failure.NotSent {
		t.Errorf("got %#v, want %s without a request", err, Canceled)
	}
}

func TestListsOfInstancesAreLimited(t *testing.T) {
	const three = `[{"idInstance":1},{"idInstance":2},{"idInstance":3},`
	for body, want := range map[string]Result{
		three + `]`:                   OK,
		three + `{"idInstance":1}]`:   OK, // a duplicate
		three + `{},{"name":"none"}]`: OK, // omitted
		three + `{"idInstance":4}]`:   TooLarge,
	} {
		if _, err := readInstances(strings.NewReader(body), 3); ResultOf(err) != want {
			t.Errorf("%s: got %v, want %s", body, err, want)
		}
	}

	partner := newTestPartner(t, "http://127.0.0.1")
	if partner.maxBody != 64<<20 {
		t.Errorf("the limit on a body is %d bytes", partner.maxBody)
	}
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    Result
	}{
		"a body at the limit":   {respond(200, "["+strings.Repeat(" ", 10_000)+"]"), OK},
		"a body over the limit": {respond(200, "["+strings.Repeat(" ", 10_001)+"]"), TooLarge},
		"a gzip bomb": {gzipResponse(gzipped("[" + strings.Repeat(" ", 10_001) + "]")),
			TooLarge},
		"an endless body": {endless, TooLarge},
	} {
		server := serve(t, c.handler)
		partner := newTestPartner(t, server.URL)
		partner.maxBody = 10_002
		if _, err := partner.List(t.Context()); ResultOf(err) != c.want {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}

func TestInstancesPrintWithoutTokens(t *testing.T) {
	list, err := readInstances(strings.NewReader(documented), maxInstances)
	if err != nil {
		t.Fatal(err)
	}
	instances := list.Instances
	if !instances[0].Token.Equal(testToken(t, other)) {
		t.Fatal("the token is not that of the list")
	}
	var written bytes.Buffer
	for _, value := range []any{instances[0], &instances[0], instances, list, &list} {
		for _, verb := range strings.Split("v +v #v s q x X d t p", " ") {
			fmt.Fprintf(&written, "%"+verb+"\n", value)
		}
		encoded, err := json.Marshal(value)
		fmt.Fprintln(&written, string(encoded), err)
		slog.New(slog.NewTextHandler(&written, nil)).Info("a", "instance", value)
		slog.New(slog.NewJSONHandler(&written, nil)).Info("a", "instance", value)
	}
	for _, form := range []string{
		other, fmt.Sprintf("%x", other), fmt.Sprintf("%X", other), fmt.Sprint([]byte(other)),
	} {
		if strings.Contains(written.String(), form) {
			t.Errorf("the token leaks as %s", form)
		}
	}
	if !strings.Contains(written.String(), "1101728004") {
		t.Error("the instance is not printed")
	}
}

// FuzzReadInstances compares readInstances with encoding/json: in an array of objects, both must
// return the same ids, tokens and deletions. For any input, the sizes of the reads must not change
// the result, truncated input must be rejected, and results must be valid.
func FuzzReadInstances(f *testing.F) {
	f.Add([]byte(documented))
	f.Add([]byte("\ufeff[,{\"idInstance\":\"1\",\"deleted\":true,},{\"idInstance\":1}]"))
	f.Add([]byte(`[{"idInstance":1.0},{"idInstance":-1},{"idInstance":2,` +
		`"expirationDate":1786300784.5,"apiTokenInstance":"\u0061"}]`))
	f.Add([]byte(`{"code":401}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		list, err := readInstances(bytes.NewReader(body), maxInstances)
		instances := list.Instances
		got := fmt.Sprint(plain(instances), list.BadIDs)

		again, againErr := readInstances(iotest.OneByteReader(bytes.NewReader(body)), maxInstances)
		if (err == nil) != (againErr == nil) ||
			got != fmt.Sprint(plain(again.Instances), again.BadIDs) {
			t.Fatalf("byte by byte: %v, %v; at once: %s, %v", again, againErr, got, err)
		}
		if want, badIDs, ok := decodeInstances(body); ok {
			bare := plain(instances)
			for i := range bare {
				bare[i].Expires = ""
			}
			if err != nil || fmt.Sprint(bare) != fmt.Sprint(want) || list.BadIDs != badIDs {
				t.Fatalf("encoding/json %+v, %d\nreadInstances %+v, %d, %v", want, badIDs,
					bare, list.BadIDs, err)
			}
		}
		if err != nil {
			return
		}
		known := make(map[string]bool)
		for _, i := range instances {
			if !validID.MatchString(i.ID) || known[i.ID] {
				t.Fatalf("invalid or duplicate id %q", i.ID)
			}
			known[i.ID] = true
			year := i.Expires.Year()
			if !i.Expires.IsZero() &&
				(year < 1970 || year > 9999 || i.Expires.Location() != time.UTC) {
				t.Fatalf("expires %v", i.Expires)
			}
		}
		whole := bytes.TrimRight(body, " \t\r\n")
		for _, cut := range []int{len(whole) - 1, len(whole) / 2, len(whole) / 3} {
			if _, err := readInstances(bytes.NewReader(whole[:cut]), maxInstances); err == nil {
				t.Fatalf("accepts input truncated at %d of %d", cut, len(whole))
			}
		}
	})
}

var (
	validID   = regexp.MustCompile(`^[0-9]{1,32}$`)
	printable = regexp.MustCompile(`^[!-~]*$`)
)

// decodeInstances reads a list with encoding/json, without expirations. It reports false for an
// invalid list.
func decodeInstances(body []byte) (list []plainInstance, badIDs int, ok bool) {
	var entries []json.RawMessage
	if err := json.Unmarshal(body, &entries); err != nil || entries == nil {
		return nil, 0, false
	}
	list = []plainInstance{}
	for _, entry := range entries {
		var members map[string]json.RawMessage
		_ = json.Unmarshal(entry, &members) // not an object: no members
		id := string(members["idInstance"])
		if text := text(members["idInstance"]); text != "" {
			id = text
		}
		if !validID.MatchString(id) {
			badIDs++
			continue
		}
		l := plainInstance{
			ID: id, Deleted: isTrue(members["deleted"]), Expired: isTrue(members["isExpired"]),
		}
		token := text(members["apiTokenInstance"])
		if trimmed := strings.TrimSpace(token); len(token) < jsonstream.MaxLen &&
			printable.MatchString(trimmed) {
			l.Token = trimmed
		}
		i := slices.IndexFunc(list, func(other plainInstance) bool { return other.ID == id })
		switch {
		case i < 0:
			list = append(list, l)
		case rank(l) >= rank(list[i]):
			list[i] = l
		}
	}
	return list, badIDs, true
}

func isTrue(member json.RawMessage) bool {
	written := text(member)
	if written == "" {
		written = string(member) // not a string
	}
	return slices.Contains([]string{"true", "yes", "1"}, strings.ToLower(written))
}

// rank is higher for the better of two entries with the same id.
func rank(i plainInstance) int {
	return slices.Index([]bool{i.Deleted, i.Expired, i.Token == "", true}, true)
}

func BenchmarkReadInstances(b *testing.B) {
	var body bytes.Buffer
	body.WriteString("[")
	for i := range 10_000 {
		fmt.Fprintf(&body,
			`{"idInstance":%d,"name":"Instance","typeInstance":"whatsapp",`+
				`"timeCreated":"2022-06-03T18:39:44",`+
				`"apiTokenInstance":"%050d","deleted":false,"tariff":"PARTNER_23",`+
				`"expirationDate":"2022-06-09T18:39:44","isExpired":false},`, 1_100_000_000+i, i)
	}
	body.WriteString("]")
	b.SetBytes(int64(body.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := readInstances(bytes.NewReader(body.Bytes()), maxInstances); err != nil {
			b.Fatal(err)
		}
	}
}
