package simulator

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// dripEvery is how long FaultDrip waits between two bytes.
const dripEvery = 100 * time.Millisecond

// sendJournal sends the page in the way that the fault asks for. Errors of writing mean that the client has gone.
func (s *Simulator) sendJournal(w http.ResponseWriter, r *http.Request, p page, f Fault) {
	switch f {
	case FaultHangInBody:
		_ = p.writeHalf(w)
		_ = http.NewResponseController(w).Flush()
		hang(r.Context())
	case FaultTruncated:
		w.Header().Set("Content-Length", strconv.FormatInt(p.size()+int64(len(bareRow)), 10))
		_ = p.writeHalf(w)
	case FaultCutRow:
		_ = p.writeHalf(w)
	case FaultDrip:
		if p.write(newDripper(w, r.Context()), quirks{}) != nil {
			panic(http.ErrAbortHandler)
		}
	case FaultGzip:
		compressed(w, r, func(w io.Writer) { _ = p.write(w, quirks{}) })
	case FaultEndless:
		endless(w, r.Context(), p)
	case FaultEndlessGzip:
		compressed(w, r, func(w io.Writer) { endless(w, r.Context(), p) })
	default:
		_ = p.write(w, quirksOf(f))
	}
}

// quirksOf is how the array looks under a fault; plain under those that leave it alone.
func quirksOf(f Fault) quirks {
	switch f {
	case FaultCommaStart:
		return quirks{first: ","}
	case FaultCommaMiddle:
		return quirks{middle: ","}
	case FaultCommaEnd:
		return quirks{last: ","}
	case FaultCommaMembers:
		return quirks{rowEnd: ","}
	case FaultBOM:
		return quirks{before: "\ufeff"}
	case FaultTrailing:
		return quirks{after: "[]"}
	case FaultRowNotObject:
		return quirks{extra: `"typeMessage"`}
	case FaultBadTimestamp:
		return quirks{extra: `{"type":"outgoing","idMessage":"BAD0000000000000","timestamp":"yesterday",` +
			`"typeMessage":"textMessage","chatId":"11005550100@c.us","textMessage":"","statusMessage":"sent"}`}
	}
	return quirks{}
}

// hang waits for the end of the request and then breaks the connection, so that no answer seems to have been given.
func hang(ctx context.Context) {
	<-ctx.Done()
	panic(http.ErrAbortHandler)
}

// endless writes rows until the request ends, and breaks the connection.
func endless(w io.Writer, ctx context.Context, p page) {
	_ = p.writeEndless(untilDone{w, ctx})
	panic(http.ErrAbortHandler)
}

// compressed hands write a writer that compresses, if the client accepts that.
func compressed(w http.ResponseWriter, r *http.Request, write func(io.Writer)) {
	if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		write(w)
		return
	}
	w.Header().Set("Content-Encoding", "gzip")
	zip := gzip.NewWriter(w)
	write(zip)
	_ = zip.Close()
}

// untilDone is a writer that refuses to write once the context has ended.
type untilDone struct {
	io.Writer
	ctx context.Context
}

func (u untilDone) Write(b []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.Writer.Write(b)
}

// dripper sends each byte on its way alone, and waits before the next.
type dripper struct {
	w     io.Writer
	flush func() error
	ctx   context.Context
}

func newDripper(w http.ResponseWriter, ctx context.Context) dripper {
	return dripper{w: w, flush: http.NewResponseController(w).Flush, ctx: ctx}
}

func (d dripper) Write(b []byte) (int, error) {
	tick := time.NewTicker(dripEvery)
	defer tick.Stop()
	for n := range b {
		if _, err := d.w.Write(b[n : n+1]); err != nil {
			return n, err
		}
		if err := d.flush(); err != nil {
			return n, err
		}
		select {
		case <-d.ctx.Done():
			return n + 1, d.ctx.Err()
		case <-tick.C:
		}
	}
	return len(b), nil
}

// size is how many bytes the whole journal has.
func (p page) size() int64 {
	var n counter
	_ = p.write(&n, quirks{}) // counting does not fail
	return int64(n)
}

// counter is a writer that only counts.
type counter int64

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}
