package statuspage

import (
	"fmt"
	"strings"
	"time"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
)

// detail describes the latest reading of a collector: a text, which may end with a time.
type detail struct {
	Text string
	At   *relTime
}

// requiredSettings are the settings without which the journals lack messages.
var requiredSettings = []string{"outgoingWebhook", "outgoingMessageWebhook", "incomingWebhook"}

// newDetail returns an empty detail if the collector has no reading.
func newDetail(name string, s *collector.Status, now time.Time) detail {
	withTime := func(text, label string, t ledger.Timestamp) detail {
		if !t.Known {
			return detail{Text: text}
		}
		return detail{text + "; " + label, relUnix(t.Seconds, now)}
	}
	switch {
	case name == "outgoing" && s.Outgoing != nil:
		text := messagesInWindow(newTally(s.Outgoing)) + omissions(s.Outgoing)
		return withTime(text, "oldest pending", s.Outgoing.OldestPending)
	case name == "incoming" && s.Incoming != nil:
		text := plural(newTally(s.Incoming).Rows, "received message") + " in the window"
		text += omissions(s.Incoming)
		return withTime(text, "latest", s.Incoming.LastMessage)
	case name == "state":
		return detail{Text: string(s.State)}
	case name == "queue" && s.Queued != nil:
		return detail{Text: plural(*s.Queued, "message") + " waiting to be sent"}
	case name == "webhooks" && s.Notifications != nil:
		return detail{Text: plural(*s.Notifications, "notification") + " waiting to be received"}
	case name == "account" && s.Account != nil:
		return suspension(s.Account, now)
	case name == "settings" && s.Settings != nil:
		return detail{Text: disabledSettings(s.Settings)}
	}
	return detail{}
}

func messagesInWindow(t tally) string {
	pending := formatInt(t.byStatus["pending"])
	return plural(t.Rows, "message") + " in the window, " + pending + " pending"
}

// omissions describes the malformed rows and uncounted messages of a reading. It returns an empty
// string if there are none.
func omissions(s *ledger.Summary) string {
	var text strings.Builder
	for reason, n := range s.Malformed {
		if n > 0 {
			text.WriteString("; " + plural(int(n), "row") + malformed[reason])
		}
	}
	if s.Uncounted > 0 {
		text.WriteString("; " + plural(s.Uncounted, "message") + " from before counting began")
	}
	return text.String()
}

// malformed completes a sentence about malformed rows.
var malformed = [...]string{
	ledger.NoID:         " without an id or a type",
	ledger.BadTimestamp: " with an unusable timestamp",
	ledger.NotARow:      " of the wrong JSON type, skipped",
}

func suspension(a *greenapi.Account, now time.Time) detail {
	switch {
	case a.SuspendedUntil.Known:
		return detail{"sending is suspended; this ends", relUnix(a.SuspendedUntil.Value, now)}
	case a.State == greenapi.StateSuspended || a.State == greenapi.StateYellowCard:
		return detail{Text: "sending is suspended; GREEN-API does not report the end"}
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

// sizeHint returns a sentence about how much of the journals is read: that most readings are of the
// newest minutes, or with advice that readings are large. Otherwise, it returns an empty string.
func sizeHint(s *collector.Status) string {
	if s.Tiered {
		return "The journals are read in tiers: the data about a message can be up to a quarter " +
			"of the message's age old."
	}
	var large []string
	for _, c := range s.Collectors {
		if c.LargeReading > 0 {
			large = append(large, fmt.Sprintf("%s %.1f MB", c.Name, float64(c.LargeReading)/1e6))
		}
	}
	if len(large) == 0 {
		return ""
	}
	return "Readings are large (" + strings.Join(large, ", ") + "): " + collector.TieredAdvice + "."
}

// summaryLine describes an instance in one line of the list.
func summaryLine(i instanceSummary, now time.Time) string {
	var parts []string
	journal, noID := outgoingOf(i.Status), collector.WindowOf(i.Outgoing).NoID
	switch {
	case i.Arrival != nil:
		text := arrivalText(*i.Arrival, noID)
		if len(i.Arrival.Reasons) > 0 {
			text += ": " + reasonsText(i.Arrival.Reasons, false)
		}
		parts = append(parts, text)
	case journal != nil && journal.Result != "" && i.Outgoing != nil:
		text := "in the latest reading, " + arrivalText(collector.ArrivalOf(i.Outgoing), noID)
		parts = append(parts, text)
	}
	if i.State != "" {
		parts = append(parts, string(i.State))
	}
	if i.Queued != nil {
		parts = append(parts, formatInt(*i.Queued)+" in the queue")
	}
	return strings.Join(parts, " · ")
}
