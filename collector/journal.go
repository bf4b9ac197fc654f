package collector

import (
	"context"
	"time"

	"greenapi_exporter/greenapi"
	"greenapi_exporter/ledger"
)

// journalCall is a method of the API's that reads a journal; see greenapi.Client.OutgoingMessages.
type journalCall func(c *greenapi.Client, ctx context.Context, minutes int, begin func(date time.Time) func(*greenapi.Row)) error

// journal is a journal of one instance.
type journal struct {
	target Target
	calls  *calls
	ledger *ledger.Ledger
	call   journalCall
}

// counted opens sources of journals, whose messages are counted in a ledger that is named after the instance, with suffix.
func counted(suffix string, call journalCall) func(Target, *calls) (source[*ledger.Reading], error) {
	return func(target Target, c *calls) (source[*ledger.Reading], error) {
		options := ledger.Options{Minutes: target.Minutes(), Retention: target.Retention()}
		l, err := target.Storage.Ledger(target.ID()+suffix, options, time.Now())
		if err != nil {
			return source[*ledger.Reading]{}, err
		}
		j := &journal{target, c, l, call}
		poller := newKeptPoller(c, l, j.read)
		return source[*ledger.Reading]{poller, func() {
			poller.Stop()
			l.Close()
		}}, nil
	}
}

// read makes one call and counts what its answer shows.
func (j *journal) read(ctx context.Context) (*ledger.Reading, error) {
	begin := j.calls.begun
	count := j.ledger.Begin(begin)
	err := j.call(j.target.Client, ctx, count.Minutes(), func(date time.Time) func(*greenapi.Row) {
		count.Answered(date)
		return func(r *greenapi.Row) { count.Add(ledger.Row(*r)) }
	})
	switch greenapi.ResultOf(err) {
	case greenapi.OK:
		return count.Commit(), nil
	case greenapi.Timeout:
		// Where the program stood still (SIGSTOP, a machine that was suspended) the answer was not what took long.
		if time.Now().Round(0).Sub(begin.Round(0)) > j.target.Timeout()+frozen {
			return nil, err
		}
		count.TooMuch()
	case greenapi.TooLarge, greenapi.BadRequest:
		count.TooMuch()
	}
	return nil, err
}

// frozen is how much longer than its timeout a call takes at the least, by the wall clock, if the program stood still
// meanwhile.
const frozen = 5 * time.Second
