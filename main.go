// Greenapi_exporter is a Prometheus exporter for WhatsApp messages sent through GREEN-API.
package main

import (
	"embed"
	"os"

	"greenapi_exporter/internal/app"
)

//go:embed VERSION
var version string

//go:embed README.md docs
var docs embed.FS

func main() {
	os.Exit(app.Main(app.Embedded{Version: version, Docs: docs}))
}
