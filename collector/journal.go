package collector

import (
	"context"
	"errors"
	"time"

	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
	"greenapi_exporter/internal/poll"
)

// journalCall is a method of the API's that reads a journal; see greenapi.Client.OutgoingMessages.
type journalCall func(c *greenapi.Client, ctx context.Context, minutes int, begin func(date time.Time) func(*greenapi.Row)) error

// journal is a journal of one instance.
type journal struct {
	target *env
	calls  *requestStats
	ledger *ledger.Ledger
	call   journalCall
}

// journalSource opens sources of journals, whose messages are counted in a ledger that is named after the instance, with suffix.
func journalSource(suffix string, call journalCall) func(*env, *requestStats) (source[*ledger.Summary], error) {
	return func(t *env, c *requestStats) (source[*ledger.Summary], error) {
		now := t.config()
		options := ledger.Options{Minutes: now.Minutes(), MaxMinutes: now.MaxMinutes(), Retention: now.Retention()}
		l, err := t.Storage.Ledger(now.ID()+suffix, options, time.Now())
		if err != nil {
			return source[*ledger.Summary]{}, err
		}
		j := &journal{t, c, l, call}
		poller := newPersistentPoller(c, l, j.read)
		configure := func(renewed bool) { poller.Reconfigure(t.config().MinInterval(), t.config().Timeout(), renewed) }
		return source[*ledger.Summary]{poller, configure, func() {
			poller.Stop()
			l.Close()
		}}, nil
	}
}

// renderJournal renders the totals of the latest good reading, and the window only if no later one has failed.
func renderJournal(totals, window func(emitter, *ledger.Summary)) func(emitter, poll.Outcome[*ledger.Summary]) {
	return func(m emitter, latest poll.Outcome[*ledger.Summary]) {
		if latest.Reading == nil {
			return
		}
		totals(m, latest.Reading)
		if latest.Err == nil {
			window(m, latest.Reading)
		}
	}
}

// read makes one call and counts what its answer shows.
func (j *journal) read(ctx context.Context) (*ledger.Summary, error) {
	begin, now := j.calls.begun, j.target.config()
	j.ledger.SetMinutes(now.Minutes())
	count := j.ledger.NewBatch(begin)
	err := j.call(j.target.client(), ctx, count.Minutes(), func(date time.Time) func(*greenapi.Row) {
		count.SetServerTime(date)
		return func(r *greenapi.Row) { count.Add(ledger.Row(*r)) }
	})
	if err == nil {
		return count.Commit(), nil
	}
	if failure := new(greenapi.Error); errors.As(err, &failure) && failure.NotSent {
		return nil, err // nothing was asked, so it was not too much
	}
	switch greenapi.ResultOf(err) {
	case greenapi.Timeout:
		// Where the program stood still (SIGSTOP, a machine that was suspended) the answer was not what took long.
		if time.Now().Round(0).Sub(begin.Round(0)) > now.Timeout()+suspendThreshold {
			return nil, err
		}
		count.Shrink()
	case greenapi.TooLarge, greenapi.BadRequest:
		count.Shrink()
	}
	return nil, err
}

// suspendThreshold is how much longer than its timeout a call takes at the least, by the wall clock, if the program stood still
// meanwhile.
const suspendThreshold = 5 * time.Second
