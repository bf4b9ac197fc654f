package statuspage

import (
	"strings"
	"time"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/greenapi"
)

// detail is what a collector has last shown: words, and a time that they lead to.
type detail struct {
	Words string
	At    *relTime
}

// needed are the settings without which the journals lack messages.
var needed = []string{"outgoingWebhook", "outgoingMessageWebhook", "incomingWebhook"}

func details(name string, s collector.Status, now time.Time) []detail {
	at := func(seconds float64) *relTime { m := momentAt(fromUnix(seconds), now); return &m }
	switch {
	case name == "outgoing" && s.Outgoing != nil:
		t := newTally(s.Outgoing)
		all := []detail{{Words: plural(t.rows, "message") + " in the window, " + formatInt(t.statuses["pending"]) + " pending"}}
		if oldest := s.Outgoing.OldestPending; oldest.Known {
			all = append(all, detail{"the oldest of them", at(oldest.Seconds)})
		}
		return all
	case name == "incoming" && s.Incoming != nil:
		all := []detail{{Words: plural(newTally(s.Incoming).rows, "message") + " received in the window"}}
		if last := s.Incoming.LastMessage; last.Known {
			all = append(all, detail{"the last", at(last.Seconds)})
		}
		return all
	case name == "state" && s.State != "":
		return []detail{{Words: string(s.State)}}
	case name == "queue" && s.Queued != nil:
		return []detail{{Words: formatWaiting(*s.Queued, "message") + " to be sent"}}
	case name == "webhooks" && s.Notifications != nil:
		return []detail{{Words: formatWaiting(*s.Notifications, "notification") + " to be taken"}}
	case name == "account" && s.Account != nil:
		return []detail{suspension(s.Account, at)}
	case name == "settings" && s.Settings != nil:
		return []detail{{Words: missing(s.Settings)}}
	}
	return nil
}

func suspension(a *greenapi.Account, at func(float64) *relTime) detail {
	switch {
	case a.SuspendedUntil.Known:
		return detail{"sending is suspended; that ends", at(a.SuspendedUntil.Value)}
	case a.State == greenapi.StateSuspended || a.State == greenapi.StateYellowCard:
		return detail{Words: "sending is suspended; the API does not say until when"}
	default:
		return detail{Words: "sending is not suspended"}
	}
}

func missing(s *greenapi.Settings) string {
	var off []string
	for _, name := range needed {
		if on, told := s.Enabled[name]; told && !on {
			off = append(off, name)
		}
	}
	if len(off) == 0 {
		return "what the journals need is on"
	}
	return "off, so that the journals lack messages: " + strings.Join(off, ", ")
}

// gist is an instance in one line of the list.
func gist(s collector.Status, j journalView) string {
	var parts []string
	if s.State != "" {
		parts = append(parts, string(s.State))
	}
	if j.On && !j.Unread {
		parts = append(parts, plural(j.Rows, "message")+" in the window, "+formatInt(j.Pending)+" pending, "+formatInt(j.Failed)+" failed")
	}
	if s.Queued != nil {
		parts = append(parts, formatInt(*s.Queued)+" in the queue")
	}
	return strings.Join(parts, " · ")
}
