package web

import (
	"strings"
	"time"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/greenapi"
)

// fact is what a collector has last shown: words, and a time that they lead to.
type fact struct {
	Words string
	At    *moment
}

// needed are the settings without which the journals lack messages.
var needed = []string{"outgoingWebhook", "outgoingMessageWebhook", "incomingWebhook"}

func facts(name string, s collector.Status, now time.Time) []fact {
	at := func(seconds float64) *moment { m := momentAt(fromUnix(seconds), now); return &m }
	switch {
	case name == "outgoing" && s.Outgoing != nil:
		t := newTally(s.Outgoing)
		all := []fact{{Words: many(t.rows, "message") + " in the window, " + count(t.statuses["pending"]) + " pending"}}
		if oldest := s.Outgoing.OldestPending; oldest.Known {
			all = append(all, fact{"the oldest of them", at(oldest.Seconds)})
		}
		return all
	case name == "incoming" && s.Incoming != nil:
		all := []fact{{Words: many(newTally(s.Incoming).rows, "message") + " received in the window"}}
		if last := s.Incoming.LastMessage; last.Known {
			all = append(all, fact{"the last", at(last.Seconds)})
		}
		return all
	case name == "state" && s.State != "":
		return []fact{{Words: string(s.State)}}
	case name == "queue" && s.Queued != nil:
		return []fact{{Words: waiting(*s.Queued, "message") + " to be sent"}}
	case name == "webhooks" && s.Notifications != nil:
		return []fact{{Words: waiting(*s.Notifications, "notification") + " to be taken"}}
	case name == "account" && s.Account != nil:
		return []fact{suspension(s.Account, at)}
	case name == "settings" && s.Settings != nil:
		return []fact{{Words: missing(s.Settings)}}
	}
	return nil
}

func suspension(a *greenapi.Account, at func(float64) *moment) fact {
	switch {
	case a.SuspendedUntil.Known:
		return fact{"sending is suspended; that ends", at(a.SuspendedUntil.Value)}
	case a.State == greenapi.StateSuspended || a.State == greenapi.StateYellowCard:
		return fact{Words: "sending is suspended; the API does not say until when"}
	default:
		return fact{Words: "sending is not suspended"}
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
func gist(s collector.Status, j journal) string {
	var parts []string
	if s.State != "" {
		parts = append(parts, string(s.State))
	}
	if j.On && !j.Unread {
		parts = append(parts, many(j.Rows, "message")+" in the window, "+count(j.Pending)+" pending, "+count(j.Failed)+" failed")
	}
	if s.Queued != nil {
		parts = append(parts, count(*s.Queued)+" in the queue")
	}
	return strings.Join(parts, " · ")
}
