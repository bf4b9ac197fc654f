package statuspage

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"greenapi_exporter/collector"
	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
)

// verdict states whether messages arrive.
type verdict struct {
	Heading string
	Notes   []string // whole sentences
}

func (v *verdict) note(format string, args ...any) {
	v.Notes = append(v.Notes, capitalize(fmt.Sprintf(format, args...)))
}

// newVerdict returns the verdict on one instance.
func newVerdict(i instanceSummary, now time.Time) verdict {
	v := verdict{Heading: i.ID + " " + i.Severity.Text(1)}
	if a := i.Arrival; a != nil {
		w, delivery := collector.WindowOf(i.Outgoing), collector.DeliveryOf(i.Outgoing)
		text := arrivalText(*a, w.NoID)
		switch {
		case a.High && i.Severity == warning, i.Severity >= healthy:
			v.Heading = i.ID + ": " + text
		case w.PendingHigh && i.Severity == warning:
			v.Heading = i.ID + ": " + pendingText(w)
			v.note("%s.", text)
		case w.NoIDHigh && i.Severity == warning:
			v.Heading = i.ID + ": " + noIDText(w.NoID)
			if a.Messages > 0 {
				v.note("%s.", text)
			}
		case delivery.High && i.Severity == warning:
			v.Heading = i.ID + ": " + deliveryText(delivery)
			fallthrough
		default:
			v.note("%s.", text)
		}
		v.describe(*a, i.Outgoing, now)
		return v
	}
	if i.Severity == warning && i.Unscraped != nil {
		v.Heading = i.ID + " has not been scraped for " + i.Unscraped.Age()
	}
	if i.Severity == idle {
		v.Heading = i.ID + ": the journal of sent messages is not read"
	}
	journal := outgoingOf(i.Status)
	switch {
	case journal == nil, journal.Result == "":
	case i.Outgoing == nil:
		v.note("It is unknown whether messages arrive.")
	default:
		a := collector.ArrivalOf(i.Outgoing)
		v.note("It is unknown whether messages arrive now. In the latest reading, %s, %s.",
			newRelTime(journal.Success, now).Ago(),
			arrivalText(a, collector.WindowOf(i.Outgoing).NoID))
		v.describe(a, i.Outgoing, now)
	}
	return v
}

// describe adds notes on the messages of a reading.
func (v *verdict) describe(a collector.Arrival, s *ledger.Summary, now time.Time) {
	text, w := "", collector.WindowOf(s)
	if a.Undelivered > 0 {
		text = reasonsText(a.Reasons, true) + ". "
	}
	switch {
	case a.Recovered:
		text += "The messages of the last 15 minutes arrive again."
	case a.Undelivered > 0 && !a.High && !w.PendingHigh && !w.NoIDHigh:
		text += "This is below the threshold of the alerts."
	}
	if text != "" {
		v.note("%s", strings.TrimSpace(text))
	}
	text = noIDText(w.NoID)
	if w.NoID > 0 && a.Messages > 0 && !strings.HasSuffix(v.Heading, text) {
		v.note("%s.", text)
	}
	if a.Messages == 0 && w.NoID == 0 && s.LastMessage.Known {
		v.note("the latest message was sent %s.", relUnix(s.LastMessage.Seconds, now).Ago())
	}
	if text := pendingText(w); w.PendingHigh && !strings.HasSuffix(v.Heading, text) {
		v.note("%s, the oldest for %s.", text, newRelTime(w.PendingSince, now).Age())
	}
	if text := progressText(a, s); text != "" {
		v.note("%s.", text)
	}
	if hasRecent(s, "sent") && !collector.ShowsDelivery(s) {
		v.note("the journal has never shown a delivery, so it is unknown whether messages reach " +
			"a phone.")
	}
	d := collector.DeliveryOf(s)
	if text := deliveryText(d); d.NotDelivered > 0 && !strings.HasSuffix(v.Heading, text) {
		v.note("%s.", text)
	}
}

// newFleetVerdict returns the verdict on all instances.
func newFleetVerdict(instances []instanceSummary) verdict {
	if len(instances) == 0 {
		return verdict{Heading: "No instances are configured"}
	}
	counts := countSeverities(instances)
	var parts []string
	for s := critical; s <= idle; s++ {
		if n := counts[s]; n > 0 {
			parts = append(parts, formatInt(n)+" "+s.Text(n))
		}
	}
	text := strings.Join(parts, ", ")
	all := plural(len(instances), "instance")
	total, noID, known := totalArrival(instances)
	if known == 0 {
		if since := unscrapedSince(instances); since != nil {
			return verdict{Heading: all + " have not been scraped for " + since.Age()}
		}
		return verdict{Heading: all + ": " + text}
	}
	v := verdict{Heading: all + ": " + arrivalText(total, noID)}
	if n := counts[critical]; n > 0 {
		v.Heading += "; " + formatInt(n) + " " + critical.Text(n)
	}
	v.note("%s.", text)
	if len(total.Reasons) > 0 {
		v.note("%s.", reasonsText(total.Reasons, true))
	}
	return v
}

// totalArrival sums the last hour of the instances whose latest reading is current, and their rows
// without an id. It also returns the number of these instances.
func totalArrival(instances []instanceSummary) (total collector.Arrival, noID, known int) {
	total.Window = collector.LastHour(nil).Window
	for _, i := range instances {
		if i.Arrival == nil {
			continue
		}
		known++
		noID += collector.WindowOf(i.Outgoing).NoID
		a := collector.LastHour(i.Outgoing)
		total.Messages += a.Messages
		total.Undelivered += a.Undelivered
		for _, r := range a.Reasons {
			at := slices.IndexFunc(total.Reasons,
				func(t collector.Reason) bool { return t.Word == r.Word })
			if at < 0 {
				at = len(total.Reasons)
				total.Reasons = append(total.Reasons, collector.Reason{Word: r.Word})
			}
			total.Reasons[at].Messages += r.Messages
		}
	}
	slices.SortStableFunc(total.Reasons,
		func(a, b collector.Reason) int { return b.Messages - a.Messages })
	return total, noID, known
}

// unscrapedSince returns the latest scrape of the instances if none of them has been scraped
// lately. Otherwise it returns nil.
func unscrapedSince(instances []instanceSummary) (latest *relTime) {
	for _, i := range instances {
		if i.Unscraped == nil {
			return nil
		}
		if i.Unscraped.after(latest) {
			latest = i.Unscraped
		}
	}
	return latest
}

// currentArrival returns the arrival of recent messages, or nil if the latest reading of the
// outgoing journal has failed or is old.
func currentArrival(s *collector.Status, now time.Time) *collector.Arrival {
	c := outgoingOf(s)
	if c == nil || c.Result != greenapi.OK || s.Outgoing == nil || isStale(*c, s, now) ||
		unscraped(s, now) != nil {
		return nil
	}
	a := collector.ArrivalOf(s.Outgoing)
	return &a
}
