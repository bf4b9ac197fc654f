// Openmetrics parses an OpenMetrics exposition from standard input with Prometheus's parser. It
// exits with status 1 if the exposition is invalid or has no series.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

func main() {
	series, err := parse(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, "openmetrics:", err)
		os.Exit(1)
	}
	fmt.Println(series, "series")
}

func parse(r io.Reader) (series int, _ error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return 0, err
	}
	for p := textparse.NewOpenMetricsParser(text, labels.NewSymbolTable()); ; {
		entry, err := p.Next()
		switch {
		case errors.Is(err, io.EOF) && series == 0:
			return 0, errors.New("the exposition has no series")
		case errors.Is(err, io.EOF):
			return series, nil
		case err != nil:
			return series, err
		case entry == textparse.EntrySeries:
			series++
		}
	}
}
