package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"

	toolkit "github.com/prometheus/exporter-toolkit/web"
)

// checkWebConfig returns an error if the file cannot be used. It returns nil if path is empty.
func checkWebConfig(path string) error {
	if path == "" {
		return nil
	}
	if _, err := os.ReadFile(path); err != nil {
		var pathError *fs.PathError
		if errors.As(err, &pathError) {
			err = pathError.Err // without the path, which could be a misplaced token
		}
		return fmt.Errorf("cannot read --web.config.file: %w", err)
	}
	if err := toolkit.Validate(path); err != nil {
		return explainWebConfig(err.Error())
	}
	return nil
}

// webConfigProblems are the known errors of exporter-toolkit about the web configuration. The first
// match applies.
var webConfigProblems = []struct {
	pattern *regexp.Regexp
	problem string
}{
	{
		regexp.MustCompile(`^crypto/bcrypt`),
		"has a password in basic_auth_users that is not a bcrypt hash; create the hash with " +
			"htpasswd -nBC 10 USER, and write it in place of the password",
	},
	{
		regexp.MustCompile(`^failed to read cert_file`),
		"has a cert_file that cannot be read; check the path and the owner of the file",
	},
	{
		regexp.MustCompile(`^failed to read key_file`),
		"has a key_file that cannot be read; check the path and the owner of the file",
	},
	{
		regexp.MustCompile(`^open `),
		"has a client_ca_file that cannot be read; check the path and the owner of the file",
	},
	{
		regexp.MustCompile(`^failed to load X509KeyPair`),
		"has a certificate and a key that are not PEM files or do not match",
	},
	{regexp.MustCompile(`^missing one of cert`), "has a key, but neither cert nor cert_file"},
	{regexp.MustCompile(`^missing one of key`), "has a certificate, but neither key nor key_file"},
	{regexp.MustCompile(`^invalid ClientAuth`), "has an unknown client_auth_type"},
	{
		regexp.MustCompile(`^client CA's`),
		"has a client CA; it needs client_auth_type, such as RequireAndVerifyClientCert",
	},
	{regexp.MustCompile(`unknown cipher`), "has an unknown cipher in cipher_suites"},
	{regexp.MustCompile(`unknown curve`), "has an unknown curve in curve_preferences"},
	{regexp.MustCompile(`unknown TLS version`), "has an unknown TLS version, other than TLS12"},
	{regexp.MustCompile(`^(HTTP header|invalid value for)`), "has an unsupported HTTP header"},
}

var (
	lineNumber = regexp.MustCompile(`\bline \d+\b`)
	unknownKey = regexp.MustCompile(`\bline \d+: field .* not found in type `)
)

// explainWebConfig returns an error for an error of exporter-toolkit. It repeats nothing of the
// text except a line number, because the text can contain passwords.
func explainWebConfig(text string) error {
	problem := "is not valid"
	if unknownKey.MatchString(text) {
		problem = "has an unknown key"
	}
	if line := lineNumber.FindString(text); line != "" {
		problem += " in " + line
	}
	for _, known := range webConfigProblems {
		if known.pattern.MatchString(text) {
			problem = known.problem
			break
		}
	}
	return fmt.Errorf("--web.config.file %s; its format is described at "+
		"https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md",
		problem)
}
