package collector

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"greenapi_exporter/internal/greenapi"
)

// arrivalLines returns the log lines about undelivered messages.
func arrivalLines(e *exporter) (found []string) {
	for line := range strings.Lines(e.logged()) {
		if strings.Contains(line, `msg="messages `) {
			found = append(found, line)
		}
	}
	return found
}

// messages returns n rows with the same status. Their ids differ from those of earlier calls.
func messages(n int, status string, ago int) (rows []string) {
	for i := range n {
		rows = append(rows,
			row(fmt.Sprint(status, i, time.Now().UnixNano()), "textMessage", status, ago))
	}
	return rows
}

// TestUndeliveredMessagesAreLoggedOnce checks an account whose messages fail for 2 hours, then in
// every second reading, and once more after the recovery.
func TestUndeliveredMessagesAreLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t)
		read := func(failed int) {
			rows := append(messages(40, "read", 5), messages(failed, "failed", 5)...)
			e.api.body = journalOf(rows...)
			gather(t, e.scrape(t.Context()))
			time.Sleep(time.Minute)
		}
		warning := []string{"level=warn", "id_instance=" + id, "window=1h0m0s", "messages=52",
			"undelivered=12", `reasons="failed=12"`, `advice="` + Reason{Word: "failed"}.Advice()}
		read(4)
		assertLines(t, arrivalLines(e), nil)
		for range 60 {
			read(12)
		}
		for range 30 {
			read(0)
			read(12)
		}
		assertLines(t, arrivalLines(e), [][]string{warning})
		for range 14 {
			read(0)
		}
		assertLines(t, arrivalLines(e), [][]string{warning})
		read(4)
		recovered := []string{"level=info", "id_instance=" + id, "messages=44", "undelivered=4",
			"failed_for=1h59m"}
		assertLines(t, arrivalLines(e), [][]string{warning, recovered})
		for range 20 {
			read(0)
		}
		read(12)
		assertLines(t, arrivalLines(e), [][]string{warning, recovered, warning})
	})
}

// TestRecoveryIsLoggedOnlyIfMessagesArrive checks accounts that send nothing after messages have
// failed. One of them sends again after a day, and the other after 3 hours.
func TestRecoveryIsLoggedOnlyIfMessagesArrive(t *testing.T) {
	for quiet, want := range map[time.Duration]string{
		24 * time.Hour: `msg="messages that did not arrive are no longer recent"`,
		3 * time.Hour:  `msg="messages arrive again"`,
	} {
		synctest.Test(t, func(t *testing.T) {
			e := newExporter(t)
			rows := append(messages(12, "failed", 1), messages(100, "read", 50)...)
			e.api.body = journalOf(rows...)
			for range quiet / (10 * time.Minute) {
				gather(t, e.scrape(t.Context()))
				time.Sleep(10 * time.Minute)
				if quiet < 6*time.Hour && len(arrivalLines(e)) > 1 {
					t.Fatalf("messages arrive before they are sent: %s", arrivalLines(e)[1])
				}
			}
			e.api.body = journalOf(messages(3, "pending", 1)...)
			gather(t, e.scrape(t.Context()))
			e.api.body = journalOf(messages(3, "read", 1)...)
			time.Sleep(time.Minute)
			gather(t, e.scrape(t.Context()))
			assertLines(t, arrivalLines(e), [][]string{{"level=warn"}, {"level=info", want}})
		})
	}
}

// TestMessagesNotDeliveredAreLoggedOnce checks an account whose messages are not delivered in every
// second reading of an hour.
func TestMessagesNotDeliveredAreLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t)
		read := func(sent, delivered int) {
			rows := append(messages(sent, "sent", 90), messages(delivered, "delivered", 5)...)
			e.api.body = journalOf(append(rows, messages(50, "read", 100)...)...)
			gather(t, e.scrape(t.Context()))
			time.Sleep(time.Minute)
		}
		e.flags.Minutes = 600
		e.start(t)
		warning := []string{"level=warn", "id_instance=" + id, "sent=100", "not_delivered=50",
			`advice="` + NotDeliveredAdvice}
		read(10, 0)
		assertLines(t, arrivalLines(e), nil)
		for range 30 {
			read(50, 0)
			read(10, 10)
		}
		for range 20 {
			read(10, 0)
		}
		assertLines(t, arrivalLines(e), [][]string{warning})
		read(10, 10)
		assertLines(t, arrivalLines(e), [][]string{warning, {
			"level=info", `msg="messages are delivered again"`, "sent=60", "not_delivered=10",
			"failed_for=58m",
		}})
	})
}

// TestUndeliveredMessagesAreLoggedWithoutPrivateData also checks that the logger ignores failed
// readings and received messages.
func TestUndeliveredMessagesAreLoggedWithoutPrivateData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, "outgoing", "incoming")
		rows := append(messages(7, "noAccount", 1), messages(3, "pending", 20)...)
		e.api.body = journalOf(rows...)
		e.replyOf(greenapi.LastIncomingMessages).body = journalOf(incoming("B1", "textMessage", 1))
		gather(t, e.scrape(t.Context()))
		e.api.answer(500, "")
		time.Sleep(time.Hour)
		gather(t, e.scrape(t.Context()))
		lines := arrivalLines(e)
		assertLines(t, lines, [][]string{{`reasons="noAccount=7 pending=3"`}})
		for _, private := range []string{"11001234567", "noAccount0", "Ann", secret} {
			if strings.Contains(lines[0], private) {
				t.Errorf("the log contains %s: %s", private, lines[0])
			}
		}
	})
}
