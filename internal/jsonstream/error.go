package jsonstream

import "fmt"

// SyntaxError reports the position of invalid JSON. It does not quote the input.
type SyntaxError struct {
	Offset int64 // number of bytes before the invalid one
	Reason string
}

// Error implements error.
func (e *SyntaxError) Error() string { return fmt.Sprintf("%s at offset %d", e.Reason, e.Offset) }
