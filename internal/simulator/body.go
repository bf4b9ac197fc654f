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

// moreThanSize is by how much the Content-Length of FaultTruncated is beyond the whole body: enough for what is sent of
// a journal without rows, which is more than all of it.
const moreThanSize = 36

// body is what a good answer holds, as something that can be sent in many ways. Each stops at the first error of w.
type body interface {
	write(w io.Writer, q malformation) error
	writeHalf(w io.Writer) error    // the first half, and nothing that would end it well
	writeEndless(w io.Writer) error // with something of it over and over, until an error of w
}

// malformation are the oddities of a body, as the text to put at each place; without any it is plain JSON. Those of an array
// have no place in a body that is not one.
type malformation struct {
	before, after string // around the body
	lastMember    string // behind the last member of the object, or of each row
	first, last   string // in an array, around the rows if there are any
	middle        string // between the rows in the middle
	extra         string // a further element, the last
	badTime       bool   // such an element that is a row with a timestamp in words
}

// sendBody sends the body in the way that the fault asks for. Errors of writing mean that the client has gone.
func sendBody(w http.ResponseWriter, r *http.Request, b body, f Fault) {
	switch f {
	case FaultHangInBody:
		_ = b.writeHalf(w)
		_ = http.NewResponseController(w).Flush()
		hang(r.Context())
	case FaultTruncated:
		w.Header().Set("Content-Length", strconv.FormatInt(size(b)+moreThanSize, 10))
		_ = b.writeHalf(w)
	case FaultCutRow:
		_ = b.writeHalf(w)
	case FaultDrip:
		if b.write(newDripper(w, r.Context()), malformation{}) != nil {
			panic(http.ErrAbortHandler)
		}
	case FaultGzip:
		compressed(w, r, func(w io.Writer) { _ = b.write(w, malformation{}) })
	case FaultEndless:
		endless(w, r.Context(), b)
	case FaultEndlessGzip:
		compressed(w, r, func(w io.Writer) { endless(w, r.Context(), b) })
	default:
		_ = b.write(w, quirksOf(f))
	}
}

// quirksOf is how a body looks under a fault; plain under those that leave it alone.
func quirksOf(f Fault) malformation {
	switch f {
	case FaultCommaStart:
		return malformation{first: ","}
	case FaultCommaMiddle:
		return malformation{middle: ","}
	case FaultCommaEnd:
		return malformation{last: ","}
	case FaultCommaMembers:
		return malformation{lastMember: ","}
	case FaultBOM:
		return malformation{before: "\ufeff"}
	case FaultTrailing:
		return malformation{after: "[]"}
	case FaultRowNotObject:
		return malformation{extra: `"typeMessage"`}
	case FaultBadTimestamp:
		return malformation{badTime: true}
	}
	return malformation{}
}

// hang waits for the end of the request and then breaks the connection, so that no answer seems to have been given.
func hang(ctx context.Context) {
	<-ctx.Done()
	panic(http.ErrAbortHandler)
}

// endless writes until the request ends, and breaks the connection.
func endless(w io.Writer, ctx context.Context, b body) {
	_ = b.writeEndless(untilDone{w, ctx})
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

// size is how many bytes the whole body has.
func size(b body) int64 {
	var n counter
	_ = b.write(&n, malformation{}) // counting does not fail
	return int64(n)
}

// counter is a writer that only counts.
type counter int64

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}
