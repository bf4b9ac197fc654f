package simulator

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// dripInterval is the time between two bytes under FaultDrip.
const dripInterval = 100 * time.Millisecond

// body is the successful answer of a method.
type body interface {
	// write writes the JSON with the malformation to w. It returns the first error of w.
	write(w io.Writer, m malformation) error
}

// malformation describes how the body of an answer differs from valid JSON, and how it is sent.
type malformation struct {
	before, after string // texts around the body
	lastMember    string // follows the last member of each row, or of the object
	first, last   string // texts around the rows, if there are any
	middle        string // between the two rows in the middle
	extra         string // an additional last element of the array
	badTime       bool   // the additional element is a row with a word as its timestamp

	cut       bool // the body ends within a row in the middle, or within the object
	endless   bool // the rows repeat forever, or the object has an endless string
	truncated bool // the Content-Length is greater than the body
	gzip      bool // the body is compressed if the client accepts it
	newline   bool // a line feed follows the compressed body
	age       int  // the Age header in seconds, or 0 for none
	drip      bool // each byte is sent separately
	hang      bool // the answer does not end
}

// sendBody sends a successful answer. It breaks the connection if the client ends the request
// early.
func sendBody(w http.ResponseWriter, r *http.Request, b body, m malformation) {
	w.Header().Set("Content-Type", "application/json")
	if m.age > 0 {
		w.Header().Set("Age", strconv.Itoa(m.age))
	}
	var out io.Writer = w
	switch {
	case m.truncated:
		var half bytes.Buffer
		_ = b.write(&half, m)
		w.Header().Set("Content-Length", strconv.Itoa(2*half.Len()))
	case m.drip:
		drip(w, r.Context(), b)
		return
	case m.gzip && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip"):
		w.Header().Set("Content-Encoding", "gzip")
		compressor := gzip.NewWriter(w)
		defer func() {
			_ = compressor.Close()
			if m.newline {
				_, _ = io.WriteString(w, "\n")
			}
		}()
		out = compressor
	}
	if b.write(out, m) != nil {
		panic(http.ErrAbortHandler)
	}
	if m.hang {
		_ = http.NewResponseController(w).Flush()
		hang(r.Context())
	}
}

func drip(w http.ResponseWriter, ctx context.Context, b body) {
	var all bytes.Buffer
	_ = b.write(&all, malformation{})
	for c := range slices.Chunk(all.Bytes(), 1) {
		_, _ = w.Write(c)
		_ = http.NewResponseController(w).Flush()
		select {
		case <-ctx.Done():
			panic(http.ErrAbortHandler)
		case <-time.After(dripInterval):
		}
	}
}

// hang waits until the request ends and then breaks the connection.
func hang(ctx context.Context) {
	<-ctx.Done()
	panic(http.ErrAbortHandler)
}

// arrayBody is a list of rows, which are generated while they are written.
type arrayBody struct {
	n         int
	appendRow func(b []byte, n int) []byte
	emptyRow  string // a row without data
	badRow    string // a row with a word as its timestamp
}

func (a arrayBody) write(w io.Writer, m malformation) error {
	out := bufio.NewWriterSize(w, 32<<10) // a write error persists until Flush
	rows := a.n
	if m.cut {
		rows /= 2
	}
	_, _ = out.WriteString(m.before + "[")
	var row []byte
	for n := 0; n < rows || m.endless; n++ {
		separator := ","
		switch n {
		case 0:
			separator = m.first
		case a.n / 2:
			separator += m.middle
		}
		row = a.row(append(row[:0], separator...), n)
		row = append(append(row[:len(row)-1], m.lastMember...), '}')
		if _, err := out.Write(row); err != nil {
			return err
		}
	}
	if a.n > 0 {
		_, _ = out.WriteString(m.last)
	}
	if m.badTime {
		m.extra = a.badRow
	}
	if m.cut {
		m.extra = string(a.row(nil, rows))
		m.extra = m.extra[:len(m.extra)/2]
	}
	if rows > 0 && m.extra != "" {
		_ = out.WriteByte(',')
	}
	_, _ = out.WriteString(m.extra)
	if !m.cut {
		_, _ = out.WriteString("]" + m.after)
	}
	return out.Flush()
}

// row appends row n of an endless list, which repeats the rows and an empty row.
func (a arrayBody) row(b []byte, n int) []byte {
	if n %= a.n + 1; n == a.n {
		return append(b, a.emptyRow...)
	}
	return a.appendRow(b, n)
}

// objectBody is the JSON of an object with at least one member.
type objectBody []byte

func (o objectBody) write(w io.Writer, m malformation) error {
	members := o[:len(o)-1]
	switch {
	case m.cut:
		_, err := w.Write(o[:len(o)/2])
		return err
	case m.endless:
		_, err := w.Write(slices.Concat(members, []byte(`,"endless":"`)))
		for piece := bytes.Repeat([]byte("more"), 8<<10); err == nil; {
			_, err = w.Write(piece)
		}
		return err
	}
	_, err := fmt.Fprintf(w, "%s%s%s}%s", m.before, members, m.lastMember, m.after)
	return err
}
