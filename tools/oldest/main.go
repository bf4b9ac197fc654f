// Oldest checks the rules on standard input with the parser of the oldest supported Prometheus.
// go.mod pins its version. The package rulefmt of that version does the same, but depends on the
// clients of several clouds.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/template"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
	"gopkg.in/yaml.v3"
)

// ruleFile has all fields that the oldest supported Prometheus knows.
type ruleFile struct {
	Groups []struct {
		Name     string
		Interval model.Duration
		Limit    int
		Rules    []rule
	}
}

type rule struct {
	Record, Alert, Expr string
	For                 model.Duration
	KeepFiringFor       model.Duration `yaml:"keep_firing_for"`
	Labels, Annotations map[string]string
}

// functions are those that the oldest supported Prometheus adds to templates.
const functions = "query first label value strvalue args reReplaceAll safeHtml match title " +
	"toUpper toLower graphLink tableLink sortByLabel stripPort stripDomain humanize " +
	"humanize1024 humanizeDuration humanizePercentage humanizeTimestamp toTime pathPrefix " +
	"externalURL parseDuration"

func main() {
	n, err := check(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, "oldest:", err)
		os.Exit(1)
	}
	fmt.Printf("the oldest supported Prometheus can load the %d rules\n", n)
}

// check returns the number of rules.
func check(r io.Reader) (n int, err error) {
	var file ruleFile
	decoder := yaml.NewDecoder(r)
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		return 0, err
	}
	var errs []error
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			n++
			if err := rule.check(); err != nil {
				errs = append(errs, fmt.Errorf("%s%s: %w", rule.Record, rule.Alert, err))
			}
		}
	}
	return n, errors.Join(errs...)
}

// check parses the expression and the templates.
func (r *rule) check() error {
	_, err := parser.ParseExpr(r.Expr)
	errs := []error{err}
	funcs := make(template.FuncMap)
	for name := range strings.FieldsSeq(functions) {
		funcs[name] = fmt.Sprint // only the name matters
	}
	const variables = "{{$labels := 0}}{{$externalLabels := 0}}{{$externalURL := 0}}{{$value := 0}}"
	for _, texts := range []map[string]string{r.Labels, r.Annotations} {
		for name, text := range texts {
			_, err := template.New(name).Funcs(funcs).Parse(variables + text)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
