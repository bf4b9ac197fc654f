package jsonstream

import "fmt"

// SyntaxError reports the position of invalid JSON. It does not quote the input.
type SyntaxError struct {
	Offset int64 // number of bytes before the invalid one
	Reason string
}

// Error implements error.
func (e *SyntaxError) Error() string { return fmt.Sprintf("%s at offset %d", e.Reason, e.Offset) }

// Invalid returns a *SyntaxError with the position of the last byte read.
func (s *Scanner) Invalid(reason string) error {
	return &SyntaxError{max(0, s.Offset()-1), reason}
}
