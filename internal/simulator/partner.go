package simulator

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	// partnerMark is what stands in a path before a method of the Partner API.
	partnerMark = "/partner/"
	// partnerMethod lists all accounts of a fleet.
	partnerMethod = "getInstances"
	// zoneless is how the Partner API writes times: in UTC, without saying so. It has the year 1 for none.
	zoneless = "2006-01-02T15:04:05"
)

// Subscription is what the Partner API says of an account besides its id and token. It does not change what the account
// answers; a fault does.
type Subscription struct {
	Deleted, Expired bool
	Expires          time.Time // zero: never
}

// Subscribe sets what the Partner API says of the account with the id from now on; before, it is the zero Subscription.
// It panics if there is no such account, which is a slip of the caller's.
func (f *Fleet) Subscribe(id string, s Subscription) {
	now := f.now()
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.accounts[id]
	if m == nil {
		panic(fmt.Sprintf("simulator: no such account: %q", id))
	}
	m.Subscription, m.deletedAt = s, time.Time{}
	if s.Deleted {
		m.deletedAt = now
	}
}

// SetPartnerFault makes every request for the list whose token is right fail in the given way from the next one on, until
// FaultNone ends it. Its rows are the accounts. It panics on a fault that Faults does not list, which is a slip of the
// caller's.
func (f *Fleet) SetPartnerFault(fault Fault) {
	mustBeFault(fault)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.partner.fault = fault
}

// PartnerCalls is how many requests for the list have come in so far, whatever they were answered. A request to where
// FaultRedirect leads is not one of them; see PartnerFollowed.
func (f *Fleet) PartnerCalls() int {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.partner.calls
}

// PartnerFollowed lists the requests that went where FaultRedirect of the list leads, as Simulator.Followed does.
func (f *Fleet) PartnerFollowed() []string {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return slices.Clone(f.followed)
}

// parsePartnerCall takes the path apart; one of another form leaves method and token empty.
func parsePartnerCall(r *http.Request, now time.Time) call {
	c, rest := newCall(r, partnerMark, now)
	if method, token, ok := strings.Cut(rest, "/"); ok && method == partnerMethod && !strings.Contains(token, "/") {
		c.method, c.token = method, token
	}
	return c
}

// servePartner answers a call that is for no account.
func (f *Fleet) servePartner(w http.ResponseWriter, r *http.Request, c call) {
	if c.method != "" && strings.HasSuffix(c.prefix, redirectPrefix) {
		f.noteFollowed(r.Referer())
		moved().send(w)
		return
	}
	fault := f.notePartnerCall(c)
	switch {
	case c.method == "" || c.verb != http.MethodGet || f.token == "":
		notFound(c).send(w)
		return
	case c.token != f.token:
		unauthorized().send(w)
		return
	case fault == FaultHang:
		hang(r.Context())
	}
	if canned, ok := cannedAnswer(fault, c); ok {
		canned.send(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	sendBody(w, r, f.list(), fault)
}

// notePartnerCall counts the call, if it is one, and says which fault it meets.
func (f *Fleet) notePartnerCall(c call) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c.method != "" {
		f.partner.calls++
	}
	return f.partner.fault
}

func (f *Fleet) noteFollowed(referer string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.followed = append(f.followed, referer)
}

// list is the answer to a partner: the accounts in the order in which they were added.
func (f *Fleet) list() body {
	f.mu.RLock()
	defer f.mu.RUnlock()
	members := make([]member, len(f.order))
	for i, m := range f.order {
		members[i] = *m
	}
	return array{
		n:    len(members),
		row:  func(b []byte, n int) []byte { return members[n].appendRow(b) },
		bare: `{"name":"","apiTokenInstance":""}`,
		bad:  `{"idInstance":1100000000,"apiTokenInstance":"","deleted":false,"expirationDate":"yesterday","isExpired":false}`,
	}
}

// appendRow appends what the list says of the account. The documentation has more members in some messengers' pages than
// in others; these are those of WhatsApp's.
func (m member) appendRow(b []byte) []byte {
	id := m.account.cfg.IDInstance
	o := jsonWriter{b: append(b, '{')}
	o.raw("idInstance", id)
	o.str("name", "Instance ", id)
	o.str("typeInstance", "whatsapp")
	o.str("typeAccount", "")
	o.str("partnerUserUiid", "")
	o.str("timeCreated", m.account.start.UTC().Format(zoneless))
	o.str("timeDeleted", m.deletedAt.UTC().Format(zoneless))
	o.raw("apiTokenInstance", toJSON(m.account.cfg.Token))
	o.flag("deleted", m.Deleted)
	o.str("tariff", "PARTNER")
	o.flag("isFree", false)
	o.flag("isPartner", true)
	o.str("expirationDate", m.Expires.UTC().Format(zoneless))
	o.flag("isExpired", m.Expired)
	o.close()
	return o.b
}
