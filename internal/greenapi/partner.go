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

// GetInstances is the method of the API that a Partner calls, as in its URL.
const GetInstances = "getInstances"

const (
	// MaxInstances is the limit on a partner's instances, which are all in memory.
	MaxInstances = 100_000
	// maxPartnerBody is the limit on the list, in bytes after decompression. An instance has about
	// 400.
	maxPartnerBody = 64 << 20
	// MaxIDLength is the maximum number of digits in an idInstance. Current ones have at most twelve.
	MaxIDLength = 32
)

// PartnerInstance is an instance in the list of a partner. It is safe to log.
type PartnerInstance struct {
	ID      string    // idInstance: a string of digits
	Token   Token     // apiTokenInstance; the zero Token if the list has no valid one
	Deleted bool      // the API lists deleted instances for some months
	Expired bool      // the subscription has ended
	Expires time.Time // expirationDate, in UTC; zero if the list has no valid one
}

// Partner calls the Partner API. It is safe for concurrent use.
type Partner struct{ transport }

// NewPartner returns a Partner. The base URL can have a path prefix. The token is that of the
// partner, which gives access to the tokens of all its instances.
func NewPartner(backend *Backend, base *url.URL, token TokenSource) *Partner {
	return &Partner{transport{backend, base, "/partner", token, maxPartnerBody}}
}

// Instances requests the list of the partner's instances, which includes deleted ones. If the list
// contains an id twice, Instances returns the last that is not deleted, or else the last. It omits
// a row without a valid idInstance, and ignores other invalid members.
//
// Errors are of type *Error. The result is TooLarge if the list exceeds 64 MiB or MaxInstances. An
// error comes without instances, because a partial list would look as if the others were deleted.
func (p *Partner) Instances(ctx context.Context) ([]PartnerInstance, error) {
	r, err := p.call(ctx, GetInstances, nil)
	if err != nil {
		return nil, err
	}
	defer r.close()
	instances, err := readInstances(r, MaxInstances)
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
			detail := fmt.Sprintf("the partner has more than %d instances", limit)
			in.Fail(&Error{Result: TooLarge, Detail: detail})
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

// digits returns a number or string that consists of digits, or "".
func (v value) digits() string {
	if len(v.text) > MaxIDLength || !isDigits(v.text) {
		return ""
	}
	return v.text
}

// token returns a valid token, or the zero Token.
func (v value) token() Token {
	if v.first != '"' || len(v.text) == jsonstream.MaxLen { // which can be truncated
		return Token{}
	}
	token, _ := NewToken(v.text)
	return token
}

// isTrue reports whether the value is true, or a word or number that other APIs use for true.
func (v value) isTrue() bool {
	switch strings.ToLower(v.text) {
	case "true", "yes", "1":
		return true
	default:
		return v.first == 't'
	}
}

// time returns a time after 1970, or zero. The times of the documentation have no zone, and are
// taken for UTC.
func (v value) time() time.Time {
	const lastSecond = 253402300799 // of the year 9999
	if v.first != '"' || v.digits() != "" {
		seconds, err := strconv.ParseFloat(v.text, 64)
		if err == nil && seconds > 0 && seconds <= lastSecond {
			return time.Unix(int64(seconds), 0).UTC()
		}
		return time.Time{}
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, time.DateOnly} {
		if at, err := time.Parse(layout, v.text); err == nil && at.Unix() > 0 {
			return at.UTC()
		}
	}
	return time.Time{}
}
