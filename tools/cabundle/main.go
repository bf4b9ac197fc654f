// Cabundle prints the root certificates that Mozilla trusts, in PEM format. The container image
// requires them because it is not based on an operating system.
package main

import (
	"bufio"
	"encoding/pem"
	"fmt"
	"os"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

func main() {
	out := bufio.NewWriter(os.Stdout)
	for root := range bundle.Roots() {
		// A PEM file cannot express constraints, so omit roots that have some.
		if root.Constraint != nil {
			continue
		}
		block := pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}
		if err := pem.Encode(out, &block); err != nil {
			exit(err)
		}
	}
	if err := out.Flush(); err != nil {
		exit(err)
	}
}

func exit(err error) {
	fmt.Fprintln(os.Stderr, "cabundle:", err)
	os.Exit(1)
}
