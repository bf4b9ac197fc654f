package greenapi

import (
	"context"

	"greenapi_exporter/internal/jsonstream"
)

// Settings contains the settings of an instance that are not secret.
type Settings struct {
	// Enabled contains the documented yes/no settings that the response has as "yes" or "no".
	Enabled map[string]bool
	// SendDelay is the pause between two sent messages.
	SendDelay Duration
}

// Duration is a duration in seconds, if Known.
type Duration struct {
	Value float64
	Known bool
}

const sendDelay = "delaySendMessagesMilliseconds"

// yesNoSettings returns the names of the settings that have been documented as yes or no.
func yesNoSettings() []string {
	return []string{
		"markIncomingMessagesReaded", "markIncomingMessagesReadedOnReply", "sharedSession",
		"outgoingWebhook", "outgoingMessageWebhook", "outgoingAPIMessageWebhook", "incomingWebhook",
		"deviceWebhook", "statusInstanceWebhook", "stateWebhook", "enableMessagesHistory",
		"keepOnlineStatus", "pollMessageWebhook", "incomingBlockWebhook", "incomingCallWebhook",
		"editedMessageWebhook", "deletedMessageWebhook",
	}
}

// Settings requests the settings of the instance. Errors are of type *Error.
func (c *Client) Settings(ctx context.Context) (Settings, error) {
	return fetch(ctx, c, GetSettings, readSettings)
}

func readSettings(o object) (Settings, error) {
	if !o.has(append(yesNoSettings(), sendDelay)...) {
		return Settings{}, &jsonstream.SyntaxError{Reason: "the response has none of the settings"}
	}
	settings := Settings{Enabled: make(map[string]bool)}
	for _, name := range yesNoSettings() {
		if word := o.str(name); word == "yes" || word == "no" {
			settings.Enabled[name] = word == "yes"
		}
	}
	if milliseconds, ok := o.num(sendDelay); ok {
		settings.SendDelay = Duration{milliseconds / 1e3, true}
	}
	return settings, nil
}
