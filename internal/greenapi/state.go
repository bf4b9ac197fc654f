package greenapi

import (
	"context"
	"slices"

	"greenapi_exporter/internal/jsonstream"
)

// State is the state of an instance, from a closed set. It can be the value of a label.
type State string

// The states that the program distinguishes.
const (
	StateAuthorized State = "authorized"
	StateYellowCard State = "yellowCard" // sending is suspended; before July 2026
	StateSuspended  State = "suspended"  // sending is suspended; since July 2026
	StateUnknown    State = "unknown"    // none in the response, as during the instance's creation
	StateOther      State = "other"      // any undocumented state
)

// States returns the closed set.
func States() []State {
	return []State{
		StateAuthorized, "notAuthorized", "blocked", "starting", StateYellowCard, StateSuspended,
		"sleepMode", "pendingCode", "pendingPassword", StateUnknown, StateOther,
	}
}

// Advice returns a sentence that describes a state and how to fix it. It is empty for
// StateAuthorized.
func (s State) Advice() string {
	switch s {
	case StateAuthorized:
		return ""
	case "notAuthorized":
		return InstanceLoggedOut.Advice()
	case "blocked":
		return "the messenger has banned the account; appeal in its app, or use another number"
	case "starting":
		return InstanceStarting.Advice()
	case StateYellowCard, StateSuspended:
		return "the messenger has suspended sending; wait until the suspension ends, " +
			"and send fewer messages to recipients who do not expect them"
	case "sleepMode":
		return "the phone is switched off or has no network; switch it on and wait some minutes"
	case "pendingCode", "pendingPassword":
		return "the login is not complete; enter the code or password in the console"
	case StateUnknown:
		return "the API reports no state, as while an instance is created; if this persists, " +
			"check the instance in the console"
	default:
		return "the exporter does not know the state that the API reports; check the instance " +
			"in the console"
	}
}

// State requests the state of the instance. Errors are of type *Error.
func (c *Client) State(ctx context.Context) (State, error) {
	return fetch(ctx, c, GetStateInstance, readState)
}

func readState(o object) (State, error) {
	if !o.has("stateInstance") {
		return "", &jsonstream.SyntaxError{Reason: "the response has no stateInstance"}
	}
	return o.state(), nil
}

// state returns the member stateInstance.
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
