package simulator

import (
	"fmt"
	"time"
)

const (
	// WebhookToken is the secret in the settings: the token of the webhook's receiver. An exporter
	// must not expose it.
	WebhookToken = "secret-of-the-consumer-5a1c9e07d3b84f62"
	// Phone is the account's number, which is private too. It cannot exist, because no area code
	// starts with 1.
	Phone = "11005550777"

	// defaultSuspension is how long a suspension lasts that is the last state of a Config.
	defaultSuspension = 24 * time.Hour
)

// objectMethods returns the JSON object of each method that is not a journal.
var objectMethods = map[string]func(*Simulator, time.Time) []byte{
	"getStateInstance": func(s *Simulator, now time.Time) []byte {
		return fmt.Appendf(nil, `{"stateInstance":%s}`, s.state(now))
	},
	"getMessagesCount": func(s *Simulator, now time.Time) []byte { return s.count(s.Queued(now)) },
	"getWebhooksCount": func(s *Simulator, now time.Time) []byte { return s.count(s.Webhooks(now)) },
	"getSettings":      func(s *Simulator, _ time.Time) []byte { return s.settings() },
	"getWaSettings":    func(s *Simulator, now time.Time) []byte { return s.waSettings(now) },
}

// state returns the JSON of stateInstance.
func (s *Simulator) state(now time.Time) []byte {
	if state := s.states().at(s.since(now)); state != "" {
		return toJSON(state)
	}
	return []byte("null")
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

// waSettings returns only the state if the account has no session.
func (s *Simulator) waSettings(now time.Time) []byte {
	at := s.since(now)
	avatar, phone, device := "https://pictures.example.invalid/avatar.jpg", Phone, Phone+":12@s.whatsapp.net"
	end := ""
	switch state := s.states().at(at); state {
	case notAuthorized, blocked, starting:
		avatar, phone, device = "", "", ""
	case suspended, yellowCard:
		end = fmt.Sprintf(`,"%sUntil":%d`, state, s.cfg.Start.Add(s.states().end(at)).Unix())
	}
	return fmt.Appendf(nil, `{"avatar":"%s","phone":"%s","stateInstance":%s,"deviceId":"%s"%s}`,
		avatar, phone, s.state(now), device, end)
}
