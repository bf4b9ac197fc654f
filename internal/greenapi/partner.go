package greenapi

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// GetInstances is the method of the API that a Partner calls, as its name stands in the URL.
const GetInstances = "getInstances"

const (
	// MaxInstances is how many instances a partner can have: all of them are kept at once, and no exporter asks for so
	// many in time.
	MaxInstances = 100_000
	// maxPartnerBody is how large the list may be, in bytes, after decompression. An instance has about 400.
	maxPartnerBody = 64 << 20
	// MaxIDLength is the maximum number of digits in an idInstance. Current ones have at most twelve.
	MaxIDLength = 32
)

// PartnerInstance is one of a partner's instances, as the Partner API lists it. It is safe to log, since its Token is.
type PartnerInstance struct {
	ID      string    // idInstance: digits, though the API writes it as a number; never parsed as one
	Token   Token     // apiTokenInstance, a secret; the zero Token where the answer has none that can be one
	Deleted bool      // it was deleted; the API still lists it for some months
	Expired bool      // it is not paid for
	Expires time.Time // expirationDate, in UTC; zero where the answer has none that can be read
}

// Partner calls the Partner API. It is safe for concurrent use.
type Partner struct{ transport }

// NewPartner returns a client of the Partner API at the API host base, whose path prefix is kept. The token is that of
// the partner, which opens the tokens of all instances.
func NewPartner(service *Backend, base *url.URL, token TokenSource) *Partner {
	return &Partner{transport{backend: service, base: base, pathPrefix: "/partner", token: token, maxBody: maxPartnerBody}}
}

// Instances lists the partner's instances, in the order in which the answer first names them, those that are deleted
// too. Each is listed once: where the answer has an id twice, the last that is not deleted counts, or else the last. A
// row without a sound idInstance is left out; what else of a row is not as documented is as if it were absent.
//
// Errors are those of OutgoingMessages: an *Error, with the Result TooLarge beyond 64 MiB or MaxInstances. It comes
// without instances, since half a list would look as if the others were gone.
func (p *Partner) Instances(ctx context.Context) ([]PartnerInstance, error) {
	var instances []PartnerInstance
	err := p.call(ctx, GetInstances, nil, func(a answer) (err error) {
		instances, err = readInstances(a.body, MaxInstances)
		return err
	})
	return instances, err
}

// readInstances reads the body of an answer with status 200, as leniently as readJournal does and with its errors, and
// no more than most instances. With an error it returns none.
func readInstances(body io.Reader, most int) ([]PartnerInstance, error) {
	p := instanceParser{scanner: newScanner(body)}
	instances := []PartnerInstance{}
	index := make(map[string]int)
	err := p.array(func() error {
		instance, err := p.instance()
		if err != nil || instance.ID == "" {
			return err
		}
		i, known := index[instance.ID]
		switch {
		case !known && len(instances) == most:
			return &Error{Result: TooLarge, Detail: fmt.Sprintf("the partner has more than %d instances", most)}
		case !known:
			index[instance.ID] = len(instances)
			instances = append(instances, instance)
		case !instance.Deleted || instances[i].Deleted:
			instances[i] = instance
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return instances, nil
}

type instanceParser struct {
	*scanner
	id, token, deleted, expired, expires value
}

// instance reads a row from behind its brace. Without a sound idInstance its ID is empty.
func (p *instanceParser) instance() (PartnerInstance, error) {
	*p = instanceParser{scanner: p.scanner}
	if err := p.members(p.member); err != nil {
		return PartnerInstance{}, err
	}
	return PartnerInstance{
		ID: p.id.digits(), Token: p.token.token(), Deleted: p.deleted.yes(), Expired: p.expired.yes(), Expires: p.expires.time(),
	}, nil
}

// member reads a key from behind its quote, the colon and the value.
func (p *instanceParser) member() error {
	key, err := p.readString(nil)
	if err != nil {
		return err
	}
	// The switch decides before the buffer that holds the key can change.
	var into *value
	switch string(key) {
	case "idInstance":
		into = &p.id
	case "apiTokenInstance":
		into = &p.token
	case "deleted":
		into = &p.deleted
	case "isExpired":
		into = &p.expired
	case "expirationDate":
		into = &p.expires
	default:
		c, err := p.valueAfterColon()
		if err != nil {
			return err
		}
		return p.skipValue(c)
	}
	*into, err = p.value()
	return err
}

// digits is a value that is nothing but digits, as a number or a string, and empty if it is not.
func (v value) digits() string {
	if len(v.text) > MaxIDLength || strings.Trim(v.text, "0123456789") != "" {
		return ""
	}
	return v.text
}

// token is a value that can be a token, or none.
func (v value) token() Token {
	if v.first != '"' || len(v.text) == maxValueLen { // which may have been cut
		return Token{}
	}
	token, _ := NewToken(v.text) // the zero Token with an error
	return token
}

// yes reports whether the value is true, be it as one of the words and numbers that stand for that elsewhere.
func (v value) yes() bool {
	switch strings.ToLower(v.text) {
	case "true", "yes", "1":
		return true
	default:
		return v.first == 't'
	}
}

// time is a value that is a time after 1970, and zero if it is not. The documentation's have no zone, which is taken for
// UTC, and the year 1 for none.
func (v value) time() time.Time {
	const lastSecond = 253402300799 // of the year 9999
	if v.first != '"' || v.digits() != "" {
		if seconds, err := strconv.ParseFloat(v.text, 64); err == nil && seconds > 0 && seconds <= lastSecond {
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
