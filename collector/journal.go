package collector

import (
	"context"
	"errors"
	"time"

	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
	"greenapi_exporter/internal/poll"
)

// journalCall is Client.OutgoingMessages or Client.IncomingMessages.
type journalCall func(c *greenapi.Client, ctx context.Context, minutes int) (*greenapi.Journal, error)

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

// read makes a call and counts the rows of the response. The ledger changes only if the whole
// response is valid.
func (j *journal) read(ctx context.Context) (*ledger.Summary, error) {
	begin, settings := j.calls.begun, j.target.config()
	j.ledger.SetMinutes(settings.Minutes())
	batch := j.ledger.NewBatch(begin)
	rows, err := j.call(j.target.client(), ctx, batch.Minutes())
	if err == nil {
		defer rows.Close()
		batch.SetServerTime(rows.Date())
		for rows.Next() {
			batch.Add(ledger.Row(*rows.Row()))
		}
		if err = rows.Err(); err == nil {
			return batch.Commit(), nil
		}
	}
	elapsed := time.Now().Round(0).Sub(begin.Round(0)) // by the wall clock, which includes a suspension
	if mayBeTooLong(err, elapsed > settings.Timeout()+suspendThreshold) {
		batch.Shrink()
	}
	return nil, err
}

// suspendThreshold is how much longer than its timeout a call takes only if the process or the
// machine is suspended during it.
const suspendThreshold = 5 * time.Second

// mayBeTooLong reports whether a call for fewer minutes may succeed.
func mayBeTooLong(err error, suspended bool) bool {
	if failure := new(greenapi.Error); errors.As(err, &failure) && failure.NotSent {
		return false
	}
	switch greenapi.ResultOf(err) {
	case greenapi.Timeout:
		return !suspended
	case greenapi.TooLarge, greenapi.BadRequest:
		return true
	default:
		return false
	}
}
