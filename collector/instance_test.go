package collector

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	dto "github.com/prometheus/client_model/go"

	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
)

func TestCloseCancelsAllCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, allNames()...)
		for _, c := range All() {
			e.replyOf(c.Method).took = time.Hour
		}
		done := make(chan map[string]*dto.MetricFamily)
		go func() { done <- gather(t, e.scrape(t.Context())) }()
		synctest.Wait()
		begin := time.Now()
		e.instance.Close()
		families := <-done
		if took := time.Since(begin); took > 0 {
			t.Errorf("Close took %s", took)
		}
		for _, c := range All() {
			assertResult(t, families, c, greenapi.Canceled)
		}
	})
}

// TestCloseWritesASnapshot checks that the snapshot replaces the appended records.
func TestCloseWritesASnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t).persistent(t)
		for i := range 20 {
			e.api.body = journalOf(row("A1", "textMessage", []string{"sent", "read"}[i/19], 1))
			gather(t, e.scrape(t.Context()))
			time.Sleep(time.Minute)
		}
		want := instanceMetrics(t, e.scrape(t.Context()))
		before, err := os.Stat(filepath.Join(e.directory, id+".ledger"))
		if err != nil {
			t.Fatal(err)
		}
		e.instance.Close()
		after, err := os.Stat(filepath.Join(e.directory, id+".ledger"))
		if err != nil || after.Size() > before.Size()/5 {
			t.Errorf("%d bytes before, got %v, error %v", before.Size(), after, err)
		}
		e.restart(t)
		if got := instanceMetrics(t, e.scrape(t.Context())); !slices.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// TestCloseDuringACallStoresTheCancellation checks that the next run calls again without a backoff.
func TestCloseDuringACallStoresTheCancellation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t)
		e.flags.MinInterval = time.Hour
		e.persistent(t)
		e.api.took = 20 * time.Second
		scraped := make(chan struct{})
		go func() { _, _ = e.scrape(t.Context()).Gather(); close(scraped) }()
		time.Sleep(time.Second)
		synctest.Wait()
		e.instance.Close()
		<-scraped
		e.api.took = 0
		e.restart(t)
		time.Sleep(time.Second)
		gather(t, e.scrape(t.Context()))
		if calls := len(e.api.minutes); calls != 2 {
			t.Errorf("%d calls, want 2", calls)
		}
	})
}

// TestReenabledCollectorsContinue checks that collectors in memory retain their readings and counts
// of calls. They make no call and do not log a failure again.
func TestReenabledCollectorsContinue(t *testing.T) {
	for _, status := range []int{200, 466} {
		synctest.Test(t, func(t *testing.T) {
			e := newExporter(t, allNames()...)
			e.flags.MinInterval = time.Hour
			e.start(t)
			e.api.body = journalOf(row("A1", "textMessage", "sent", 1))
			gather(t, e.scrape(t.Context()))
			time.Sleep(time.Hour)
			for _, c := range All() {
				e.replyOf(c.Method).status = status
			}
			want := exposition(t, e.scrape(t.Context()), openMetrics)
			text := e.logged()
			for range 3 {
				e.flags.Collectors = nil
				if err := e.instance.ApplyConfig(e.config(t)); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				e.flags.Collectors = allNames()
				if err := e.instance.ApplyConfig(e.config(t)); err != nil {
					t.Fatal(err)
				}
				if got := exposition(t, e.scrape(t.Context()), openMetrics); got != want {
					t.Errorf("status %d: got\n%s\nwant\n%s", status, got, want)
				}
			}
			if got := e.logged(); got != text {
				t.Errorf("status %d: logged\n%s\nafter\n%s", status, got, text)
			}
		})
	}
}

// TestNewInstanceErrorClosesOpenLedgers checks that the other ledger is closed, which writes a
// snapshot.
func TestNewInstanceErrorClosesOpenLedgers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, "outgoing", "incoming").persistent(t)
		for range 5 {
			gather(t, e.scrape(t.Context()))
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		if err := e.storage.Close(); err != nil { // simulates a crash
			t.Fatal(err)
		}
		outgoing, incoming := e.directory+"/"+id+".ledger", e.directory+"/"+id+".incoming.ledger"
		if err := errors.Join(os.Remove(incoming), os.Mkdir(incoming, 0o700)); err != nil {
			t.Fatal(err)
		}
		before, err := os.Stat(outgoing)
		if err != nil {
			t.Fatal(err)
		}
		if e.storage, err = ledger.OpenStorage(e.directory, log.NewNopLogger()); err != nil {
			t.Fatal(err)
		}
		defer e.storage.Close()
		_, err = e.set.NewInstance(e.config(t), e.resources())
		if err == nil || !strings.Contains(err.Error(), incoming) {
			t.Errorf("got error %v", err)
		}
		if after, err := os.Stat(outgoing); err != nil || after.Size() >= before.Size() {
			t.Errorf("%d bytes before, got %v, error %v", before.Size(), after, err)
		}
	})
}
