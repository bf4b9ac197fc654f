package greenapi

import (
	"context"

	"greenapi_exporter/internal/jsonstream"
)

// QueuedMessages requests the number of messages in the sending queue. According to the API's
// documentation, it is updated every 10 seconds. Errors are of type *Error.
func (c *Client) QueuedMessages(ctx context.Context) (int64, error) {
	return fetch(ctx, c, GetMessagesCount, readCount)
}

// QueuedNotifications requests the number of notifications (webhooks) that are not yet delivered.
// According to the API's documentation, it is updated every 10 seconds. Errors are of type *Error.
func (c *Client) QueuedNotifications(ctx context.Context) (int64, error) {
	return fetch(ctx, c, GetWebhooksCount, readCount)
}

// readCount returns the member count. The key has a Latin c in responses. In the documentation, it
// has a Cyrillic letter for getMessagesCount, and a Thai one for getWebhooksCount.
func readCount(o object) (int64, error) {
	for _, key := range []string{"count", "\u0441ount", "\u0e31ount"} {
		if n, ok := o.integer(key); ok {
			return n, nil
		}
	}
	return 0, &jsonstream.SyntaxError{Reason: "the response has no valid count"}
}
