package fleet

import (
	"bytes"
	"fmt"
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
	"github.com/prometheus/client_golang/prometheus"

	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/greenapi"
)

// partnerAPI is a fake Partner API that records its calls.
type partnerAPI struct {
	mu     sync.Mutex
	status int
	body   string
	header http.Header
	hangs  bool
	times  []time.Time // of the calls since takeCalls
	paths  []string
}

func (p *partnerAPI) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	p.times = append(p.times, time.Now())
	p.paths = append(p.paths, r.URL.String())
	hangs := p.hangs
	p.mu.Unlock()
	if hangs {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	response := newResponse(p.status, p.body)
	response.Header = p.header.Clone()
	return response, nil
}

// list makes the API list these ids.
func (p *partnerAPI) list(ids ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var rows []string
	for _, id := range ids {
		rows = append(rows, fmt.Sprintf(`{"idInstance":%s,"apiTokenInstance":"token-of-%s",`+
			`"deleted":false,"isExpired":false,"expirationDate":"2030-01-02T03:04:05Z"}`, id, id))
	}
	p.status, p.body = 200, "["+strings.Join(rows, ",")+"]"
}

func (p *partnerAPI) fail(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status, p.body = status, `{"path":"/partner/getInstances/partner-secret"}`
}

// takeCalls returns the number of calls since the previous takeCalls.
func (p *partnerAPI) takeCalls() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.times)
	p.times = nil
	return n
}

// testSyncer is a Syncer with its API and log.
type testSyncer struct {
	*Syncer
	api *partnerAPI
	log *bytes.Buffer
}

func newTestSyncer(t *testing.T) *testSyncer {
	t.Helper()
	s := &testSyncer{api: new(partnerAPI), log: new(bytes.Buffer)}
	f := newTestFleet(t, "", s.api)
	backend := &greenapi.Backend{Transport: s.api, Limiter: greenapi.NewLimiter(4)}
	logger := level.NewFilter(log.NewLogfmtLogger(log.NewSyncWriter(s.log)), level.AllowInfo())
	s.Syncer = NewSyncer(f.Manager, backend, logger)
	t.Cleanup(func() {
		s.Close()
		f.close(t)
	})
	return s
}

// loadConfig returns the configuration of a file with the given text.
func loadConfig(t *testing.T, text string) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "greenapi.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Source{
		Path: path, Collectors: []string{"outgoing"},
		Defaults: config.Settings{
			URL: "https://api.example", Minutes: 60, Timeout: 30 * time.Second,
			Retention: 360 * time.Hour, Collectors: []string{"outgoing"},
		},
	}.Load(log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// wantTargets checks the ids of the targets, and whether they are complete.
func (s *testSyncer) wantTargets(t *testing.T, complete bool, ids ...string) {
	t.Helper()
	synctest.Wait()
	targets, gotComplete := s.Targets()
	var got []string
	for _, target := range targets {
		got = append(got, target.ID())
	}
	if strings.Join(got, " ") != strings.Join(ids, " ") || gotComplete != complete {
		t.Errorf("targets %v, complete %v; want %v, %v", got, gotComplete, ids, complete)
	}
}

const lastSuccessMetric = "greenapi_exporter_partner_last_success_timestamp_seconds"

// collect returns the values of the Syncer's metrics by name.
func collect(t *testing.T, s *testSyncer) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(s)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]float64)
	for _, family := range families {
		values[family.GetName()] = family.Metric[0].GetGauge().GetValue()
	}
	return values
}

const partnerConfig = `
instances: [{id_instance: 1101000001, token: own}]
partner: {token: partner-secret, refresh: 10m, include: "^11"}
`

func TestPartnerListIsRefreshedAndKeptDuringFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSyncer(t)
		s.wantTargets(t, false)
		s.api.fail(502)
		if err := s.ApplyConfig(loadConfig(t, partnerConfig)); err != nil {
			t.Fatal(err)
		}
		s.wantTargets(t, false, "1101000001")
		wantLastSuccess := func(at time.Time) {
			t.Helper()
			seconds := 0.0
			if !at.IsZero() {
				seconds = float64(at.Unix())
			}
			if got := collect(t, s)[lastSuccessMetric]; got != seconds {
				t.Errorf("the last success is %v, want %v", got, seconds)
			}
		}
		wantLastSuccess(time.Time{})

		s.api.list("1101000003", "1101000002", "2201000001")
		time.Sleep(2 * time.Second) // the backoff after one failure
		s.wantTargets(t, true, "1101000001", "1101000002", "1101000003")
		first := time.Now()
		wantLastSuccess(first)
		if path := s.api.paths[1]; path != "https://api.example/partner/getInstances/partner-secret" {
			t.Errorf("the call has path %s", path)
		}
		s.api.takeCalls()
		time.Sleep(10*time.Minute - time.Second)
		if n := s.api.takeCalls(); n != 0 {
			t.Errorf("%d calls before the refresh, want 0", n)
		}
		s.api.list("1101000003", "1101000004")
		time.Sleep(time.Second)
		s.wantTargets(t, true, "1101000001", "1101000003", "1101000004")
		second := time.Now()
		wantLastSuccess(second)

		for _, status := range []int{502, 401, 200} { // the last one with an invalid body
			s.api.fail(status)
			time.Sleep(10 * time.Minute)
			s.wantTargets(t, true, "1101000001", "1101000003", "1101000004")
			wantLastSuccess(second)
		}
		if n := s.api.takeCalls(); n < 25 || n > 40 {
			t.Errorf("%d calls in 30 minutes of failures, want 25 to 40", n)
		}
		s.api.list("1101000003")
		time.Sleep(time.Minute)
		s.wantTargets(t, true, "1101000001", "1101000003")

		logged := s.log.String()
		for text, times := range map[string]int{
			"result=server_error": 2, "result=unauthorized": 1, "partner's token": 1,
			"result=invalid_response": 1, "lists the instances again": 2,
			"applied the list": 3, "listed=3 watched=2": 1, "secret": 0, "token-of": 0,
		} {
			if got := strings.Count(logged, text); got != times {
				t.Errorf("%q is %d times in the log, want %d:\n%s", text, got, times, logged)
			}
		}
	})
}

// TestReloadKeepsPartnerListUntilTheNextOne, and drops it if the partner is removed.
func TestReloadKeepsPartnerListUntilTheNextOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSyncer(t)
		s.api.list("1101000002", "1201000003")
		configure := func(text string) {
			t.Helper()
			if err := s.ApplyConfig(loadConfig(t, text)); err != nil {
				t.Fatal(err)
			}
		}
		configure(partnerConfig)
		s.wantTargets(t, true, "1101000001", "1101000002")
		s.api.takeCalls()
		s.api.fail(502)
		configure(strings.Replace(partnerConfig, "^11", "^12", 1))
		s.wantTargets(t, true, "1101000001", "1201000003")
		if n := s.api.takeCalls(); n != 0 {
			t.Errorf("%d calls after include changed, want 0", n)
		}
		for n := range 100 { // each with another token
			configure(strings.Replace(partnerConfig, "partner-secret", fmt.Sprint("partner-secret-", n), 1))
			time.Sleep(10 * time.Millisecond)
		}
		if n := s.api.takeCalls(); n > 2 {
			t.Errorf("%d calls within a second, want at most 2", n)
		}
		s.wantTargets(t, true, "1101000001", "1101000002")
		time.Sleep(time.Second)
		if path := s.api.paths[len(s.api.paths)-1]; !strings.HasSuffix(path, "/partner-secret-99") {
			t.Errorf("the call has path %s", path)
		}
		s.api.takeCalls()
		configure("instances: [{id_instance: 1101000001, token: own}]\n")
		s.wantTargets(t, true, "1101000001")
		if _, ok := collect(t, s)[lastSuccessMetric]; ok {
			t.Error("the last success is exposed without a partner")
		}
		time.Sleep(time.Hour)
		if n := s.api.takeCalls(); n != 0 {
			t.Errorf("%d calls without a partner, want 0", n)
		}
		configure(partnerConfig)
		s.wantTargets(t, false, "1101000001")
		s.Close()
		if err := s.ApplyConfig(loadConfig(t, partnerConfig)); err == nil {
			t.Error("a closed Syncer can be configured")
		}
		s.api.takeCalls()
		time.Sleep(time.Hour)
		if n := s.api.takeCalls(); n != 0 {
			t.Errorf("%d calls after Close, want 0", n)
		}
	})
}

func TestEmptyPartnerListIsIgnoredOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSyncer(t)
		s.api.list("1101000002")
		if err := s.ApplyConfig(loadConfig(t, partnerConfig)); err != nil {
			t.Fatal(err)
		}
		s.wantTargets(t, true, "1101000001", "1101000002")
		for _, ids := range [][]string{{}, {"2201000001"}} { // an empty list, and one without a match
			s.api.list(ids...)
			time.Sleep(10 * time.Minute)
			s.wantTargets(t, true, "1101000001", "1101000002")
			s.api.list("1101000002")
			time.Sleep(10 * time.Minute)
			s.wantTargets(t, true, "1101000001", "1101000002")
		}
		s.api.list()
		time.Sleep(20 * time.Minute)
		s.wantTargets(t, true, "1101000001")
		if text := s.log.String(); strings.Count(text, "level=warn") != 3 {
			t.Errorf("the log has not 3 warnings:\n%s", text)
		}
	})
}

// TestPartnerCallsBackOff checks the time between calls that fail: it grows up to a minute, or is
// what Retry-After demands.
func TestPartnerCallsBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSyncer(t)
		s.api.hangs = true
		if err := s.ApplyConfig(loadConfig(t, partnerConfig)); err != nil {
			t.Fatal(err)
		}
		wantGaps := func(want ...time.Duration) {
			t.Helper()
			s.api.mu.Lock()
			defer s.api.mu.Unlock()
			for n, d := range want {
				if n+1 >= len(s.api.times) {
					t.Fatalf("there were %d calls", len(s.api.times))
				}
				if got := s.api.times[n+1].Sub(s.api.times[n]); got != d {
					t.Errorf("call %d came after %s, want %s", n+1, got, d)
				}
			}
			s.api.times = s.api.times[len(s.api.times)-1:]
		}
		time.Sleep(5 * time.Minute)
		call := 30 * time.Second // the timeout
		wantGaps(call, call, call, call, 32*time.Second, time.Minute)
		s.api.mu.Lock()
		s.api.hangs, s.api.status, s.api.header = false, 429, http.Header{"Retry-After": {"300"}}
		s.api.mu.Unlock()
		time.Sleep(11 * time.Minute)
		s.api.mu.Lock()
		gap := s.api.times[len(s.api.times)-1].Sub(s.api.times[len(s.api.times)-2])
		s.api.mu.Unlock()
		if gap != 5*time.Minute {
			t.Errorf("the call came after %s, want 5m as Retry-After says", gap)
		}
	})
}
