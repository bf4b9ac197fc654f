package web

import (
	"errors"
	"net/http/httptest"
	"testing"
)

// TestReloadRequests checks that the handler responds after the reload, and rejects cross-origin
// requests of browsers.
func TestReloadRequests(t *testing.T) {
	reloads := 0
	var result error
	handler := newHandler(newFakeFleet(sendValue(1)), func(o *Options) {
		o.Reload = func() error {
			reloads++
			return result
		}
	})
	for _, c := range []struct {
		method, header, value string
		status, reloads       int
	}{
		{"POST", "", "", 200, 1},
		{"PUT", "", "", 200, 2},
		{"POST", "Sec-Fetch-Site", "same-origin", 200, 3},
		{"POST", "Sec-Fetch-Site", "cross-site", 403, 3},
		{"POST", "Origin", "https://evil.example", 403, 3},
		{"GET", "", "", 405, 3},
		{"HEAD", "", "", 405, 3},
	} {
		r := httptest.NewRequest(c.method, "/-/reload", nil)
		if c.header != "" {
			r.Header.Set(c.header, c.value)
		}
		w := serve(handler, r)
		if w.Code != c.status || reloads != c.reloads {
			t.Errorf("%s %s %s: status %d after %d reloads, want %d after %d",
				c.method, c.header, c.value, w.Code, reloads, c.status, c.reloads)
		}
		if allow := w.Header().Get("Allow"); (w.Code == 405) != (allow == "POST, PUT") {
			t.Errorf("status %d has Allow: %s", w.Code, allow)
		}
	}
	result = errors.New("greenapi.yml:3: no")
	w := serve(handler, httptest.NewRequest("POST", "/-/reload", nil))
	if w.Code != 500 || w.Body.String() != "greenapi.yml:3: no\n" {
		t.Errorf("an invalid file: %d, %s", w.Code, w.Body)
	}
}
