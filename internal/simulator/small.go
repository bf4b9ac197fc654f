package simulator

import (
	"bytes"
	"io"
	"slices"
)

// small is a body that is one object with at least one member.
type small []byte

// write writes the object, with those of the quirks that are not of rows.
func (s small) write(w io.Writer, q malformation) error {
	_, err := w.Write(slices.Concat([]byte(q.before), s[:len(s)-1], []byte(q.lastMember+"}"+q.after)))
	return err
}

// writeHalf writes half the bytes.
func (s small) writeHalf(w io.Writer) error {
	_, err := w.Write(s[:len(s)/2])
	return err
}

// writeEndless writes the members and one more, a string that has no end.
func (s small) writeEndless(w io.Writer) error {
	_, err := w.Write(slices.Concat(s[:len(s)-1], []byte(`,"endless":"`)))
	for piece := bytes.Repeat([]byte("more"), 8<<10); err == nil; {
		_, err = w.Write(piece)
	}
	return err
}
