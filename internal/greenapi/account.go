package greenapi

import (
	"context"

	"greenapi_exporter/internal/jsonstream"
)

// Account is the state of the messenger's account. It contains no private data.
type Account struct {
	State          State
	SuspendedUntil UnixTime // the end of a suspension of sending; can be in the past
}

// UnixTime is a UNIX time in seconds. It is valid if Known is true.
type UnixTime struct {
	Value float64
	Known bool
}

// Account requests the state of the account. Errors are of type *Error.
func (c *Client) Account(ctx context.Context) (Account, error) {
	return fetch(ctx, c, GetWaSettings, readAccount)
}

func readAccount(o object) (Account, error) {
	until := []string{"suspendedUntil", "yellowCardUntil"} // yellowCardUntil before July 2026
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
