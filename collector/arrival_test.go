package collector

import (
	"reflect"
	"testing"
	"time"

	"greenapi_exporter/internal/ledger"
)

// recent returns a summary with the given recent rows.
func recent(statuses ...ledger.RecentStatus) *ledger.Summary {
	return &ledger.Summary{Recent: statuses}
}

// status returns the rows of a status by age: up to 15 minutes, 1 hour and 6 hours.
func status(word string, rows ...int) ledger.RecentStatus {
	s := ledger.RecentStatus{Word: word}
	copy(s.Rows[:], rows)
	return s
}

func TestArrivalOfRecentMessages(t *testing.T) {
	const quarter, hour, day = 15 * time.Minute, time.Hour, 6 * time.Hour
	for name, c := range map[string]struct {
		summary *ledger.Summary
		want    Arrival
	}{
		"no reading":  {nil, Arrival{Window: hour}},
		"no messages": {recent(), Arrival{Window: hour}},
		"all arrive": {recent(status("read", 1, 2, 4), status("sent", 10)),
			Arrival{Window: hour, Messages: 13}},
		"every failure, other words and new pending rows": {
			recent(status("noAccount", 1), status("failed", 2), status("notInGroup", 1),
				status("noActiveSession", 1), status("suspended", 1), status("yellowCard", 1),
				status("pending", 20, 1), status("unknown", 10), status("other", 10),
				status("brandNew", 10), status("sent", 20)),
			Arrival{hour, 78, 8, []Reason{
				{"failed", 2}, {"noAccount", 1}, {"noActiveSession", 1}, {"notInGroup", 1},
				{"pending", 1}, {"suspended", 1}, {"yellowCard", 1},
			}, false, false}},
		"4 of 4": {recent(status("failed", 0, 4)),
			Arrival{hour, 4, 4, []Reason{{"failed", 4}}, false, false}},
		"5 of 5": {recent(status("failed", 0, 5)),
			Arrival{hour, 5, 5, []Reason{{"failed", 5}}, true, false}},
		"5 of 10": {recent(status("read", 0, 5), status("failed", 0, 5)),
			Arrival{hour, 10, 5, []Reason{{"failed", 5}}, false, false}},
		"6 of 10": {recent(status("read", 0, 4), status("failed", 0, 6)),
			Arrival{hour, 10, 6, []Reason{{"failed", 6}}, true, false}},
		"5 messages an hour, one failed": {
			recent(status("read", 1, 3, 20), status("noAccount", 0, 1, 5)),
			Arrival{hour, 5, 1, []Reason{{"noAccount", 1}}, false, false}},
		"5 messages an hour, all of the last hour failed": {
			recent(status("read", 0, 0, 25), status("failed", 1, 4)),
			Arrival{hour, 5, 5, []Reason{{"failed", 5}}, true, false}},
		"5 messages an hour, a third failed": {
			recent(status("read", 1, 2, 17), status("failed", 0, 2, 8)),
			Arrival{day, 30, 10, []Reason{{"failed", 10}}, true, false}},
		"100,000 an hour, below": {
			recent(status("read", 22_498, 67_499, 450_000), status("failed", 2_502, 7_501, 50_000)),
			Arrival{hour, 100_000, 10_003, []Reason{{"failed", 10_003}}, false, false}},
		"100,000 an hour, above in the last 15 minutes": {
			recent(status("read", 22_495, 75_000, 500_000), status("failed", 2_505)),
			Arrival{quarter, 25_000, 2_505, []Reason{{"failed", 2_505}}, true, false}},
		"the largest share is in the last hour": {
			recent(status("read", 20, 0, 100), status("noAccount", 5, 30, 20)),
			Arrival{hour, 55, 35, []Reason{{"noAccount", 35}}, true, false}},
		"the largest share is in a window with few messages": {
			recent(status("read", 0, 0, 60), status("noAccount", 4, 0, 30)),
			Arrival{day, 94, 34, []Reason{{"noAccount", 34}}, true, false}},
		"21 new messages after failures, 2 failed": {
			recent(status("read", 19, 20), status("failed", 2, 60)),
			Arrival{hour, 101, 62, []Reason{{"failed", 62}}, false, true}},
		"21 new messages after failures, 3 failed": {
			recent(status("read", 18, 20), status("failed", 3, 59)),
			Arrival{hour, 100, 62, []Reason{{"failed", 62}}, true, false}},
		"20 new messages after failures": {
			recent(status("read", 20, 20), status("failed", 0, 60)),
			Arrival{hour, 100, 60, []Reason{{"failed", 60}}, true, false}},
		"21 new messages after hours of failures": {
			recent(status("read", 21, 50), status("failed", 0, 3, 600)),
			Arrival{hour, 74, 3, []Reason{{"failed", 3}}, false, true}},
		"21 new messages, few earlier ones pending": {
			recent(status("read", 21, 50), status("pending", 5, 12), status("failed", 0, 4)),
			Arrival{hour, 92, 16, []Reason{{"pending", 12}, {"failed", 4}}, false, true}},
		"21 new messages, too many earlier ones pending": {
			recent(status("read", 21, 50), status("pending", 5, 14), status("failed", 0, 4)),
			Arrival{hour, 94, 18, []Reason{{"pending", 14}, {"failed", 4}}, true, false}},
	} {
		if got := ArrivalOf(c.summary); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
