package collector

import (
	"context"
	"errors"
	"time"

	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
)

// journalCall is Client.OutgoingMessages or Client.IncomingMessages, for a window in minutes.
type journalCall func(*greenapi.Client, context.Context, int) (*greenapi.Journal, error)

// journal reads a journal of one instance into its ledger.
type journal struct {
	env       *env
	ledger    *ledger.Ledger
	call      journalCall
	omissions omissionLogger
}

// journalSource connects a collector to a journal. The name of the ledger is the instance's id and
// suffix.
func journalSource(suffix string, call journalCall) func(*polled[*ledger.Summary]) error {
	return func(p *polled[*ledger.Summary]) error {
		now := p.env.config()
		options := ledger.Options{
			Minutes: now.Minutes(), MaxMinutes: now.MaxMinutes(), Retention: now.Retention(),
		}
		l, err := p.env.Storage.Ledger(now.ID()+suffix, options, time.Now())
		if err != nil {
			return err
		}
		j := &journal{p.env, l, call, newOmissionLogger(p.stats.logger, l.Summary())}
		p.interval = func() time.Duration { return p.env.config().MinInterval() }
		p.poller = newPersistentPoller(p.stats, l, j.read)
		p.save = l.Close
		return nil
	}
}

// read calls the API and counts the rows of the response. begin is the current time. The ledger
// changes only if the whole response is valid.
func (j *journal) read(ctx context.Context, begin time.Time) (*ledger.Summary, error) {
	settings := j.env.config()
	j.ledger.SetMinutes(settings.Minutes())
	batch := j.ledger.NewBatch(begin)
	rows, err := j.call(j.env.client(), ctx, batch.Minutes())
	if err == nil {
		defer rows.Close()
		batch.SetServerTime(rows.Date(), time.Now())
		for rows.Next() {
			batch.Add(ledger.Row(*rows.Row()))
		}
		batch.SetNotRows(rows.NotRows())
		if err = rows.Err(); err == nil {
			reading := batch.Commit()
			j.omissions.observe(reading)
			return reading, nil
		}
	}
	elapsed := time.Now().Round(0).Sub(begin.Round(0)) // includes a suspension
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
