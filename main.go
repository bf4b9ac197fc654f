// Greenapi_exporter exports to Prometheus what happens to the WhatsApp messages sent through GREEN-API.
package main

import (
	_ "embed"
	"os"

	"greenapi_exporter/internal/app"
)

// version is the version of the program. The Makefile and the Dockerfile add the revision at link time.
//
//go:embed VERSION
var version string

//go:embed README.md
var readme string

func main() {
	os.Exit(app.Main(app.Embedded{Version: version, Readme: readme}))
}
