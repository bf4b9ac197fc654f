package simulator

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	partnerMarker = "/partner/" // precedes a method of the Partner API in a path
	partnerMethod = "getInstances"

	// partnerTime is the format of times in the Partner API: UTC without a zone. Year 1 means none.
	partnerTime = "2006-01-02T15:04:05"
)

// Subscription is what the Partner API lists about an account. It does not affect the answers of
// the account.
type Subscription struct {
	Deleted, Expired bool
	Expires          time.Time // never if zero
}

// Subscribe sets the listed subscription of an account. It panics if the account does not exist.
func (f *Fleet) Subscribe(id string, s Subscription) {
	now := f.now()
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.accounts[id]
	if m == nil {
		panic(fmt.Sprintf("simulator: unknown IDInstance: %q", id))
	}
	m.Subscription, m.deletedAt = s, time.Time{}
	if s.Deleted {
		m.deletedAt = now
	}
}

// SetPartnerFault is like SetFault of an account. The rows of the list are the accounts.
func (f *Fleet) SetPartnerFault(fault Fault) { f.partner.SetFault(fault) }

// PartnerCalls is like Calls of an account.
func (f *Fleet) PartnerCalls() int { return f.partner.Calls(partnerMethod) }

// PartnerFollowed is like Followed of an account.
func (f *Fleet) PartnerFollowed() []string { return f.partner.Followed() }

// parsePartnerCall leaves method and token empty if the path has another form.
func parsePartnerCall(r *http.Request, now time.Time) call {
	c, rest := splitCall(r, partnerMarker, now)
	if parts := strings.Split(rest, "/"); len(parts) == 2 && parts[0] == partnerMethod {
		c.method, c.token = parts[0], parts[1]
	}
	return c
}

func (f *Fleet) servePartner(w http.ResponseWriter, r *http.Request, c call) {
	if c.method != "" && strings.HasSuffix(c.prefix, redirectPrefix) {
		f.partner.recordFollowed(r.Referer())
		moved.send(w, c)
		return
	}
	fault, _, known := f.partner.record(c)
	switch {
	case !known || c.verb != http.MethodGet || f.token == "":
		notFound.send(w, c)
	case c.token != f.token:
		unauthorized.send(w, c)
	case fault.replaceAnswer(w, r, c):
	default:
		sendBody(w, r, f.list(), fault.malformation)
	}
}

// list returns the accounts in the order of Add.
func (f *Fleet) list() body {
	f.mu.RLock()
	defer f.mu.RUnlock()
	members := make([]member, len(f.order))
	for i, m := range f.order {
		members[i] = *m
	}
	return arrayBody{
		n:         len(members),
		appendRow: func(b []byte, n int) []byte { return members[n].appendRow(b) },
		emptyRow:  `{"name":"","apiTokenInstance":""}`,
		badRow: `{"idInstance":1100000000,"apiTokenInstance":"","deleted":false,"expirationDate":"yesterday",` +
			`"isExpired":false}`,
	}
}

// appendRow appends the listing of an account, with the members of a WhatsApp instance.
func (m member) appendRow(b []byte) []byte {
	cfg := m.account.cfg
	format := func(t time.Time) string { return t.UTC().Format(partnerTime) }
	return fmt.Appendf(b, `{"idInstance":%s,"name":"Instance %[1]s","typeInstance":"whatsapp","typeAccount":"",`+
		`"partnerUserUiid":"","timeCreated":"%s","timeDeleted":"%s","apiTokenInstance":%s,"deleted":%t,`+
		`"tariff":"PARTNER","isFree":false,"isPartner":true,"expirationDate":"%s","isExpired":%t}`,
		cfg.IDInstance, format(cfg.Start), format(m.deletedAt), toJSON(cfg.Token), m.Deleted,
		format(m.Expires), m.Expired)
}
