// Greenapi_exporter is a Prometheus exporter for WhatsApp messages sent through GREEN-API.
package main

import (
	_ "embed"
	"os"

	"greenapi_exporter/internal/app"
)

//go:embed VERSION
var version string

//go:embed README.md
var readme string

func main() {
	os.Exit(app.Main(app.Embedded{Version: version, Readme: readme}))
}
