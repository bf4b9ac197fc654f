package greenapi

import (
	"context"
	"net/url"
	"strconv"
	"time"
)

// A Journal reads the rows of a journal from a response, as database/sql.Rows reads a result:
//
//	for journal.Next() {
//		row := journal.Row()
//		...
//	}
//	err := journal.Err()
//
// The rows are valid only if Err returns nil after the loop, because an error can follow any row.
// A Journal is not safe for concurrent use.
type Journal struct {
	response *response
	rows     *rowReader
	redact   func([]byte) []byte
	done     bool
	err      error
}

// OutgoingMessages requests the journal of the messages sent in the last minutes. The caller must
// call Close. Canceling ctx ends the call. Errors are of type *Error.
func (c *Client) OutgoingMessages(ctx context.Context, minutes int) (*Journal, error) {
	return c.journal(ctx, LastOutgoingMessages, minutes)
}

// IncomingMessages is OutgoingMessages for received messages. Their rows have no status.
func (c *Client) IncomingMessages(ctx context.Context, minutes int) (*Journal, error) {
	return c.journal(ctx, LastIncomingMessages, minutes)
}

func (c *Client) journal(ctx context.Context, method string, minutes int) (*Journal, error) {
	r, err := c.call(ctx, method, url.Values{"minutes": {strconv.Itoa(minutes)}})
	if err != nil {
		return nil, err
	}
	return &Journal{
		response: r, rows: newRowReader(r, r.latestTimestamp()), redact: r.token.redactor(),
	}, nil
}

// maxAhead is how far a timestamp can be ahead of the API's clock, or of the local clock if that is
// later. A timestamp in milliseconds is much further ahead.
const maxAhead = time.Hour

// latestTimestamp returns the last timestamp that is usable, in UNIX seconds.
func (r *response) latestTimestamp() float64 {
	return float64(max(r.date.Unix(), r.received.Unix())) + maxAhead.Seconds()
}

// Date returns the API's time of the response, in whole seconds, or the local time if the response
// has none.
func (j *Journal) Date() time.Time { return j.response.date }

// Latency returns the time between the request and the header of the response.
func (j *Journal) Latency() time.Duration { return j.response.received.Sub(j.response.sent) }

// NotRows returns the number of elements read so far that Next has skipped because they are not
// objects.
func (j *Journal) NotRows() int { return j.rows.notRows }

// Bytes returns the number of bytes of the response's body read so far, after decompression.
func (j *Journal) Bytes() int64 { return j.response.read }

// Next reads the next row. It reports false after the last row or an error, and closes the Journal.
func (j *Journal) Next() bool {
	if j.done {
		return false
	}
	if !j.rows.next() {
		j.err = j.response.bodyError(j.rows.in.End())
		j.Close()
		return false
	}
	row := &j.rows.row
	row.Type, row.Status = j.redact(row.Type), j.redact(row.Status)
	return true
}

// Row returns the row that Next has read. It is valid until the next call of Next.
func (j *Journal) Row() *Row { return &j.rows.row }

// Err returns the error that ended the rows, if any. It is an *Error.
func (j *Journal) Err() error { return j.err }

// Close ends the call and releases its connection and its slot of the Limiter. Calls after the
// first do nothing.
func (j *Journal) Close() {
	j.done = true
	j.response.close()
}
