package greenapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
)

// maxObject is how large an answer may be that is one object, in bytes. The largest is that of getWaSettings, which can
// hold a picture.
const maxObject = 1 << 20

// object is an answer that is one JSON object: its members as they stand there. Some are secret or private, so that only
// what is asked for leaves this package.
type object map[string]json.RawMessage

// readObject reads the body of an answer with status 200. The error is that of the reader, a *SyntaxError, or an *Error
// for a failure that the API tells with status 200.
func readObject(body io.Reader) (object, error) {
	text, err := io.ReadAll(io.LimitReader(body, maxObject+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxObject:
		return nil, &Error{Result: TooLarge, Detail: fmt.Sprintf("the body has more than %d bytes, which no answer of this method has", maxObject)}
	case len(text) == 0:
		return nil, io.ErrUnexpectedEOF
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	var o object
	var syntax *json.SyntaxError
	switch err := json.Unmarshal(text, &o); {
	case errors.As(err, &syntax):
		return nil, &SyntaxError{syntax.Offset, "the body is no JSON"} // without the byte that encoding/json names
	case err != nil:
		return nil, &SyntaxError{0, "the body is no object"}
	}
	if failure := failureIn(text); failure != nil {
		return nil, failure
	}
	return o, nil
}

// failureIn is the failure that the API tells with status 200 and an object, nil if this one tells none.
func failureIn(body []byte) error {
	var o struct {
		Code   any `json:"code"`
		Status any `json:"status"`
	}
	switch err := json.Unmarshal(bytes.TrimSpace(body), &o); {
	case err != nil:
		return nil
	case o.Status == false:
		return &Error{Result: resultOfWords(errorText(body)), Detail: `HTTP 200 with "status":false`}
	case fmt.Sprint(o.Code) == "401":
		return &Error{Result: Unauthorized, Detail: `HTTP 200 with "code":401`}
	default:
		return nil
	}
}

// has reports whether the object has one of these members, whatever its value.
func (o object) has(keys ...string) bool {
	for _, key := range keys {
		if _, ok := o[key]; ok {
			return true
		}
	}
	return false
}

// text is a member that is a string; ok if it is one.
func (o object) text(key string) (text string, ok bool) {
	value := o[key]
	if len(value) == 0 || value[0] != '"' {
		return "", false
	}
	err := json.Unmarshal(value, &text)
	return text, err == nil
}

// number is a member that is a number of at least 0, or a string of digits, as numbers come in some answers; ok if it is
// one.
func (o object) number(key string) (number float64, ok bool) {
	digits, isText := o.text(key)
	switch {
	case !isText:
		digits = string(o[key])
	case len(bytes.Trim([]byte(digits), "0123456789")) > 0:
		return 0, false
	}
	number, err := strconv.ParseFloat(digits, 64) // of JSON, so it is no word but null, true or false
	return number, err == nil && number >= 0 && number <= 1<<53
}

// whole is number for one without a fraction.
func (o object) whole(key string) (number int64, ok bool) {
	n, ok := o.number(key)
	return int64(n), ok && n == math.Trunc(n)
}
