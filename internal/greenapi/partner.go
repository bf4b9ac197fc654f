package greenapi

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"greenapi_exporter/internal/jsonstream"
)

// GetInstances is the method of the Partner API, as in URLs.
const GetInstances = "getInstances"

const (
	// maxInstances is the limit on the number of a partner's instances.
	maxInstances = 100_000
	// maxPartnerBody is the limit on the list, in bytes after decompression. An instance takes
	// about 400 bytes.
	maxPartnerBody = 64 << 20
	// MaxIDLength is the limit on the length of an idInstance. Current ones have up to 12 digits.
	MaxIDLength = 32
)

// PartnerInstance is an instance in the list of a partner. It is safe to log.
type PartnerInstance struct {
	ID      string    // idInstance: a string of digits
	Token   Token     // apiTokenInstance, or the zero Token if it is invalid
	Deleted bool      // the API lists deleted instances for some months
	Expired bool      // the subscription has ended
	Expires time.Time // expirationDate, in UTC, or the zero Time if it is invalid
}

// A Partner calls the Partner API. It is safe for concurrent use.
type Partner struct{ transport }

// NewPartner returns a Partner. The base URL can have a path prefix. The token of a partner gives
// access to the tokens of all its instances.
func NewPartner(backend *Backend, base *url.URL, token TokenSource) *Partner {
	return &Partner{transport{backend, base, "/partner", token, maxPartnerBody}}
}

// Instances requests the list of the partner's instances, including deleted ones. If the list has
// an id twice, Instances returns the last instance that is not deleted, or else the last one. It
// omits rows without a valid idInstance, and ignores other invalid members.
//
// Errors are of type *Error. The result is TooLarge if the list exceeds 64 MiB or 100,000
// instances. After an error, Instances returns no instances, because those that are missing from a
// partial list would look deleted.
func (p *Partner) Instances(ctx context.Context) ([]PartnerInstance, error) {
	r, err := p.call(ctx, GetInstances, nil)
	if err != nil {
		return nil, err
	}
	defer r.close()
	instances, err := readInstances(r, maxInstances)
	return instances, r.bodyError(err)
}

// readInstances reads up to limit instances.
func readInstances(body io.Reader, limit int) ([]PartnerInstance, error) {
	in := jsonstream.New(body)
	startArray(in)
	instances := []PartnerInstance{}
	index := make(map[string]int)
	for nextObject(in) {
		instance := readInstance(in)
		i, known := index[instance.ID]
		switch {
		case instance.ID == "":
		case !known && len(instances) == limit:
			in.Fail(&Error{
				Result: TooLarge,
				Detail: fmt.Sprintf("the partner has more than %d instances", limit),
			})
		case !known:
			index[instance.ID] = len(instances)
			instances = append(instances, instance)
		case !instance.Deleted || instances[i].Deleted:
			instances[i] = instance
		}
	}
	if err := in.End(); err != nil {
		return nil, err
	}
	return instances, nil
}

// readInstance reads a row after its opening brace. The ID is empty if the row has no valid one.
func readInstance(in *jsonstream.Scanner) PartnerInstance {
	var id, token, deleted, expired, expires value
	for key, ok := in.Key(); ok; key, ok = in.Key() {
		var member *value
		switch string(key) {
		case "idInstance":
			member = &id
		case "apiTokenInstance":
			member = &token
		case "deleted":
			member = &deleted
		case "isExpired":
			member = &expired
		case "expirationDate":
			member = &expires
		}
		if c := in.Value(); member != nil {
			*member = readValue(in, c)
		} else {
			in.Skip(c)
		}
	}
	return PartnerInstance{
		ID: id.digits(), Token: token.token(),
		Deleted: deleted.isTrue(), Expired: expired.isTrue(), Expires: expires.time(),
	}
}

// digits returns a number or string that consists of up to MaxIDLength digits, or "".
func (v value) digits() string {
	if len(v.text) > MaxIDLength || !isDigits(v.text) {
		return ""
	}
	return v.text
}

// token returns a valid token, or the zero Token.
func (v value) token() Token {
	if v.first != '"' || len(v.text) == jsonstream.MaxLen { // can be truncated
		return Token{}
	}
	token, _ := NewToken(v.text)
	return token
}

// isTrue reports whether the value is true, or a string or number that means true.
func (v value) isTrue() bool {
	switch strings.ToLower(v.text) {
	case "true", "yes", "1":
		return true
	default:
		return v.first == 't'
	}
}

// time returns a time after 1970, or the zero Time. The times in the API's documentation have no
// zone. They are interpreted as UTC.
func (v value) time() time.Time {
	const lastSecond = 253402300799 // of the year 9999
	if v.first != '"' || v.digits() != "" {
		seconds, err := strconv.ParseFloat(v.text, 64)
		if err == nil && seconds > 0 && seconds <= lastSecond {
			return time.Unix(int64(seconds), 0).UTC()
		}
		return time.Time{}
	}
	for _, layout := range []string{
		time.RFC3339, "2006-01-02T15:04:05", time.DateTime, time.DateOnly,
	} {
		if at, err := time.Parse(layout, v.text); err == nil && at.Unix() > 0 {
			return at.UTC()
		}
	}
	return time.Time{}
}
