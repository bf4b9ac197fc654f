package jsonstream

import (
	"errors"
	"fmt"
)

// ErrPartEnd is returned by the Read method of a stream that consists of parts, at the end of a
// part, possibly with its last bytes. If the value is not complete, the Scanner reads the next
// part. Otherwise it ignores the next part.
var ErrPartEnd = errors.New("end of a part")

// SyntaxError describes invalid JSON, and its position. It does not quote the input.
type SyntaxError struct {
	Offset int64 // number of bytes before the invalid one, or 0 if the whole value is invalid
	Reason string
}

// Error implements error.
func (e *SyntaxError) Error() string {
	if e.Offset == 0 {
		return e.Reason
	}
	return fmt.Sprintf("%s at offset %d", e.Reason, e.Offset)
}
