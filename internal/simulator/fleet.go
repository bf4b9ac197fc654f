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
	// Accounts need different IDInstances.
	Accounts []Config
	// PartnerToken is the token of the Partner API. Others are refused with 401. If it is empty,
	// the host has no Partner API.
	PartnerToken string
	// Now is the clock of the Partner API and of refusals. It may be called concurrently. The
	// default is time.Now.
	Now func() time.Time
}

// Fleet is an http.Handler that answers for many accounts and for the Partner API. It is safe for
// concurrent use.
//
// Accounts share the memory of their messages if their Configs, including Start, differ only in
// IDInstance, Token, Now and the format of answers. Ten thousand such accounts take little more
// memory than one. Other accounts take about 90 bytes per message.
type Fleet struct {
	token   string
	now     func() time.Time
	partner requests

	mu       sync.RWMutex // guards the fields below and the listings of the members
	accounts map[string]*member
	order    []*member // as added
	shared   map[string]timelines
}

// member is an account and what the Partner API lists about it.
type member struct {
	account *Simulator
	Subscription
	deletedAt time.Time
}

// NewFleet returns a host. It starts no goroutine. It panics if Add does.
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

// Add adds an account. It panics if New does, if the IDInstance is not a decimal number, or if the
// fleet already has it.
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

// sharingKey returns a text that is equal for accounts with equal messages.
func sharingKey(cfg Config) string {
	cfg.IDInstance, cfg.Token, cfg.Now = "", "", nil
	cfg.CyrillicCount, cfg.ByLastAction, cfg.NoRateLimit = false, false, false
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

// ServeHTTP answers like the account in the path, or 403 for an unknown one. It answers GET
// {prefix}/partner/getInstances/{token}, with any prefix, with the list of accounts.
func (f *Fleet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, rest, ok := strings.Cut(r.URL.Path, instanceMarker); ok {
		id, _, _ := strings.Cut(rest, "/")
		if account := f.Account(id); account != nil {
			account.ServeHTTP(w, r)
			return
		}
	}
	now := f.now()
	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
	if c := parseCall(r, now); c.method != "" {
		forbidden.send(w, c)
		return
	}
	f.servePartner(w, r, parsePartnerCall(r, now))
}
