package simulator

import "time"

const (
	// WebhookToken is the secret among the settings: what opens the account's consumer of webhooks. It must not be seen
	// anywhere else.
	WebhookToken = "secret-of-the-consumer-5a1c9e07d3b84f62"
	// Phone is the account's own number, which is private too. No one can have it, since no area code starts with 1.
	Phone = "11005550777"
)

// usualUntil is how long a suspension is said to last that has no end in the Config.
const usualUntil = 24 * time.Hour

// writeState writes the state that the account is in.
func (s *Simulator) writeState(o *jsonWriter, now time.Time) {
	state := s.schedule.state(s.since(now))
	if state == "" {
		o.raw("stateInstance", "null")
		return
	}
	o.raw("stateInstance", toJSON(state))
}

// writeSettings writes how the account is set up, which does not change.
func (s *Simulator) writeSettings(o *jsonWriter, _ time.Time) {
	o.str("wid", Phone, "@c.us")
	o.str("countryInstance", "")
	o.str("typeAccount", "")
	o.str("webhookUrl", "https://consumer.example.invalid/green-api")
	o.str("webhookUrlToken", WebhookToken)
	o.num("delaySendMessagesMilliseconds", s.cfg.SendDelay.Milliseconds())
	o.str("proxyInstance", "")
	for _, setting := range [...]struct{ name, value string }{
		{"markIncomingMessagesReaded", "no"},
		{"markIncomingMessagesReadedOnReply", "no"},
		{"sharedSession", "no"},
		{"outgoingWebhook", "yes"},
		{"outgoingMessageWebhook", "yes"},
		{"outgoingAPIMessageWebhook", "yes"},
		{"incomingWebhook", "yes"},
		{"deviceWebhook", "no"},
		{"statusInstanceWebhook", "no"},
		{"stateWebhook", "yes"},
		{"enableMessagesHistory", "no"},
		{"keepOnlineStatus", "no"},
		{"pollMessageWebhook", "no"},
		{"incomingBlockWebhook", "no"},
		{"incomingCallWebhook", "no"},
		{"editedMessageWebhook", "no"},
		{"deletedMessageWebhook", "no"},
	} {
		o.str(setting.name, setting.value)
	}
}

// writeWaSettings writes what is known of the account on WhatsApp. Without a session that is nothing but the state.
func (s *Simulator) writeWaSettings(o *jsonWriter, now time.Time) {
	at := s.since(now)
	state := s.schedule.state(at)
	avatar, phone, device := "https://pictures.example.invalid/avatar.jpg", Phone, Phone+":12@s.whatsapp.net"
	switch state {
	case notAuthorized, blocked, starting:
		avatar, phone, device = "", "", ""
	}
	o.str("avatar", avatar)
	o.str("phone", phone)
	s.writeState(o, now)
	o.str("deviceId", device)
	switch state {
	case suspended:
		o.num("suspendedUntil", s.until(at).Unix())
	case yellowCard:
		o.num("yellowCardUntil", s.until(at).Unix())
	}
}

// until is when the state at the time ends: it must be one that the schedule entered.
func (s *Simulator) until(at time.Duration) time.Time {
	i := s.schedule.latest(at)
	if i+1 < len(s.schedule) {
		return s.start.Add(s.schedule[i+1].After)
	}
	return s.start.Add(s.schedule[i].After).Add(usualUntil)
}
