package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	partnerMethod = "getInstances"

	// partnerTime is the format of times in the Partner API: UTC without a zone. The year 1
	// represents no time.
	partnerTime = "2006-01-02T15:04:05"
)

// Subscription is the subscription of an account in the list of the Partner API. It does not affect
// the answers of the account.
type Subscription struct {
	Deleted, Expired bool
	Expires          time.Time // never if zero
}

// Subscribe sets the subscription of an account. It panics if the account does not exist.
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

// SetPartnerFault is like Simulator.SetFault. Faults of rows apply to the listed accounts.
func (f *Fleet) SetPartnerFault(fault Fault) { f.partner.SetFault(fault) }

// PartnerCalls is like Simulator.Calls.
func (f *Fleet) PartnerCalls() int { return f.partner.Calls(partnerMethod) }

// PartnerFollowed is like Simulator.Followed.
func (f *Fleet) PartnerFollowed() []string { return f.partner.Followed() }

func (f *Fleet) servePartner(w http.ResponseWriter, r *http.Request, c call) {
	if f.partner.recordFollowed(r, c) {
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
	var members []member // copies, because the rows are written without mu
	for _, m := range f.order {
		members = append(members, *m)
	}
	return arrayBody{
		n: len(members),
		appendRow: func(b []byte, n int) []byte {
			return append(b, toJSON(members[n].listing())...)
		},
		emptyRow: `{"name":"","apiTokenInstance":""}`,
		badRow: `{"idInstance":1100000000,"apiTokenInstance":"","deleted":false,` +
			`"expirationDate":"yesterday","isExpired":false}`,
	}
}

// listing returns the row of an account, with the members of a WhatsApp instance.
func (m member) listing() map[string]any {
	cfg := m.account.cfg
	format := func(t time.Time) string { return t.UTC().Format(partnerTime) }
	return map[string]any{
		"idInstance": json.Number(cfg.IDInstance), "name": "Instance " + cfg.IDInstance,
		"typeInstance": "whatsapp", "typeAccount": "", "partnerUserUiid": "", "tariff": "PARTNER",
		"timeCreated": format(cfg.Start), "timeDeleted": format(m.deletedAt), "deleted": m.Deleted,
		"expirationDate": format(m.Expires), "isExpired": m.Expired, "isFree": false,
		"isPartner": true, "apiTokenInstance": cfg.Token,
	}
}
