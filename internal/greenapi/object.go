package greenapi

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

const (
	// maxObject is how large an answer may be that is one object, in bytes. The largest is that of getWaSettings, which
	// can hold a picture.
	maxObject = 1 << 20
	// maxMembers is how many members of it are looked at; getSettings has the most, about 25.
	maxMembers = 1000
)

// object is an answer that is one JSON object, by the keys of its members. Some are secret or private: only what is asked
// for leaves this package.
type object map[string]value

// value is a value of JSON.
type value struct {
	first byte   // as it is written
	text  string // what a string means, or how a number is written; longer ones are cut
}

// readObject reads the body of an answer with status 200, as leniently as readJournal does. The error is that of the
// reader, io.ErrUnexpectedEOF for a body that is cut off, a *SyntaxError, or an *Error for a failure that the API tells
// with status 200.
func readObject(body io.Reader) (object, error) {
	text, err := io.ReadAll(io.LimitReader(body, maxObject+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxObject {
		return nil, &Error{Result: TooLarge, Detail: fmt.Sprintf("the body has more than %d bytes, which no answer of this method has", maxObject)}
	}
	o, err := parseObject(text)
	if err != nil {
		return nil, err
	}
	return o, o.failure(text)
}

func parseObject(text []byte) (object, error) {
	s := newScanner(bytes.NewReader(text))
	if err := s.skipByteOrderMark(); err != nil {
		return nil, err
	}
	c, err := s.token()
	if err != nil {
		return nil, err
	}
	if c != '{' {
		return nil, s.syntax("the body is no object")
	}
	o := make(object)
	err = s.members(func() error {
		key, err := s.readString(nil)
		if err != nil {
			return err
		}
		name := string(key)
		v, err := s.value()
		if len(o) < maxMembers {
			o[name] = v
		}
		return err
	})
	if err == nil {
		err = s.finishBody()
	}
	return o, err
}

// value reads a colon and the value behind it.
func (s *scanner) value() (value, error) {
	c, err := s.valueAfterColon()
	if err != nil {
		return value{}, err
	}
	var text []byte
	switch {
	case c == '"':
		text, err = s.readString(nil)
	case c == '-' || isDigit(c):
		text, err = s.number(c)
	default:
		err = s.skipValue(c)
	}
	return value{c, string(text[:min(len(text), maxValueLen)])}, err
}

// failure is what the API tells with status 200 and this object, which was read from text; nil if it tells of none.
func (o object) failure(text []byte) error {
	switch {
	case o["status"].first == 'f':
		return &Error{Result: classifyText(stripPath(text)), Detail: `HTTP 200 with "status":false`}
	case o["code"].text == "401":
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

// word is a member that is a string, empty if it is none.
func (o object) str(key string) string {
	if v := o[key]; v.first == '"' {
		return v.text
	}
	return ""
}

// num is a member that is a number of at least 0, or a string of digits, as numbers come in some answers; ok if it is
// one.
func (o object) num(key string) (number float64, ok bool) {
	v := o[key]
	if v.first == '"' && strings.Trim(v.text, "0123456789") != "" || len(v.text) == maxValueLen {
		return 0, false
	}
	number, err := strconv.ParseFloat(v.text, 64) // an error where the member is neither
	return math.Abs(number), err == nil && number >= 0 && number <= 1<<53
}

// integer is number for one without a fraction.
func (o object) integer(key string) (number int64, ok bool) {
	n, ok := o.num(key)
	return int64(n), ok && n == math.Trunc(n)
}
