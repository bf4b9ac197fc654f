package greenapi

import (
	"context"
	"errors"
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

// PartnerList is the list of a partner's instances. It is safe to log.
type PartnerList struct {
	Instances []PartnerInstance // one for each id
	BadIDs    int               // entries without a valid idInstance
}

// Empty reports whether the list has no entries.
func (l PartnerList) Empty() bool { return len(l.Instances)+l.BadIDs == 0 }

// PartnerInstance is an instance in the list of a partner. It is safe to log.
type PartnerInstance struct {
	ID         string    // idInstance: a string of digits
	Token      Token     // apiTokenInstance, or the zero Token if it is absent or invalid
	TwoTokens  bool      // the list has another token for this id
	Deleted    bool      // the API lists deleted instances for some months
	Expired    bool      // the subscription has ended
	Expires    time.Time // expirationDate, in UTC, or the zero Time
	BadExpires bool      // there is an expirationDate, but it is invalid
}

// A Partner calls the Partner API. It is safe for concurrent use.
type Partner struct{ transport }

// NewPartner returns a Partner. The base URL can have a path prefix. The token of a partner gives
// access to the tokens of all its instances.
func NewPartner(backend *Backend, base *url.URL, token TokenSource) *Partner {
	return &Partner{transport{
		backend: backend, base: base, pathPrefix: "/partner", token: token,
		maxBody: maxPartnerBody,
	}}
}

// List requests the list of the partner's instances, including deleted ones. An invalid entry or
// member does not make the list invalid. If the list has an id twice, List returns the entry that
// is the most useful: not deleted, then not expired, then with a token. If several entries are
// equally useful, it returns the last.
//
// Errors are of type *Error. The result is TooLarge if the list exceeds 64 MiB or 100,000
// instances. After an error, List returns no instances, because those that are missing from a
// partial list would look deleted.
func (p *Partner) List(ctx context.Context) (PartnerList, error) {
	r, err := p.call(ctx, GetInstances, nil)
	if err != nil {
		return PartnerList{}, partnerError(err)
	}
	defer r.close()
	list, err := readInstances(r, maxInstances)
	return list, partnerError(r.bodyError(err))
}

// partnerError replaces the results that describe an instance with BadRequest. The body of a
// rejected call can contain the same words, but it is about the partner.
func partnerError(err error) error {
	failure := new(Error)
	if !errors.As(err, &failure) {
		return err
	}
	rejected := *failure
	switch failure.Result {
	case InstanceLoggedOut, InstanceStarting, InstanceExpired, InstanceDeleted:
		rejected.Result = BadRequest
	}
	return &rejected
}

// readInstances reads up to limit instances.
func readInstances(body io.Reader, limit int) (list PartnerList, _ error) {
	in := jsonstream.New(body)
	startArray(in)
	index := make(map[string]int)
	for nextObject(in, &list.BadIDs) {
		instance := readInstance(in)
		i, known := index[instance.ID]
		switch {
		case instance.ID == "":
			list.BadIDs++
		case known:
			list.Instances[i].merge(instance)
		case len(list.Instances) == limit:
			in.Fail(&Error{
				Result: TooLarge,
				Detail: fmt.Sprintf("the partner has more than %d instances", limit),
			})
		default:
			index[instance.ID] = len(list.Instances)
			list.Instances = append(list.Instances, instance)
		}
	}
	if err := in.End(); err != nil {
		return PartnerList{}, err
	}
	return list, nil
}

// merge replaces i with a later entry that has the same id, unless i is more useful.
func (i *PartnerInstance) merge(later PartnerInstance) {
	old, usefulness := i.usefulness(), later.usefulness()
	if usefulness == old {
		later.TwoTokens = i.TwoTokens || !i.Token.Equal(later.Token)
	}
	if usefulness >= old {
		*i = later
	}
}

// usefulness is higher for an instance that is more likely to work.
func (i *PartnerInstance) usefulness() int {
	switch {
	case i.Deleted:
		return 0
	case i.Expired:
		return 1
	case i.Token.Equal(Token{}):
		return 2
	default:
		return 3
	}
}

// readInstance reads an entry after its opening brace. The ID is empty if it has no valid one.
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
	instance := PartnerInstance{
		ID: id.digits(), Token: token.token(), Deleted: deleted.isTrue(), Expired: expired.isTrue(),
	}
	instance.Expires, instance.BadExpires = expires.time()
	return instance
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

// time returns a time after 1970, or the zero Time. It is invalid unless it is absent, null, or in
// the year 1, with which the API represents no time. The times in the API's documentation have no
// zone. They are interpreted as UTC.
func (v value) time() (at time.Time, invalid bool) {
	const lastSecond = 253402300799 // of the year 9999
	if v.first == 0 || v.first == 'n' {
		return time.Time{}, false
	}
	if v.first != '"' || v.digits() != "" {
		seconds, err := strconv.ParseFloat(v.text, 64)
		if err == nil && seconds > 0 && seconds <= lastSecond {
			return time.Unix(int64(seconds), 0).UTC(), false
		}
		return time.Time{}, true
	}
	for _, layout := range []string{
		time.RFC3339, "2006-01-02T15:04:05", time.DateTime, time.DateOnly,
	} {
		if at, err := time.Parse(layout, v.text); err == nil && at.Unix() > 0 {
			return at.UTC(), false
		} else if err == nil {
			return time.Time{}, at.Year() > 1
		}
	}
	return time.Time{}, true
}
