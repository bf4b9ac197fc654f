package statuspage

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"greenapi_exporter/internal/config"
)

func TestUnwatchedInstancesAreShown(t *testing.T) {
	all := []config.Unwatched{
		{Reason: config.NoToken, Count: 1, IDs: []string{"1101000003"}},
		{Reason: config.BadID, Count: 4},
		{Reason: config.Excluded},
		{Reason: config.Deleted, Count: 1234},
		{Reason: config.Expired},
	}
	for n := range 1234 {
		all[3].IDs = append(all[3].IDs, fmt.Sprint(1102000000+n))
	}
	text := func(query string, all []config.Unwatched) (text string, warns bool) {
		s := Snapshot{Instances: outage(10), Unwatched: all}
		page := parsePage(t, get(handlerOf(s), query).Body.String())
		for _, section := range page.find("section") {
			if section.attr("aria-labelledby") == "unwatched" {
				classes := strings.Fields(section.attr("class"))
				return section.text(), slices.Contains(classes, warning.Class())
			}
		}
		return "", false
	}
	shown, warns := text("", all)
	for _, want := range []string{
		"no_token 1 ", "1101000003", config.NoToken.Advice(), "bad_id 4 ", "deleted 1,234 ",
		"1102000004 and 1,229 more",
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("the page does not show %q: %s", want, shown)
		}
	}
	if strings.Contains(shown, "excluded") || len(shown) > 1000 || !warns {
		t.Errorf("the page shows, as a warning (%t): %s", warns, shown)
	}
	if shown, warns := text("", all[2:]); !strings.Contains(shown, "deleted 1,234 ") || warns {
		t.Errorf("the page shows, as a warning (%t): %s", warns, shown)
	}
	for _, hidden := range []string{"id_instance=1101000001", "search=11", "page=2"} {
		if shown, _ := text(hidden, all); shown != "" {
			t.Errorf("?%s shows %s", hidden, shown)
		}
	}
	if shown, _ := text("", []config.Unwatched{{Reason: config.NoToken}}); shown != "" {
		t.Errorf("without unwatched instances, the page shows %s", shown)
	}
}
