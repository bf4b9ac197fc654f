// Oldest checks the rules on standard input with the parsers of the oldest supported Prometheus.
// go.mod pins its version.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/prometheus/prometheus/model/rulefmt"
)

func main() {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, "oldest:", err)
		os.Exit(1)
	}
	// Parse also parses the expressions and templates.
	rules, errs := rulefmt.Parse(text)
	for _, err := range errs {
		fmt.Fprintln(os.Stderr, "oldest:", err)
	}
	if len(errs) > 0 {
		os.Exit(1)
	}
	n := 0
	for _, group := range rules.Groups {
		n += len(group.Rules)
	}
	fmt.Printf("the oldest supported Prometheus can load the %d rules\n", n)
}
