package simulator

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// FleetConfig says which accounts there are behind one host, and who may list them.
type FleetConfig struct {
	// Accounts are the accounts, each with an IDInstance of its own; all else is as for New.
	Accounts []Config
	// PartnerToken opens the Partner API; any other is refused with 401. Empty: there is no such API, which is a 404.
	PartnerToken string
	// Now is the clock of the Partner API, and of the host where no account answers. It is called from many goroutines.
	// Nil: time.Now.
	Now func() time.Time
}

// Fleet is many simulated accounts behind one host, and the Partner API that lists them. All methods may be called
// concurrently.
//
// Accounts that live alike, which is that their Configs differ in nothing but IDInstance, Token, Now and what limits or
// words the answers, share the memory of their messages: ten thousand of them take little more than one. Those with
// another Seed or Start need about 90 bytes a message. For that, give the Start: without one, each account has another.
type Fleet struct {
	token string
	now   func() time.Time

	mu       sync.RWMutex
	accounts map[string]*member
	order    []*member // as they were added
	lives    map[string]stories
	partner  usage
	followed []string
}

// member is an account of a fleet, and what the Partner API says of it.
type member struct {
	account *Simulator
	Subscription
	deletedAt time.Time
}

// NewFleet returns the host that cfg describes. It starts no goroutine and needs no closing. It panics where Add does.
func NewFleet(cfg FleetConfig) *Fleet {
	f := &Fleet{token: cfg.PartnerToken, now: cfg.Now, accounts: map[string]*member{}, lives: map[string]stories{}}
	if f.now == nil {
		f.now = time.Now
	}
	for _, account := range cfg.Accounts {
		f.Add(account)
	}
	return f
}

// Add adds an account, which is served and listed from then on. It panics where New does, if the IDInstance is no whole
// number as JSON writes one, and if there is an account with it, which are slips of the caller's.
func (f *Fleet) Add(cfg Config) {
	id := cfg.IDInstance
	if id == "" || strings.Trim(id, "0123456789") != "" || id[0] == '0' {
		panic(fmt.Sprintf("simulator: no number that JSON has: %q", id))
	}
	cfg = cfg.completed()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.accounts[id] != nil {
		panic(fmt.Sprintf("simulator: an account twice: %s", id))
	}
	life := lifeOf(cfg)
	of, ok := f.lives[life]
	if !ok {
		of = newStories(cfg, newSchedule(cfg.States))
		f.lives[life] = of
	}
	m := &member{account: newSimulator(cfg, of)}
	f.accounts[id] = m
	f.order = append(f.order, m)
}

// lifeOf tells accounts apart whose messages can differ. Of a completed Config, it leaves out what has no influence on
// them.
func lifeOf(cfg Config) string {
	cfg.IDInstance, cfg.Token, cfg.Now = "", "", nil
	cfg.CyrillicCount, cfg.WebhookLag, cfg.ByLastAction, cfg.Quota, cfg.NoRateLimit = false, 0, false, 0, false
	return fmt.Sprintf("%#v", cfg)
}

// Account is the account with the id, nil if there is none. Its faults, limits and counters are its own.
func (f *Fleet) Account(id string) *Simulator {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if m := f.accounts[id]; m != nil {
		return m.account
	}
	return nil
}

// ServeHTTP lets the account answer whose id is in the path, as Simulator.ServeHTTP does, and refuses other ids with 403.
// GET …/partner/getInstances/{token}, behind any path prefix, is answered with the list of all accounts.
func (f *Fleet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, behind, ok := strings.Cut(r.URL.Path, instanceMark); ok {
		id, _, _ := strings.Cut(behind, "/")
		if account := f.Account(id); account != nil {
			account.ServeHTTP(w, r)
			return
		}
	}
	now := f.now()
	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
	if c := parseCall(r, now); c.method != "" {
		forbidden().send(w)
		return
	}
	f.servePartner(w, r, parsePartnerCall(r, now))
}
