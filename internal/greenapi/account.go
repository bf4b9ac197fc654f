package greenapi

import (
	"context"

	"greenapi_exporter/internal/jsonstream"
)

// Account contains the state of the messenger's account. It contains nothing private.
type Account struct {
	State State
	// SuspendedUntil is the UNIX time of the end of a suspension of sending. It can be in the past.
	SuspendedUntil UnixTime
}

// UnixTime is a UNIX time in seconds, if Known.
type UnixTime struct {
	Value float64
	Known bool
}

// Account requests the state of the account. Errors are of type *Error.
func (c *Client) Account(ctx context.Context) (Account, error) {
	return fetch(ctx, c, GetWaSettings, readAccount)
}

func readAccount(o object) (Account, error) {
	until := []string{"suspendedUntil", "yellowCardUntil"} // the second until July 2026
	if !o.has(append(until, "stateInstance")...) {
		return Account{}, &jsonstream.SyntaxError{
			Reason: "the response has neither stateInstance nor suspendedUntil",
		}
	}
	account := Account{State: o.state()}
	for _, key := range until {
		if at, ok := o.num(key); ok && at > account.SuspendedUntil.Value {
			account.SuspendedUntil = UnixTime{at, true}
		}
	}
	return account, nil
}
