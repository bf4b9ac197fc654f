package greenapi

import (
	"context"
	"slices"
)

// State is what an instance is in, from a closed set: it is fit to be a label value.
type State string

// What the API says of an instance in other words than these.
const (
	StateUnknown State = "unknown" // null, as while the instance is made, or no word
	StateOther   State = "other"   // a word that is not documented
)

// States on which something depends. StateYellowCard was replaced by StateSuspended in July 2026.
const (
	StateAuthorized State = "authorized" // all is well
	StateYellowCard State = "yellowCard" // sending is suspended
	StateSuspended  State = "suspended"  // likewise
)

// States returns the closed set: the documented values of stateInstance, unknown and other.
func States() []State {
	return []State{
		StateAuthorized, "notAuthorized", "blocked", "starting", StateYellowCard, StateSuspended, "sleepMode", "pendingCode",
		"pendingPassword", StateUnknown, StateOther,
	}
}

// Advice says in one sentence what a person can do about a state. It is empty for the one in which all is well.
func (s State) Advice() string {
	switch s {
	case StateAuthorized:
		return ""
	case "notAuthorized":
		return "the account is logged out and nothing is sent; scan the QR code in the console"
	case "blocked":
		return "the messenger has banned the account; appeal in its app, or use another number"
	case "starting":
		return "the instance is starting; wait some minutes, then reboot it from the console"
	case StateYellowCard, StateSuspended:
		return "the messenger has suspended sending, wholly or in part; wait until it ends, and send less to people who do not expect it"
	case "sleepMode":
		return "the phone is switched off or has no network; switch it on and wait some minutes"
	case "pendingCode", "pendingPassword":
		return "the login is not complete; enter the code or password in the console"
	default:
		return "see what the console says of the instance"
	}
}

// state is the member stateInstance.
func (o object) state() State {
	word := o.str("stateInstance")
	switch {
	case word == "":
		return StateUnknown
	case slices.Contains(States(), State(word)):
		return State(word)
	default:
		return StateOther
	}
}

// State asks for the state of the instance. Errors are those of OutgoingMessages.
func (c *Client) State(ctx context.Context) (State, error) {
	return fetch(ctx, c, GetStateInstance, readState)
}

func readState(o object) (State, error) {
	if !o.has("stateInstance") {
		return "", &SyntaxError{0, "the answer has no stateInstance"}
	}
	return o.state(), nil
}

// QueuedMessages asks how many messages wait to be sent. The API counts them every 10 seconds (its documentation). Errors
// are those of OutgoingMessages.
func (c *Client) QueuedMessages(ctx context.Context) (int64, error) {
	return fetch(ctx, c, GetMessagesCount, readCount)
}

// QueuedNotifications asks how many notifications (webhooks) wait to be taken. The API counts them every 10 seconds (its
// documentation). Errors are those of OutgoingMessages.
func (c *Client) QueuedNotifications(ctx context.Context) (int64, error) {
	return fetch(ctx, c, GetWebhooksCount, readCount)
}

// readCount reads the count. Answers spell its key with a Latin c; in the documentation it begins with a Cyrillic one (the
// page of getMessagesCount), or even with a Thai sign (the English page of getWebhooksCount), where a keyboard was set to
// another language.
func readCount(o object) (int64, error) {
	for _, key := range []string{"count", "\u0441ount", "\u0e31ount"} {
		if n, ok := o.integer(key); ok {
			return n, nil
		}
	}
	return 0, &SyntaxError{0, "the answer has no sound count"}
}

// UnixTime is a time or a length of time in seconds, if it is Known.
type UnixTime struct {
	Value float64
	Known bool
}

// Settings is the part of an instance's settings that is not secret.
type Settings struct {
	// Enabled has those of the documented yes/no settings, by name, that the answer has as "yes" or "no".
	Enabled map[string]bool
	// SendDelay is the pause between two messages that are sent.
	SendDelay UnixTime
}

// yesNoSettings are the settings that are yes or no, as documented for getSettings over the years.
func yesNoSettings() []string {
	return []string{
		"markIncomingMessagesReaded", "markIncomingMessagesReadedOnReply", "sharedSession", "outgoingWebhook",
		"outgoingMessageWebhook", "outgoingAPIMessageWebhook", "incomingWebhook", "deviceWebhook", "statusInstanceWebhook",
		"stateWebhook", "enableMessagesHistory", "keepOnlineStatus", "pollMessageWebhook", "incomingBlockWebhook",
		"incomingCallWebhook", "editedMessageWebhook", "deletedMessageWebhook",
	}
}

const sendDelay = "delaySendMessagesMilliseconds"

// Settings asks for the settings of the instance. Errors are those of OutgoingMessages.
func (c *Client) Settings(ctx context.Context) (Settings, error) {
	return fetch(ctx, c, GetSettings, readSettings)
}

func readSettings(o object) (Settings, error) {
	if !o.has(append(yesNoSettings(), sendDelay)...) {
		return Settings{}, &SyntaxError{0, "the answer has none of the settings"}
	}
	settings := Settings{Enabled: make(map[string]bool)}
	for _, name := range yesNoSettings() {
		if word := o.str(name); word == "yes" || word == "no" {
			settings.Enabled[name] = word == "yes"
		}
	}
	if milliseconds, ok := o.num(sendDelay); ok {
		settings.SendDelay = UnixTime{milliseconds / 1e3, true}
	}
	return settings, nil
}

// Account is the part of what the API tells of the messenger's account that is not private.
type Account struct {
	State State
	// SuspendedUntil is until when sending is suspended, in UNIX seconds, as the API says; it may be over.
	SuspendedUntil UnixTime
}

// Account asks for the account. Errors are those of OutgoingMessages.
func (c *Client) Account(ctx context.Context) (Account, error) {
	return fetch(ctx, c, GetWaSettings, readAccount)
}

func readAccount(o object) (Account, error) {
	until := []string{"suspendedUntil", "yellowCardUntil"} // the second until July 2026
	if !o.has(append(until, "stateInstance")...) {
		return Account{}, &SyntaxError{0, "the answer has neither stateInstance nor suspendedUntil"}
	}
	account := Account{State: o.state()}
	for _, key := range until {
		if at, ok := o.num(key); ok && at > account.SuspendedUntil.Value {
			account.SuspendedUntil = UnixTime{at, true}
		}
	}
	return account, nil
}

// fetch makes a call whose answer is an object, which read reads.
func fetch[T any](ctx context.Context, c *Client, method string, read func(object) (T, error)) (T, error) {
	var reading T
	err := c.call(ctx, method, nil, func(a answer) error {
		o, err := readObject(a.body)
		if err == nil {
			reading, err = read(o)
		}
		return err
	})
	return reading, err
}
