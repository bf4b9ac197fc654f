// Package pagestyle contains the parts that the exporter's HTML pages share: the style sheet of
// their colors and headers, and their Content-Security-Policy.
package pagestyle

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
)

//go:embed base.css
var base string

// Sheet returns the style sheet of a page: the shared rules and then its own.
func Sheet(own string) string { return base + own }

// Policy returns the Content-Security-Policy of a page. It allows only the inline style sheet,
// images from the sources and forms to the exporter. The style sheet is identified by its digest,
// so injected styles have no effect.
func Policy(sheet, imageSources string) string {
	digest := sha256.Sum256([]byte(sheet))
	return "default-src 'none'; style-src 'sha256-" +
		base64.StdEncoding.EncodeToString(digest[:]) + "'; img-src " + imageSources +
		"; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
}
