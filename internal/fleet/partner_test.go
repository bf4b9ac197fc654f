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

	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/greenapi"
)

// partnerAPI answers getInstances, and counts.
type partnerAPI struct {
	mu     sync.Mutex
	status int
	body   string
	header http.Header
	hangs  bool
	asked  []time.Time
	paths  []string
}

func (p *partnerAPI) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	p.asked = append(p.asked, time.Now())
	p.paths = append(p.paths, r.URL.String())
	hangs := p.hangs
	p.mu.Unlock()
	if hangs {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return &http.Response{StatusCode: p.status, Header: p.header.Clone(), Body: io.NopCloser(strings.NewReader(p.body)), ContentLength: -1}, nil
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
	*Syncer
	api *partnerAPI
	log *bytes.Buffer
}

func newRostered(t *testing.T) *rostered {
	t.Helper()
	r := &rostered{api: new(partnerAPI), log: new(bytes.Buffer)}
	w := watch(t, "", r.api)
	service := &greenapi.Backend{Transport: r.api, Limiter: greenapi.NewLimiter(4)}
	r.Syncer = NewSyncer(w.Manager, service, level.NewFilter(log.NewLogfmtLogger(log.NewSyncWriter(r.log)), level.AllowInfo()))
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
		Defaults: config.Flags{Settings: config.Settings{
			URL: "https://api.example", Minutes: 60, Timeout: 30 * time.Second,
			Retention: 360 * time.Hour, Collectors: []string{"outgoing"},
		}},
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
		if err := r.ApplyConfig(file(t, ofPartner)); err != nil {
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
		time.Sleep(2 * time.Second) // a failure is tried again
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
		if n := r.api.calls(); n < 25 || n > 40 {
			t.Errorf("a list that cannot be had was asked for %d times in 30 minutes", n)
		}
		r.api.lists("1101000003")
		time.Sleep(time.Minute)
		r.has(t, true, "1101000001", "1101000003")

		text := r.log.String()
		for words, times := range map[string]int{
			"result=server_error": 2, "result=unauthorized": 1, "partner's token": 1, "result=invalid_response": 1, "taken from the Partner API again": 2,
			"took the list": 3, "listed=3 watched=2": 1, "secret": 0, "token-of": 0,
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
			if err := r.ApplyConfig(file(t, text)); err != nil {
				t.Fatal(err)
			}
		}
		configure(ofPartner)
		r.has(t, true, "1101000001", "1101000002")
		r.api.calls()
		r.api.fails(502)
		configure(strings.Replace(ofPartner, "^11", "^12", 1))
		r.has(t, true, "1101000001", "1201000003")
		if n := r.api.calls(); n != 0 {
			t.Errorf("asked %d times for what another include needs not", n)
		}
		for n := range 100 { // each with another token
			configure(strings.Replace(ofPartner, "partner-secret", fmt.Sprint("partner-secret-", n), 1))
			time.Sleep(10 * time.Millisecond)
		}
		if n := r.api.calls(); n > 2 {
			t.Errorf("asked %d times within a second", n)
		}
		r.has(t, true, "1101000001", "1101000002")
		time.Sleep(time.Second)
		if path := r.api.paths[len(r.api.paths)-1]; !strings.HasSuffix(path, "/partner-secret-99") {
			t.Errorf("asked for %s", path)
		}
		r.api.calls()
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
		if err := r.ApplyConfig(file(t, ofPartner)); err == nil {
			t.Error("it can be configured when it has been closed")
		}
		r.api.calls()
		time.Sleep(time.Hour)
		if n := r.api.calls(); n != 0 {
			t.Errorf("asked %d times after the end", n)
		}
	})
}

// TestAListOfNothing does not take everything away, unless it is said twice.
func TestAListOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRostered(t)
		r.api.lists("1101000002")
		if err := r.ApplyConfig(file(t, ofPartner)); err != nil {
			t.Fatal(err)
		}
		r.has(t, true, "1101000001", "1101000002")
		for _, ids := range [][]string{{}, {"2201000001"}} { // none at all, and none that is wanted
			r.api.lists(ids...)
			time.Sleep(10 * time.Minute)
			r.has(t, true, "1101000001", "1101000002")
			r.api.lists("1101000002")
			time.Sleep(10 * time.Minute)
			r.has(t, true, "1101000001", "1101000002")
		}
		r.api.lists()
		time.Sleep(20 * time.Minute)
		r.has(t, true, "1101000001")
		if text := r.log.String(); strings.Count(text, "the last list stays unless it says so again") != 3 {
			t.Errorf("the log:\n%s", text)
		}
	})
}

// TestThePartnersPace: a call ends with its timeout, and after failures the next waits longer and longer, or as long as it is
// told to.
func TestThePartnersPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRostered(t)
		r.api.hangs = true
		if err := r.ApplyConfig(file(t, ofPartner)); err != nil {
			t.Fatal(err)
		}
		apart := func(want ...time.Duration) {
			t.Helper()
			r.api.mu.Lock()
			defer r.api.mu.Unlock()
			for n, d := range want {
				if n+1 >= len(r.api.asked) {
					t.Fatalf("asked %d times", len(r.api.asked))
				}
				if got := r.api.asked[n+1].Sub(r.api.asked[n]); got != d {
					t.Errorf("call %d came after %s, want %s", n+1, got, d)
				}
			}
			r.api.asked = r.api.asked[len(r.api.asked)-1:]
		}
		time.Sleep(5 * time.Minute)
		apart(30*time.Second, 30*time.Second, 30*time.Second, 30*time.Second, 32*time.Second, time.Minute) // they last for 30 s
		r.api.mu.Lock()
		r.api.hangs, r.api.status, r.api.header = false, 429, http.Header{"Retry-After": {"300"}}
		r.api.mu.Unlock()
		time.Sleep(11 * time.Minute)
		r.api.mu.Lock()
		last := r.api.asked[len(r.api.asked)-1].Sub(r.api.asked[len(r.api.asked)-2])
		r.api.mu.Unlock()
		if last != 5*time.Minute {
			t.Errorf("it was told to wait for 5 minutes, and came after %s", last)
		}
	})
}
