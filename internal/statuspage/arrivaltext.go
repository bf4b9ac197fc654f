package statuspage

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/ledger"
)

// arrivalText describes an arrival, without a capital letter and a period. The journal has noID
// rows without an id. Their times are unknown, so they may be recent.
func arrivalText(a collector.Arrival, noID int) string {
	last := "the last hour"
	switch {
	case a.Window < time.Hour:
		last = fmt.Sprintf("the last %d minutes", a.Window/time.Minute)
	case a.Window > time.Hour:
		last = fmt.Sprintf("the last %d hours", a.Window/time.Hour)
	}
	possessive := last + "'s"
	if strings.HasSuffix(last, "s") {
		possessive = last + "'"
	}
	switch {
	case a.Messages == 0 && noID > 0:
		return noIDText(noID)
	case a.Messages == 0:
		return "no messages were sent in " + last
	case a.Messages == 1 && a.Undelivered == 1:
		return possessive + " only message did not arrive"
	case a.Messages == 1:
		return possessive + " only message has not failed"
	case a.Undelivered == 0:
		return fmt.Sprintf("none of %s %s messages failed", possessive, formatInt(a.Messages))
	default:
		return fmt.Sprintf("%s of %s %s messages did not arrive", formatInt(a.Undelivered),
			possessive, formatInt(a.Messages))
	}
}

// reasonsText lists the reasons, with the meanings of their statuses if explain is set.
func reasonsText(reasons []collector.Reason, explain bool) string {
	var parts []string
	for _, r := range reasons {
		part := formatInt(r.Messages) + " " + r.Word
		at := slices.IndexFunc(failures, hasWord(r.Word))
		switch {
		case r.Word == "pending":
			part += " for over 15 minutes"
		case explain && at >= 0:
			part += " (" + failures[at].Meaning + ")"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

// progressText counts the messages of an arrival that have not failed by how far they got.
func progressText(a collector.Arrival, s *ledger.Summary) string {
	var arrived, sent, pending int
	for _, status := range s.Recent {
		for i, age := range ledger.RecentAges() {
			if age > a.Window {
				break
			}
			switch status.Word {
			case "delivered", "read":
				arrived += status.Rows[i]
			case "sent":
				sent += status.Rows[i]
			case "pending":
				if i == 0 {
					pending += status.Rows[i]
				}
			}
		}
	}
	other := a.Messages - a.Undelivered - arrived - sent - pending
	var parts []string
	for _, p := range []struct {
		n    int
		text string
	}{
		{arrived, " arrived"}, {sent, " sent but not delivered yet"}, {pending, " not sent yet"},
		{other, " with another status"},
	} {
		if p.n > 0 {
			parts = append(parts, formatInt(p.n)+p.text)
		}
	}
	return strings.Join(parts, ", ")
}

func noIDText(n int) string {
	return plural(n, "message") +
		" in the journal got no id, often because the number is not on WhatsApp"
}

func pendingText(w collector.Window) string {
	return fmt.Sprintf("%s of the journal's %s are pending", formatInt(w.Pending),
		plural(w.Messages, "message"))
}

// hasRecent reports whether a recent row has the status.
func hasRecent(s *ledger.Summary, word string) bool {
	return slices.ContainsFunc(s.Recent,
		func(r ledger.RecentStatus) bool { return r.Word == word })
}

func deliveryText(d collector.Delivery) string {
	ago := "1 to 6 hours"
	if d.LastHour {
		ago = "15 to 60 minutes"
	}
	return fmt.Sprintf("%s of the %s sent %s ago did not reach a phone",
		formatInt(d.NotDelivered), plural(d.Sent, "message"), ago)
}

func capitalize(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
