package collector

import (
	"time"

	"greenapi_exporter/internal/ledger"
)

// Too many messages are pending if they are more than PendingMessages, plus PendingShare of all
// messages of the window, and the oldest has been pending for more than PendingTime. The alert
// rules use the same values.
const (
	PendingMessages = 4
	PendingShare    = 0.01
	PendingTime     = 10 * time.Minute
)

// Window describes all messages of the window, as of the latest reading. Reactions and deletions
// are not messages.
type Window struct {
	// Messages is the number of messages. Pending is the number of those that are pending.
	Messages, Pending int
	// PendingSince is the time of the oldest pending message. It is zero if that is unknown.
	PendingSince time.Time
	// PendingHigh reports whether too many messages are pending. The alert also requires that their
	// number does not fall, and that the oldest was pending in an earlier reading. One reading does
	// not show that. The alert also fires for a share of the last hour's messages, as Arrival does.
	PendingHigh bool
	// NoID is the number of rows without an id. Most of them also have no time and no status, so
	// no Arrival includes them. Often, their numbers have no WhatsApp account. NoIDHigh reports
	// whether there are too many of them, with the thresholds of undelivered messages.
	NoID     int
	NoIDHigh bool
}

// WindowOf returns the Window of the latest reading. The summary may be nil.
func WindowOf(s *ledger.Summary) Window {
	var w Window
	if s == nil {
		return w
	}
	for _, t := range s.Types {
		if !ledger.ShowsMessage(t.Word) {
			continue
		}
		for _, status := range t.Statuses {
			w.Messages += status.Rows
			if status.Word == "pending" {
				w.Pending += status.Rows
			}
		}
	}
	w.NoID = int(s.Malformed[ledger.NoID])
	w.NoIDHigh = tooMany(w.NoID, w.Messages)
	if s.OldestPending.Known {
		w.PendingSince = time.Unix(int64(s.OldestPending.Seconds), 0)
		w.PendingHigh = s.RequestedAt.Sub(w.PendingSince) > PendingTime &&
			float64(w.Pending) > PendingMessages+PendingShare*float64(w.Messages)
	}
	return w
}
