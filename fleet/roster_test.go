package fleet

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"greenapi_exporter/config"
	"greenapi_exporter/greenapi"
)

// partnerAPI answers getInstances, and counts.
type partnerAPI struct {
	mu     sync.Mutex
	status int
	body   string
	asked  []time.Time
	paths  []string
}

func (p *partnerAPI) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, time.Now())
	p.paths = append(p.paths, r.URL.String())
	return &http.Response{StatusCode: p.status, Header: make(http.Header), Body: io.NopCloser(strings.NewReader(p.body)), ContentLength: -1}, nil
}

// lists has it list those ids from now on, with the tokens that belong to them.
func (p *partnerAPI) lists(ids ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var rows []string
	for _, id := range ids {
		rows = append(rows, fmt.Sprintf(`{"idInstance":%s,"apiTokenInstance":"token-of-%s","deleted":false,"isExpired":false,"expirationDate":"2030-01-02T03:04:05Z"}`, id, id))
	}
	p.status, p.body = 200, "["+strings.Join(rows, ",")+"]"
}

func (p *partnerAPI) fails(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status, p.body = status, `{"path":"/partner/getInstances/partner-secret"}`
}

// calls is how many there were since it was last asked.
func (p *partnerAPI) calls() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.asked)
	p.asked = nil
	return n
}

// rostered is a roster and what is around it.
type rostered struct {
	*Roster
	api *partnerAPI
	log *bytes.Buffer
}

func newRostered(t *testing.T) *rostered {
	t.Helper()
	r := &rostered{api: new(partnerAPI), log: new(bytes.Buffer)}
	w := watch(t, "", r.api)
	service := &greenapi.Service{Transport: r.api, Places: greenapi.NewPlaces(4)}
	r.Roster = NewRoster(w.Fleet, service, level.NewFilter(log.NewLogfmtLogger(log.NewSyncWriter(r.log)), level.AllowInfo()))
	t.Cleanup(func() {
		r.Close()
		w.close(t)
	})
	return r
}

// file is what a configuration of that text says.
func file(t *testing.T, text string) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "greenapi.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Source{
		Path: path, Collectors: []string{"outgoing"},
		Defaults: config.Flags{URL: "https://api.example", Minutes: 60, Timeout: 30 * time.Second, Retention: 360 * time.Hour, Collectors: []string{"outgoing"}},
	}.Load(log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// has checks which instances there are, and whether these are all.
func (r *rostered) has(t *testing.T, complete bool, ids ...string) {
	t.Helper()
	synctest.Wait()
	targets, all := r.Targets()
	var got []string
	for _, target := range targets {
		got = append(got, target.ID())
	}
	if strings.Join(got, " ") != strings.Join(ids, " ") || all != complete {
		t.Errorf("there are %v, all: %v; want %v, %v", got, all, ids, complete)
	}
}

const ofPartner = "instances: [{id_instance: 1101000001, token: own}]\npartner: {token: partner-secret, refresh: 10m, include: \"^11\"}\n"

// TestThePartnersList comes in the background, is refreshed and stays when it cannot be.
func TestThePartnersList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRostered(t)
		r.has(t, false)
		r.api.fails(502)
		if err := r.Configure(file(t, ofPartner)); err != nil {
			t.Fatal(err)
		}
		r.has(t, false, "1101000001")
		last := func(at time.Time) {
			t.Helper()
			seconds := 0.0
			if !at.IsZero() {
				seconds = float64(at.Unix())
			}
			want := fmt.Sprintf("# HELP greenapi_exporter_partner_last_success_timestamp_seconds When the list of instances was last taken from the Partner API, as UNIX time, 0 before the first time; absent where none is taken from there.\n"+
				"# TYPE greenapi_exporter_partner_last_success_timestamp_seconds gauge\ngreenapi_exporter_partner_last_success_timestamp_seconds %v\n", seconds)
			if err := testutil.CollectAndCompare(r, strings.NewReader(want), "greenapi_exporter_partner_last_success_timestamp_seconds"); err != nil {
				t.Error(err)
			}
		}
		last(time.Time{})

		r.api.lists("1101000003", "1101000002", "2201000001")
		time.Sleep(time.Minute) // a failure is tried again
		r.has(t, true, "1101000001", "1101000002", "1101000003")
		first := time.Now()
		last(first)
		if path := r.api.paths[1]; path != "https://api.example/partner/getInstances/partner-secret" {
			t.Errorf("asked for %s", path)
		}
		r.api.calls()
		time.Sleep(10*time.Minute - time.Second)
		if n := r.api.calls(); n != 0 {
			t.Errorf("asked %d times before the time", n)
		}
		r.api.lists("1101000003", "1101000004")
		time.Sleep(time.Second)
		r.has(t, true, "1101000001", "1101000003", "1101000004")
		second := time.Now()
		last(second)

		for _, status := range []int{502, 401, 200} { // the last with an answer that is none
			r.api.fails(status)
			time.Sleep(10 * time.Minute)
			r.has(t, true, "1101000001", "1101000003", "1101000004")
			last(second)
		}
		if n := r.api.calls(); n < 20 || n > 32 {
			t.Errorf("a list that cannot be had was asked for %d times in 30 minutes", n)
		}
		r.api.lists("1101000003")
		time.Sleep(time.Minute)
		r.has(t, true, "1101000001", "1101000003")

		text := r.log.String()
		for words, times := range map[string]int{
			"result=server_error": 2, "result=unauthorized": 1, "partner's token": 1, "result=invalid_response": 1, "taken from the Partner API again": 2,
			"took the list": 1, "listed=3 instances=3": 1, "secret": 0, "token-of": 0,
		} {
			if got := strings.Count(text, words); got != times {
				t.Errorf("%q is %d times in the log, want %d:\n%s", words, got, times, text)
			}
		}
	})
}

// TestAReloadAsksThePartnerAnew, keeps what was listed until it answers, and lets go of it where nobody is to be asked.
func TestAReloadAsksThePartnerAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRostered(t)
		r.api.lists("1101000002", "1201000003")
		configure := func(text string) {
			t.Helper()
			if err := r.Configure(file(t, text)); err != nil {
				t.Fatal(err)
			}
		}
		configure(ofPartner)
		r.has(t, true, "1101000001", "1101000002")
		r.api.calls()
		r.api.fails(502)
		configure(strings.Replace(ofPartner, "^11", "^12", 1))
		r.has(t, true, "1101000001", "1201000003")
		if n := r.api.calls(); n != 1 {
			t.Errorf("asked %d times", n)
		}
		configure("instances: [{id_instance: 1101000001, token: own}]\n")
		r.has(t, true, "1101000001")
		if n := testutil.CollectAndCount(r, "greenapi_exporter_partner_last_success_timestamp_seconds"); n != 0 {
			t.Error("the age of a list is shown that nobody asks for")
		}
		time.Sleep(time.Hour)
		if n := r.api.calls(); n != 0 {
			t.Errorf("asked %d times", n)
		}
		configure(ofPartner)
		r.has(t, false, "1101000001")
		r.Close()
		if err := r.Configure(file(t, ofPartner)); err == nil {
			t.Error("it can be configured when it has been closed")
		}
		r.api.calls()
		time.Sleep(time.Hour)
		if n := r.api.calls(); n != 0 {
			t.Errorf("asked %d times after the end", n)
		}
	})
}
