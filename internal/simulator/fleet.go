package simulator

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// FleetConfig describes a host with many accounts.
type FleetConfig struct {
	// Accounts must have different IDInstances.
	Accounts []Config
	// PartnerToken is the token of the Partner API. Other tokens are refused with 401. If it is
	// empty, the host has no Partner API.
	PartnerToken string
	// Now is the clock of answers that do not come from an account. It must be safe for concurrent
	// use. The default is time.Now.
	Now func() time.Time
}

// Fleet is an http.Handler that serves many accounts and the Partner API. It is safe for
// concurrent use.
//
// Accounts share their messages in memory if their Configs, including Start, differ only in
// IDInstance, Token, Now and the format of answers. Ten thousand such accounts take little more
// memory than one. Messages that are not shared take about 90 bytes each.
type Fleet struct {
	token   string
	now     func() time.Time
	partner requests

	mu       sync.RWMutex // guards the fields below and the subscriptions of members
	accounts map[string]*member
	order    []*member            // in the order of Add
	shared   map[string]timelines // by sharingKey
}

// member is an account with its subscription.
type member struct {
	account *Simulator
	Subscription
	deletedAt time.Time
}

// NewFleet returns a host. It starts no goroutine. It panics on accounts for which Add panics.
func NewFleet(cfg FleetConfig) *Fleet {
	f := &Fleet{
		token: cfg.PartnerToken, now: cfg.Now, partner: newRequests(partnerMethod),
		accounts: map[string]*member{}, shared: map[string]timelines{},
	}
	if f.now == nil {
		f.now = time.Now
	}
	for _, account := range cfg.Accounts {
		f.Add(account)
	}
	return f
}

// Add adds an account. It panics on Configs for which New panics, and if the IDInstance is not a
// decimal number or already in the fleet.
func (f *Fleet) Add(cfg Config) {
	id := cfg.IDInstance
	if id == "" || strings.Trim(id, "0123456789") != "" || id[0] == '0' {
		panic(fmt.Sprintf("simulator: IDInstance is not a number: %q", id))
	}
	cfg = cfg.withDefaults()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.accounts[id] != nil {
		panic(fmt.Sprintf("simulator: duplicate IDInstance: %s", id))
	}
	key := sharingKey(cfg)
	if _, ok := f.shared[key]; !ok {
		f.shared[key] = newTimelines(cfg)
	}
	m := &member{account: newSimulator(cfg, f.shared[key])}
	f.accounts[id] = m
	f.order = append(f.order, m)
}

// sharingKey returns equal texts for accounts that share their messages.
func sharingKey(cfg Config) string {
	cfg.IDInstance, cfg.Token, cfg.Now = "", "", nil
	cfg.MovingTimestamps, cfg.FilterByLastAction = false, false
	cfg.CyrillicCount, cfg.NoRateLimit = false, false
	return fmt.Sprintf("%#v", cfg)
}

// Account returns the account with the ID, or nil.
func (f *Fleet) Account(id string) *Simulator {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if m := f.accounts[id]; m != nil {
		return m.account
	}
	return nil
}

// ServeHTTP passes requests to the account in the path. It refuses unknown accounts with 403. It
// answers GET {prefix}/partner/getInstances/{token}, with any prefix, with the list of accounts.
func (f *Fleet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := parseCall(r, f.now())
	if account := f.Account(c.instance); account != nil {
		account.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Date", c.now.UTC().Format(http.TimeFormat))
	if c.method != "" && !c.partner {
		forbidden.send(w, c)
		return
	}
	f.servePartner(w, r, c)
}
