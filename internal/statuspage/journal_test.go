package statuspage

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestNumbersOfTheWindow checks that the funnel, the other statuses and the table count the same
// rows.
func TestNumbersOfTheWindow(t *testing.T) {
	v := newInstanceView(summaryOf(healthyStatus("1")), testNow).Outgoing
	var bars, types, table []string
	for _, b := range slices.Concat(v.Funnel, v.Rest) {
		bars = append(bars, fmt.Sprintf("%s %s %s %s", b.Word, b.Count, b.Share, b.Width))
	}
	for _, c := range v.Types {
		types = append(types, c.Head+c.Tail+" "+c.Count)
	}
	for _, b := range v.Bars {
		table = append(table, b.Word+" "+strings.Join(b.Cells, "/")+" "+b.Own)
	}
	for _, c := range []struct{ got, want []string }{
		{bars, []string{
			"pending 2,005 > 99 % 99.75", "sent 1,952 97 % 97.11", "delivered 1,932 96 % 96.12",
			"read 1,902 95 % 94.63", "noAccount 40 2.0 % 1.99", "brandNew 3 0.1 % 0.15",
			"unknown 5 0.2 % 0.25",
		}},
		{types, []string{"textMessage 2,000", "unknown 5", "brandNewMessage 3", "imageMessage 2"}},
		{table, []string{
			"pending 10/// 10", "sent 20/// 20", "delivered 30/// 30", "read 1,900///2 1,902",
			"noAccount 40/// 40", "brandNew //3/ 3", "unknown /5// 5",
		}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("got\n%q, want\n%q", c.got, c.want)
		}
	}
	if v.Rows != 2010 || v.byStatus["pending"] != 10 || v.failed() != 40 {
		t.Errorf("%d rows, %d pending, %d failed", v.Rows, v.byStatus["pending"], v.failed())
	}
	reached := []wordCount{
		{"pending", "5"}, {"sent", "10"}, {"delivered", "15"}, {"read", "951"},
		{"noAccount", "20"}, {"brandNew", "1"}, {"unknown", "2"},
	}
	if v.Messages != "1,004 new messages" || !slices.Equal(v.Reached, reached) {
		t.Errorf("counters: %s, %v, want %v", v.Messages, v.Reached, reached)
	}
}

func TestTableAndChartsShowTheView(t *testing.T) {
	page := renderPage(t, query{}, healthyStatus("1"))
	table := page.find("table.window")[0]
	var rows []string
	for _, row := range table.find("tr") {
		rows = append(rows, strings.Join(append(row.texts("th"), row.texts("td")...), "|"))
	}
	want := []string{
		"status|all|textMessage|unknown|brandNewMessage|imageMessage",
		"pending|10|10|·|·|·", "sent|20|20|·|·|·", "delivered|30|30|·|·|·",
		"read|1,902|1,900|·|·|2", "noAccount|40|40|·|·|·", "brandNew|3|·|·|3|·",
		"unknown|5|·|5|·|·", "all|2,010|2,000|5|3|2",
	}
	if !slices.Equal(rows, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(rows, "\n"), strings.Join(want, "\n"))
	}
	var classes []string
	for _, bar := range page.find("svg.bar") {
		classes = append(classes, strings.TrimPrefix(bar.attr("class"), "bar "))
	}
	want = []string{"pending", "sent", "delivered", "read", "failure", "other", "other"}
	if !slices.Equal(classes, want) {
		t.Errorf("charts %q, want %q", classes, want)
	}
}
