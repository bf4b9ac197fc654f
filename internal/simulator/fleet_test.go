package simulator_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"greenapi_exporter/internal/simulator"
)

// idOf returns the IDInstance of account i of a fleet.
func idOf(i int) string { return strconv.Itoa(1_100_000_000 + i) }

func tokenOf(i int) string { return fmt.Sprintf("%048x", i) }

// newFleet returns a fleet of accounts with the given Config, and its clock, which is set to the
// given time after the start.
func newFleet(n int, cfg simulator.Config, elapsed time.Duration) (*simulator.Fleet, *clock) {
	c := &clock{now: start.Add(elapsed)}
	cfg.Now, cfg.Start = c.Now, start
	accounts := make([]simulator.Config, n)
	for i := range accounts {
		accounts[i] = cfg
		accounts[i].IDInstance, accounts[i].Token = idOf(i), tokenOf(i)
	}
	return simulator.NewFleet(simulator.FleetConfig{
		Accounts: accounts, PartnerToken: partnerToken, Now: c.Now,
	}), c
}

func memberPath(i int, method string) string {
	return "/waInstance" + idOf(i) + "/" + method + "/" + tokenOf(i)
}

func TestFleetRoutesRequestsToAccounts(t *testing.T) {
	f, _ := newFleet(3, busy(), 10*time.Hour)
	f.Account(idOf(1)).SetFault(simulator.FaultBadGateway)
	for path, want := range map[string]int{
		memberPath(0, outgoing):                                      200,
		"/v3" + memberPath(0, outgoing):                              200,
		memberPath(1, outgoing):                                      502,
		memberPath(2, "getStateInstance"):                            200,
		memberPath(2, "getNothing"):                                  404,
		memberPath(3, outgoing):                                      403,
		"/waInstance/" + outgoing + "/" + tokenOf(0):                 403,
		"/waInstance" + idOf(0) + "/" + outgoing + "/" + tokenOf(1):  401,
		"/waInstance" + idOf(0) + "/" + outgoing:                     404,
		"/waInstance" + idOf(7) + "/" + outgoing:                     404,
		"/waInstance" + idOf(0) + "0/" + outgoing + "/" + tokenOf(0): 403,
		"/": 404,
	} {
		w := get(f, path)
		if w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
		if date := w.Header().Get("Date"); date != "Sun, 01 Mar 2026 18:00:00 GMT" {
			t.Errorf("%s: Date %q", path, date)
		}
	}
	for i, want := range []int{3, 1, 0} {
		if n := f.Account(idOf(i)).Calls(outgoing); n != want {
			t.Errorf("account %d: %d calls, want %d", i, n, want)
		}
	}
	if f.Account(idOf(3)) != nil {
		t.Error("Account returned an unknown account")
	}
}

func TestAccountsHaveSeparateRateLimits(t *testing.T) {
	f, _ := newFleet(2, simulator.Config{MessagesPerHour: 1}, time.Hour)
	for i, want := range []int{200, 200, 429} {
		if w := get(f, memberPath(i%2, outgoing)); w.Code != want {
			t.Errorf("call %d: %d, want %d", i, w.Code, want)
		}
	}
}

// TestAccountsOfAFleetAnswerLikeSingleAccounts checks that accounts share messages only if their
// Configs require equal messages.
func TestAccountsOfAFleetAnswerLikeSingleAccounts(t *testing.T) {
	c := &clock{now: start.Add(30 * time.Hour)}
	variants := []func(*simulator.Config){
		func(*simulator.Config) {},
		func(cfg *simulator.Config) { cfg.Seed++ },
		func(cfg *simulator.Config) { cfg.Start = cfg.Start.Add(time.Nanosecond) },
		func(cfg *simulator.Config) { cfg.Start = cfg.Start.Add(time.Hour) },
		func(cfg *simulator.Config) { cfg.MessagesPerHour++ },
		func(cfg *simulator.Config) { cfg.IncomingPerHour++ },
		func(cfg *simulator.Config) { cfg.States = states("suspended", 20) },
		func(cfg *simulator.Config) { cfg.States = states("suspended", 21) },
		func(cfg *simulator.Config) {
			cfg.Outcomes = []simulator.OutcomeChange{{After: time.Hour, Status: "failed"}}
		},
		func(cfg *simulator.Config) { cfg.SendDelay = time.Minute },
		func(cfg *simulator.Config) { cfg.Messages = 100 },
		func(cfg *simulator.Config) { cfg.Speedup = 10 },
		func(cfg *simulator.Config) { cfg.TextOnly = true },
		func(cfg *simulator.Config) { cfg.MovingTimestamps = true },
		func(cfg *simulator.Config) { cfg.FilterByLastAction = true },
		func(cfg *simulator.Config) { cfg.CyrillicCount = true },
		func(cfg *simulator.Config) { cfg.NoRateLimit = false },
	}
	f := simulator.NewFleet(simulator.FleetConfig{})
	cfgs := make([]simulator.Config, 2*len(variants))
	for i := range cfgs {
		cfg := busy()
		cfg.MessagesPerHour /= 5
		cfg.IncomingPerHour, cfg.Now, cfg.Start = 10, c.Now, start
		variants[i%len(variants)](&cfg)
		cfg.IDInstance, cfg.Token = idOf(i), tokenOf(i)
		cfgs[i] = cfg
		f.Add(cfg)
	}
	different := map[string]bool{}
	for i, cfg := range cfgs {
		single := simulator.New(cfg)
		answers := ""
		for _, method := range append(methods, outgoing) {
			got, want := get(f, memberPath(i, method)), get(single, memberPath(i, method))
			if got.Code != want.Code || got.Body.String() != want.Body.String() {
				t.Errorf("account %d: %s differs from the answer of a single account", i, method)
			}
			answers += want.Body.String()
		}
		different[answers] = true
	}
	if len(different) < len(variants)-1 { // a nanosecond of Start has no visible effect
		t.Errorf("only %d of %d variants differ", len(different), len(variants))
	}
}

func TestAddServesAndListsAnAccount(t *testing.T) {
	f, c := newFleet(1, busy(), time.Hour)
	if w := get(f, memberPath(1, outgoing)); w.Code != http.StatusForbidden {
		t.Errorf("before Add: status %d", w.Code)
	}
	cfg := busy()
	cfg.IDInstance, cfg.Token, cfg.Now = idOf(1), tokenOf(1), c.Now
	f.Add(cfg)
	if rows := get(f, memberPath(1, outgoing)).Body.String(); rows != "[]" {
		t.Errorf("the new account has the rows %s", rows)
	}
	if ids := idsOf(partnerList(t, f)); fmt.Sprint(ids) != fmt.Sprint([]string{idOf(0), idOf(1)}) {
		t.Errorf("the list contains %v", ids)
	}
}

func TestInvalidFleetArgumentsPanic(t *testing.T) {
	f, _ := newFleet(1, busy(), 0)
	for name, call := range map[string]func(){
		"duplicate ID":             func() { f.Add(simulator.Config{IDInstance: idOf(0)}) },
		"duplicate ID in NewFleet": func() { newFleetWithDuplicate() },
		"empty ID":                 func() { f.Add(simulator.Config{}) },
		"ID without digits":        func() { f.Add(simulator.Config{IDInstance: "one"}) },
		"leading zero":             func() { f.Add(simulator.Config{IDInstance: "01"}) },
		"subscription":             func() { f.Subscribe(idOf(1), simulator.Subscription{}) },
		"unordered states": func() {
			unordered := states("suspended", 2, "authorized", 1)
			f.Add(simulator.Config{IDInstance: idOf(1), States: unordered})
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			call()
		}()
	}
	if ids := idsOf(partnerList(t, f)); len(ids) != 1 {
		t.Errorf("a call that panicked added an account: %v", ids)
	}
}

func newFleetWithDuplicate() {
	account := simulator.Config{IDInstance: idOf(0)}
	simulator.NewFleet(simulator.FleetConfig{Accounts: []simulator.Config{account, account}})
}

func TestFleetIsSafeForConcurrentUse(t *testing.T) {
	cfg := busy()
	cfg.MessagesPerHour = 100
	f, c := newFleet(8, cfg, 0)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for n := range 20 {
				c.Advance(time.Minute)
				get(f, memberPath(i, outgoing)) // all accounts share a timeline
				get(f, memberPath(i, "getMessagesCount"))
				partnerList(t, f)
				f.Subscribe(idOf(i), simulator.Subscription{Expired: n%2 == 0})
				added := cfg
				added.IDInstance = idOf(100 + 20*i + n)
				f.Add(added)
			}
		})
	}
	group.Wait()
	if n := f.PartnerCalls(); n != 160 {
		t.Errorf("%d calls, want 160", n)
	}
	if n := len(partnerList(t, f)); n != 168 {
		t.Errorf("%d accounts, want 168", n)
	}
}

// heap returns the size of the allocated heap objects in bytes.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestEqualAccountsShareMemory(t *testing.T) {
	const accounts = 2000
	before := heap()
	cfg := simulator.Config{MessagesPerHour: 1e4, IncomingPerHour: 1e4, Messages: 1000}
	f, _ := newFleet(accounts, cfg, time.Hour)
	for i := range accounts {
		f.Account(idOf(i)).Webhooks(start.Add(time.Hour)) // generates all messages
	}
	if each := (heap() - before) / accounts; each > 4000 {
		t.Errorf("an account with thousands of messages takes %d bytes", each)
	}
	runtime.KeepAlive(f)
}

// BenchmarkFleet requests the journals of ten thousand accounts with a thousand texts each. An
// exporter that requests each journal once per minute sends 167 requests per second.
func BenchmarkFleet(b *testing.B) {
	const accounts, rows = 10_000, 1000
	before := heap()
	cfg := simulator.Config{
		MessagesPerHour: 1e5, Messages: rows, NoRateLimit: true, TextOnly: true,
	}
	f, _ := newFleet(accounts, cfg, 2*time.Hour)
	for i := range accounts {
		f.Account(idOf(i)).Queued(start.Add(2 * time.Hour))
	}
	b.ReportAllocs()
	requests := make([]*http.Request, accounts)
	for i := range requests {
		requests[i] = httptest.NewRequest(http.MethodGet, memberPath(i, outgoing), nil)
	}
	used := heap() - before
	w := &discard{header: http.Header{}}
	for i := 0; b.Loop(); i++ {
		f.ServeHTTP(w, requests[i%accounts])
	}
	b.ReportMetric(float64(b.N)*rows/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(used)/accounts, "B/account")
}
