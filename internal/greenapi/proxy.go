package greenapi

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
)

// checkProxyResponse returns an *Error if a proxy rejects a connection. Otherwise net/http would
// return an error with text from the proxy. It implements http.Transport.OnProxyConnectResponse.
func checkProxyResponse(_ context.Context, _ *url.URL, _ *http.Request, r *http.Response) error {
	reason := "check HTTPS_PROXY"
	switch status := r.StatusCode; {
	case status == http.StatusOK:
		return nil
	case status == http.StatusForbidden:
		reason = "it does not allow connections to the API host"
	case status == http.StatusProxyAuthRequired:
		reason = "HTTPS_PROXY needs a valid user name and password"
	case status >= 500:
		reason = "it cannot connect to the API host"
	}
	return &Error{
		Result: Network,
		Detail: fmt.Sprintf("the proxy rejected the connection with HTTP %d: %s",
			r.StatusCode, reason),
	}
}
