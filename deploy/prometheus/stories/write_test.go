package stories

import (
	"cmp"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const rulesFile = "../greenapi.rules.yml"

// text returns the story as a file for promtool.
func (st *story) text(t *testing.T) string {
	t.Helper()
	rules, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	comment := func(indent, words string) {
		for _, line := range wrap(words) {
			fmt.Fprintf(&b, "%s# %s\n", indent, line)
		}
	}
	comment("", st.words)
	b.WriteString("#\n")
	comment("", fmt.Sprintf("Generated from %s_test.go by "+
		"`go test ./deploy/prometheus/stories -update`.", st.file))
	b.WriteString("rule_files: [../greenapi.rules.yml]\ngroup_eval_order:\n")
	for _, m := range regexp.MustCompile(`(?m)^  - name: (\S+)`).FindAllSubmatch(rules, -1) {
		fmt.Fprintf(&b, "  - %s\n", m[1])
	}
	fmt.Fprintf(&b, "evaluation_interval: %s\n\ntests:\n", clock(cmp.Or(st.evaluation, minute)))
	fmt.Fprintf(&b, "  - name: %s\n    interval: %s\n", st.name, clock(cmp.Or(st.step, minute)))
	b.WriteString("    promql_expr_test:\n")
	for _, e := range st.exporters {
		for _, a := range e.accounts {
			comment("      ", a.id+": "+a.words)
			st.writeFirings(&b, a.fires, a.id)
		}
		st.writeFirings(&b, e.fires, "")
	}
	comment("      ", "Nothing else fires at any time.")
	st.writeAllFirings(&b)
	st.writeSeries(&b)
	return b.String()
}

// writeFirings writes assertions on when alerts of an instance must fire, and when they must not.
func (st *story) writeFirings(b *strings.Builder, fires []firing, id string) {
	for _, f := range fires {
		labels := alertLabels(f, id)
		firing := fmt.Sprintf(`ALERTS{alertstate="firing", %s}`, labels)
		if f.after > 0 {
			writeExpectation(b, f.after,
				fmt.Sprintf("count_over_time(%s[%s])", firing, clock(f.after)))
		}
		writeExpectation(b, f.by,
			fmt.Sprintf("group by (alertname, id_instance) (%s)", firing), labels)
		if f.gone != 0 {
			writeExpectation(b, st.length,
				fmt.Sprintf("count_over_time(%s[%s])", firing, clock(st.length-f.gone)))
		}
	}
}

func alertLabels(f firing, id string) string {
	if id == "" {
		return fmt.Sprintf(`alertname="%s", id_instance=""`, f.alert)
	}
	return fmt.Sprintf(`alertname="%s", id_instance="%s"`, f.alert, id)
}

// writeAllFirings writes the assertion on the set of alerts that fire at any time.
func (st *story) writeAllFirings(b *strings.Builder) {
	var all []string
	for _, e := range st.exporters {
		for _, a := range append(e.accounts, account{fires: e.fires}) {
			for _, f := range a.fires {
				line := alertLabels(f, a.id) + fmt.Sprintf(`, severity="%s"`, f.severity)
				if !slices.Contains(all, line) {
					all = append(all, line)
				}
			}
		}
	}
	writeExpectation(b, st.length, "group by (alertname, id_instance, severity) "+
		fmt.Sprintf(`(count_over_time(ALERTS{alertstate="firing", alertname!="Watchdog"}[%s]))`,
			clock(st.length)), all...)
}

// writeExpectation writes the assertion that the result of expr at a time has exactly these labels.
func writeExpectation(b *strings.Builder, at time.Duration, expr string, labels ...string) {
	fmt.Fprintf(b, "      - eval_time: %s\n        expr: %s\n", clock(at), expr)
	if labels == nil {
		b.WriteString("        exp_samples: []\n")
		return
	}
	b.WriteString("        exp_samples:\n")
	for _, l := range labels {
		l = strings.Replace(l, `, id_instance=""`, "", 1)
		fmt.Fprintf(b, "          - {labels: '{%s}', value: 1}\n", l)
	}
}

// writeSeries writes the series. Equal values are written once.
func (st *story) writeSeries(b *strings.Builder) {
	b.WriteString("    input_series:\n")
	anchors := make(map[string]string)
	s := st.scrapes()
	for _, name := range s.names {
		values := notation(s.values[name])
		anchor, known := anchors[values]
		switch {
		case known:
			values = "*" + anchor
		case len(values) > 12:
			anchor = fmt.Sprintf("v%d", len(anchors))
			anchors[values] = anchor
			values = fmt.Sprintf("&%s '%s'", anchor, values)
		default:
			values = "'" + values + "'"
		}
		fmt.Fprintf(b, "      - {series: '%s', values: %s }\n", name, values)
	}
}

// clock formats a duration for Prometheus.
func clock(d time.Duration) string {
	switch {
	case d%hour == 0:
		return fmt.Sprintf("%dh", d/hour)
	case d < hour:
		return fmt.Sprintf("%dm", d/minute)
	}
	return fmt.Sprintf("%dh%dm", d/hour, d%hour/minute)
}

// wrap breaks words into lines that fit into a comment.
func wrap(words string) (lines []string) {
	line := ""
	for _, word := range strings.Fields(words) {
		if line != "" && len(line)+1+len(word) > 92 {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
