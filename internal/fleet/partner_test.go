package fleet

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// partnerAPI is a fake Partner API that records its calls.
type partnerAPI struct {
	mu     sync.Mutex
	status int
	body   string
	header http.Header
	hangs  bool
	calls  []partnerCall // since takeCalls
}

type partnerCall struct {
	time time.Time
	url  string
}

func (p *partnerAPI) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	p.calls = append(p.calls, partnerCall{time.Now(), r.URL.String()})
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
	var rows []string
	for _, id := range ids {
		rows = append(rows, fmt.Sprintf(`{"idInstance":%s,"apiTokenInstance":"token-of-%s",`+
			`"deleted":false,"isExpired":false,"expirationDate":"2030-01-02T03:04:05Z"}`, id, id))
	}
	p.respond(200, "["+strings.Join(rows, ",")+"]")
}

func (p *partnerAPI) respond(status int, body string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status, p.body = status, body
}

func (p *partnerAPI) setHeader(name, value string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.header = http.Header{name: {value}}
}

func (p *partnerAPI) fail(status int) {
	p.respond(status, `{"path":"/partner/getInstances/partner-secret"}`)
}

// takeCalls returns the calls since the previous takeCalls.
func (p *partnerAPI) takeCalls() []partnerCall {
	p.mu.Lock()
	defer p.mu.Unlock()
	calls := p.calls
	p.calls = nil
	return calls
}

// takeGaps returns the times between the calls since the previous takeCalls.
func (p *partnerAPI) takeGaps() []time.Duration {
	var gaps []time.Duration
	calls := p.takeCalls()
	for n := range len(calls) - 1 {
		gaps = append(gaps, calls[n+1].time.Sub(calls[n].time))
	}
	return gaps
}

func TestPartnerListIsRefreshedAndSurvivesFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSyncer(t)
		s.wantTargets(t, false)
		s.api.fail(502)
		s.configure(t, partnerConfig)
		s.wantTargets(t, false, "1101000001")
		wantLastSuccess := func(unixTime int64) {
			t.Helper()
			if got := collect(t, s)[lastSuccessMetric]; got != float64(unixTime) {
				t.Errorf("the last success is %v, want %v", got, unixTime)
			}
		}
		wantLastSuccess(0)

		s.api.list("1101000003", "1101000002", "2201000001")
		time.Sleep(2 * time.Second) // the backoff after one failure
		s.wantTargets(t, true, "1101000001", "1101000002", "1101000003")
		wantLastSuccess(time.Now().Unix())
		const url = "https://api.example/partner/getInstances/partner-secret"
		if got := s.api.takeCalls()[1].url; got != url {
			t.Errorf("the call has URL %s, want %s", got, url)
		}
		time.Sleep(10*time.Minute - time.Second)
		s.wantNoCalls(t)
		s.api.list("1101000003", "1101000004", "1101000002")
		time.Sleep(time.Second)
		s.wantTargets(t, true, "1101000001", "1101000002", "1101000003", "1101000004")
		lastSuccess := time.Now().Unix()
		wantLastSuccess(lastSuccess)

		for _, status := range []int{502, 401, 200} { // the last one with an invalid body
			s.api.fail(status)
			time.Sleep(10 * time.Minute)
			s.wantTargets(t, true, "1101000001", "1101000002", "1101000003", "1101000004")
			wantLastSuccess(lastSuccess)
		}
		if n := len(s.api.takeCalls()); n < 25 || n > 40 {
			t.Errorf("%d calls in 30 minutes of failures, want 25 to 40", n)
		}
		s.api.list("1101000003", "1101000002", "2201000001")
		time.Sleep(time.Minute + refresh)
		s.wantTargets(t, true, "1101000001", "1101000002", "1101000003")

		logged := s.log.take()
		for text, times := range map[string]int{
			"result=server_error": 2, "result=unauthorized": 1, "partner token is wrong": 1,
			"result=invalid_response": 1, "succeeded again": 2,
			"applied the list": 3, "listed=3 watched=2": 2, "secret": 0, "token-of": 0,
		} {
			if got := strings.Count(logged, text); got != times {
				t.Errorf("%q occurs %d times in the log, want %d:\n%s", text, got, times, logged)
			}
		}
	})
}

// TestOldPartnerListIsLoggedOnce checks that there is one log line when a cache begins to return
// old lists, and one when it stops.
func TestOldPartnerListIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSyncer(t)
		s.api.list("1101000002")
		s.api.setHeader("Age", "7200")
		s.configure(t, partnerConfig)
		time.Sleep(3 * refresh)
		s.api.setHeader("Age", "0")
		time.Sleep(3 * refresh)
		synctest.Wait()
		logged := s.log.take()
		for text, times := range map[string]int{"age=2h0m0s": 1, "responses are recent again": 1} {
			if got := strings.Count(logged, text); got != times {
				t.Errorf("%q occurs %d times in the log, want %d:\n%s", text, got, times, logged)
			}
		}
	})
}

// TestFailedPartnerCallsBackOff checks that the time between calls grows to a minute, or follows
// Retry-After.
func TestFailedPartnerCallsBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSyncer(t)
		s.api.hangs = true
		s.configure(t, partnerConfig)
		time.Sleep(5 * time.Minute)
		gaps := s.api.takeGaps()
		const timeout = 30 * time.Second
		want := []time.Duration{timeout, timeout, timeout, timeout, 32 * time.Second, time.Minute}
		if len(gaps) < len(want) || !slices.Equal(gaps[:len(want)], want) {
			t.Errorf("times between calls %v, want %v", gaps, want)
		}
		s.api.mu.Lock()
		s.api.hangs, s.api.status, s.api.header = false, 429, http.Header{"Retry-After": {"300"}}
		s.api.mu.Unlock()
		time.Sleep(11 * time.Minute)
		if gaps := s.api.takeGaps(); gaps[len(gaps)-1] != 5*time.Minute {
			t.Errorf("times between calls %v, want 5m at the end, as in Retry-After", gaps)
		}
	})
}

// TestReloadDoesNotEndTheWaitAfterAFailure checks that only another token or host ends the wait
// that the Partner API demands, because the wait belongs to them.
func TestReloadDoesNotEndTheWaitAfterAFailure(t *testing.T) {
	with := func(old, new string) string { return strings.Replace(partnerConfig, old, new, 1) }
	const without = "instances: [{id_instance: 1101000001, token: own}]\n"
	for name, c := range map[string]struct {
		reloads []string
		calls   int // within a minute after the reloads
	}{
		"another refresh":  {[]string{with("10m", "11m"), with("10m", "12m"), partnerConfig}, 0},
		"removed and back": {[]string{without, partnerConfig}, 0},
		"another token":    {[]string{with("partner-secret", "new-secret")}, 1},
		"another host":     {[]string{with("{token", "{url: 'https://other.example', token")}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newTestSyncer(t)
				s.api.fail(429)
				s.api.header = http.Header{"Retry-After": {"300"}}
				s.configure(t, partnerConfig)
				synctest.Wait()
				s.api.takeCalls()
				s.api.list("1101000002")
				for _, text := range c.reloads {
					time.Sleep(2 * time.Second)
					s.configure(t, text)
				}
				time.Sleep(time.Minute)
				if n := len(s.api.takeCalls()); n != c.calls {
					t.Errorf("%d calls within a minute after the reload, want %d", n, c.calls)
				}
				lines := s.takeLines("level=warn")
				if c.calls == 0 && countLines(lines, "next_call=2000-01-01T00:05:00Z") == 0 {
					t.Errorf("the log does not have the time of the next call: %s", lines)
				}
				time.Sleep(5 * time.Minute)
				s.wantTargets(t, true, "1101000001", "1101000002")
			})
		})
	}
}
