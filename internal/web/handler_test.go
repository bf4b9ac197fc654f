package web

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestRoutes(t *testing.T) {
	handler := newHandler(newFakeFleet(sendValue(42)), nil)
	for _, c := range []struct {
		method, path string
		status       int
		contains     string
	}{
		{"GET", "/metrics", 200, "\nfake 42\n"},
		{"GET", "/metrics", 200, "\ngo_goroutines "},
		{"GET", "/metrics", 200, "\npromhttp_metric_handler_requests_total"},
		{"GET", "/metrics", 200, "\ngreenapi_exporter_build_info"},
		{"HEAD", "/metrics", 200, ""},
		{"POST", "/metrics", 405, ""},
		{"GET", "/-/healthy", 200, "healthy"},
		{"GET", "/-/ready", 200, "ready"},
		{"GET", "/", 200, "the page"},
		{"HEAD", "/", 200, ""},
		{"POST", "/", 405, ""},
		{"PUT", "/", 405, ""},
		{"DELETE", "/", 405, ""},
		{"GET", "/README.md", 200, "the documentation"},
		{"HEAD", "/README.md", 200, ""},
		{"POST", "/README.md", 405, ""},
		{"GET", "/docs", 200, "the documentation"},
		{"GET", "/docs/", 200, "the documentation"},
		{"GET", "/docs/a.md", 200, "the documentation"},
		{"POST", "/docs/a.md", 405, ""},
		{"GET", "/docs/../metrics", 307, ""},
		{"GET", "/nowhere", 404, ""},
		{"GET", "/metrics/", 404, ""},
		{"GET", "/debug/pprof/", 404, ""},
		{"GET", "/probe?target=1101000001", 200, "\nfake 42\n"},
		{"HEAD", "/probe?target=1101000001", 200, ""},
		{"POST", "/probe?target=1101000001", 405, ""},
		{"GET", "/probe?target=1101000002", 404, "/sd"},
		{"GET", "/probe", 400, "?target=ID"},
		{"GET", "/probe?target=", 400, "?target=ID"},
		{"GET", "/probe?target=1101000001&target=1101000001", 400, "?target=ID"},
		{"GET", "/probe?target=%zz", 400, "malformed"},
		{"GET", "/sd", 200, "[]"},
		{"POST", "/sd", 405, ""},
		{"POST", "/-/reload", 403, "--web.enable-lifecycle"},
		{"PUT", "/-/reload", 403, "--web.enable-lifecycle"},
		{"GET", "/-/reload", 405, ""},
		{"DELETE", "/-/reload", 405, ""},
	} {
		w := serve(handler, httptest.NewRequest(c.method, c.path, nil))
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.contains) {
			t.Errorf("%s %s: status %d, want %d with %q in:\n%.500s",
				c.method, c.path, w.Code, c.status, c.contains, w.Body)
		}
	}
}

func TestPagesAreNotStoredOrSniffed(t *testing.T) {
	handler := newHandler(newFakeFleet(sendValue(42)), nil)
	for _, path := range []string{"/", "/README.md", "/docs/a.md"} {
		header := get(handler, path).Header()
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
			"X-Content-Type-Options": "nosniff",
		} {
			if got := header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
}

func TestTelemetryPathIsConfigurable(t *testing.T) {
	fleet := newFakeFleet(sendValue(42))
	handler := newHandler(fleet, func(o *Options) { o.TelemetryPath = "/a/b" })
	if w := get(handler, "/a/b"); w.Code != 200 {
		t.Errorf("/a/b: status %d", w.Code)
	}
	if w := get(handler, "/metrics"); w.Code != 404 {
		t.Errorf("/metrics: status %d", w.Code)
	}
}

func TestInvalidTelemetryPathsAreRejected(t *testing.T) {
	for _, path := range []string{
		"", "metrics", "/", "/-/healthy", "/-/ready", "/-/reload", "/probe", "/sd", "/README.md",
		"/docs", "/docs/storage.md", "/a b", "/{x}", "/a?b", "//", "/a//b", "/a#b", "/%", "/a/../b",
		"/a/", "/./a", "/..",
		"/\x01", "/é",
	} {
		if err := CheckTelemetryPath(path); err == nil {
			t.Errorf("%q is accepted", path)
		}
	}
	for _, path := range []string{"/metrics", "/a/b", "/m.txt", "/a_b-c~d", "/docs2"} {
		if err := CheckTelemetryPath(path); err != nil {
			t.Errorf("%q: %v", path, err)
		}
	}
}
