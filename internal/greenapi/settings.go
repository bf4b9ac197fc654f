package greenapi

import (
	"context"

	"greenapi_exporter/internal/jsonstream"
)

// Settings contains the settings of an instance that are not secret.
type Settings struct {
	Enabled   map[string]bool // yesNoSettings that are "yes" or "no" in the response
	SendDelay Duration        // the pause between two sent messages
}

// Duration is a duration in seconds. It is valid if Known is true.
type Duration struct {
	Value float64
	Known bool
}

const sendDelay = "delaySendMessagesMilliseconds"

// yesNoSettings returns the names of the settings that are "yes" or "no" in the API's
// documentation.
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
