package greenapi

import (
	"bytes"
	"io"
)

// array reads a body that is an array of objects, the rows; row reads each of them from behind its brace. Stray commas
// are no fault. Where the body is an object instead, the error says what the API tells by it.
func (s *scanner) array(row func() error) error {
	if err := s.skipByteOrderMark(); err != nil {
		return err
	}
	c, err := s.token()
	switch {
	case err != nil:
		return err
	case c == '[':
		return s.rows(row)
	case c == '{':
		return s.objectError()
	default:
		return s.syntax("the body is no array")
	}
}

// rows reads from behind the array's bracket to the end of the body.
func (s *scanner) rows(row func() error) error {
	wantComma := false
	for {
		c, err := s.token()
		if err != nil {
			return err
		}
		switch {
		case c == ',':
			wantComma = false
		case c == ']':
			return s.finishBody()
		case wantComma:
			return s.syntax("no comma between rows")
		case c == '{':
			if err := row(); err != nil {
				return err
			}
			wantComma = true
		default:
			return s.syntax("a row is no object")
		}
	}
}

// objectError reads the rest of a body that is an object, as far as an error's can be long, and says what it means.
func (s *scanner) objectError() error {
	rest := io.MultiReader(bytes.NewReader(s.buf[s.pos:s.end]), s.r)
	body, err := io.ReadAll(io.LimitReader(rest, maxErrorBody))
	if err != nil {
		return err
	}
	text := append([]byte{'{'}, body...)
	if o, err := parseObject(text); err == nil {
		if failure := o.failure(text); failure != nil {
			return failure
		}
	}
	return &SyntaxError{0, "the body is an object"}
}
