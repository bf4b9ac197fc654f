package simulator_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"greenapi_exporter/internal/simulator"
)

const (
	partnerToken = "gac.2f0f5c3b9d1e4a7788aa6655bb44cc33dd22ee11ff00aa"
	partnerPath  = "/partner/getInstances/" + partnerToken
)

// listed is an account in the list of the Partner API.
type listed struct {
	ID      json.Number `json:"idInstance"`
	Name    string      `json:"name"`
	Type    string      `json:"typeInstance"`
	Created string      `json:"timeCreated"`
	Removed string      `json:"timeDeleted"`
	Token   string      `json:"apiTokenInstance"`
	Deleted bool        `json:"deleted"`
	Tariff  string      `json:"tariff"`
	Expires string      `json:"expirationDate"`
	Expired bool        `json:"isExpired"`
}

func partnerList(t testing.TB, f *simulator.Fleet) []listed {
	t.Helper()
	w := get(f, partnerPath)
	var list []listed
	err, contentType := json.Unmarshal(w.Body.Bytes(), &list), w.Header().Get("Content-Type")
	if err != nil || w.Code != http.StatusOK || contentType != "application/json" {
		t.Errorf("status %d, type %q, error %v", w.Code, contentType, err)
	}
	return list
}

func idsOf(list []listed) []string {
	ids := make([]string, 0, len(list))
	for _, l := range list {
		ids = append(ids, l.ID.String())
	}
	return ids
}

func TestPartnerAPIListsAllAccounts(t *testing.T) {
	f, c := newFleet(3, busy(), 10*time.Hour)
	cfg := busy()
	cfg.IDInstance, cfg.Token, cfg.Now = idOf(3), `odd"\token`, c.Now
	f.Add(cfg)
	f.Subscribe(idOf(1), simulator.Subscription{Expired: true, Expires: start})
	inAnotherZone := start.In(time.FixedZone("", 3600))
	f.Subscribe(idOf(2), simulator.Subscription{Deleted: true, Expires: inAnotherZone})
	c.Advance(time.Hour)

	const created, never = "2026-03-01T08:00:00", "0001-01-01T00:00:00"
	account := func(i int) listed {
		return listed{
			ID: json.Number(idOf(i)), Name: "Instance " + idOf(i), Type: "whatsapp",
			Created: created, Removed: never, Token: tokenOf(i), Tariff: "PARTNER", Expires: never,
		}
	}
	want := []listed{account(0), account(1), account(2), account(3)}
	want[1].Expired, want[1].Expires = true, created
	want[2].Deleted, want[2].Removed, want[2].Expires = true, "2026-03-01T18:00:00", created
	want[3].Created, want[3].Token = "2026-03-01T18:00:00", cfg.Token
	got := partnerList(t, f)
	if !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if date := get(f, partnerPath).Header().Get("Date"); date != "Sun, 01 Mar 2026 19:00:00 GMT" {
		t.Errorf("Date %q", date)
	}

	f.Subscribe(idOf(2), simulator.Subscription{})
	if got := partnerList(t, f); got[2] != account(2) {
		t.Errorf("after the subscription was reset: %+v", got[2])
	}
	if w := get(f, memberPath(2, outgoing)); w.Code != http.StatusOK {
		t.Errorf("a subscription changed the status of an account to %d", w.Code)
	}
}

func TestPartnerAPIRefusesInvalidRequests(t *testing.T) {
	f, _ := newFleet(1, busy(), time.Hour)
	closed := simulator.NewFleet(simulator.FleetConfig{})
	for _, c := range []struct {
		name, verb, path string
		fleet            *simulator.Fleet
		want             int
	}{
		{"as documented", http.MethodGet, partnerPath, f, 200},
		{"prefix", http.MethodGet, "/v3" + partnerPath, f, 200},
		{"wrong token", http.MethodGet, partnerPath + "x", f, 401},
		{"token of an account", http.MethodGet, "/partner/getInstances/" + tokenOf(0), f, 401},
		{"no token", http.MethodGet, "/partner/getInstances/", f, 401},
		{"path after the token", http.MethodGet, partnerPath + "/x", f, 404},
		{"unknown method", http.MethodGet, "/partner/getNothing/" + partnerToken, f, 404},
		{"wrong verb", http.MethodPost, partnerPath, f, 404},
		{"no Partner API", http.MethodGet, partnerPath, closed, 404},
		{"no Partner API and no token", http.MethodGet, "/partner/getInstances/", closed, 404},
	} {
		w := httptest.NewRecorder()
		c.fleet.ServeHTTP(w, httptest.NewRequest(c.verb, c.path, nil))
		if w.Code != c.want {
			t.Errorf("%s: %d, want %d", c.name, w.Code, c.want)
		}
		body := w.Body.String()
		if c.want == 404 && !strings.Contains(body, "Cannot "+c.verb+" /partner/") {
			t.Errorf("%s: %s", c.name, body)
		}
		if c.want == 401 && w.Body.Len() != 0 {
			t.Errorf("%s: %s", c.name, w.Body)
		}
	}
	if n := f.PartnerCalls(); n != 6 {
		t.Errorf("%d calls, want 6", n)
	}
}

func TestPartnerFaultsChangeOnlyTheList(t *testing.T) {
	valid, _ := newFleet(4, busy(), time.Hour)
	good := get(valid, partnerPath).Body.String()
	rows := good[1 : len(good)-1]
	for fault, want := range map[simulator.Fault]struct {
		status     int
		isExpected func(body string) bool
	}{
		simulator.FaultUnauthorizedOK: {200, func(b string) bool {
			return strings.HasPrefix(b, `{"code":401`)
		}},
		simulator.FaultBadRequest: {400, func(b string) bool {
			return strings.Contains(b, `"path":"`+partnerPath+`"`)
		}},
		simulator.FaultNotFound: {404, func(b string) bool {
			return strings.Count(b, partnerToken) == 2
		}},
		simulator.FaultServerError: {500, func(b string) bool {
			return strings.Contains(b, partnerToken)
		}},
		simulator.FaultRateLimited: {429, func(b string) bool { return b == "" }},
		simulator.FaultObject:      {200, func(b string) bool { return b[0] == '{' }},
		simulator.FaultCommaStart:  {200, func(b string) bool { return b == "[,"+rows+"]" }},
		simulator.FaultBOM:         {200, func(b string) bool { return b == "\ufeff"+good }},
		simulator.FaultTrailing:    {200, func(b string) bool { return b == good+"[]" }},
		simulator.FaultCutRow: {200, func(b string) bool {
			return len(b) < len(good) && strings.HasPrefix(good, b) && strings.Count(b, "{") == 3
		}},
		simulator.FaultRowNotObject: {200, func(b string) bool {
			return b == "["+rows+`,"typeMessage"]`
		}},
		simulator.FaultBadTimestamp: {200, func(b string) bool {
			var list []listed
			return json.Unmarshal([]byte(b), &list) == nil &&
				len(list) == 5 && list[4].Expires == "yesterday"
		}},
	} {
		f, _ := newFleet(4, busy(), time.Hour)
		f.SetPartnerFault(fault)
		if w := get(f, partnerPath); w.Code != want.status || !want.isExpected(w.Body.String()) {
			t.Errorf("%s: status %d, unexpected body %.300s", fault, w.Code, w.Body)
		}
		if w := get(f, partnerPath+"x"); w.Code != http.StatusUnauthorized {
			t.Errorf("%s: status %d for a wrong token", fault, w.Code)
		}
		if w := get(f, memberPath(0, outgoing)); w.Code != http.StatusOK {
			t.Errorf("%s: status %d of an account", fault, w.Code)
		}
		f.SetPartnerFault(simulator.FaultNone)
		if w := get(f, partnerPath); w.Body.String() != good {
			t.Errorf("%s did not end", fault)
		}
	}
}

func TestPartnerFollowedRecordsRedirectedRequests(t *testing.T) {
	f, _ := newFleet(1, busy(), time.Hour)
	f.SetPartnerFault(simulator.FaultRedirect)
	server := httptest.NewServer(f)
	defer server.Close()
	w := get(f, "/v3"+partnerPath)
	location := w.Header().Get("Location")
	if w.Code != http.StatusFound || location != "/v3/moved"+partnerPath {
		t.Errorf("status %d, Location %q", w.Code, location)
	}
	if followed := f.PartnerFollowed(); len(followed) != 0 {
		t.Errorf("followed %v before the first redirect", followed)
	}
	response, err := server.Client().Get(server.URL + partnerPath) // follows the redirect
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	want := []string{server.URL + partnerPath}
	if followed := f.PartnerFollowed(); !slices.Equal(followed, want) {
		t.Errorf("followed %v", followed)
	}
	if n := f.PartnerCalls(); n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
}
