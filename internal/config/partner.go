package config

import (
	"cmp"
	"errors"
	"net/url"
	"regexp"
	"regexp/syntax"
	"slices"
	"time"

	"github.com/go-kit/log"
	"go.yaml.in/yaml/v3"

	"greenapi_exporter/internal/greenapi"
)

const (
	defaultRefresh = 10 * time.Minute
	minRefresh     = time.Second // the API allows one call a second
	maxRefresh     = 24 * time.Hour
)

// PartnerDiscovery specifies how to discover instances with the Partner API. It is immutable.
type PartnerDiscovery struct {
	token   greenapi.TokenSource
	refresh time.Duration
	include *regexp.Regexp
	validSettings
}

// partnerSpec mirrors the section partner of the file.
type partnerSpec struct {
	tokenSpec
	URL     string        `yaml:"url"`
	Refresh time.Duration `yaml:"refresh"`
	Include string        `yaml:"include"`
}

func (l *loader) partner(
	node *yaml.Node, at section, settings Settings,
) (*PartnerDiscovery, error) {
	spec := partnerSpec{URL: settings.URL, Refresh: defaultRefresh}
	if err := at.decode(node, &spec); err != nil {
		return nil, err
	}
	settings.URL = spec.URL
	valid, err := settings.validate(at)
	if err != nil {
		return nil, err
	}
	if spec.Refresh < minRefresh || spec.Refresh > maxRefresh {
		return nil, at.errorf("refresh", "refresh is %s; it must be from %s to %s (10m is usual)",
			formatDuration(spec.Refresh), minRefresh, formatDuration(maxRefresh))
	}
	include, err := regexp.Compile(spec.Include)
	if err != nil {
		reason := "" // without the expression, which could be a misplaced token
		if invalid := new(syntax.Error); errors.As(err, &invalid) {
			reason = ": " + invalid.Code.String()
		}
		return nil, at.errorf("include", "include is not a regular expression%s; "+
			"\"^11\" matches the ids that begin with 11", reason)
	}
	token, err := l.openToken(spec.tokenSpec, at, "partner", log.With(l.logger, "of", "partner"))
	return &PartnerDiscovery{token, spec.Refresh, include, valid}, err
}

// URL returns the host of the Partner API and of the discovered instances.
func (p *PartnerDiscovery) URL() *url.URL { return p.url }

// Token returns the source of the partner's token.
func (p *PartnerDiscovery) Token() greenapi.TokenSource { return p.token }

// Refresh returns the time between the starts of two calls.
func (p *PartnerDiscovery) Refresh() time.Duration { return p.refresh }

// Timeout returns the maximum duration of a call.
func (p *PartnerDiscovery) Timeout() time.Duration { return p.settings.Timeout }

// SameSource reports whether p and q call the same host with the same token, refresh and timeout.
// Either may be nil.
func (p *PartnerDiscovery) SameSource(q *PartnerDiscovery) bool {
	return p != nil && q != nil && p.url.String() == q.url.String() && p.refresh == q.refresh &&
		p.Timeout() == q.Timeout() && p.token.Token().Equal(q.token.Token())
}

// Instances returns the instances of the file, and then those that the Partner API has listed, in
// the order of their ids. If the file has a listed instance, only the expiry comes from the list.
// The second result is the listed instances that are not watched, with an element for each reason.
func (p *PartnerDiscovery) Instances(
	list greenapi.PartnerList, file []Instance,
) ([]Instance, []Unwatched) {
	all := slices.Clone(file)
	index := make(map[string]int)
	for n, i := range file {
		index[i.id] = n
	}
	unwatched := make(map[Reason][]string)
	for _, l := range list.Instances {
		if n, inFile := index[l.ID]; inFile {
			all[n] = all[n].WithExpiry(l.Expires)
		} else if reason := p.rejects(l); reason != "" {
			unwatched[reason] = append(unwatched[reason], l.ID)
		} else {
			all = append(all, Instance{l.ID, l.Token, nil, l.Expires, p.validSettings})
		}
	}
	slices.SortFunc(all[len(file):], func(a, b Instance) int { return compareIDs(a.id, b.id) })
	return all, newUnwatched(unwatched, list.BadIDs)
}

// rejects returns why the instance is not watched, or "".
func (p *PartnerDiscovery) rejects(l greenapi.PartnerInstance) Reason {
	switch {
	case !p.include.MatchString(l.ID):
		return Excluded
	case l.Deleted:
		return Deleted
	case l.Expired:
		return Expired
	case l.Token.Equal(greenapi.Token{}):
		return NoToken
	default:
		return ""
	}
}

// compareIDs orders ids by their numbers.
func compareIDs(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}
