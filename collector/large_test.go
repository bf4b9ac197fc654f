package collector

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/greenapi"
)

// journalOfBytes returns a journal with one row that has n bytes.
func journalOfBytes(n int) string {
	const format = `[{"idMessage":"A1","typeMessage":"textMessage","textMessage":"%s"}]`
	return fmt.Sprintf(format, strings.Repeat("x", n-len(format)+len("%s")))
}

// suggestions returns the log lines that suggest tiers.
func suggestions(e *exporter) (found []string) {
	for line := range strings.Lines(e.logged()) {
		if strings.Contains(line, TieredAdvice) {
			found = append(found, line)
		}
	}
	return found
}

// assertLarge checks the LargeReading of each collector.
func assertLarge(t *testing.T, e *exporter, when string, want ...int64) {
	t.Helper()
	var got []int64
	for _, c := range e.instance.Status().Collectors {
		got = append(got, c.LargeReading)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: large readings of %d bytes, want %d", when, got, want)
	}
}

// TestTiersAreSuggestedOnce also checks that the status has the sizes of the latest readings.
func TestTiersAreSuggestedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, "outgoing", "incoming")
		incoming := e.replyOf(greenapi.LastIncomingMessages)
		scrape := func(outgoingBytes, incomingBytes int) {
			time.Sleep(time.Minute)
			e.api.body = journalOfBytes(outgoingBytes)
			incoming.body = journalOfBytes(incomingBytes)
			gather(t, e.scrape(t.Context()))
		}
		scrape(largeReading, 1000)
		assertLarge(t, e, "not large", 0, 0)
		assertLines(t, suggestions(e), nil)
		scrape(largeReading+1, 1000)
		assertLarge(t, e, "one is large", largeReading+1, 0)
		want := [][]string{{
			"level=info", "id_instance=" + id, "collector=outgoing",
			fmt.Sprintf("bytes=%d ", largeReading+1),
		}}
		assertLines(t, suggestions(e), want)
		scrape(largeReading+2, largeReading+3)
		assertLarge(t, e, "both are large", largeReading+2, largeReading+3)
		scrape(1000, largeReading+4)
		assertLarge(t, e, "one is small again", 0, largeReading+4)

		e.flags.Lookback = config.Tiered
		if err := e.instance.ApplyConfig(e.config(t)); err != nil {
			t.Fatal(err)
		}
		assertLarge(t, e, "tiered since the latest reading", 0, 0)
		assertLines(t, suggestions(e), want)
	})
}

func TestTiersAreNotSuggestedIfTheyAreOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t)
		e.flags.Lookback = config.Tiered
		e.restart(t)
		e.api.body = journalOfBytes(largeReading + 1)
		for range 2 {
			gather(t, e.scrape(t.Context()))
			time.Sleep(time.Minute)
		}
		assertLarge(t, e, "tiered", 0)
		assertLines(t, suggestions(e), nil)
	})
}

// TestReadingsAfterPausesAreScaledToTheWindow checks a reading that covers the window and a pause.
func TestReadingsAfterPausesAreScaledToTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t)
		gather(t, e.scrape(t.Context()))
		time.Sleep(55 * time.Minute)
		e.api.body = journalOfBytes(2 * largeReading)
		gather(t, e.scrape(t.Context())) // requests 60 + 55 + 5 minutes
		assertLarge(t, e, "after a pause", 0)
		assertLines(t, suggestions(e), nil)
		time.Sleep(time.Minute)
		gather(t, e.scrape(t.Context()))
		assertLarge(t, e, "a minute later", 2*largeReading)
		assertLines(t, suggestions(e), [][]string{{"level=info"}})
	})
}
