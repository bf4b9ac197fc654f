package app

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/prometheus/common/model"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/config"
)

// printConfig writes a table of the instances in the configuration, without their tokens. The
// columns have the names of the keys in the configuration file.
func printConfig(w io.Writer, cfg *config.Config) error {
	if _, err := fmt.Fprintf(w, "OK: %s\n", instanceCount(cfg)); err != nil {
		return err
	}
	if len(cfg.Instances()) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table,
		"\nid_instance\turl\tminutes\tlookback\tmin_interval\ttimeout\tcollectors\tlabels")
	for _, i := range cfg.Instances() {
		lookback := config.Full
		if i.Tiered() {
			lookback = config.Tiered
		}
		var collectors, labels []string
		for _, c := range collector.All() {
			if i.Collects(c.Name) {
				collectors = append(collectors, c.Name)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(i.Labels())) {
			labels = append(labels, fmt.Sprintf("%s=%q", name, i.Labels()[name]))
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\n", i.ID(), i.URL(), i.Minutes(),
			lookback, model.Duration(i.MinInterval()), model.Duration(i.Timeout()),
			cmp.Or(strings.Join(collectors, ","), "-"), cmp.Or(strings.Join(labels, ","), "-"))
	}
	return table.Flush()
}

// instanceCount describes which instances the configuration watches.
func instanceCount(cfg *config.Config) string {
	n := len(cfg.Instances())
	if n == 0 && cfg.Partner() != nil {
		return "the instances of the Partner API"
	}
	text := fmt.Sprintf("%d instances", n)
	if n == 1 {
		text = "1 instance"
	}
	if cfg.Partner() != nil {
		text += " and those of the Partner API"
	}
	return text
}
