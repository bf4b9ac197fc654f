package simulator

import "time"

const (
	// WebhookToken is the token of the webhook's receiver in the settings. It is a secret that an
	// exporter must not expose.
	WebhookToken = "secret-of-the-consumer-5a1c9e07d3b84f62"
	// Phone is the account's number, which an exporter must not expose either. It cannot exist,
	// because no area code starts with 1.
	Phone = "11005550777"

	// defaultSuspension is the length of a suspension that is the last state of a Config.
	defaultSuspension = 24 * time.Hour
)

type object map[string]any

// objectMethods contains the methods that are not journals, and their answers.
var objectMethods = map[string]func(*Simulator, time.Time) object{
	"getStateInstance": func(s *Simulator, now time.Time) object {
		return object{"stateInstance": s.state(now)}
	},
	"getMessagesCount": func(s *Simulator, now time.Time) object { return s.count(s.Queued(now)) },
	"getWebhooksCount": func(s *Simulator, now time.Time) object {
		return s.count(s.Webhooks(now))
	},
	"getSettings":   func(s *Simulator, _ time.Time) object { return s.settings() },
	"getWaSettings": (*Simulator).waSettings,
}

// state returns the value of stateInstance, which can be null.
func (s *Simulator) state(now time.Time) any {
	if state := s.cfg.schedule().at(s.since(now)); state != "" {
		return state
	}
	return nil
}

func (s *Simulator) count(n int) object {
	if s.cfg.CyrillicCount {
		return object{"\u0441ount": n}
	}
	return object{"count": n}
}

func (s *Simulator) settings() object {
	return object{
		"wid": Phone + "@c.us", "countryInstance": "", "typeAccount": "", "proxyInstance": "",
		"webhookUrl":      "https://consumer.example.invalid/green-api",
		"webhookUrlToken": WebhookToken, "outgoingWebhook": "yes", "outgoingMessageWebhook": "yes",
		"outgoingAPIMessageWebhook": "yes", "incomingWebhook": "yes", "stateWebhook": "yes",
		"deviceWebhook": "no", "statusInstanceWebhook": "no", "pollMessageWebhook": "no",
		"incomingBlockWebhook": "no", "incomingCallWebhook": "no", "editedMessageWebhook": "no",
		"deletedMessageWebhook": "no", "enableMessagesHistory": "no", "keepOnlineStatus": "no",
		"markIncomingMessagesReaded": "no", "markIncomingMessagesReadedOnReply": "no",
		"sharedSession": "no", "delaySendMessagesMilliseconds": s.cfg.SendDelay.Milliseconds(),
	}
}

// waSettings returns the state and, if the account has a session, the members of the session.
func (s *Simulator) waSettings(now time.Time) object {
	settings := object{
		"avatar": "https://pictures.example.invalid/avatar.jpg", "phone": Phone,
		"stateInstance": s.state(now), "deviceId": Phone + ":12@s.whatsapp.net",
	}
	at := s.since(now)
	switch state := s.cfg.schedule().at(at); state {
	case notAuthorized, blocked, starting:
		settings["avatar"], settings["phone"], settings["deviceId"] = "", "", ""
	case suspended, yellowCard:
		settings[state+"Until"] = s.cfg.Start.Add(s.cfg.schedule().end(at)).Unix()
	}
	return settings
}
