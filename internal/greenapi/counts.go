package greenapi

import (
	"context"

	"greenapi_exporter/internal/jsonstream"
)

// QueuedMessages requests the number of messages that wait to be sent. The API updates it every 10
// seconds, as its documentation says. Errors are of type *Error.
func (c *Client) QueuedMessages(ctx context.Context) (int64, error) {
	return fetch(ctx, c, GetMessagesCount, readCount)
}

// QueuedNotifications requests the number of notifications (webhooks) that wait to be delivered.
// The API updates it every 10 seconds, as its documentation says. Errors are of type *Error.
func (c *Client) QueuedNotifications(ctx context.Context) (int64, error) {
	return fetch(ctx, c, GetWebhooksCount, readCount)
}

// readCount returns the member count. Responses spell its key with a Latin c. The documentation of
// getMessagesCount spells it with a Cyrillic letter, and that of getWebhooksCount with a Thai one.
func readCount(o object) (int64, error) {
	for _, key := range []string{"count", "\u0441ount", "\u0e31ount"} {
		if n, ok := o.integer(key); ok {
			return n, nil
		}
	}
	return 0, &jsonstream.SyntaxError{Reason: "the response has no valid count"}
}
