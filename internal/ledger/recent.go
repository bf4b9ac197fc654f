package ledger

import "time"

// RecentStatus counts the recent rows of one status.
type RecentStatus struct {
	Word string
	// Rows[i] is the number of rows that are younger than RecentAges()[i], but not younger than
	// RecentAges()[i-1].
	Rows [recentAges]int
}

// The ages that divide recent rows, in seconds.
const (
	quarterAge   = 15 * 60
	hourAge      = 60 * 60
	maxRecentAge = 6 * hourAge

	recentAges = 3
)

// RecentAges returns the ages that divide the rows of a RecentStatus. Older rows are not recent.
func RecentAges() [recentAges]time.Duration {
	return [...]time.Duration{
		quarterAge * time.Second, hourAge * time.Second, maxRecentAge * time.Second,
	}
}

// recentRows counts recent rows by status and age.
type recentRows [maxStatuses][recentAges]int32

// add adds a row with an age in seconds, which must be less than maxRecentAge. It is negative if
// the timestamp of the row is in the future.
func (r *recentRows) add(status uint8, age float64) {
	switch {
	case age < quarterAge:
		r[status][0]++
	case age < hourAge:
		r[status][1]++
	default:
		r[status][2]++
	}
}

// summary returns the statuses with recent rows.
func (r *recentRows) summary(words []string) []RecentStatus {
	n := 0
	for _, rows := range r {
		if rows != [recentAges]int32{} {
			n++
		}
	}
	statuses := make([]RecentStatus, 0, n)
	for status, word := range words {
		if rows := r[status]; rows != [recentAges]int32{} {
			statuses = append(statuses,
				RecentStatus{word, [...]int{int(rows[0]), int(rows[1]), int(rows[2])}})
		}
	}
	return statuses
}

// ShowsMessage reports whether a row of the type is a message of its own. Deletions and reactions
// have rows too, but they change another message.
func ShowsMessage(typ string) bool { return typ != "deletedMessage" && typ != "reactionMessage" }
