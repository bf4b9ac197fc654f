package statuspage

import (
	"strings"
	"time"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/greenapi"
)

// detail is a fact from a reading: a text and, optionally, a time that follows it.
type detail struct {
	Text string
	At   *relTime
}

// requiredSettings are the settings without which the journals lack messages.
var requiredSettings = []string{"outgoingWebhook", "outgoingMessageWebhook", "incomingWebhook"}

// details returns what the latest reading of a collector says.
func details(name string, s *collector.Status, now time.Time) []detail {
	at := func(seconds float64) *relTime { return newRelTime(fromUnix(seconds), now) }
	switch {
	case name == "outgoing" && s.Outgoing != nil:
		t := newTally(s.Outgoing)
		all := []detail{{Text: messagesInWindow(t)}}
		if oldest := s.Outgoing.OldestPending; oldest.Known {
			all = append(all, detail{"oldest pending", at(oldest.Seconds)})
		}
		return all
	case name == "incoming" && s.Incoming != nil:
		all := []detail{{Text: plural(newTally(s.Incoming).Rows, "received message") + " in the window"}}
		if last := s.Incoming.LastMessage; last.Known {
			all = append(all, detail{"latest", at(last.Seconds)})
		}
		return all
	case name == "state" && s.State != "":
		return []detail{{Text: string(s.State)}}
	case name == "queue" && s.Queued != nil:
		return []detail{{Text: plural(*s.Queued, "message") + " waiting to be sent"}}
	case name == "webhooks" && s.Notifications != nil:
		waiting := plural(*s.Notifications, "notification")
		return []detail{{Text: waiting + " waiting to be received"}}
	case name == "account" && s.Account != nil:
		return []detail{suspension(s.Account, at)}
	case name == "settings" && s.Settings != nil:
		return []detail{{Text: disabledSettings(s.Settings)}}
	}
	return nil
}

func messagesInWindow(t tally) string {
	return plural(t.Rows, "message") + " in the window, " + formatInt(t.byStatus["pending"]) + " pending"
}

func suspension(a *greenapi.Account, at func(float64) *relTime) detail {
	switch {
	case a.SuspendedUntil.Known:
		return detail{"sending is suspended; the suspension ends", at(a.SuspendedUntil.Value)}
	case a.State == greenapi.StateSuspended || a.State == greenapi.StateYellowCard:
		return detail{Text: "sending is suspended; the API gives no end"}
	default:
		return detail{Text: "sending is not suspended"}
	}
}

func disabledSettings(s *greenapi.Settings) string {
	var disabled []string
	for _, name := range requiredSettings {
		if enabled, known := s.Enabled[name]; known && !enabled {
			disabled = append(disabled, name)
		}
	}
	if len(disabled) == 0 {
		return "all settings that the journals require are enabled"
	}
	return "disabled, so the journals lack messages: " + strings.Join(disabled, ", ")
}

// summaryLine describes an instance in one line.
func summaryLine(s *collector.Status, v *journalView) string {
	var parts []string
	if s.State != "" {
		parts = append(parts, string(s.State))
	}
	if v != nil && v.Read {
		parts = append(parts, messagesInWindow(v.tally)+", "+formatInt(v.failed())+" failed")
	}
	if s.Queued != nil {
		parts = append(parts, formatInt(*s.Queued)+" in the queue")
	}
	return strings.Join(parts, " · ")
}
