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
	stats     *requestStats
	suffix    string // of the ledger's name, after the id of the instance
	call      journalCall
	omissions omissionLogger
	arrival   arrivalLogger
	ledger    *ledger.Ledger // nil while the collector is closed
}

// journalSource connects a collector to a journal. The name of the ledger ends with suffix.
func journalSource(suffix string, call journalCall) func(*polled[*ledger.Summary]) error {
	return func(p *polled[*ledger.Summary]) error {
		j := &journal{
			stats: p.stats, suffix: suffix, call: call,
			omissions: newOmissionLogger(p.stats.logger),
			arrival:   arrivalLogger{logger: p.env.logger()},
		}
		if err := j.open(); err != nil {
			return err
		}
		p.interval = func() time.Duration { return p.env.config().MinInterval() }
		p.poller = newPersistentPoller(p.stats, j)
		p.openLedger, p.closeLedger = j.open, j.close
		return nil
	}
}

func (j *journal) open() (err error) {
	id := j.stats.env.config().ID()
	j.ledger, err = j.stats.env.Storage.Ledger(id+j.suffix, j.options(), time.Now())
	if err == nil {
		j.omissions.start(j.ledger.Summary())
	}
	return err
}

// options returns the ledger's options in the current configuration.
func (j *journal) options() ledger.Options {
	now := j.stats.env.config()
	return ledger.Options{
		Minutes: now.Minutes(), MaxMinutes: now.MaxMinutes(), Retention: now.Retention(),
		MinInterval: now.MinInterval(), Tiered: now.Tiered(),
	}
}

func (j *journal) close() {
	j.ledger.Close()
	j.ledger = nil
}

// read calls the API and counts the rows of the response. begin is the current time. The ledger
// changes only if the whole response is valid.
func (j *journal) read(ctx context.Context, begin time.Time) (*ledger.Summary, error) {
	settings := j.stats.env.config()
	j.ledger.Configure(j.options())
	batch := j.ledger.NewBatch(begin)
	rows, err := j.call(j.stats.client(), ctx, batch.Minutes())
	if err == nil {
		defer rows.Close()
		batch.SetServerTime(rows.Date(), time.Now(), rows.Latency())
		for rows.Next() {
			batch.Add(ledger.Row(*rows.Row()))
		}
		batch.SetNotRows(rows.NotRows())
		if err = rows.Err(); err == nil {
			reading := batch.Commit()
			j.stats.observeSize(rows.Bytes(), batch.Minutes(), settings)
			j.omissions.observe(reading)
			j.arrival.observe(reading, begin) // received messages have no status
			return reading, nil
		}
	}
	elapsed := time.Now().Round(0).Sub(begin.Round(0)) // by the wall clock, to include suspensions
	if mayBeTooLong(err, elapsed > settings.Timeout()+suspendThreshold) {
		batch.Shrink()
	}
	return nil, err
}

// suspendThreshold is how far a call must exceed its timeout to count as suspended. Only a
// suspension of the process or the machine delays the end of a call for that long.
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
