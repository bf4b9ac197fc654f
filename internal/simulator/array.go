package simulator

import (
	"bufio"
	"io"
)

// array is a body that is a list of rows. Each is made as it is written.
type array struct {
	n    int
	row  func(b []byte, n int) []byte // appends the n-th row to b
	bare string                       // a row of next to nothing
	bad  string                       // a row that is wrong in a time only
}

// write writes the list row by row, and stops at the first error of w.
func (a array) write(w io.Writer, q malformation) error {
	out := bufio.NewWriterSize(w, 32<<10)
	extra := q.extra
	if q.badTime {
		extra = a.bad
	}
	_, _ = out.WriteString(q.before + "[") // an error stays with out until Flush
	if a.n > 0 {
		_, _ = out.WriteString(q.first)
	}
	var row []byte
	for n := range a.n {
		if n > 0 {
			_ = out.WriteByte(',')
			if n == a.n/2 {
				_, _ = out.WriteString(q.middle)
			}
		}
		row = a.row(row[:0], n)
		row = append(append(row[:len(row)-1], q.lastMember...), '}')
		if _, err := out.Write(row); err != nil {
			return err
		}
	}
	if a.n > 0 {
		_, _ = out.WriteString(q.last)
		if extra != "" {
			_ = out.WriteByte(',')
		}
	}
	_, _ = out.WriteString(extra + "]" + q.after)
	return out.Flush()
}

// writeHalf writes half the rows and the first half of one more, and leaves it at that.
func (a array) writeHalf(w io.Writer) error {
	out := bufio.NewWriter(w)
	half := a.n / 2
	_ = out.WriteByte('[')
	var row []byte
	for n := range half {
		row = append(a.row(row[:0], n), ',')
		if _, err := out.Write(row); err != nil {
			return err
		}
	}
	row = append(row[:0], a.bare...)
	if half < a.n {
		row = a.row(row[:0], half)
	}
	_, _ = out.Write(row[:len(row)/2])
	return out.Flush()
}

// writeEndless writes the rows over and over until an error of w.
func (a array) writeEndless(w io.Writer) error {
	out := bufio.NewWriterSize(w, 32<<10)
	_, _ = out.WriteString("[" + a.bare)
	var row []byte
	for {
		row = append(append(row[:0], ','), a.bare...)
		if _, err := out.Write(row); err != nil {
			return err
		}
		for n := range a.n {
			row = a.row(append(row[:0], ','), n)
			if _, err := out.Write(row); err != nil {
				return err
			}
		}
	}
}
