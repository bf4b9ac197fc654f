package app

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWebConfigErrorsAreExplained(t *testing.T) {
	const secret = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345"
	for text, want := range map[string]string{
		secret:                                                             "not valid in line 1",
		"basic_auth_users: " + secret:                                      "not valid in line 1",
		"basic_auth_users: {a: " + secret + "}":                            "not a bcrypt hash",
		"basic_auth_users: {a: x}":                                         "not a bcrypt hash",
		"basic_auth_users: {a: 1234}":                                      "not a bcrypt hash",
		"basic_auth_users: {a: \"$9$" + secret + "\"}":                     "not a bcrypt hash",
		"# users\n" + secret + ": {}":                                      "unknown key in line 2",
		"basic_auth_users:\n\ta: " + secret:                                "not valid in line 2",
		"tls_server_config: {cert_file: " + secret + ", key_file: k}":      "cert_file that cannot be read",
		"tls_server_config: {cert: " + secret + ", key: " + secret + "}":   "not PEM",
		"tls_server_config: {cert_file: " + secret + "}":                   "neither key nor key_file",
		"tls_server_config: {key_file: " + secret + "}":                    "neither cert nor cert_file",
		"tls_server_config: {min_version: " + secret + "}":                 "unknown TLS version",
		"tls_server_config: {cipher_suites: [" + secret + "]}":             "unknown cipher",
		"tls_server_config: {curve_preferences: [" + secret + "]}":         "unknown curve",
		"http_server_config: {headers: {" + secret + ": x}}":               "HTTP header",
		"http_server_config: {headers: {X-Frame-Options: " + secret + "}}": "HTTP header",
		"rate_limit: {interval: " + secret + "}":                           "not valid",
	} {
		path := filepath.Join(t.TempDir(), "web.yml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := checkWebConfig(path)
		if err == nil || !strings.Contains(err.Error(), want) ||
			strings.Contains(err.Error(), secret[:3]) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
	if err := checkWebConfig(filepath.Join(t.TempDir(), secret)); err == nil ||
		strings.Contains(err.Error(), secret) {
		t.Errorf("missing file: %v", err)
	}
}

// TestWebConfigErrorsAreLoggedWithoutText logs an error as exporter-toolkit does if the file
// becomes invalid.
func TestWebConfigErrorsAreLoggedWithoutText(t *testing.T) {
	var text bytes.Buffer
	newSlogLogger(&text, "info", "logfmt").Error("Unable to parse configuration",
		"err", "yaml: unmarshal errors: line 3: cannot unmarshal !!str `passwor...` into int")
	if got := text.String(); strings.Contains(got, "passwor.") || !strings.Contains(got, "line 3") {
		t.Errorf("got %s", got)
	}
}
