package simulator

import (
	"fmt"
	"time"
)

const (
	// WebhookToken is the secret in the settings: the token of the webhook's receiver. An exporter must not expose it.
	WebhookToken = "secret-of-the-consumer-5a1c9e07d3b84f62"
	// Phone is the account's number, which is private too. Nobody can own it: no area code starts with 1.
	Phone = "11005550777"

	// defaultSuspension is how long a suspension lasts that is the last state of a Config.
	defaultSuspension = 24 * time.Hour
)

// objectMethods returns the JSON object of each method that is not a journal.
var objectMethods = map[string]func(*Simulator, time.Time) []byte{
	"getStateInstance": func(s *Simulator, now time.Time) []byte {
		return fmt.Appendf(nil, `{"stateInstance":%s}`, toJSON(s.state(now)))
	},
	"getMessagesCount": func(s *Simulator, now time.Time) []byte { return s.count(s.Queued(now)) },
	"getWebhooksCount": func(s *Simulator, now time.Time) []byte { return s.count(s.Webhooks(now)) },
	"getSettings":      func(s *Simulator, _ time.Time) []byte { return s.settings() },
	"getWaSettings":    func(s *Simulator, now time.Time) []byte { return toJSON(s.waSettings(now)) },
}

// state returns the word of stateInstance, which is null for the empty state.
func (s *Simulator) state(now time.Time) *string {
	state := s.states().at(s.since(now))
	if state == "" {
		return nil
	}
	return &state
}

func (s *Simulator) count(n int) []byte {
	key := "count"
	if s.cfg.CyrillicCount {
		key = "\u0441ount"
	}
	return fmt.Appendf(nil, `{"%s":%d}`, key, n)
}

func (s *Simulator) settings() []byte {
	return fmt.Appendf(nil, `{"wid":"%s@c.us","countryInstance":"","typeAccount":"",`+
		`"webhookUrl":"https://consumer.example.invalid/green-api","webhookUrlToken":"%s",`+
		`"delaySendMessagesMilliseconds":%d,"proxyInstance":"",`+
		`"markIncomingMessagesReaded":"no","markIncomingMessagesReadedOnReply":"no","sharedSession":"no",`+
		`"outgoingWebhook":"yes","outgoingMessageWebhook":"yes","outgoingAPIMessageWebhook":"yes",`+
		`"incomingWebhook":"yes","deviceWebhook":"no","statusInstanceWebhook":"no","stateWebhook":"yes",`+
		`"enableMessagesHistory":"no","keepOnlineStatus":"no","pollMessageWebhook":"no",`+
		`"incomingBlockWebhook":"no","incomingCallWebhook":"no","editedMessageWebhook":"no",`+
		`"deletedMessageWebhook":"no"}`, Phone, WebhookToken, s.cfg.SendDelay.Milliseconds())
}

// waSettings is the answer of getWaSettings.
type waSettings struct {
	Avatar          string  `json:"avatar"`
	Phone           string  `json:"phone"`
	StateInstance   *string `json:"stateInstance"`
	DeviceID        string  `json:"deviceId"`
	SuspendedUntil  int64   `json:"suspendedUntil,omitempty"`
	YellowCardUntil int64   `json:"yellowCardUntil,omitempty"`
}

// waSettings returns only the state if the account has no session.
func (s *Simulator) waSettings(now time.Time) waSettings {
	at := s.since(now)
	w := waSettings{"https://pictures.example.invalid/avatar.jpg", Phone, s.state(now), Phone + ":12@s.whatsapp.net", 0, 0}
	switch s.states().at(at) {
	case notAuthorized, blocked, starting:
		w.Avatar, w.Phone, w.DeviceID = "", "", ""
	case suspended:
		w.SuspendedUntil = s.cfg.Start.Add(s.states().end(at)).Unix()
	case yellowCard:
		w.YellowCardUntil = s.cfg.Start.Add(s.states().end(at)).Unix()
	}
	return w
}
