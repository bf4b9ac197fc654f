package config

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"regexp/syntax"
	"slices"
	"time"

	"github.com/go-kit/log"

	"greenapi_exporter/internal/greenapi"
)

// PartnerDiscovery is where instances are taken from beside those that a file lists. It is immutable.
type PartnerDiscovery struct {
	token   greenapi.TokenSource
	refresh time.Duration
	include *regexp.Regexp
	Settings
}

const (
	defaultRefresh = 10 * time.Minute
	minRefresh     = time.Second // the least that can be right for an API that allows a call a second
	maxRefresh     = 24 * time.Hour
)

func (s Source) partner(written *partnerNode, line int, common rawSettings, logger log.Logger) (*PartnerDiscovery, error) {
	p := &PartnerDiscovery{refresh: defaultRefresh}
	if written.URL.line > 0 {
		common.url = sourced[string]{written.URL.text, "url", written.URL.line}
	}
	var err error
	if p.Settings, err = common.validate(); err != nil {
		return nil, err
	}
	if written.Refresh.line > 0 {
		if p.refresh, err = written.Refresh.duration("refresh"); err != nil {
			return nil, err
		}
		if p.refresh < minRefresh || p.refresh > maxRefresh {
			return nil, lineError{written.Refresh.line, fmt.Errorf("refresh is %s; it must be from %s to %s (10m is usual)", p.refresh, minRefresh, hours(maxRefresh))}
		}
	}
	if p.include, err = regexp.Compile(written.Include.text); err != nil {
		var invalid *syntax.Error
		reason := "no regular expression"
		if errors.As(err, &invalid) {
			reason += ": " + invalid.Code.String()
		}
		return nil, lineError{written.Include.line, fmt.Errorf("include is %s; \"^11\" has the ids that begin with 11", reason)}
	}
	p.token, err = s.token(written.tokenNode, "partner", line, log.With(logger, "of", "partner"))
	return p, err
}

// URL is the API host that lists the instances, and that of each of them.
func (p *PartnerDiscovery) URL() *url.URL { return p.url }

// Token is the source of the partner's token.
func (p *PartnerDiscovery) Token() greenapi.TokenSource { return p.token }

// Refresh is how long after a call of the list the next begins.
func (p *PartnerDiscovery) Refresh() time.Duration { return p.refresh }

// Timeout is the longest that such a call may take.
func (p *PartnerDiscovery) Timeout() time.Duration { return p.timeout }

// SameSource reports whether both ask the same host with the same token, and as often and patiently.
func (p *PartnerDiscovery) SameSource(q *PartnerDiscovery) bool {
	return p != nil && q != nil && p.url.String() == q.url.String() && p.refresh == q.refresh && p.timeout == q.timeout &&
		p.token.Token().Equal(q.token.Token())
}

// Instances are those of the list that are to be watched, in the order of their ids, beside and in place of those that
// the file lists: of an instance that it lists, only the end of the subscription is taken. Those that are deleted or have
// expired, that have no token, or whose id include leaves out are not among them.
func (p *PartnerDiscovery) Instances(listed []greenapi.PartnerInstance, file []Instance) []Instance {
	all := slices.Clone(file)
	own := make(map[string]int)
	for n, i := range file {
		own[i.ID()] = n
	}
	var further []Instance
	for _, l := range listed {
		if n, ok := own[l.ID]; ok {
			all[n] = all[n].Expiring(l.Expires)
			continue
		}
		if l.Deleted || l.Expired || l.Token.Equal(greenapi.Token{}) || checkID(l.ID) != nil || !p.include.MatchString(l.ID) {
			continue
		}
		further = append(further, Instance{id: l.ID, token: l.Token, expires: l.Expires, Settings: p.Settings})
	}
	slices.SortFunc(further, func(a, b Instance) int {
		return cmp.Or(cmp.Compare(len(a.id), len(b.id)), cmp.Compare(a.id, b.id))
	})
	return append(all, further...)
}
