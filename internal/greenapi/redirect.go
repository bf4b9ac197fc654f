package greenapi

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// hostPattern matches a host name or address, with an optional port.
var hostPattern = regexp.MustCompile(
	`^([0-9A-Za-z._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}])(:[0-9]{1,5})?$`)

// redirectDetail describes a redirect. It includes the host of the Location if that is valid, but
// not its path, which usually repeats the token.
func redirectDetail(received *http.Response, token Token) string {
	detail := fmt.Sprintf("HTTP %d, a redirect", received.StatusCode)
	target, err := received.Location()
	if err != nil || !hostPattern.MatchString(target.Host) || token.isIn(target.Host) {
		return detail + " without a valid host"
	}
	return detail + " to " + strings.ToLower(target.Host)
}

// isRedirect reports whether a response is a redirect. One with status 300 or 305 is a redirect
// only if it has a Location.
func isRedirect(received *http.Response) bool {
	switch received.StatusCode {
	case http.StatusMultipleChoices, http.StatusUseProxy:
		return received.Header.Get("Location") != ""
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	default:
		return false
	}
}
