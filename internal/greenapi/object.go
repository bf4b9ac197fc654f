package greenapi

import (
	"bytes"
	"context"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"greenapi_exporter/internal/jsonstream"
)

const (
	// maxObject is the limit on the body of an object, in bytes. The largest is that of
	// getWaSettings, which can contain a picture.
	maxObject = 1 << 20
	// maxMembers is the limit on the members of an object in memory. getSettings has about 25.
	maxMembers = 1000
	// maxNumber is the limit on a time or count. A float64 represents all smaller integers exactly.
	maxNumber = 1 << 53
)

// object is a response that is a JSON object. Some members are secret or private, so exported
// functions must not return an object.
type object map[string]value

// value is a JSON value.
type value struct {
	first byte   // of its JSON text
	text  string // of a string or number, truncated to jsonstream.MaxLen bytes; otherwise empty
}

// readObject reads the body of a response with status 200. It returns an *Error if the API reports
// a failure, and otherwise the errors of jsonstream.
func readObject(body io.Reader) (object, error) {
	var text bytes.Buffer
	limited := &io.LimitedReader{R: body, N: maxObject + 1}
	o, err := parseObject(io.TeeReader(limited, &text))
	if limited.N == 0 {
		return nil, tooLarge(maxObject)
	}
	if err != nil {
		return nil, err
	}
	return o, o.failure(text.Bytes())
}

func parseObject(body io.Reader) (object, error) {
	in := jsonstream.New(body)
	if c := in.Start(); c != '{' {
		rejectStart(in, c, "the body is not an object")
	}
	o := make(object)
	for key, ok := in.Key(); ok; key, ok = in.Key() {
		name := string(key)
		v := readValue(in, in.Value())
		if len(o) < maxMembers {
			o[name] = v
		}
	}
	return o, in.End()
}

// readValue reads the value whose first byte is c.
func readValue(in *jsonstream.Scanner, c byte) value {
	var text []byte
	switch {
	case c == '"':
		text = in.ReadString(nil)
	case c == '-' || isDigit(c):
		text = in.ReadWord(c)
	default:
		in.Skip(c)
	}
	return value{c, string(text)}
}

// startArray reads the start of an array of objects. If the body is an object, with which the API
// reports a failure with status 200, the input ends with an *Error.
func startArray(in *jsonstream.Scanner) {
	switch c := in.Start(); c {
	case '[':
	case '{':
		in.Fail(readFailure(in))
	default:
		rejectStart(in, c, "the body is not an array")
	}
}

// rejectStart ends the input because of c, the first byte of its value.
func rejectStart(in *jsonstream.Scanner, c byte, reason string) {
	if c == '<' {
		const detail = "the body is a web page instead of JSON"
		in.Fail(&Error{Result: InvalidResponse, Detail: detail})
	}
	in.Invalid(reason)
}

// readFailure reads an object that reports a failure, after its opening brace.
func readFailure(in *jsonstream.Scanner) error {
	in.Prefetch(maxErrorBody)
	rest := in.Buffered()
	text := slices.Concat([]byte{'{'}, rest[:len(rest)-1])
	o, err := parseObject(bytes.NewReader(text))
	if err == io.ErrUnexpectedEOF && len(text) <= maxErrorBody {
		in.Skip('{') // ends the input with the error of the read
	}
	if err == nil {
		if err := o.failure(text); err != nil {
			return err
		}
	}
	return &jsonstream.SyntaxError{Reason: "the body is an object instead of an array"}
}

// nextObject reads the opening brace of the next object in an array. It skips other elements and
// adds their number to skipped. It reports false after the last object or an error.
func nextObject(in *jsonstream.Scanner, skipped *int) bool {
	c, ok := in.Element()
	for ; ok && c != '{'; c, ok = in.Element() {
		in.Skip(c)
		*skipped++
	}
	return ok
}

// failure returns the failure that the API reports with this object and status 200, if any.
func (o object) failure(text []byte) error {
	switch {
	case o["status"].first == 'f':
		return &Error{Result: classifyBody(text), Detail: `HTTP 200 with "status":false`}
	case o["code"].text == "401":
		return &Error{Result: Unauthorized, Detail: `HTTP 200 with "code":401`}
	default:
		return nil
	}
}

// has reports whether the object has any of these members.
func (o object) has(keys ...string) bool {
	for _, key := range keys {
		if _, ok := o[key]; ok {
			return true
		}
	}
	return false
}

// str returns a member that is a string, or "".
func (o object) str(key string) string {
	if v := o[key]; v.first == '"' {
		return v.text
	}
	return ""
}

// num returns a member that is a number between 0 and maxNumber, or a string of digits.
func (o object) num(key string) (n float64, ok bool) {
	v := o[key]
	if v.first == '"' && !isDigits(v.text) || len(v.text) == jsonstream.MaxLen {
		return 0, false
	}
	n, err := strconv.ParseFloat(v.text, 64)
	return math.Abs(n), err == nil && n >= 0 && n <= maxNumber
}

// integer is num for a number without a fraction.
func (o object) integer(key string) (n int64, ok bool) {
	f, ok := o.num(key)
	return int64(f), ok && f == math.Trunc(f)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isDigits(text string) bool { return strings.Trim(text, "0123456789") == "" }

// fetch calls a method whose response is an object, and converts the object.
func fetch[T any](
	ctx context.Context, c *Client, method string, convert func(object) (T, error),
) (result T, _ error) {
	r, err := c.call(ctx, method, nil)
	if err != nil {
		return result, err
	}
	defer r.close()
	o, err := readObject(r)
	if err == nil {
		result, err = convert(o)
	}
	return result, r.bodyError(err)
}
